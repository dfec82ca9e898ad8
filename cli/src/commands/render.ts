import type { Json } from '@flotilla/core/json/json'
import type { Command } from 'commander'
import type { CliContext, ExitCode } from '../context.ts'
import { coloursOf } from '../output/colours.ts'
import { formatOf } from '../output/formats.ts'
import { type OfflineOptions, withOfflineOptions } from './offline-options.ts'
import { action, type Verb } from './verb.ts'

/** `flotilla render PATH APP`: the manifests of one Application, as an agent would get them. */
export const render: Verb = {
  register(program, context) {
    const command = program
      .command('render')
      .description('print the manifests of one Application, as an agent would get them')
      .argument('<path>', 'a folder or file of the config repository')
      .argument('<app>', 'name of the Application')
    withOfflineOptions(command)
      .addHelpText(
        'after',
        '\nExample:\n  flotilla render fleet web-eu-1 --repo https://git.example.com/web.git=../web | kubectl diff -f -',
      )
      .action(
        action(context, (path: string, app: string, _: object, self: Command) =>
          run(context, path, app, self.optsWithGlobals()),
        ),
      )
  },
}

async function run(context: CliContext, path: string, name: string, options: OfflineOptions): Promise<ExitCode> {
  const format = formatOf(options, ['yaml', 'json', 'name'])
  const { findApplication } = await import('../offline/find-application.ts')
  const { readOfflineFleet } = await import('../offline/offline-fleet.ts')
  const { renderOffline } = await import('../offline/render-offline.ts')
  const { diagnosticJson, diagnosticText } = await import('../output/diagnostics.ts')
  const fleet = await readOfflineFleet({ ...options, clock: context.clock, cwd: context.cwd, path })
  try {
    const application = await findApplication(fleet, name)
    const { digest, objects, diagnostics: rendering } = await renderOffline(application, fleet)
    const { foreseeHolds } = await import('@flotilla/config')
    const diagnostics = [...foreseeHolds(fleet, [application], 'everything'), ...rendering]
    const failed = digest === undefined
    if (format === 'json') {
      const { prettyJson } = await import('../output/json.ts')
      const body: Json = { name, digest, items: objects, diagnostics: diagnostics.map(diagnosticJson) }
      context.stdout.write(`${prettyJson(body)}\n`)
      return failed ? 1 : 0
    }
    const colours = coloursOf(context, context.stderr, options)
    for (const diagnostic of diagnostics) context.stderr.write(diagnosticText(diagnostic, colours))
    if (format === 'name') {
      const { keyOf, objectKeyText } = await import('@flotilla/core/model/kubernetes-object')
      context.stdout.write(objects.map(object => `${objectKeyText(keyOf(object))}\n`).join(''))
    } else {
      const { yamlDocuments } = await import('../output/yaml.ts')
      context.stdout.write(yamlDocuments(objects))
    }
    return failed ? 1 : 0
  } finally {
    await fleet.repositories.close()
  }
}
