/** A path inside a document: keys and list indexes. */
export type DocumentPath = readonly (string | number)[]

/** Why a generator gives no parameters, before it is placed in the document. */
export interface Failure {
  /** Stable and upper case, listed in docs/diagnostics.md. */
  readonly code: string
  readonly message: string
  readonly hint?: string
  /** Where to look, below the generator's entry. */
  readonly path: DocumentPath
}

/** A template, selector or pattern that cannot be used; the message is Argo CD's where it has one. */
export class TemplateError extends Error {
  readonly code: string
  /** Inside the template; filled in on the way up. */
  readonly path: DocumentPath
  readonly hint?: string

  constructor(code: string, message: string, options: { path?: DocumentPath; hint?: string; cause?: unknown } = {}) {
    super(message, { cause: options.cause })
    this.name = 'TemplateError'
    this.code = code
    this.path = options.path ?? []
    this.hint = options.hint
  }

  /** The same with words in front of its message, as each level of Argo CD's calls adds its own. */
  wrap(prefix: string): TemplateError {
    return new TemplateError(this.code, prefix + this.message, { path: this.path, hint: this.hint, cause: this.cause })
  }

  at(path: DocumentPath): TemplateError {
    return new TemplateError(this.code, this.message, { path, hint: this.hint, cause: this.cause })
  }
}

export function failureOf(error: TemplateError, path: DocumentPath): Failure {
  const { code, message, hint } = error
  return { code, message, path: [...path, ...error.path], ...(hint === undefined ? {} : { hint }) }
}
