import type { ExitCode } from './context.ts'

/** A failure that is told in one sentence; anything else that is thrown is a defect and shows its stack. */
export class CliError extends Error {
  readonly exitCode: ExitCode
  readonly hint?: string

  constructor(exitCode: ExitCode, message: string, options: { readonly hint?: string; readonly cause?: unknown } = {}) {
    super(message, { cause: options.cause })
    this.name = 'CliError'
    this.exitCode = exitCode
    this.hint = options.hint
  }
}

/** The command was called in a way that cannot mean anything. */
export function usageError(message: string, hint?: string): CliError {
  return new CliError(2, message, { hint })
}

/** The command was understood and its work failed. */
export function failure(message: string, hint?: string, cause?: unknown): CliError {
  return new CliError(1, message, { hint, cause })
}
