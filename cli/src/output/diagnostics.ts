import type { Json } from '@flotilla/core/json/json'
import type { Diagnostic } from '@flotilla/core/model/diagnostic'
import type { Colours } from './colours.ts'
import { printable } from './table.ts'

/** `file:line:column CODE message`, the hint below; the code in the colour of its severity. */
export function diagnosticText(diagnostic: Diagnostic, colours: Colours): string {
  const { file, line, column, severity, code, message, hint } = diagnostic
  const paint = severity === 'error' ? colours.red : colours.yellow
  const first = `${printable(file)}:${line}:${column} ${paint(code)} ${printable(message)}\n`
  return hint === undefined ? first : `${first}  ${colours.dim('hint:')} ${printable(hint)}\n`
}

/** The members in the order that the command promises. */
export function diagnosticJson({ severity, code, file, line, column, message, hint }: Diagnostic): Json {
  return { severity, code, file, line, column, message, ...(hint === undefined ? {} : { hint }) }
}

export function hasErrors(diagnostics: readonly Diagnostic[]): boolean {
  return diagnostics.some(diagnostic => diagnostic.severity === 'error')
}

/** `2 errors, 1 warning`. */
export function countText(diagnostics: readonly Diagnostic[]): string {
  const errors = diagnostics.filter(diagnostic => diagnostic.severity === 'error').length
  const warnings = diagnostics.length - errors
  const parts = [count(errors, 'error'), count(warnings, 'warning')].filter(part => part !== '')
  return parts.length === 0 ? 'no mistakes' : parts.join(', ')
}

function count(number: number, noun: string): string {
  return number === 0 ? '' : `${number} ${noun}${number === 1 ? '' : 's'}`
}
