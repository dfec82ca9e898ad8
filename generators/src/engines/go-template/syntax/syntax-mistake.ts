/** A template that cannot be parsed; the message lacks the name of the template and its source. */
export class SyntaxMistake extends Error {
  override readonly name = 'SyntaxMistake'
  /** From 1. */
  readonly line: number
  readonly code: 'TEMPLATE_INVALID' | 'TEMPLATE_TOO_COMPLEX'

  constructor(message: string, line: number, code: SyntaxMistake['code'] = 'TEMPLATE_INVALID') {
    super(message)
    this.line = line
    this.code = code
  }
}
