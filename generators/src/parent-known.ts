import type { TemplateEngine } from './engines/engine.ts'
import { overlayShared } from './generators/combine.ts'
import type { GeneratorContext } from './generators/generator.ts'
import type { Parameters } from './inputs.ts'

/**
 * A context in which a generator's `values` may refer to the generators before it in its matrix as well as to its own
 * parameters. What refers to those before it alone is resolved already (applicationsets.md 4.3), so only a text that
 * mixes both comes here: Argo CD loses the first half of it.
 */
export function withParentKnown(context: GeneratorContext): GeneratorContext {
  const { parent, engine } = context
  if (parent === undefined) return context
  const { typed } = engine
  // In the flat shape each tag is resolved by itself, so only expressions are left over.
  if (engine.shape === 'flat' && typed === undefined) return context
  const around: TemplateEngine = {
    name: engine.name,
    shape: engine.shape,
    ...(typed && {
      typed: text => {
        const render = typed(text)
        return render && ((own, meter) => render(known(own, parent, engine), meter))
      },
    }),
    preResolve: (template, parameters, meter) => engine.preResolve(template, parameters, meter),
    compile: template => {
      const compiled = engine.compile(template)
      if (typeof compiled === 'string') return compiled
      return engine.shape === 'flat' ? compiled : (own, meter) => compiled(known(own, parent, engine), meter)
    },
  }
  return { ...context, engine: around }
}

/** What stands before a generator counts before its own, as in the first pass. */
export function known(own: Parameters, parent: Parameters, { shape }: TemplateEngine): Parameters {
  return shape === 'flat' ? { ...own, ...parent } : overlayShared(own, parent)
}
