import { createHash } from 'node:crypto'
import type { Clock } from '@flotilla/core/ports/clock'
import type { Log } from '@flotilla/core/ports/log'
import type { Laws } from './laws.ts'
import type { Life } from './mortal.ts'

/** What happened in a simulation, line by line with its virtual time: the same seed, the same lines. */
export class Trace {
  readonly lines: string[] = []
  readonly #clock: Clock

  constructor(clock: Clock) {
    this.#clock = clock
  }

  say(who: string, what: string): void {
    this.lines.push(`${timeText(this.#clock.monotonicMs())} ${who.padEnd(6)} ${what}`)
  }

  /** SHA-256 of all lines. */
  hash(): string {
    return createHash('sha256').update(this.lines.join('\n')).digest('hex')
  }

  /** The log of a process: lines from `info` upwards are lines of the trace. Errors that no outage explains break a law. */
  log(who: string, life: Life, laws: Laws): Log {
    const line = (level: string, message: string, fields?: Readonly<Record<string, unknown>>): void => {
      if (!life.alive) return
      const text = `${level} ${message}${fieldsText(fields)}`
      this.say(who, text)
      if (level !== 'ERROR' || OUTAGES.test(text) || (laws.clones > 0 && CLONES.test(text))) return
      laws.breach(`an error was logged: ${who}: ${text}`)
    }
    const log: Log = {
      debug: () => undefined,
      info: (message, fields) => line('info', message, fields),
      warn: (message, fields) => line('warn', message, fields),
      error: (message, fields) => line('ERROR', message, fields),
      child: () => log,
    }
    return log
  }
}

/** What hub and agents call an error while something that they need is away, or a person is needed: both are simulated. */
const OUTAGES = new RegExp(
  [
    'the agent is stopping|CLUSTER_UNREACHABLE|SERVER_ERROR|STORE_FULL|STATE_FULL|RATE_LIMITED|TIMEOUT|CONFLICT',
    'STORE_BEHIND|the hub refuses this agent: it was revoked',
    'the hub refused to admit this agent',
  ].join('|'),
)

const CLONES = new RegExp(
  [
    'two agents speak for one cluster|another agent speaks for this cluster too',
    // Copied before it had joined: the disk is there, and who copied it has no token for a second machine.
    'this agent was never admitted and has no join token',
  ].join('|'),
)

/** 754250 → `12:34.250`. */
function timeText(ms: number): string {
  const minutes = Math.floor(ms / 60_000)
  const seconds = ((ms % 60_000) / 1000).toFixed(3)
  return `${String(minutes).padStart(3, '0')}:${seconds.padStart(6, '0')}`
}

function fieldsText(fields: Readonly<Record<string, unknown>> = {}): string {
  return Object.entries(fields)
    .map(([name, value]) => ` ${name}=${value instanceof Error ? String(value) : JSON.stringify(value)}`)
    .join('')
}
