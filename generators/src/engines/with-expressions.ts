import { compileExpression } from '../expressions/compile-expression.ts'
import { CLOSE, expressionSource, OPEN } from '../expressions/expression-source.ts'
import { TemplateError } from '../failure.ts'
import type { RenderTyped, TemplateEngine } from './engine.ts'

/**
 * The engine, and beside it expressions: a text that is `${{ … }}` as a whole becomes what the expression gives, with
 * its type. For sets of our own API group; under argoproj.io such a text is what Argo CD takes it for.
 */
export function withExpressions(engine: TemplateEngine): TemplateEngine {
  return {
    name: engine.name,
    shape: engine.shape,
    compile: text => {
      if (text.includes(OPEN)) throw misplaced(text)
      return engine.compile(text)
    },
    // Whether every name is known yet is not visible from outside: the generator evaluates it, with all of them.
    preResolve: (text, parameters, meter) =>
      text.includes(OPEN) ? undefined : engine.preResolve(text, parameters, meter),
    typed: typedText,
  }
}

function typedText(text: string): RenderTyped | undefined {
  const source = expressionSource(text)
  if (source === undefined) return undefined
  const expression = compileExpression(source.trim())
  return (parameters, meter) => expression.evaluateOptional(parameters, meter)
}

function misplaced(text: string): TemplateError {
  if (expressionSource(text) !== undefined) {
    const hint = 'expressions stand for values of the template and of "values", not for keys nor in templatePatch'
    return new TemplateError('EXPRESSION_INVALID', 'there can be no expression here', { hint })
  }
  const hint = `write the rest inside, as in ${OPEN} name + "-web" ${CLOSE}, or use the tags of the engine alone`
  return new TemplateError('EXPRESSION_INVALID', `an expression ${OPEN} … ${CLOSE} must be the whole text`, { hint })
}
