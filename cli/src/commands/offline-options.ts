import type { Command } from 'commander'
import type { GlobalOptions } from '../output/formats.ts'

export interface OfflineOptions extends GlobalOptions {
  readonly repo?: readonly string[]
  readonly at?: string
  readonly inputs?: readonly string[]
}

/** The options of every verb that reads repositories from local folders. */
export function withOfflineOptions(command: Command): Command {
  return command
    .option(
      '--repo <URL=DIR>',
      'a local folder that stands for a repository; may be repeated',
      (value: string, previous: readonly string[] = []) => [...previous, value],
    )
    .option(
      '--inputs <file>',
      'recorded answers of services over the network; may be repeated',
      (value: string, previous: readonly string[] = []) => [...previous, value],
    )
    .option('--at <ref>', "read a commit from Git's objects instead of the files as they are")
}
