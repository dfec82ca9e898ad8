import { TemplateError } from '../../failure.ts'
import type { NumberNotation } from '../../go-text.ts'
import type { EngineEnvironment } from '../../inputs.ts'
import type { CompiledText, TemplateEngine } from '../engine.ts'
import { compileTemplate } from './compile-template.ts'
import type { RenderSettings } from './evaluate/execution.ts'
import { GO_TEMPLATE_LIMITS } from './limits.ts'
import { readOptions } from './options.ts'
import { templateDataReader } from './template-data.ts'

/** What Go says of a reference that other parameters may still resolve. */
const UNRESOLVED = /map has no entry for key|can't evaluate field/

export interface GoTemplateParts {
  /** `goTemplateOptions` of the set. */
  readonly options?: readonly string[]
  readonly environment?: EngineEnvironment | undefined
  /** How floats without a fraction print: Go's way for Argo CD's documents. */
  readonly numbers?: NumberNotation
}

/**
 * The engine of `goTemplate: true`: Go's text/template with sprig (applicationsets.md 3.2). Texts are compiled once.
 *
 * @throws TemplateError `TEMPLATE_OPTION_UNKNOWN`
 */
export function createGoTemplate({ options = [], environment, numbers = 'go' }: GoTemplateParts): TemplateEngine {
  const settings: RenderSettings = { missingKey: readOptions(options), numbers, environment }
  const compile = cachedCompiler(settings)
  const compileStrict = settings.missingKey === 'error' ? compile : cachedCompiler({ ...settings, missingKey: 'error' })
  return {
    name: 'goTemplate',
    shape: 'nested',
    compile,
    preResolve: (template, parameters, meter) => {
      const compiled = compileStrict(template)
      if (typeof compiled === 'string') return compiled
      try {
        return compiled(parameters, meter)
      } catch (error) {
        if (error instanceof TemplateError && UNRESOLVED.test(error.message)) return undefined
        throw error
      }
    },
  }
}

function cachedCompiler(settings: RenderSettings): (template: string) => CompiledText {
  const cache = new Map<string, CompiledText>()
  const readData = templateDataReader(settings.numbers)
  return template => {
    if (!template.includes('{{')) return template
    const known = cache.get(template)
    if (known !== undefined) return known
    if (cache.size >= GO_TEMPLATE_LIMITS.cachedTexts) cache.clear()
    const compiled = compileTemplate(template, settings, readData)
    cache.set(template, compiled)
    return compiled
  }
}
