import { usageError } from '../errors.ts'

/** What a flag that takes a whole number was given. @throws CliError 2 */
export function wholeNumber(flag: string, text: string, least: number, most: number): number {
  const value = /^\d{1,15}$/.test(text) ? Number(text) : Number.NaN
  if (value >= least && value <= most) return value
  throw usageError(`${flag} takes a whole number from ${least} to ${most}, not "${text}"`)
}
