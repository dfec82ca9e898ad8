import { isJsonObject, type Json, type JsonObject } from '@flotilla/core/json/json'
import { listAt, numberIfAny, textAt, valueAt } from '@flotilla/core/json/read-json'
import { parseYamlDocuments } from '@flotilla/core/yaml/parse-yaml'
import type { Operations } from '@flotilla/hub/client/operations'
import type { CliContext, ExitCode } from '../context.ts'
import { failure, usageError } from '../errors.ts'
import { formatOf, type GlobalOptions } from '../output/formats.ts'
import { printable } from '../output/table.ts'
import { GATE_COLUMNS, OVERRIDE_COLUMNS, zoned } from './gate-columns.ts'
import type { HubApi, Listed } from './hub-api.ts'
import { type HubConnectionOptions, withHubApi } from './open-hub-api.ts'
import { type Column, printRows } from './print-rows.ts'

export type Flags = GlobalOptions & HubConnectionOptions
export type StopTheLine = Operations['freezeNow']['body']
type Document = Operations['createFreeze']['body']

/** Freezes and windows are made and changed in the same way: what each of the routes is called. */
export type GateWord = 'freeze' | 'window'
const ROUTES = {
  freeze: { get: 'getFreeze', yaml: 'exportFreeze', create: 'createFreeze', edit: 'editFreeze' },
  window: { get: 'getWindow', yaml: 'exportWindow', create: 'createWindow', edit: 'editWindow' },
} as const

const FORMATS = ['table', 'wide', 'json', 'yaml', 'name'] as const

/** A list of the hub, with what people are told when it is empty. @throws CliError */
export async function listGates(
  context: CliContext,
  flags: Flags,
  wanted: {
    readonly list: (api: HubApi) => Promise<Listed>
    readonly columns: readonly Column[]
    readonly nothing: string
    /** What `-o name` gives. */
    readonly nameOf?: (row: JsonObject) => string
  },
): Promise<ExitCode> {
  const format = formatOf(flags, [...FORMATS])
  const { items, total } = await withHubApi(flags, context, wanted.list)
  const { nameOf } = wanted
  const rows = format === 'name' && nameOf ? items.map(each => ({ ...each, name: nameOf(each) })) : items
  await printRows(context, flags, format, { items: rows, whole: { items, total } }, wanted.columns, wanted.nothing)
  return 0
}

/** One of them: its table and how far it has got; `-o yaml` is the document for a config repository. @throws CliError */
export async function getGate(context: CliContext, flags: Flags, word: GateWord, name: string): Promise<ExitCode> {
  const format = formatOf(flags, [...FORMATS])
  if (format === 'yaml') {
    const { text } = await withHubApi(flags, context, api =>
      api.text(ROUTES[word].yaml, { path: { name } }, `${word} "${name}"`),
    )
    context.stdout.write(text)
    return 0
  }
  const found = await withHubApi(flags, context, api =>
    api.call(ROUTES[word].get, { path: { name } }, `${word} "${name}"`),
  )
  await showGate(context, flags, format, found)
  return 0
}

/** Makes the freezes or windows of a file, one after the other. @throws CliError for the first that cannot be. */
export async function createGates(
  context: CliContext,
  flags: Flags,
  word: GateWord,
  { file, text }: { readonly file: string; readonly text: string },
): Promise<ExitCode> {
  const format = formatOf(flags, [...FORMATS])
  const documents = documentsOf(file, text)
  return await withHubApi(flags, context, async (api): Promise<ExitCode> => {
    for (const document of documents) {
      await showGate(context, flags, format, await api.call(ROUTES[word].create, { body: document as Document }))
    }
    return 0
  })
}

/** @throws CliError */
export async function freezeNow(context: CliContext, flags: Flags, body: StopTheLine): Promise<ExitCode> {
  const format = formatOf(flags, [...FORMATS])
  const made = await withHubApi(flags, context, api => api.call('freezeNow', { body }))
  await showGate(context, flags, format, made)
  return 0
}

/** Ends a freeze, or asks those who have to approve. 1 while it waits for them. @throws CliError */
export async function endFreeze(context: CliContext, flags: Flags, name: string, reason: string): Promise<ExitCode> {
  return await change(context, flags, api =>
    api.call('endFreeze', { path: { name }, body: { reason } }, `freeze "${name}"`),
  )
}

/** Deletes a window, or asks those who have to approve. 1 while it waits for them. @throws CliError */
export async function deleteWindow(context: CliContext, flags: Flags, name: string, reason: string): Promise<ExitCode> {
  return await change(context, flags, api =>
    api.call('deleteWindow', { path: { name }, query: { reason } }, `window "${name}"`),
  )
}

/** Changes one to what a file says; 1 while others have to approve. @throws CliError */
export async function editGate(
  context: CliContext,
  flags: Flags,
  word: GateWord,
  wanted: { readonly name: string; readonly file: string; readonly text: string; readonly reason: string },
): Promise<ExitCode> {
  const { name, file, text, reason } = wanted
  const [document, second] = documentsOf(file, text)
  if (document === undefined || second !== undefined) throw usageError(`${file} has to be one document`)
  return await change(context, flags, async api => {
    const before = await api.call(ROUTES[word].get, { path: { name } }, `${word} "${name}"`)
    const spec = replacing(valueAt(before, 'document', 'spec'), document['spec'])
    const owner = valueAt(document, 'metadata', 'owner')
    const body = { spec, reason, metadata: { owner: owner ?? null } } as Operations['editFreeze']['body']
    const revision = numberIfAny(before, 'revision')
    const options = revision === undefined ? {} : { ifMatch: `"${revision}"` }
    return await api.call(ROUTES[word].edit, { path: { name }, body }, `${word} "${name}"`, options)
  })
}

/** A patch that leaves exactly what `next` says: members that are gone are taken out. */
function replacing(before: Json | undefined, next: Json | undefined): Json {
  const gone = isJsonObject(before)
    ? Object.keys(before).filter(key => !isJsonObject(next) || next[key] === undefined)
    : []
  return { ...Object.fromEntries(gone.map(key => [key, null])), ...(isJsonObject(next) ? next : {}) }
}

async function change(context: CliContext, flags: Flags, ask: (api: HubApi) => Promise<JsonObject>): Promise<ExitCode> {
  const format = formatOf(flags, [...FORMATS])
  const answer = await withHubApi(flags, context, ask)
  const { waiting } = answer
  if (!isJsonObject(waiting)) {
    await showGate(context, flags, format, answer)
    return 0
  }
  const id = textAt(waiting, 'id')
  await printRows(context, flags, format, { items: [{ ...waiting, name: id }], whole: answer }, OVERRIDE_COLUMNS)
  context.stderr.write(
    `it holds now, so this is break-glass (${listAt(answer, 'because').join('; ')}); somebody else says: flotilla override approve ${id}\n`,
  )
  return 1
}

async function showGate(
  context: CliContext,
  flags: Flags,
  format: (typeof FORMATS)[number],
  gate: JsonObject,
): Promise<void> {
  await printRows(context, flags, format, { items: [gate], whole: gate }, GATE_COLUMNS)
  if (format !== 'table' && format !== 'wide') return
  context.stdout.write(`\n${printable(effectText(gate))}\n`)
}

/** `14 Applications in 3 clusters; in force on 2 of 3 clusters, latest possible start 2026-12-18 18:12 +00:00`. */
export function effectText(gate: JsonObject): string {
  const effect = valueAt(gate, 'effect')
  const [applications, clusters, inForce] = ['applications', 'clusters', 'inForce'].map(key =>
    Number(valueAt(effect, key) ?? 0),
  ) as [number, number, number]
  const whom = `${applications} Application${applications === 1 ? '' : 's'} in ${clusters} cluster${clusters === 1 ? '' : 's'}`
  if (!['active', 'indeterminate'].includes(textAt(gate, 'state'))) return whom
  const latest = textAt(effect, 'latestStart')
  const start = latest === '' ? 'nothing can start any more' : `latest possible start ${zoned(latest)}`
  return `${whom}; in force on ${inForce} of ${clusters} clusters, ${start}`
}

/** Every document of a file, JSON or YAML. @throws CliError */
export function documentsOf(file: string, text: string): readonly JsonObject[] {
  const { documents, diagnostics } = parseYamlDocuments(text, { file })
  const error = diagnostics.find(({ severity }) => severity === 'error')
  if (error !== undefined) throw failure(`${file}:${error.line}:${error.column} ${error.message}`)
  const objects = documents.map(({ value }) => value).filter(isJsonObject)
  if (objects.length === 0 || objects.length < documents.length) throw failure(`${file} holds no document of a gate`)
  return objects
}
