import { getKey } from '@flotilla/core/json/json'
import { TemplateError } from '../../../failure.ts'
import { compareUtf8, type NumberNotation } from '../../../go-text.ts'
import { LIMITS } from '../../../limits.ts'
import { textOfBytes } from '../functions/go-bytes.ts'
import { GoBytes, GoInteger, type GoMap, GoStruct, GoTime, type GoValue, goTypeOf, isGoList } from '../go-value.ts'
import { timeText } from '../time/format-time.ts'
import { durationText } from './duration-text.ts'
import { type FormatFlags, NO_FLAGS, pad } from './format-flags.ts'
import { formatFloat } from './format-float.ts'
import { formatInteger } from './format-integer.ts'
import { canBackquote, quoteText } from './quote.ts'

/** Containers inside one another that are printed: a template can put a map into itself. */
const MAX_DEPTH = 200
const TEXT_VERBS = 'vsxXq'

/** How one value is printed: the verb with its flags, and how floats without a fraction look. */
export interface PrintStyle {
  readonly verb: string
  readonly flags: FormatFlags
  readonly numbers: NumberNotation
  readonly budget: PrintBudget
}

/** Counts characters down: a small value that holds itself many times over prints to a large text. */
export interface PrintBudget {
  remaining: number
}

/** `%v`, with a budget of its own. */
export function plainStyle(numbers: NumberNotation = 'go'): PrintStyle {
  return { verb: 'v', flags: NO_FLAGS, numbers, budget: printBudget() }
}

export function printBudget(): PrintBudget {
  return { remaining: LIMITS.renderedText }
}

/** A limit that printing met, which does not know its place: whoever runs the template adds it. */
export class PrintLimit extends TemplateError {}

export function spendPrinted(budget: PrintBudget, characters: number): void {
  budget.remaining -= characters
  if (budget.remaining >= 0) return
  throw new PrintLimit('OUTPUT_TOO_LARGE', `a printed value has more than ${LIMITS.renderedText} characters`)
}

/** One argument of Printf. */
export function printArgument(value: GoValue, style: PrintStyle): string {
  if (value === undefined || value === null) {
    return style.verb === 'v' || style.verb === 'T' ? pad('<nil>', style.flags) : `%!${style.verb}(<nil>)`
  }
  if (style.verb === 'T') return formatText(goTypeOf(value), 's', style.flags)!
  return printNested(value, style, 0)
}

function printNested(value: GoValue, style: PrintStyle, depth: number): string {
  if (value === undefined || value === null) return style.flags.source ? 'interface {}(nil)' : '<nil>'
  const scalar = printScalar(value, style)
  spendPrinted(style.budget, (scalar?.length ?? 0) + 2)
  return scalar ?? printContainer(value, style, depth)
}

/** Undefined for lists and maps. */
function printScalar(value: NonNullable<GoValue>, style: PrintStyle): string | undefined {
  const { verb, flags } = style
  switch (typeof value) {
    case 'string':
      return formatText(value, verb, flags) ?? badVerb(value, style)
    case 'boolean':
      return verb === 'v' || verb === 't' ? pad(String(value), flags) : badVerb(value, style)
    case 'bigint':
    case 'number':
      return printNumber(Number(value), style)
  }
  if (value instanceof GoInteger) return printInteger(value, style)
  if (value instanceof GoBytes) return printBytes(value, style)
  if (value instanceof GoTime) return formatText(timeText(value), verb, flags) ?? badVerb(value, style)
  if (value instanceof GoStruct) return formatText(value.text, verb, flags) ?? badVerb(value, style)
  return undefined
}

function printNumber(value: number, style: PrintStyle): string {
  if (style.numbers === 'plain' && style.verb === 'v' && Number.isSafeInteger(value)) {
    return formatInteger(BigInt(value), false, 'd', style.flags)!
  }
  return formatFloat(value, style.verb, style.flags) ?? badVerb(value, style)
}

function printInteger(value: GoInteger, style: PrintStyle): string {
  const { verb, flags } = style
  if (value.type === 'time.Duration' && !flags.source && TEXT_VERBS.includes(verb)) {
    return formatText(durationText(value.value), verb, flags)!
  }
  const unsigned = value.type.startsWith('uint')
  const whole = unsigned ? BigInt.asUintN(64, value.value) : value.value
  return formatInteger(whole, unsigned, verb, flags) ?? badVerb(value, style)
}

function printBytes({ bytes }: GoBytes, style: PrintStyle): string {
  const { verb, flags } = style
  if (verb === 'x' || verb === 'X') return hexadecimal(bytes, verb, flags)
  if (verb === 's' || verb === 'q') return formatText(textOfBytes(bytes), verb, flags)!
  const items = [...bytes].map(byte => printInteger(new GoInteger(byte, 'uint8'), style))
  return flags.source ? `[]byte{${items.join(', ')}}` : `[${items.join(' ')}]`
}

function printContainer(value: NonNullable<GoValue>, style: PrintStyle, depth: number): string {
  if (depth > MAX_DEPTH) throw new PrintLimit('TEMPLATE_TOO_COMPLEX', 'a printed value is nested too deep')
  // Go prints an address for `%p`; there is none here.
  if (style.verb === 'w' || style.verb === 'p') return badVerb(value, style)
  const { source } = style.flags
  const separator = source ? ', ' : ' '
  const prefix = source ? `${goTypeOf(value)}{` : '['
  const suffix = source ? '}' : ']'
  if (isGoList(value)) {
    return prefix + value.map(item => printNested(item, style, depth + 1)).join(separator) + suffix
  }
  const map = value as GoMap
  const entries = Object.keys(map)
    .sort(compareUtf8)
    .map(key => `${printNested(key, style, depth + 1)}:${printNested(readKey(map, key), style, depth + 1)}`)
  return (source ? '' : 'map') + prefix + entries.join(separator) + suffix
}

function readKey(map: GoMap, key: string): GoValue {
  return getKey(map as never, key) as GoValue
}

/** A text under a verb; undefined when the verb is not one for texts. */
function formatText(text: string, verb: string, flags: FormatFlags): string | undefined {
  switch (verb) {
    case 'v':
      return flags.source ? formatQuoted(text, flags) : pad(truncate(text, flags), flags)
    case 's':
      return pad(truncate(text, flags), flags)
    case 'q':
      return formatQuoted(text, flags)
    case 'x':
    case 'X':
      return hexadecimal(new TextEncoder().encode(text), verb, flags)
    default:
      return undefined
  }
}

function formatQuoted(text: string, flags: FormatFlags): string {
  const shown = truncate(text, flags)
  if (flags.sharp && canBackquote(shown)) return pad(`\`${shown}\``, flags)
  return pad(quoteText(shown, flags.plus), flags)
}

/** A precision counts code points. */
function truncate(text: string, { precision }: FormatFlags): string {
  if (precision === undefined || text.length <= precision) return text
  return [...text].slice(0, precision).join('')
}

/** A precision counts bytes; a space stands between them, `#` puts `0x` before. */
function hexadecimal(bytes: Uint8Array, verb: 'x' | 'X', flags: FormatFlags): string {
  const shown = flags.precision === undefined ? bytes : bytes.subarray(0, flags.precision)
  const prefix = flags.sharp ? (verb === 'X' ? '0X' : '0x') : ''
  let text = ''
  for (const [index, byte] of shown.entries()) {
    if (index === 0) text += prefix
    else if (flags.space) text += ` ${prefix}`
    const digits = byte.toString(16).padStart(2, '0')
    text += verb === 'X' ? digits.toUpperCase() : digits
  }
  return pad(text, flags)
}

function badVerb(value: NonNullable<GoValue>, style: PrintStyle): string {
  const shown = printNested(value, { ...style, verb: 'v', flags: { ...style.flags, source: false } }, 0)
  return `%!${style.verb}(${goTypeOf(value)}=${shown})`
}
