/** What a plain scalar means, or why JSON cannot hold it. */
export type ScalarValue = null | boolean | number | bigint | string

const WORDS: ReadonlyMap<string, null | boolean> = new Map<string, null | boolean>([
  ...['', '~', 'null', 'Null', 'NULL'].map(word => [word, null] as const),
  ...['y', 'Y', 'yes', 'Yes', 'YES', 'true', 'True', 'TRUE', 'on', 'On', 'ON'].map(word => [word, true] as const),
  ...['n', 'N', 'no', 'No', 'NO', 'false', 'False', 'FALSE', 'off', 'Off', 'OFF'].map(word => [word, false] as const),
])

const NOT_FINITE = /^(?:[-+]?\.(?:inf|Inf|INF)|\.(?:nan|NaN|NAN))$/
const DECIMAL = /^[-+]?(?:0|[1-9][0-9]*)$/
const OCTAL = /^([-+]?)0[oO]?([0-7]+)$/
const HEXADECIMAL = /^([-+]?)0[xX]([0-9a-fA-F]+)$/
const BINARY = /^([-+]?)0[bB]([01]+)$/
const FLOAT = /^[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?$/

/**
 * Reads a plain (unquoted, untagged) scalar as Kubernetes' own YAML library does: YAML 1.1 booleans, `010` octal,
 * `1_000` a number, dates and `12:30:45` text. An integer that a double cannot hold is a `bigint`.
 *
 * The infinities and not-a-number come back as such numbers; the caller refuses them, JSON having no form for them.
 *
 * @example
 * resolvePlainScalar('on') // => true
 * @example
 * resolvePlainScalar('010') // => 8
 */
export function resolvePlainScalar(text: string): ScalarValue {
  const word = WORDS.get(text)
  if (word !== undefined) return word
  const first = text.charCodeAt(0)
  const numeric = (first >= 48 && first <= 57) || first === 43 || first === 45 || first === 46
  return numeric ? (resolveNumber(text) ?? text) : text
}

/** The number that `text` spells, or undefined. */
export function resolveNumber(text: string): number | bigint | undefined {
  if (NOT_FINITE.test(text)) {
    if (/n/.test(text.toLowerCase().slice(1, 2)) && !/inf/i.test(text)) return Number.NaN
    return text.startsWith('-') ? Number.NEGATIVE_INFINITY : Number.POSITIVE_INFINITY
  }
  // A leading point makes a float at once, and there underscores are not part of a number.
  const plain = text.startsWith('.') ? text : text.replaceAll('_', '')
  return resolveInteger(plain) ?? (FLOAT.test(plain) ? finite(Number.parseFloat(plain)) : undefined)
}

export function resolveInteger(text: string): number | bigint | undefined {
  if (DECIMAL.test(text)) return exact(text.startsWith('-') ? '-' : '', '', text.replace(/^[-+]/, ''))
  for (const [pattern, prefix] of [
    [OCTAL, '0o'],
    [HEXADECIMAL, '0x'],
    [BINARY, '0b'],
  ] as const) {
    const match = pattern.exec(text)
    if (match !== null) return exact(match[1]!, prefix, match[2]!)
  }
  return undefined
}

export function resolveBoolean(text: string): boolean | undefined {
  const word = WORDS.get(text)
  return typeof word === 'boolean' ? word : undefined
}

function exact(sign: string, prefix: string, digits: string): number | bigint {
  const magnitude = Number(prefix + digits)
  if (Number.isSafeInteger(magnitude)) return sign === '-' && magnitude !== 0 ? -magnitude : magnitude
  const large = BigInt(prefix + digits)
  return sign === '-' ? -large : large
}

/** Text of a number too large for a double stays text, as Go's parser refuses it. */
function finite(value: number): number | undefined {
  return Number.isFinite(value) ? value : undefined
}
