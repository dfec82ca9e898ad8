import { type Command, Option } from 'commander'
import type { Flags } from '../client/gates.ts'
import type { ExitCode } from '../context.ts'
import { action, type Verb } from './verb.ts'

/** `flotilla notification list|messages|retry|test`. */
export const notification: Verb = {
  register(program, context) {
    const parent = program.command('notification').description('who is told of what, and whether it gets through')
    parent
      .command('list')
      .description('list routes with their incidents, and what does not get through')
      .addHelpText('after', '\nExample:\n  flotilla notification list')
      .action(
        action(context, async (_: object, command: Command): Promise<ExitCode> => {
          const { listRoutes } = await import('../client/notifications.ts')
          return await listRoutes(context, command.optsWithGlobals())
        }),
      )
    parent
      .command('messages')
      .description('list messages, newest first: those of a day, and for a week those that nobody took')
      .addOption(new Option('--state <states>', 'only these, with commas between: waiting, sent, dead'))
      .option('--route <name>', 'only of this route')
      .addHelpText('after', '\nExample:\n  flotilla notification messages --state dead')
      .action(
        action(context, async (_: object, command: Command): Promise<ExitCode> => {
          const flags: Flags & { readonly state?: string; readonly route?: string } = command.optsWithGlobals()
          const { listMessages } = await import('../client/notifications.ts')
          const { state, route } = flags
          const query = { ...(state !== undefined && { state }), ...(route !== undefined && { route }) }
          return await listMessages(context, flags, query)
        }),
      )
    parent
      .command('retry')
      .description('send a message again that waits or is dead')
      .argument('<id>', 'as the list has it')
      .addHelpText('after', '\nExample:\n  flotilla notification retry 0190b6f0-0000-7000-8000-000000000001')
      .action(
        action(context, async (id: string, _: object, command: Command): Promise<ExitCode> => {
          const { retryMessage } = await import('../client/notifications.ts')
          return await retryMessage(context, command.optsWithGlobals(), id)
        }),
      )
    parent
      .command('test')
      .description('send a test message to each target of a route')
      .argument('<route>', 'name of the route')
      .addHelpText('after', '\nExample:\n  flotilla notification test shop-oncall')
      .action(
        action(context, async (name: string, _: object, command: Command): Promise<ExitCode> => {
          const { testRoute } = await import('../client/notifications.ts')
          return await testRoute(context, command.optsWithGlobals(), name)
        }),
      )
  },
}
