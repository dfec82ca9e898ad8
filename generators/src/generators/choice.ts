import type { JsonObject } from '@flotilla/core/json/json'
import { nearest } from '@flotilla/core/text/nearest'
import type { Failure } from '../failure.ts'
import { invalidGenerator } from './generator.ts'

/** One of a few words in a generator's body; `usual` when the field is absent. */
export function choiceOf<Choice extends string>(
  body: JsonObject,
  field: string,
  choices: readonly Choice[],
  usual: Choice,
): { readonly value: Choice } | { readonly failure: Failure } {
  const written = body[field] ?? usual
  const value = choices.find(choice => choice === written)
  if (value !== undefined) return { value }
  const meant = typeof written === 'string' ? nearest(written, choices) : undefined
  const hint = meant && `did you mean "${meant}"?`
  return { failure: invalidGenerator(`${field} is one of ${choices.join(', ')}`, [field], hint) }
}
