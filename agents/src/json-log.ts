import type { Clock } from '@flotilla/core/ports/clock'
import type { Log } from '@flotilla/core/ports/log'

export const LOG_LEVELS = ['debug', 'info', 'warn', 'error'] as const
export type LogLevel = (typeof LOG_LEVELS)[number]

/** One JSON object a line: time, level, message, and the fields. */
export function createJsonLog(
  write: (line: string) => void,
  clock: Clock,
  level: LogLevel,
  fields: Readonly<Record<string, unknown>> = {},
): Log {
  const log = (at: LogLevel) => (message: string, more?: Readonly<Record<string, unknown>>) => {
    if (LOG_LEVELS.indexOf(at) < LOG_LEVELS.indexOf(level)) return
    const time = new Date(clock.now()).toISOString()
    write(`${JSON.stringify({ time, level: at, message, ...fields, ...more }, plain)}\n`)
  }
  return {
    debug: log('debug'),
    info: log('info'),
    warn: log('warn'),
    error: log('error'),
    child: more => createJsonLog(write, clock, level, { ...fields, ...more }),
  }
}

/** Errors have no enumerable members, and JSON knows no big integers. */
function plain(_key: string, value: unknown): unknown {
  if (value instanceof Error) return value.message
  return typeof value === 'bigint' ? value.toString() : value
}
