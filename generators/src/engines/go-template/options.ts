import { TemplateError } from '../../failure.ts'

/** What a key that a map lacks gives: no value, the zero value of its type, or an error. */
export type MissingKey = 'default' | 'zero' | 'error'

const MISSING_KEYS: ReadonlyMap<string, MissingKey> = new Map<string, MissingKey>([
  ['missingkey=default', 'default'],
  ['missingkey=invalid', 'default'],
  ['missingkey=zero', 'zero'],
  ['missingkey=error', 'error'],
])

/**
 * Reads `goTemplateOptions`; the last one wins.
 *
 * @throws TemplateError `TEMPLATE_OPTION_UNKNOWN`
 */
export function readOptions(options: readonly string[]): MissingKey {
  let missingKey: MissingKey = 'default'
  for (const [index, option] of options.entries()) {
    const known = MISSING_KEYS.get(option)
    if (known === undefined) {
      const message = option === '' ? 'empty option string' : `unrecognized option: ${option}`
      const hint = 'there are missingkey=default, missingkey=invalid, missingkey=zero and missingkey=error'
      throw new TemplateError('TEMPLATE_OPTION_UNKNOWN', message, { path: ['goTemplateOptions', index], hint })
    }
    missingKey = known
  }
  return missingKey
}
