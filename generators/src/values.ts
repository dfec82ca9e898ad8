import { isJsonObject, type Json, type MutableJsonObject, setKey } from '@flotilla/core/json/json'
import { type OutputMeter, renderText, type TemplateEngine } from './engines/engine.ts'
import { TemplateError } from './failure.ts'
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
  for (const key of keys) setKey(rendered, key, renderValue(values, key, parameters, engine, meter))
  if (engine.shape === 'nested') result['values'] = rendered
  else for (const key of keys) setKey(result, `values.${key}`, rendered[key])
  return result
}

function renderValue(
  values: ValueTemplates,
  key: string,
  parameters: Parameters,
  engine: TemplateEngine,
  meter: OutputMeter,
): string {
  try {
    return renderText(engine, values[key]!, parameters, meter)
  } catch (error) {
    if (!(error instanceof TemplateError)) throw error
    throw error
      .wrap('failed to replace templated string: failed to replace templated string with rendered values: ')
      .at(['values', key])
  }
}

function notTexts(path: readonly string[]): TemplateError {
  const hint = 'write the value in quotes'
  return new TemplateError('GENERATOR_INVALID', 'values is an object of texts', { path: ['values', ...path], hint })
}
