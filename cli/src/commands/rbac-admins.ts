import type { Command } from 'commander'
import type { CliContext, ExitCode } from '../context.ts'
import { action } from './verb.ts'

/** `flotilla rbac admins|approve|revoke`: two people for an administrator. */
export function registerAdmins(command: Command, context: CliContext): void {
  command
    .command('admins')
    .description('rows that would make somebody an administrator: which wait, and who has agreed to them')
    .addHelpText('after', '\nExample:\n  flotilla rbac admins')
    .action(
      action(context, async (_: object, self: Command): Promise<ExitCode> => {
        const { listAdminRights } = await import('../client/admin-rights.ts')
        return await listAdminRights(context, self.optsWithGlobals())
      }),
    )
  command
    .command('approve')
    .description('agree that somebody is an administrator; in force when two people have who gain nothing by it')
    .argument('<id>', 'of the right, as admins lists it')
    .option('--comment <text>', 'kept in the audit log', '')
    .addHelpText('after', '\nExample:\n  flotilla rbac approve 3f9a1c2b4d5e6f708192a3b4 --comment "leads the platform"')
    .action(
      action(context, async (id: string, _: object, self: Command): Promise<ExitCode> => {
        const { approveAdminRight } = await import('../client/admin-rights.ts')
        const flags = self.optsWithGlobals()
        return await approveAdminRight(context, flags, id, String(flags['comment']))
      }),
    )
  command
    .command('revoke')
    .description('take back what was agreed to; one person is enough for that')
    .argument('<id>', 'of the right, as admins lists it')
    .option('--reason <text>', 'kept in the audit log', '')
    .addHelpText('after', '\nExample:\n  flotilla rbac revoke 3f9a1c2b4d5e6f708192a3b4 --reason "has left"')
    .action(
      action(context, async (id: string, _: object, self: Command): Promise<ExitCode> => {
        const { revokeAdminRight } = await import('../client/admin-rights.ts')
        const flags = self.optsWithGlobals()
        return await revokeAdminRight(context, flags, id, String(flags['reason']))
      }),
    )
}
