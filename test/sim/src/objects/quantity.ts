/** Quantities as the API server writes them back: `0.5` → `500m`, `1024Mi` → `1Gi`, `1000m` → `1`. */

const DECIMAL = ['n', 'u', 'm', '', 'k', 'M', 'G', 'T', 'P', 'E'] as const
const BINARY = ['', 'Ki', 'Mi', 'Gi', 'Ti', 'Pi', 'Ei'] as const
const FORM = /^([+-]?)(\d+(?:\.\d*)?|\.\d+)(?:([numkMGTPE]|[KMGTPE]i)|[eE]([+-]?\d{1,2}))?$/

interface Parsed {
  /** In units of 10^-9. */
  readonly nano: bigint
  readonly form: 'decimal' | 'binary' | 'exponent'
}

/** undefined for a text that is no quantity. */
export function parseQuantity(text: string): Parsed | undefined {
  const match = FORM.exec(text)
  if (!match) return undefined
  const [, sign, digits, suffix = '', exponent] = match
  const [whole = '', fraction = ''] = digits!.split('.')
  const binary = suffix.endsWith('i')
  const power = exponent !== undefined ? Number(exponent) : binary ? 0 : (DECIMAL.indexOf(suffix as 'm') - 3) * 3
  let value = BigInt(`${whole || '0'}${fraction}`)
  if (binary) value *= 1024n ** BigInt(BINARY.indexOf(suffix as 'Ki'))
  const shift = 9 + power - fraction.length
  // Rounded up, away from zero, as the smallest unit that is kept is 10^-9.
  const nano = shift >= 0 ? value * 10n ** BigInt(shift) : (value + 10n ** BigInt(-shift) - 1n) / 10n ** BigInt(-shift)
  return {
    nano: sign === '-' ? -nano : nano,
    form: exponent !== undefined ? 'exponent' : binary ? 'binary' : 'decimal',
  }
}

/** The canonical text; undefined for a text that is no quantity. */
export function canonicalQuantity(text: string): string | undefined {
  const parsed = parseQuantity(text)
  if (!parsed) return undefined
  const { nano, form } = parsed
  if (nano === 0n) return '0'
  const negative = nano < 0n
  const size = negative ? -nano : nano
  const whole = size / 1_000_000_000n
  const sign = negative ? '-' : ''
  if (form === 'binary' && whole >= 1024n && size % 1_000_000_000n === 0n) return sign + binaryText(whole)
  let mantissa = size
  let index = 0
  while (index < DECIMAL.length - 1 && mantissa % 1000n === 0n) {
    mantissa /= 1000n
    index++
  }
  if (form !== 'exponent') return `${sign}${mantissa}${DECIMAL[index]}`
  const power = (index - 3) * 3
  return power === 0 ? `${sign}${mantissa}` : `${sign}${mantissa}e${power}`
}

function binaryText(whole: bigint): string {
  let mantissa = whole
  let index = 0
  while (index < BINARY.length - 1 && mantissa % 1024n === 0n) {
    mantissa /= 1024n
    index++
  }
  return `${mantissa}${BINARY[index]}`
}
