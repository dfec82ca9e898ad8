/** A positive number as `0.digits × 10^point`; no digits is zero. Digits neither begin nor end with 0. */
export interface Decimal {
  readonly digits: string
  readonly point: number
}

const ZERO: Decimal = { digits: '', point: 0 }

/** The fewest digits that read back as the same number. */
export function shortestDecimal(value: number): Decimal {
  if (value === 0) return ZERO
  const [mantissa, exponent] = value.toExponential().split('e') as [string, string]
  return { digits: mantissa.replace('.', ''), point: Number(exponent) + 1 }
}

/** All digits of the double: halves are only recognised with every one of them. */
export function exactDecimal(value: number): Decimal {
  if (value === 0) return ZERO
  const { mantissa, exponent } = binaryParts(value)
  const scale = exponent < 0 ? -exponent : 0
  const all = (exponent < 0 ? mantissa * 5n ** BigInt(scale) : mantissa << BigInt(exponent)).toString()
  return { digits: withoutTrailingZeros(all), point: all.length - scale }
}

/** `mantissa × 2^exponent`, with the 53 bits of a double. */
export function binaryParts(value: number): { readonly mantissa: bigint; readonly exponent: number } {
  const view = new DataView(new ArrayBuffer(8))
  view.setFloat64(0, value)
  const bits = view.getBigUint64(0)
  const fraction = bits & 0xfffffffffffffn
  const biased = Number((bits >> 52n) & 0x7ffn)
  return biased === 0
    ? { mantissa: fraction, exponent: -1074 }
    : { mantissa: fraction | 0x10000000000000n, exponent: biased - 1075 }
}

/** The first `count` digits, rounded; an exact half goes to the even digit, as Go does and `toFixed` does not. */
export function roundDecimal({ digits, point }: Decimal, count: number): Decimal {
  if (count >= digits.length) return { digits, point }
  if (count < 0) return ZERO
  const kept = digits.slice(0, count)
  if (!roundsUp(digits, count)) return trimmed(kept, point)
  let at = count - 1
  while (at >= 0 && kept[at] === '9') at--
  if (at < 0) return { digits: '1', point: point + 1 }
  return { digits: kept.slice(0, at) + String(Number(kept[at]) + 1), point }
}

function roundsUp(digits: string, count: number): boolean {
  if (digits[count] === '5' && digits.length === count + 1) return count > 0 && Number(digits[count - 1]) % 2 === 1
  return digits[count]! >= '5'
}

function trimmed(digits: string, point: number): Decimal {
  const kept = withoutTrailingZeros(digits)
  return kept === '' ? ZERO : { digits: kept, point }
}

function withoutTrailingZeros(digits: string): string {
  let end = digits.length
  while (end > 0 && digits[end - 1] === '0') end--
  return digits.slice(0, end)
}
