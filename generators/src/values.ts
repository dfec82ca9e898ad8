import { isJsonObject, type Json, type MutableJsonObject, setKey } from '@flotilla/core/json/json'
import { stringifyJson } from '@flotilla/core/json/stringify-json'
import { type OutputMeter, renderText, type TemplateEngine } from './engines/engine.ts'
import { TemplateError } from './failure.ts'
import { formatValue } from './go-text.ts'
import type { Parameters } from './inputs.ts'

/** `values` of a generator, as written: texts by name. */
export type ValueTemplates = { readonly [key: string]: string }

/**
 * Reads a generator's `values`.
 *
 * @throws TemplateError `GENERATOR_INVALID` when it is not an object of texts.
 */
export function readValues(values: Json | undefined): ValueTemplates {
  if (values === undefined || values === null) return {}
  if (!isJsonObject(values)) throw notTexts([])
  for (const key of Object.keys(values)) if (typeof values[key] !== 'string') throw notTexts([key])
  return values as ValueTemplates
}

/**
 * The parameters with the rendered `values` beside them (applicationsets.md 8): `values.<key>` in the flat shape, an object
 * `values` in the nested one, where it replaces what was there. Each value sees the generator's own parameters and no
 * other value, so that values cannot grow from one another.
 *
 * @throws TemplateError
 */
export function withValues(
  parameters: Parameters,
  values: ValueTemplates,
  engine: TemplateEngine,
  meter: OutputMeter,
): Parameters {
  const keys = Object.keys(values)
  if (keys.length === 0) return parameters
  const result: MutableJsonObject = { ...parameters }
  const rendered: MutableJsonObject = {}
  for (const key of keys) {
    const value = renderValue(values, key, parameters, engine, meter)
    if (value !== undefined) setKey(rendered, key, value)
  }
  if (engine.shape === 'nested') result['values'] = rendered
  else for (const key of Object.keys(rendered)) setKey(result, `values.${key}`, flatText(rendered[key]))
  return result
}

function renderValue(
  values: ValueTemplates,
  key: string,
  parameters: Parameters,
  engine: TemplateEngine,
  meter: OutputMeter,
): Json | undefined {
  try {
    const typed = engine.typed?.(values[key]!)
    return typed === undefined ? renderText(engine, values[key]!, parameters, meter) : typed(parameters, meter)
  } catch (error) {
    if (!(error instanceof TemplateError)) throw error
    throw error
      .wrap('failed to replace templated string: failed to replace templated string with rendered values: ')
      .at(['values', key])
  }
}

/** In the flat shape parameters are texts; what an expression gave becomes one. */
function flatText(value: Json | undefined): string {
  return typeof value === 'object' && value !== null ? stringifyJson(value) : formatValue(value, 'plain')
}

function notTexts(path: readonly string[]): TemplateError {
  const hint = 'write the value in quotes'
  return new TemplateError('GENERATOR_INVALID', 'values is an object of texts', { path: ['values', ...path], hint })
}
