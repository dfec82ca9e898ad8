import { schedule } from 'node-cron'

/** What makes the hub look whether something is due. A simulation ticks by its own clock. */
export interface Ticker {
  /** Calls `onTick` again and again until stopped. */
  start(onTick: () => void): { stop(): void }
}

/** Ticks every five seconds: when a poll is really due is decided with the Clock port, so that a late tick is harmless. */
export function cronTicker(expression = '*/5 * * * * *'): Ticker {
  return {
    start: onTick => {
      const task = schedule(expression, onTick, { noOverlap: true, unref: true, suppressMissedWarning: true })
      return { stop: () => void task.destroy() }
    },
  }
}
