import type { Command } from 'commander'
import type { CliContext, ExitCode } from '../context.ts'

/**
 * One verb of the command. Registering must be cheap: what a verb needs is imported when it runs, so that
 * `flotilla version` does not load the hub.
 */
export interface Verb {
  register(program: Command, context: CliContext): void
}

/** Makes an action of a verb set what the process ends with. */
export function action<Arguments extends readonly unknown[]>(
  context: CliContext,
  run: (...parameters: Arguments) => Promise<ExitCode> | ExitCode,
): (...parameters: Arguments) => Promise<void> {
  return async (...parameters) => {
    context.exitCode = await run(...parameters)
  }
}
