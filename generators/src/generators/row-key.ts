import { canonicalJson } from '@flotilla/core/json/canonical-json'
import { getKey, isJsonObject, type Json } from '@flotilla/core/json/json'
import { compileExpression } from '../expressions/compile-expression.ts'
import { TemplateError } from '../failure.ts'
import type { Parameters } from '../inputs.ts'
import type { GeneratorContext } from './generator.ts'

/** Reads one value from a parameter set, to compare sets by; undefined when the set has none. */
export type KeyReader = (parameters: Parameters) => Json | undefined

/** Names joined by dots, with what labels may hold: `metadata.labels.app.kubernetes.io/name`. */
const PATH = /^[\w-][\w/-]*(?:\.[\w/-]+)*$/
const MOST_STEPS = 32

/**
 * Compiles what names a value of parameter sets: the name of a parameter, a path into one, or else an expression.
 *
 * A missing parameter or member, and null, is no value: two sets never are alike for both lacking it.
 *
 * @throws TemplateError `EXPRESSION_INVALID`; the reader throws `EXPRESSION_FAILED`.
 *
 * @example
 * keyReader('metadata.labels.region', context)({ metadata: { labels: { region: 'eu' } } }) // => 'eu'
 */
export function keyReader(text: string, { meter }: Pick<GeneratorContext, 'meter'>): KeyReader {
  if (PATH.test(text)) return parameters => valueAt(parameters, text) ?? undefined
  // A flat parameter such as "path[0]" is a name, though it reads like an expression.
  let compiled: ReturnType<typeof compileExpression> | TemplateError
  try {
    compiled = compileExpression(text)
  } catch (error) {
    if (!(error instanceof TemplateError)) throw error
    compiled = error
  }
  const expression = compiled
  if (expression instanceof TemplateError && !FLAT_NAME.test(text)) throw expression
  return parameters => {
    const own = getKey(parameters, text)
    if (own !== undefined) return own ?? undefined
    if (expression instanceof TemplateError) throw expression
    return expression.evaluateOptional(parameters, meter) ?? undefined
  }
}

const FLAT_NAME = /^[\w.-]+\[\d+\]$/

/** Several values as one text; undefined as soon as one of them is missing. @throws TemplateError */
export function rowKey(readers: readonly KeyReader[], parameters: Parameters): string | undefined {
  const values: Json[] = []
  for (const reader of readers) {
    const value = reader(parameters)
    if (value === undefined || value === null) return undefined
    values.push(value)
  }
  return canonicalJson(values)
}

/** The member at a dotted path; a key may itself hold dots, as keys of labels do. */
function valueAt(parameters: Parameters, path: string): Json | undefined {
  const whole = getKey(parameters, path)
  if (whole !== undefined) return whole
  const steps = path.split('.')
  return steps.length > MOST_STEPS ? undefined : memberAt(parameters, steps, { left: 1_000 })
}

function memberAt(value: Json | undefined, steps: readonly string[], work: { left: number }): Json | undefined {
  if (steps.length === 0) return value
  if (Array.isArray(value)) {
    const [first, ...rest] = steps
    return /^\d{1,9}$/.test(first!) ? memberAt(value[Number(first)] as Json | undefined, rest, work) : undefined
  }
  if (!isJsonObject(value)) return undefined
  for (let length = 1; length <= steps.length && work.left-- > 0; length++) {
    const member = getKey(value, steps.slice(0, length).join('.'))
    const found = member === undefined ? undefined : memberAt(member, steps.slice(length), work)
    if (found !== undefined) return found
  }
  return undefined
}
