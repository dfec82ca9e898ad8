import { formatOf } from '../output/formats.ts'
import { VERSION } from '../version.ts'
import { action, type Verb } from './verb.ts'

/** `flotilla version`. */
export const version: Verb = {
  register(program, context) {
    program
      .command('version')
      .description('print the version of this command')
      .addHelpText('after', '\nExample:\n  flotilla version -o json')
      .action(
        action(context, (_, command) => {
          const format = formatOf(command.optsWithGlobals(), ['table', 'json'])
          const node = process.versions.node
          context.stdout.write(
            format === 'json'
              ? `${JSON.stringify({ version: VERSION, node })}\n`
              : `flotilla ${VERSION} (Node ${node})\n`,
          )
          return 0
        }),
      )
  },
}
