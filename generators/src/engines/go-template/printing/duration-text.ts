const SECOND = 1_000_000_000n

/** As Go's `Duration.String`: `1h2m3.5s`, `1.5ms`, `0s`. */
export function durationText(nanoseconds: bigint): string {
  if (nanoseconds === 0n) return '0s'
  const negative = nanoseconds < 0n
  const size = negative ? -nanoseconds : nanoseconds
  return (negative ? '-' : '') + (size < SECOND ? belowSecond(size) : fromSecond(size))
}

function belowSecond(size: bigint): string {
  if (size < 1000n) return `${size}ns`
  if (size < 1_000_000n) return `${withFraction(size, 1000n, 3)}µs`
  return `${withFraction(size, 1_000_000n, 6)}ms`
}

function fromSecond(size: bigint): string {
  const minutes = size / (60n * SECOND)
  const seconds = `${withFraction(size % (60n * SECOND), SECOND, 9)}s`
  if (minutes === 0n) return seconds
  const hours = minutes / 60n
  return hours === 0n ? `${minutes}m${seconds}` : `${hours}h${minutes % 60n}m${seconds}`
}

function withFraction(size: bigint, unit: bigint, places: number): string {
  const fraction = (size % unit).toString().padStart(places, '0').replace(/0+$/, '')
  return fraction === '' ? `${size / unit}` : `${size / unit}.${fraction}`
}
