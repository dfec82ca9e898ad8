import { HelperMistake } from '../mistake.ts'
import type { Helper } from './helper.ts'

/** The only helpers whose arguments may be missing or null. */
export const MISSING_HELPERS: readonly Helper[] = [
  {
    name: 'default',
    parameters: 'value other…',
    meaning: 'The first that is neither missing nor null. An empty text is a value.',
    apply: args => {
      for (let index = 0; index < args.count; index++) {
        const value = args.optional(index)
        if (value !== undefined) return value
      }
      return undefined
    },
  },
  {
    name: 'exists',
    parameters: 'value',
    meaning: 'Whether it is neither missing nor null.',
    apply: args => args.optional(0) !== undefined,
  },
  {
    name: 'required',
    parameters: 'message value',
    meaning: 'The value; when it is missing, null or an empty text, an error with this message.',
    apply: args => {
      const message = args.text(0)
      const value = args.optional(1)
      if (value !== undefined && value !== '') return value
      throw new HelperMistake(message, { code: 'PARAMETER_MISSING' })
    },
  },
]
