import type { Clock } from '@flotilla/core/ports/clock'

/** A stream that text goes to. */
export interface Sink {
  write(text: string): void
  /** Resolves when what was written has been taken; where it is missing, at once. For what has no end. */
  drained?(): Promise<void>
  /** Colours and tables are for people: only where a terminal is at the other end. */
  readonly isTerminal: boolean
}

/** What the command sees of the process that it runs in; tests bring their own. */
export interface CliContext {
  readonly cwd: string
  readonly env: { readonly [name: string]: string | undefined }
  readonly clock: Clock
  /** Data: what a script reads. */
  readonly stdout: Sink
  /** Talk: what a person reads. */
  readonly stderr: Sink
  /** What the process is to end with; the last verb that ran has set it. */
  exitCode: ExitCode
}

/** 0 done; 1 the answer is no, or the work failed; 2 wrong usage; 3 the hub is away or refused the identity. */
export type ExitCode = 0 | 1 | 2 | 3
