import type { Clock, Timer } from '@flotilla/core/ports/clock'
import type { Ticker } from './ticker.ts'

/** Ticks by a Clock: in a simulation, time moves when it is told to. */
export function clockTicker(clock: Clock, everyMs: number): Ticker {
  return {
    start: onTick => {
      let timer: Timer
      const arm = () => {
        timer = clock.setTimer(everyMs, () => {
          arm()
          onTick()
        })
      }
      arm()
      return { stop: () => timer.cancel() }
    },
  }
}
