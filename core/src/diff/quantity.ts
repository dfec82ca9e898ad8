import type { Json } from '../json/json.ts'

const QUANTITY = /^([+-]?)(\d+)(?:\.(\d*))?(?:([eE][+-]?\d{1,3})|(Ki|Mi|Gi|Ti|Pi|Ei|[numkMGTPE]))?$/
const DECIMAL: { readonly [suffix: string]: number } = { n: -9, u: -6, m: -3, k: 3, M: 6, G: 9, T: 12, P: 15, E: 18 }
const BINARY: { readonly [suffix: string]: bigint } = { Ki: 10n, Mi: 20n, Gi: 30n, Ti: 40n, Pi: 50n, Ei: 60n }
/** The finest unit there is is nano; anything finer rounds up. */
const NANO = 9
const LONGEST = 64

/**
 * Whether two values are the same Kubernetes quantity: `1000m`, `1` and `1e0`; `1024Mi` and `1Gi`. False when one of
 * them is none.
 */
export function equalQuantities(a: Json, b: Json): boolean {
  const left = inNano(a)
  return left !== undefined && left === inNano(b)
}

function inNano(value: Json): bigint | undefined {
  const text =
    typeof value === 'string' ? value : typeof value === 'number' || typeof value === 'bigint' ? `${value}` : ''
  if (text.length > LONGEST) return undefined
  const match = QUANTITY.exec(text)
  if (!match) return undefined
  const [, sign = '', whole = '', part = '', exponent, suffix = ''] = match
  const digits = BigInt(whole + part) << (BINARY[suffix] ?? 0n)
  const scale = NANO - part.length + (exponent ? Number(exponent.slice(1)) : (DECIMAL[suffix] ?? 0))
  const nano = scale >= 0 ? digits * 10n ** BigInt(scale) : dividedUp(digits, 10n ** BigInt(-scale))
  return sign === '-' ? -nano : nano
}

function dividedUp(value: bigint, by: bigint): bigint {
  return value % by === 0n ? value / by : value / by + 1n
}
