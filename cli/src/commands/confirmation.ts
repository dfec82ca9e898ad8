import type { Command } from 'commander'
import type { ConfirmationFlags } from '../client/confirmations.ts'
import type { ExitCode } from '../context.ts'
import { action, type Verb } from './verb.ts'

/** `flotilla confirmation list|get|approve|reject`. */
export const confirmation: Verb = {
  register(program, context) {
    const parent = program
      .command('confirmation')
      .description('what waits for a person: removals, prunes, and objects that another tool has now')
    parent
      .command('list')
      .description('list what waits, oldest first')
      .option('--kind <kind>', 'deletion, adoption or prune; every kind without it')
      .option('--state <state>', 'held, rejected, approved, superseded or all', 'held')
      .addHelpText('after', '\nExample:\n  flotilla confirmation list --kind adoption')
      .action(
        action(context, async (_flags: object, command: Command): Promise<ExitCode> => {
          const { listConfirmations } = await import('../client/confirmations.ts')
          return await listConfirmations(context, command.optsWithGlobals())
        }),
      )
    parent
      .command('get')
      .description('show one of them, with everything that would happen')
      .argument('<id>', 'as the list has it')
      .action(
        action(context, async (id: string, _flags: object, command: Command): Promise<ExitCode> => {
          const { getConfirmation } = await import('../client/confirmations.ts')
          return await getConfirmation(context, command.optsWithGlobals(), id)
        }),
      )
    for (const verdict of ['approve', 'reject'] as const) {
      const verb = parent
        .command(verdict)
        .description(
          verdict === 'approve'
            ? 'let exactly what is shown happen; a list that has changed is refused'
            : 'keep it as it is',
        )
        .argument('<id>', 'as the list has it')
        .option('--reason <text>', 'why; kept with the decision', '')
        .option('--yes', 'do it; without it everything is shown and nothing is done')
        .addHelpText('after', `\nExample:\n  flotilla confirmation ${verdict} adoption-3f2a --reason "moving" --yes`)
        .action(
          action(context, async (id: string, _flags: object, command: Command): Promise<ExitCode> => {
            const flags: ConfirmationFlags = command.optsWithGlobals()
            const { decideConfirmation } = await import('../client/confirmations.ts')
            return await decideConfirmation(context, flags, verdict, id)
          }),
        )
      if (verdict === 'approve') {
        verb.option('--whole-project', 'of an adoption: for everything of the Projects concerned, now and later')
      }
    }
  },
}
