import { isJsonObject, type Json, type JsonObject, type MutableJsonObject, setKey } from '@flotilla/core/json/json'
import type { OutputMeter, TemplateEngine } from './engines/engine.ts'
import { TemplateError } from './failure.ts'
import type { GeneratorRegistry } from './generators/generator.ts'
import type { Parameters } from './inputs.ts'
import { compileValue } from './templating/compile-value.ts'
import type { ValueTemplates } from './values.ts'

/** Fills a generator entry with the parameters of the first child of its matrix. */
export type Interpolate = (parameters: Parameters, meter: OutputMeter) => JsonObject

/**
 * Compiles an entry whose texts, keys included, hold references to another generator's parameters (applicationsets.md 4.3).
 * `values` are left out of that: each is resolved now when it can be, or kept for the generator itself; their names
 * are not templates.
 *
 * @throws TemplateError when it is called, not here.
 */
export function interpolation(
  entry: JsonObject | null,
  engine: TemplateEngine,
  registry: GeneratorRegistry,
): Interpolate {
  if (entry === null) {
    return () => {
      throw new TemplateError('GENERATOR_INVALID', 'generator is empty')
    }
  }
  const { rest, values } = takeValues(entry, registry)
  const compiled = compileValue(engine.typed === undefined ? rest : withoutTemplates(rest), engine)
  return (parameters, meter) => {
    if (Object.keys(parameters).length === 0) return entry
    try {
      const constant = compiled.render(parameters, meter) as JsonObject
      // The same object each time when no text in it is a template.
      if (values.size === 0) return constant
      const rendered = { ...constant }
      for (const [key, templates] of values) {
        const body = rendered[key] as JsonObject
        setKey(rendered, key, { ...body, values: preResolve(templates, key, parameters, engine, meter) })
      }
      return rendered
    } catch (error) {
      if (!(error instanceof TemplateError)) throw error
      throw error.wrap('failed to replace parameters in generator: ')
    }
  }
}

function takeValues(
  entry: JsonObject,
  registry: GeneratorRegistry,
): { rest: JsonObject; values: ReadonlyMap<string, ValueTemplates> } {
  const rest: MutableJsonObject = { ...entry }
  const values = new Map<string, ValueTemplates>()
  for (const key of Object.keys(entry)) {
    const body = entry[key]
    if (!registry.get(key)?.fields.includes('values') || !isJsonObject(body) || !isTexts(body['values'])) continue
    const { values: own, ...others } = body
    values.set(key, own as ValueTemplates)
    rest[key] = others
  }
  return { rest, values }
}

/**
 * A generator inside a combinator has no say in the template, so what is unknown in its own is no mistake: Argo CD's
 * engines leave it as it is, where an expression would fail. Nor are a selector and a condition filled in.
 */
function withoutTemplates(entry: JsonObject): JsonObject {
  const result: MutableJsonObject = {}
  for (const key of Object.keys(entry)) {
    const body = entry[key]
    if (key === 'selector' || key === 'when') continue
    if (!isJsonObject(body) || body['template'] === undefined) setKey(result, key, body)
    else {
      const { template: _, ...rest } = body
      setKey(result, key, rest)
    }
  }
  return result
}

function preResolve(
  templates: ValueTemplates,
  generator: string,
  parameters: Parameters,
  engine: TemplateEngine,
  meter: OutputMeter,
): JsonObject {
  const resolved: MutableJsonObject = {}
  for (const key of Object.keys(templates)) {
    const template = templates[key]!
    try {
      setKey(resolved, key, engine.preResolve(template, parameters, meter) ?? template)
    } catch (error) {
      if (!(error instanceof TemplateError)) throw error
      throw error.wrap(`failed to pre-resolve Values key "${key}": `).at([generator, 'values', key])
    }
  }
  return resolved
}

function isTexts(values: Json | undefined): values is ValueTemplates {
  return isJsonObject(values) && Object.values(values).every(value => typeof value === 'string')
}
