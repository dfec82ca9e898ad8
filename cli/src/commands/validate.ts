import type { Json } from '@flotilla/core/json/json'
import type { Command } from 'commander'
import { coloursOf } from '../output/colours.ts'
import { formatOf, type GlobalOptions } from '../output/formats.ts'
import { action, type Verb } from './verb.ts'

/** `flotilla validate PATH`: every mistake of a config path, 1 when one is an error. */
export const validate: Verb = {
  register(program, context) {
    program
      .command('validate')
      .description('check the documents of a config path; print every mistake with its place')
      .argument('<path>', 'a folder or file of the config repository')
      .addHelpText(
        'after',
        '\nExamples:\n  flotilla validate fleet\n  flotilla validate fleet -o json | jq .diagnostics',
      )
      .action(
        action(context, async (path: string, _: object, command: Command) => {
          const options: GlobalOptions = command.optsWithGlobals()
          const format = formatOf(options, ['table', 'json', 'yaml'])
          const { ownRights, scriptMistakes } = await import('@flotilla/config')
          const { compareDiagnostics } = await import('@flotilla/core/model/diagnostic')
          const { countText, diagnosticJson, diagnosticText, hasErrors } = await import('../output/diagnostics.ts')
          const { expandOffline, readOfflineFleet } = await import('../offline/offline-fleet.ts')
          const fleet = await readOfflineFleet({ clock: context.clock, cwd: context.cwd, path })
          // Sets that need no repository are tried: a template's mistakes are mistakes of the document.
          const expanded = await expandOffline(fleet, { gather: false })
          await fleet.repositories.close()
          const found = [
            ...fleet.diagnostics,
            ...expanded.diagnostics,
            ...ownRights(fleet.fleet),
            ...(await scriptMistakes(fleet.fleet)),
          ]
          const diagnostics = found.sort(compareDiagnostics)
          if (format === 'table') {
            const colours = coloursOf(context, context.stdout, options)
            context.stdout.write(diagnostics.map(one => diagnosticText(one, colours)).join(''))
            const files = `${fleet.fileCount} file${fleet.fileCount === 1 ? '' : 's'}`
            if (!options.quiet) context.stderr.write(`${countText(diagnostics)} in ${files}\n`)
            // Whoever misses a folder by one would take "no mistakes" for an answer.
            if (fleet.fileCount === 0) context.stderr.write(`there is no .yaml, .yml or .json file in ${path}\n`)
          } else {
            const { printData } = await import('../output/data.ts')
            printData(context, format, { diagnostics: diagnostics.map(diagnosticJson) as Json[] })
          }
          return hasErrors(diagnostics) ? 1 : 0
        }),
      )
  },
}
