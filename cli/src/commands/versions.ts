import { listAt, numberAt, textAt } from '@flotilla/core/json/read-json'
import type { Command } from 'commander'
import type { Flags } from '../client/gates.ts'
import type { ExitCode } from '../context.ts'
import { formatOf } from '../output/formats.ts'
import { action, type Verb } from './verb.ts'

interface Options extends Flags {
  readonly kind?: string
  readonly project?: string
  readonly environment?: string
  readonly image?: string
  readonly search?: string
}

/** `flotilla versions`: which image and chart versions run where. */
export const versions: Verb = {
  register(program, context) {
    program
      .command('versions')
      .description('versions of images and charts everywhere')
      .option('--kind <kind>', 'image or chart')
      .option('--project <names>', 'only of these Projects; commas between several, here and below')
      .option('--environment <names>', 'only in these environments')
      .option('--image <names>', 'only these images: registry.example.com/web, */web:1.4*')
      .option('-q, --search <text>', 'only names with this in them')
      .addHelpText('after', '\nExample:\n  flotilla versions --image "*/checkout"')
      .action(
        action(context, async (_: object, command: Command): Promise<ExitCode> => {
          const flags: Options = command.optsWithGlobals()
          const format = formatOf(flags, ['table', 'wide', 'json', 'yaml', 'name'])
          const { usageError } = await import('../errors.ts')
          const kind = (['image', 'chart'] as const).find(each => each === flags.kind)
          if (flags.kind !== undefined && kind === undefined) {
            throw usageError(`--kind takes image or chart, not "${flags.kind}"`)
          }
          const { withHubApi } = await import('../client/open-hub-api.ts')
          const { column, printRows } = await import('../client/print-rows.ts')
          const { project, environment, image: images, search: q } = flags
          const query = { kind, project, environment, images, q }
          const { items, total } = await withHubApi(flags, context, api => api.list('listVersions', { query }))
          const rows = items.flatMap(item =>
            listAt(item, 'versions').map(version => ({
              name: textAt(item, 'name'),
              kind: textAt(item, 'kind'),
              version: textAt(version, 'version'),
              applications: numberAt(version, 'applications'),
              clusters: numberAt(version, 'clusters'),
              environments: listAt(version, 'environments').join(','),
            })),
          )
          const shown = format === 'name' ? items : rows
          await printRows(context, flags, format, { items: shown, whole: { items, total } }, [
            column('KIND', 'kind'),
            column('NAME', 'name'),
            column('VERSION', 'version'),
            column('APPLICATIONS', 'applications'),
            column('CLUSTERS', 'clusters'),
            column('ENVIRONMENTS', 'environments'),
          ])
          return 0
        }),
      )
  },
}
