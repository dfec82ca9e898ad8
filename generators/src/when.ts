import type { Json } from '@flotilla/core/json/json'
import type { OutputMeter } from './engines/engine.ts'
import { compileExpression } from './expressions/compile-expression.ts'
import { expressionSource } from './expressions/expression-source.ts'
import { TemplateError } from './failure.ts'
import type { Parameters } from './inputs.ts'

/** Whether a parameter set counts. @throws TemplateError `EXPRESSION_FAILED` */
export type Condition = (parameters: Parameters, meter: OutputMeter) => boolean

/**
 * Reads `when:` of a set or of a generator entry: an expression that gives true or false, or one of these itself.
 *
 * @returns undefined when there is none: every parameter set counts.
 * @throws TemplateError `EXPRESSION_INVALID`
 */
export function compileCondition(when: Json | undefined): Condition | undefined {
  if (when === undefined || when === null) return undefined
  if (typeof when === 'boolean') return () => when
  if (typeof when !== 'string') throw new TemplateError('EXPRESSION_INVALID', 'when is an expression in a text')
  const expression = compileExpression(expressionSource(when)?.trim() ?? when)
  return (parameters, meter) => {
    const value = expression.evaluate(parameters, meter)
    if (typeof value === 'boolean') return value
    const hint = 'compare it with something, or ask has(…)'
    throw new TemplateError('EXPRESSION_FAILED', `when must be true or false, and "${when}" is ${kindOf(value)}`, {
      hint,
    })
  }
}

function kindOf(value: Json): string {
  if (value === null) return 'null'
  if (Array.isArray(value)) return 'a list'
  if (typeof value === 'object') return 'a map'
  return typeof value === 'string' ? 'a text' : 'a number'
}
