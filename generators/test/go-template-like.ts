import { isJsonObject, type Json } from '@flotilla/core/json/json'
import type { TemplateEngine } from '../src/engines/engine.ts'
import type { Parameters } from '../src/inputs.ts'

/**
 * Nested parameters and `{{ .a.b }}`, with Go's `<no value>` for what is missing: enough of the Go template engine for
 * tests of the generators around it.
 */
export const goTemplateLike: TemplateEngine = {
  name: 'like goTemplate',
  shape: 'nested',
  compile: template =>
    TAG.test(template) ? parameters => replaced(template, parameters, () => '<no value>') : template,
  preResolve: (template, parameters) => {
    let missing = false
    const result = replaced(template, parameters, () => {
      missing = true
      return ''
    })
    return missing ? undefined : result
  },
}

const TAG = /\{\{\s*\.([\w.]+)\s*\}\}/

function replaced(template: string, parameters: Parameters, otherwise: () => string): string {
  return template.replaceAll(new RegExp(TAG, 'g'), (_, path: string) => {
    const value = path
      .split('.')
      .reduce<Json | undefined>((at, step) => (isJsonObject(at) ? at[step] : undefined), parameters)
    return value === undefined ? otherwise() : String(value)
  })
}
