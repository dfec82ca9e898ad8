import { readFile } from 'node:fs/promises'
import { resolve } from 'node:path'
import { text as textOf } from 'node:stream/consumers'
import type { CustomRuleSource } from '@flotilla/core/health/custom/custom-rules'
import type { Diagnostic } from '@flotilla/core/model/diagnostic'
import type { KubernetesObject } from '@flotilla/core/model/kubernetes-object'
import type { Health } from '@flotilla/core/model/status'
import type { Command } from 'commander'
import type { CliContext, ExitCode } from '../context.ts'
import { usageError } from '../errors.ts'
import { coloursOf } from '../output/colours.ts'
import { formatOf, type GlobalOptions } from '../output/formats.ts'
import { action, type Verb } from './verb.ts'

interface AssessOptions extends GlobalOptions {
  readonly file?: string
  readonly rules?: readonly string[]
  readonly strictArgo?: boolean
}

const LARGEST_FILE = 64 * 1024 * 1024

/** `flotilla health assess -f FILE|-`: how the objects of a file do, by the rules that agents use. */
export const healthVerb: Verb = {
  register(program, context) {
    const parent = program.command('health').description('look at the health of objects')
    parent
      .command('assess')
      .description('say how live objects do, without a hub or a cluster')
      .option('-f, --file <file>', 'the objects in YAML or JSON, as "kubectl get -o yaml" prints them; - for the input')
      .option(
        '--rules <file>',
        'rules of one’s own before those: a ConfigMap argocd-cm, as a config source declares it; may be repeated',
        (value: string, before: readonly string[] = []) => [...before, value],
      )
      .option('--strict-argo', 'read them exactly as Argo CD does, its surprises included')
      .addHelpText(
        'after',
        '\nExamples:\n  kubectl get deploy,certificate -o yaml | flotilla health assess -f -\n  flotilla health assess -f live.yaml -o json\n  flotilla health assess -f live.yaml --rules fleet/argocd-cm.yaml',
      )
      .action(action(context, (_: object, command: Command) => run(context, command.optsWithGlobals())))
  },
}

async function run(context: CliContext, options: AssessOptions): Promise<ExitCode> {
  const format = formatOf(options, ['table', 'json', 'yaml'])
  if (options.file === undefined) throw usageError('name a file', 'flotilla health assess -f FILE')
  const { file, text } = await read(options.file, context)
  const { assessHealth } = await import('@flotilla/core/health/assess-health')
  const { diagnosticText, hasErrors } = await import('../output/diagnostics.ts')
  const { readLiveObjects } = await import('../offline/read-live-objects.ts')
  const { objects, diagnostics } = readLiveObjects(text, file, LARGEST_FILE)
  const own = await ownRules(context, options.rules ?? [])
  const colours = coloursOf(context, context.stderr, options)
  for (const diagnostic of [...own.diagnostics, ...diagnostics])
    context.stderr.write(diagnosticText(diagnostic, colours))
  const rows = objects.map(object => {
    const { strictArgo } = options
    return rowOf(object, assessHealth(object, { strictArgo, now: context.clock.now(), custom: own.table }))
  })
  if (format === 'table') {
    const { table } = await import('../output/table.ts')
    const cells = rows.map(({ group, kind, namespace, name, status, message }) => {
      return [group === '' ? kind : `${group}/${kind}`, namespace, name, status ?? '-', message]
    })
    const headings = ['KIND', 'NAMESPACE', 'NAME', 'HEALTH', 'MESSAGE']
    context.stdout.write(table(headings, cells, coloursOf(context, context.stdout, options)))
  } else {
    const { printData } = await import('../output/data.ts')
    printData(context, format, rows)
  }
  return hasErrors([...own.diagnostics, ...diagnostics]) ? 1 : 0
}

/** What is wrong in a rule is told, and its kind keeps the rule that it has without it, as in an agent. @throws CliError */
async function ownRules(context: CliContext, files: readonly string[]) {
  if (files.length === 0) return { table: undefined, diagnostics: [] }
  const { load, scriptMistakes } = await import('@flotilla/config')
  const { loadCustomRules } = await import('@flotilla/core/health/custom/custom-rules')
  const sources: CustomRuleSource[] = []
  const diagnostics: Diagnostic[] = []
  for (const path of files) {
    const { text } = await read(path, context, '--rules')
    const loaded = load({ source: '', trust: { kind: 'all' }, files: [{ path, text }] })
    const { resourceCustomizations = [] } = loaded.fleet
    diagnostics.push(...loaded.diagnostics, ...(await scriptMistakes(loaded.fleet)))
    if (resourceCustomizations.length === 0 && loaded.diagnostics.length === 0) {
      throw usageError(`--rules ${path} holds no ConfigMap argocd-cm`, 'docs/health.md 5 and 6 say what stands in it')
    }
    sources.push(...resourceCustomizations.flatMap(({ spec }) => spec.health))
  }
  const { table } = await loadCustomRules(sources, () => context.clock.now())
  return { table, diagnostics }
}

async function read(
  file: string,
  context: CliContext,
  option = '--file',
): Promise<{ readonly file: string; readonly text: string }> {
  // The input may be a socket, which has no path that it could be opened by.
  const reading = file === '-' ? textOf(process.stdin) : readFile(resolve(context.cwd, file), 'utf8')
  const text = await reading.catch(error => {
    throw usageError(`${option}: ${error instanceof Error ? error.message : String(error)}`)
  })
  return { file: file === '-' ? '<stdin>' : file, text }
}

function rowOf({ apiVersion, kind, metadata }: KubernetesObject, health: Health | null) {
  const slash = apiVersion.indexOf('/')
  return {
    group: slash < 0 ? '' : apiVersion.slice(0, slash),
    version: apiVersion.slice(slash + 1),
    kind,
    namespace: textOr(metadata.namespace),
    name: textOr(metadata.name),
    /** Null: the kind has no health. */
    status: health?.status ?? null,
    message: health?.message ?? '',
  }
}

function textOr(value: unknown): string {
  return typeof value === 'string' ? value : ''
}
