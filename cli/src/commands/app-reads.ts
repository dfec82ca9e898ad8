import { isJsonObject, type JsonObject } from '@flotilla/core/json/json'
import { listAt, numberAt, textAt } from '@flotilla/core/json/read-json'
import type { Command } from 'commander'
import type { Flags } from '../client/gates.ts'
import type { CliContext, ExitCode } from '../context.ts'
import { formatOf } from '../output/formats.ts'
import { action } from './verb.ts'

/** What an Application is made of, and what stands beside it: `flotilla app tree|diff|orphans|refresh`. */
export function registerAppReads(parent: Command, context: CliContext): void {
  parent
    .command('tree')
    .description('every object of an Application and what it has made, and how that is in its cluster')
    .argument('<name>', 'its name')
    .option('--no-live', 'without what they have made (ReplicaSets, Jobs, Pods): its agent is not asked')
    .addHelpText('after', '\nExample:\n  flotilla app tree shop-checkout-eu-1')
    .action(
      action(context, async (name: string, _: object, self: Command): Promise<ExitCode> => {
        const { printTree } = await import('../client/print-tree.ts')
        return await printTree(context, self.optsWithGlobals(), name)
      }),
    )
  parent
    .command('diff')
    .description('what a sync would change, and what has drifted; ends with 1 where anything differs')
    .argument('<name>', 'its name')
    .addHelpText('after', '\nExample:\n  flotilla app diff shop-checkout-eu-1')
    .action(action(context, (name: string, _: object, self: Command) => diff(context, self.optsWithGlobals(), name)))
  parent
    .command('orphans')
    .description('objects in its namespace that no Application declares, where its Project asks')
    .argument('<name>', 'its name')
    .addHelpText('after', '\nExample:\n  flotilla app orphans shop-checkout-eu-1')
    .action(action(context, (name: string, _: object, self: Command) => orphans(context, self.optsWithGlobals(), name)))
  parent
    .command('refresh')
    .description('look at the repositories of an Application now')
    .argument('<name>', 'its name')
    .addHelpText('after', '\nExample:\n  flotilla app refresh shop-checkout-eu-1')
    .action(action(context, (name: string, _: object, self: Command) => refresh(context, self.optsWithGlobals(), name)))
}

async function orphans(context: CliContext, flags: Flags, name: string): Promise<ExitCode> {
  const format = formatOf(flags, ['table', 'wide', 'json', 'yaml', 'name'])
  const { withHubApi } = await import('../client/open-hub-api.ts')
  const { column, printRows } = await import('../client/print-rows.ts')
  const whole: JsonObject = await withHubApi(flags, context, api =>
    api.call('getApplicationOrphans', { path: { name } }, `Application "${name}"`),
  )
  const items = listAt(whole, 'items').filter(isJsonObject)
  await printRows(context, flags, format, { items, whole }, [
    {
      heading: 'KIND',
      text: row => (textAt(row, 'group') === '' ? '' : `${textAt(row, 'group')}/`) + textAt(row, 'kind'),
    },
    column('NAMESPACE', 'namespace'),
    column('NAME', 'name'),
  ])
  const say = (text: string) => void context.stderr.write(`${text}\n`)
  if (whole['monitored'] === false) say(`Project ${textAt(whole, 'project')} does not ask for orphans`)
  else if (whole['reported'] === false) say('its agent has not looked yet')
  const beyond = numberAt(whole, 'total') - items.length
  if (beyond > 0) say(`${whole['more'] === true ? 'more than ' : ''}${beyond} more are not named`)
  const unseen = numberAt(whole, 'unseenKinds')
  if (unseen > 0) say(`${unseen} kinds could not be looked at: its agent may not list them there`)
  return 0
}

async function diff(context: CliContext, flags: Flags, name: string): Promise<ExitCode> {
  const format = formatOf(flags, ['table', 'json', 'yaml'])
  const { withHubApi } = await import('../client/open-hub-api.ts')
  const whole: JsonObject = await withHubApi(flags, context, api =>
    api.call('getApplicationDiff', { path: { name } }, `Application "${name}"`),
  )
  const changes = listAt(whole, 'changes')
  const drift = listAt(whole, 'drift')
  const differs = changes.length + drift.length > 0
  if (format !== 'table') {
    const { printData } = await import('../output/data.ts')
    printData(context, format, whole)
    return differs ? 1 : 0
  }
  const { printable } = await import('../output/table.ts')
  const { printChanges } = await import('../client/print-changes.ts')
  printChanges(context, changes)
  for (const part of drift) {
    const object = `${textAt(part, 'kind')} ${textAt(part, 'name')}`
    const why = textAt(part, 'message') || textAt(part, 'reason')
    context.stdout.write(`${printable(`drifted: ${object}${why === '' ? '' : ` (${why})`}`)}\n`)
  }
  if (!differs && flags.quiet !== true) context.stderr.write('nothing differs\n')
  return differs ? 1 : 0
}

async function refresh(context: CliContext, flags: Flags, name: string): Promise<ExitCode> {
  const { withHubApi } = await import('../client/open-hub-api.ts')
  await withHubApi(flags, context, api => api.call('refreshApplication', { path: { name } }, `Application "${name}"`))
  context.stdout.write(`looking at the repositories of ${name}\n`)
  return 0
}
