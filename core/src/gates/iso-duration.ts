import { DAY_MS, HOUR_MS, MINUTE_MS } from './civil-time.ts'

/** Days count as clocks show them (a day of a change has 23 or 25 hours), the rest counts exactly. */
export interface IsoDuration {
  readonly days: number
  readonly exactMs: number
}

/** `P2DT14H`, `P1W`, `PT90M`; undefined for anything else, for nothing, and for more than ten years. */
export function parseIsoDuration(text: string): IsoDuration | undefined {
  const found = /^P(?:(\d{1,4})W)?(?:(\d{1,4})D)?(?:T(?=\d)(?:(\d{1,6})H)?(?:(\d{1,6})M)?(?:(\d{1,8})S)?)?$/.exec(text)
  if (found === null) return undefined
  const [weeks, days, hours, minutes, seconds] = found.slice(1).map(part => Number(part ?? 0))
  const duration = { days: weeks! * 7 + days!, exactMs: hours! * HOUR_MS + minutes! * MINUTE_MS + seconds! * 1000 }
  const total = duration.days * DAY_MS + duration.exactMs
  return total > 0 && total <= 3660 * DAY_MS ? duration : undefined
}
