import { TemplateError } from '../../failure.ts'
import { HANDLEBARS_LIMITS } from './limits.ts'

/** Where something stands in a template: `line` from 1, `column` from 0, as the parser counts. */
export interface Place {
  readonly line: number
  readonly column: number
}

interface MistakeOptions {
  readonly hint?: string
  readonly code?: string
  readonly cause?: unknown
}

/** An error with its line and column in the template. */
export function mistakeAt(place: Place, message: string, options: MistakeOptions = {}): TemplateError {
  const { code = 'TEMPLATE_INVALID', hint, cause } = options
  const where = `${place.line}:${place.column + 1} of the template`
  return new TemplateError(code, `${message}, at ${where}`, { hint, cause })
}

export function tooDeep(place: Place): TemplateError {
  const message = `more than ${HANDLEBARS_LIMITS.nesting} blocks and parentheses inside one another`
  return mistakeAt(place, message, { code: 'TEMPLATE_TOO_COMPLEX' })
}

/** What a helper says about its arguments; whoever called it knows the place. */
export class HelperMistake extends Error {
  readonly hint: string | undefined
  readonly code: string | undefined

  constructor(message: string, options: { readonly hint?: string; readonly code?: string } = {}) {
    super(message)
    this.hint = options.hint
    this.code = options.code
  }
}
