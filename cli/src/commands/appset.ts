import type { Command } from 'commander'
import type { HubConnectionOptions } from '../client/open-hub-api.ts'
import type { ExitCode } from '../context.ts'
import type { GlobalOptions } from '../output/formats.ts'
import { registerAppsetPreview } from './appset-preview.ts'
import { action, type Verb } from './verb.ts'

type Flags = GlobalOptions & HubConnectionOptions

/** `flotilla appset list|get|preview|deletions|approve|reject`. */
export const appset: Verb = {
  register(program, context) {
    const parent = program.command('appset').description('ApplicationSets: what they make, and what waits for approval')
    parent
      .command('list')
      .description('list ApplicationSets, and whether each is as its document and inputs say')
      .addHelpText('after', '\nExample:\n  flotilla appset list -o wide')
      .action(
        action(context, async (_flags: object, command: Command): Promise<ExitCode> => {
          const flags: Flags = command.optsWithGlobals()
          const { listAll } = await import('../client/get-one.ts')
          const { SET_COLUMNS } = await import('../client/set-columns.ts')
          return await listAll({
            context,
            flags,
            list: api => api.list('listApplicationSets', {}),
            columns: SET_COLUMNS,
          })
        }),
      )
    parent
      .command('get')
      .description('show one ApplicationSet: each generator and how old it is, every error with its line, what waits')
      .argument('<name>', 'its name')
      .addHelpText('after', '\nExample:\n  flotilla appset get shop')
      .action(
        action(context, async (name: string, _flags: object, command: Command): Promise<ExitCode> => {
          const flags: Flags = command.optsWithGlobals()
          const { getOne } = await import('../client/get-one.ts')
          const { SET_COLUMNS, setDetails: details } = await import('../client/set-columns.ts')
          const kind = 'ApplicationSet'
          return await getOne({
            context,
            flags,
            read: 'getApplicationSet',
            kind,
            name,
            columns: SET_COLUMNS,
            details,
          })
        }),
      )
    registerAppsetPreview(parent, context)
    parent
      .command('deletions')
      .description('list removals that wait for approval, with every Application that would go')
      .argument('[set]', 'of this set alone; without it, everything that waits, also of no set')
      .option('--state <state>', 'held, rejected, approved, superseded or all', 'held')
      .addHelpText('after', '\nExamples:\n  flotilla appset deletions\n  flotilla appset deletions shop -o json')
      .action(
        action(context, async (set: string | undefined, _flags: object, command: Command): Promise<ExitCode> => {
          const flags: Flags & { readonly state: string } = command.optsWithGlobals()
          const { listDeletions } = await import('../client/deletions.ts')
          return await listDeletions(context, flags, set)
        }),
      )
    for (const verdict of ['approve', 'reject'] as const) {
      parent
        .command(verdict)
        .description(
          verdict === 'approve'
            ? 'let exactly the Applications of one removal go that waits'
            : 'keep the Applications of a removal that waits, until its list changes',
        )
        .argument('<set>', 'the set, or the id of the removal')
        .option('--id <id>', 'the removal, where the set has several or it has to be this one')
        .option('--reason <text>', 'why; kept with the decision', '')
        .option('--yes', 'do it; without it the list is shown and nothing is done')
        .addHelpText('after', `\nExample:\n  flotilla appset ${verdict} shop --reason "moved to team b" --yes`)
        .action(
          action(context, async (set: string, _flags: object, command: Command): Promise<ExitCode> => {
            const flags: Flags & { readonly id?: string; readonly reason: string; readonly yes?: boolean } =
              command.optsWithGlobals()
            const { decideDeletion } = await import('../client/deletions.ts')
            return await decideDeletion(context, flags, verdict, set)
          }),
        )
    }
  },
}
