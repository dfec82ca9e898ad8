import type { Command } from 'commander'
import type { ActivityFlags } from '../client/activity.ts'
import type { ExitCode } from '../context.ts'
import { wholeNumber } from './numbers.ts'
import { action, type Verb } from './verb.ts'

/** `flotilla activity`: the fleet's feed. */
export const activity: Verb = {
  register(program, context) {
    program
      .command('activity')
      .description('what happened: syncs, failures, prunes, commits, freezes, overrides, admissions, interventions')
      .option('--kind <kinds>', 'only these: sync.failed,commit,intervention …')
      .option('--event <events>', 'only these; "override." is all that begin so')
      .option('--application <names>', 'only about these Applications; commas between several, here and below')
      .option('--project <names>', 'only about Applications of these Projects')
      .option('--cluster <names>', 'only about Applications of these clusters')
      .option('--since <time>', 'an instant such as 2026-12-24T12:00:00Z')
      .option('--until <time>', 'an instant')
      .option('--all', 'also events that changed nothing: windows that open soon, syncs that are held up')
      .option('-f, --follow', 'go on with what happens')
      .option('--limit <n>', 'so many, the newest', '50')
      .addHelpText('after', '\nExample:\n  flotilla activity --kind sync.failed,intervention --project shop')
      .action(
        action(context, async (_flags: object, ran: Command): Promise<ExitCode> => {
          const flags: Omit<ActivityFlags, 'limit'> & { readonly limit: string; readonly all?: boolean } =
            ran.optsWithGlobals()
          const limit = wholeNumber('--limit', flags.limit, 1, 100_000)
          const { listActivity } = await import('../client/activity.ts')
          return await listActivity(context, { ...flags, limit }, flags.all ? 'listEvents' : 'listActivity')
        }),
      )
  },
}
