/** Nanoseconds of a unit. */
const UNITS: ReadonlyMap<string, bigint> = new Map([
  ['ns', 1n],
  ['us', 1_000n],
  ['µs', 1_000n],
  ['μs', 1_000n],
  ['ms', 1_000_000n],
  ['s', 1_000_000_000n],
  ['m', 60_000_000_000n],
  ['h', 3_600_000_000_000n],
])

const LIMIT = 2n ** 63n

/** Nanoseconds of `1h30m`, `-1.5h`, or Go's message for what is no duration. */
export function parseDuration(text: string): bigint | string {
  const invalid = `time: invalid duration ${quoteGo(text)}`
  const match = /^([+-]?)(.*)$/s.exec(text)!
  let rest = match[2]!
  if (rest === '0') return 0n
  if (rest === '') return invalid
  let total = 0n
  while (rest !== '') {
    const number = /^(\d*)(?:\.(\d*))?/.exec(rest)!
    const [written, whole = '', part = ''] = number
    if (whole === '' && part === '') return invalid
    if (whole.length > 4096 || BigInt(whole || '0') > LIMIT) return invalid
    rest = rest.slice(written.length)
    const unit = /^[^.\d]*/.exec(rest)![0]
    if (unit === '') return `time: missing unit in duration ${quoteGo(text)}`
    const size = UNITS.get(unit)
    if (size === undefined) return `time: unknown unit ${quoteGo(unit)} in duration ${quoteGo(text)}`
    rest = rest.slice(unit.length)
    const amount = BigInt(whole || '0')
    if (amount > LIMIT / size) return invalid
    const value = amount * size + fractionOf(part, size)
    total += value
    if (value > LIMIT || total > LIMIT) return invalid
  }
  if (match[1] === '-') return -total
  return total > LIMIT - 1n ? invalid : total
}

/** In floats, as Go counts it. */
function fractionOf(digits: string, unit: bigint): bigint {
  let fraction = 0n
  let scale = 1
  for (const digit of digits) {
    const next = fraction * 10n + BigInt(digit)
    if (fraction > (LIMIT - 1n) / 10n || next > LIMIT) break
    fraction = next
    scale *= 10
  }
  return fraction === 0n ? 0n : BigInt(Math.trunc(Number(fraction) * (Number(unit) / scale)))
}

/** As Go's package `time` quotes a text in a message: all beyond ASCII by its bytes. */
export function quoteGo(text: string): string {
  let result = '"'
  for (const character of text) {
    if (character === '"' || character === '\\') result += `\\${character}`
    else if (character >= ' ' && character <= '\u007f') result += character
    else result += hexBytes(character)
  }
  return `${result}"`
}

function hexBytes(character: string): string {
  return Array.from(new TextEncoder().encode(character), byte => `\\x${byte.toString(16).padStart(2, '0')}`).join('')
}
