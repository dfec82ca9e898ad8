/** Where something stands in a file; line and column count from 1, columns in characters. */
export interface Position {
  readonly file: string
  readonly line: number
  readonly column: number
}

export type Severity = 'error' | 'warning'

/** A user's mistake as a value: what, where, why, and how to mend it. Steps return every one they find. */
export interface Diagnostic extends Position {
  readonly severity: Severity
  /** Stable, upper case, listed in docs/diagnostics.md: `UNKNOWN_FIELD`. */
  readonly code: string
  readonly message: string
  readonly hint?: string
  /** The config source that the file belongs to, where several are in play. */
  readonly source?: string
}

/** `file:line:column CODE message`, the hint on a line of its own. */
export function formatDiagnostic(diagnostic: Diagnostic): string {
  const { file, line, column, code, message, hint } = diagnostic
  return `${file}:${line}:${column} ${code} ${message}${hint ? `\n  hint: ${hint}` : ''}`
}

/** By file, line, column, code: the order in which people read them. */
export function compareDiagnostics(a: Diagnostic, b: Diagnostic): number {
  return compareText(a.file, b.file) || a.line - b.line || a.column - b.column || compareText(a.code, b.code)
}

function compareText(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0
}
