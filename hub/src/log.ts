import type { Clock } from '@flotilla/core/ports/clock'
import type { Log } from '@flotilla/core/ports/log'
import { isoTime } from '@flotilla/core/time/epoch-ms'
import { type DestinationStream, type Logger, pino } from 'pino'
import { loggableFields } from './loggable-fields.ts'

export const LOG_LEVELS = ['debug', 'info', 'warn', 'error'] as const
export type LogLevel = (typeof LOG_LEVELS)[number]

export interface LogOptions {
  readonly level: LogLevel
  readonly clock: Clock
  /** Where lines go; standard output without it. */
  readonly destination?: DestinationStream
}

/** The Log port as JSON lines. No secret gets into a line, whoever hands it over: see {@link loggableFields}. */
export function createLog(options: LogOptions): Log {
  const settings = {
    level: options.level,
    base: null,
    timestamp: () => `,"time":"${isoTime(options.clock.now())}"`,
    formatters: { level: (label: string) => ({ level: label }) },
    messageKey: 'message',
  }
  return over(options.destination === undefined ? pino(settings) : pino(settings, options.destination))
}

function over(logger: Logger): Log {
  const write =
    (level: LogLevel): Log[LogLevel] =>
    (message, fields) => {
      if (!logger.isLevelEnabled(level)) return
      if (fields === undefined) logger[level](message)
      else logger[level](loggableFields(fields), message)
    }
  return {
    debug: write('debug'),
    info: write('info'),
    warn: write('warn'),
    error: write('error'),
    child: fields => over(logger.child(loggableFields(fields))),
  }
}
