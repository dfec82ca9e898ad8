/** The `flotilla` command, for those that add verbs to it or run it in process. */
export { VERBS } from './commands/index.ts'
export { action, type Verb } from './commands/verb.ts'
export type { CliContext, ExitCode, Sink } from './context.ts'
export { CliError, failure, usageError } from './errors.ts'
export { createProgram, runCommand } from './program.ts'
