import { randomBytes } from 'node:crypto'
import type { Command } from 'commander'
import type { ExitCode } from '../context.ts'
import { failure } from '../errors.ts'
import { action, type Verb } from './verb.ts'

/** `flotilla account hash-password`. */
export const account: Verb = {
  register(program, context) {
    const parent = program.command('account').description('local accounts of a hub, as hub.yaml names them')
    parent
      .command('hash-password')
      .description('print what stands in hub.yaml for a password')
      .option('--password-file <file>', 'where the password is; standard input without it', '-')
      .addHelpText(
        'after',
        '\nIt goes into accounts of hub.yaml as passwordHash, or into a file that passwordHashFile names.' +
          '\n\nExample:\n  flotilla account hash-password --password-file ana.password',
      )
      .action(
        action(context, async (_: object, self: Command): Promise<ExitCode> => {
          const { passwordFile }: { passwordFile: string } = self.opts()
          const { readTextFile } = await import('./read-text-file.ts')
          const { hashPassword } = await import('@flotilla/hub/sign-in/password-hash')
          const { createRandom } = await import('@flotilla/core/ports/create-random')
          const password = (await readTextFile(context, passwordFile)).replace(/\r?\n$/, '')
          try {
            context.stdout.write(`${await hashPassword(password, createRandom(randomBytes))}\n`)
          } catch (error) {
            if (error instanceof RangeError) throw failure(error.message)
            throw error
          }
          return 0
        }),
      )
  },
}
