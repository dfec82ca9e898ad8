const NANOSECONDS: { readonly [unit: string]: number } = {
  ns: 1,
  us: 1e3,
  µs: 1e3,
  μs: 1e3,
  ms: 1e6,
  s: 1e9,
  m: 60e9,
  h: 3600e9,
}

/**
 * `1h30m`, `45m`, `168h`, `1.5h`, `-5m`, `0` → milliseconds, as Go reads durations: no days. Undefined when it is none,
 * or longer than Go can hold (292 years).
 */
export function parseGoDuration(text: string): number | undefined {
  const found = /^([+-]?)(0|(?:(?:\d+\.?\d*|\.\d+)(?:ns|us|µs|μs|ms|s|m|h))+)$/.exec(text)
  if (found === null || text.length > 100) return undefined
  let total = 0
  for (const [, amount, unit] of found[2]!.matchAll(/(\d+\.?\d*|\.\d+)(ns|us|µs|μs|ms|s|m|h)/g)) {
    total += Number(amount) * NANOSECONDS[unit!]!
  }
  if (total > 2 ** 63) return undefined
  return (found[1] === '-' ? -total : total) / 1e6
}
