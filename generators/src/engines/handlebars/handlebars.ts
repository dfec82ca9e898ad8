import { TemplateError } from '../../failure.ts'
import type { CompiledText, OutputMeter, RenderText, TemplateEngine } from '../engine.ts'
import { compileProgram, constantText } from './compile-program.ts'
import { HANDLEBARS_LIMITS } from './limits.ts'
import { parseTemplate } from './parse-template.ts'
import { Run } from './run.ts'

/**
 * Handlebars for sets of our own API group: its grammar, a fixed list of helpers, and nothing that is missing goes
 * unseen (docs/handlebars.md).
 */
export const handlebars: TemplateEngine = {
  name: 'handlebars',
  shape: 'nested',
  compile: compileHandlebars,
  preResolve: (template, parameters, meter) => {
    const compiled = compileHandlebars(template)
    if (typeof compiled === 'string') return compiled
    try {
      return compiled(parameters, meter)
    } catch (error) {
      if (error instanceof TemplateError && error.code === 'PARAMETER_MISSING') return undefined
      throw error
    }
  },
}

const cache = new Map<string, CompiledText>()
let cachedCharacters = 0

/** @throws TemplateError */
export function compileHandlebars(template: string): CompiledText {
  if (typeof template === 'string' && !template.includes('{{')) return template
  const known = cache.get(template)
  if (known !== undefined) return known
  const program = parseTemplate(template)
  const compiled = constantText(program) ?? renderer(compileProgram(program, 0))
  remember(template, compiled)
  return compiled
}

/** What is full is emptied: a set uses few templates, and compiles each once whatever happens here. */
function remember(template: string, compiled: CompiledText): void {
  const { templates, characters } = HANDLEBARS_LIMITS.cached
  if (cache.size >= templates || cachedCharacters + template.length > characters) {
    cache.clear()
    cachedCharacters = 0
  }
  cache.set(template, compiled)
  cachedCharacters += template.length
}

function renderer(write: ReturnType<typeof compileProgram>): RenderText {
  return (parameters, meter: OutputMeter) => {
    const run = new Run(parameters, meter)
    write({ context: parameters, outer: undefined, data: undefined, names: undefined }, run)
    return run.output
  }
}
