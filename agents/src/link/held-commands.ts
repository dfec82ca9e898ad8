import { canonicalJson } from '@flotilla/core/json/canonical-json'
import { isJsonObject, type Json, type JsonObject } from '@flotilla/core/json/json'
import type { AgentState } from '@flotilla/core/ports/agent-state'
import type { Log } from '@flotilla/core/ports/log'
import { parseBoundedJsonBytes } from '@flotilla/core/protocol/bounded-json'
import type { CommandOutcome, CommandPayload } from '@flotilla/core/protocol/documents'
import type { CommandAnswer, CommandResult } from '@flotilla/core/protocol/frames'
import type { CommandMemory } from '@flotilla/core/protocol/may-run-command'
import type { DocumentContext } from '@flotilla/core/protocol/signed-document'
import { takeCommand } from '@flotilla/core/protocol/take-document'
import type { EpochMs } from '@flotilla/core/time/epoch-ms'

const PREFIX = 'commands/'
/** An id is remembered for so long after its command expired: the hub may repeat one that is on its way. */
const REMEMBERED_MS = 60 * 60_000
const OUTCOMES: readonly CommandOutcome[] = ['done', 'failed', 'refused', 'lapsed', 'unknown']

/** A command that waits, with what is remembered of its id. */
export interface HeldCommand {
  readonly command: CommandPayload
  readonly memory: CommandMemory
}

interface Kept {
  readonly expires: EpochMs
  readonly answer?: CommandAnswer
  readonly acknowledged?: boolean
}

/**
 * Commands and what became of them. The id is kept before anything is done, so that a command is done once whatever
 * crashes; an answer is kept until the hub has it, and the id until nobody can repeat the command any more.
 */
export class HeldCommands {
  readonly #state: AgentState
  readonly #log: Log
  /** As signed by the hub and not answered yet. The hub repeats them: they need not be kept. */
  readonly #waiting = new Map<string, CommandPayload>()
  readonly #kept = new Map<string, Kept>()
  /** Begun by this process: it will answer by itself. */
  readonly #ours = new Set<string>()

  constructor(state: AgentState, log: Log) {
    this.#state = state
    this.#log = log
  }

  async load(): Promise<void> {
    for (const key of await this.#state.list(PREFIX)) {
      const id = key.slice(PREFIX.length)
      if (this.#kept.has(id)) continue
      const kept = decodeKept(parseBoundedJsonBytes((await this.#state.get(key)) ?? new Uint8Array(), 64 * 1024))
      if (kept) this.#kept.set(id, kept)
      // Of our own writing, and unreadable: that it was begun is all that is known.
      else this.#kept.set(id, { expires: Number.MAX_SAFE_INTEGER })
    }
  }

  /** Takes commands as signed; true when any waits that did not before. */
  async take(commands: readonly string[], context: DocumentContext): Promise<boolean> {
    let news = false
    for (const jws of commands) {
      const taking = takeCommand(jws, context)
      if (taking.kind === 'refused') {
        this.#log.warn('a command was refused', { code: taking.code, why: taking.message })
        if (taking.id !== undefined && !this.#kept.has(taking.id)) {
          await this.answer({ id: taking.id, outcome: 'refused', message: taking.message }, Number.MAX_SAFE_INTEGER)
          news = true
        }
        continue
      }
      const { command } = taking
      const kept = this.#kept.get(command.id)
      if (kept?.acknowledged) {
        // The hub repeats what it had acknowledged, say after a restore: it is told again, and nothing is done.
        await this.#keep(command.id, { ...kept, acknowledged: false })
        news = true
      }
      if (kept?.answer || this.#waiting.has(command.id)) continue
      this.#waiting.set(command.id, command)
      news = true
    }
    return news
  }

  /** Those without an answer, in the order in which they were given; not those that this process is doing. */
  open(): readonly HeldCommand[] {
    return [...this.#waiting.values()]
      .filter(({ id }) => !this.#ours.has(id))
      .map(command => ({ command, memory: this.#memory(command.id) }))
      .sort((a, b) => a.command.iat - b.command.iat || (a.command.id < b.command.id ? -1 : 1))
  }

  /** Keeps the id; from here on it is never begun again. */
  async begin({ id, expires }: CommandPayload): Promise<void> {
    this.#ours.add(id)
    await this.#keep(id, { expires })
  }

  /** The first answer to a command stands. */
  async answer(answer: CommandAnswer, expires = this.#waiting.get(answer.id)?.expires ?? 0): Promise<void> {
    if (this.#kept.get(answer.id)?.answer) return
    await this.#keep(answer.id, { expires: this.#kept.get(answer.id)?.expires ?? expires, answer })
    this.#waiting.delete(answer.id)
    this.#ours.delete(answer.id)
  }

  /** What the hub has not acknowledged. */
  unacknowledged(): readonly CommandAnswer[] {
    const answers: CommandAnswer[] = []
    for (const { answer, acknowledged } of this.#kept.values()) if (answer && !acknowledged) answers.push(answer)
    return answers.slice(0, 1000)
  }

  async acknowledged(ids: readonly string[]): Promise<void> {
    for (const id of ids) {
      const kept = this.#kept.get(id)
      if (kept?.answer && !kept.acknowledged) await this.#keep(id, { ...kept, acknowledged: true })
    }
  }

  /** Forgets ids that nobody can repeat any more. */
  async sweep(now: EpochMs): Promise<void> {
    for (const [id, { expires, acknowledged }] of this.#kept) {
      if (!acknowledged || now < expires + REMEMBERED_MS) continue
      await this.#state.delete(PREFIX + id)
      this.#kept.delete(id)
    }
  }

  #memory(id: string): CommandMemory {
    const kept = this.#kept.get(id)
    return kept ? (kept.answer ? 'answered' : 'begun') : 'new'
  }

  async #keep(id: string, kept: Kept): Promise<void> {
    await this.#state.put(PREFIX + id, Buffer.from(canonicalJson(kept as unknown as Json)))
    this.#kept.set(id, kept)
  }
}

function decodeKept(value: Json | undefined): Kept | undefined {
  if (!isJsonObject(value)) return undefined
  const { expires, answer, acknowledged } = value
  if (typeof expires !== 'number') return undefined
  const read = isJsonObject(answer) ? decodeAnswer(answer) : undefined
  return { expires, ...(read && { answer: read }), ...(acknowledged === true && { acknowledged }) }
}

/** Of our own writing: read again as it was written. */
function decodeAnswer({ id, outcome, message, result }: JsonObject): CommandAnswer | undefined {
  const known = OUTCOMES.find(each => each === outcome)
  if (typeof id !== 'string' || known === undefined || typeof message !== 'string') return undefined
  return { id, outcome: known, message, ...(isJsonObject(result) && { result: result as CommandResult }) }
}
