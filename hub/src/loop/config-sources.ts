import { narrowerPaths, type SourceLocation } from '@flotilla/config/config-path'
import type { LastGood, LastGoodDocument } from '@flotilla/config/last-good'
import { type ConfigFile, type ConfigLoad, load } from '@flotilla/config/load'
import { LoadCache } from '@flotilla/config/load-cache'
import { type Incumbents, incumbentsOf, mergeFleets } from '@flotilla/config/merge-fleets'
import { scriptMistakes } from '@flotilla/config/script-mistakes'
import { equalJson, type JsonObject } from '@flotilla/core/json/json'
import { compareDiagnostics, type Diagnostic } from '@flotilla/core/model/diagnostic'
import type { Trust } from '@flotilla/core/model/fleet'
import type { ObjectId } from '@flotilla/core/ports/git'
import type { ClusterRow, SourceDocumentRow, SourceRow, StoreReader, StoreWriter } from '@flotilla/core/ports/store'
import type { EpochMs } from '@flotilla/core/time/epoch-ms'
import { activityOfSource, changedDocuments } from '../activity/commit-activity.ts'
import { type FleetIndex, indexFleet } from './fleet-index.ts'
import { registeredClusters } from './registered-clusters.ts'

/** One entry of `configSources` in hub.yaml. */
export interface ConfigSource extends SourceLocation {
  readonly name: string
  readonly trust: Trust
  readonly namePrefix?: string
  /**
   * Name of the Application that renders its documents, or key of the set that makes them; such a source is not in
   * hub.yaml (brought-documents.ts, set-documents.ts).
   */
  readonly broughtBy?: string
}

/** What reading a source's files came to. */
export type SourceFiles =
  | {
      readonly kind: 'read'
      readonly commit: ObjectId
      readonly files: readonly ConfigFile[]
    }
  | { readonly kind: 'failed'; readonly code: string; readonly message: string }

interface SourceState {
  readonly config: ConfigSource
  readonly cache: LoadCache
  load?: ConfigLoad
  row: SourceRow
  /** What its documents say against those of others, or against each other. */
  between: readonly Diagnostic[]
  /** Its Applications whose name another has. */
  refused: readonly Diagnostic[]
  /** Of its health scripts, those that cannot be read. */
  scripts: readonly Diagnostic[]
}

/** The config sources with what is in force of each; all of them merged are the fleet. */
export class ConfigSources {
  readonly #states = new Map<string, SourceState>()
  readonly #commits = new DocumentCommits()
  #incumbents: Incumbents = new Map()
  #contested: JsonObject = {}

  constructor(configs: readonly ConfigSource[]) {
    for (const config of configs) this.#add(config)
  }

  #add(config: ConfigSource): void {
    const { name, repository, revision, path } = config
    const row: SourceRow = { name, repository, revision, path, diagnostics: [] }
    this.#states.set(name, { config, cache: new LoadCache(), row, between: [], refused: [], scripts: [] })
  }

  /** Those of hub.yaml. */
  get configs(): readonly ConfigSource[] {
    return [...this.#states.values()].flatMap(({ config }) => (config.broughtBy === undefined ? config : []))
  }

  /** Takes a source that an Application brings, as it is now; what it declared stays until it is read again. */
  bring(config: ConfigSource): void {
    const state = this.#states.get(config.name)
    const { repository, revision, path } = config
    if (!state) this.#add(config)
    else this.#states.set(config.name, { ...state, config, row: { ...state.row, repository, revision, path } })
  }

  config(name: string): ConfigSource | undefined {
    return this.#states.get(name)?.config
  }

  has(name: string): boolean {
    return this.#states.has(name)
  }

  /** Folders below this source's that a narrower source has. */
  narrower(config: ConfigSource): readonly string[] {
    return narrowerPaths(config, this.configs)
  }

  /** Whether it is known what the source declares, from its repository or from what was stored. */
  loaded(name: string): boolean {
    return this.#states.get(name)?.load !== undefined
  }

  /** Whether what was last said of it is that it could not be read. */
  failing(name: string): boolean {
    return this.#states.get(name)?.row.error !== undefined
  }

  /** Puts in force what was stored: a hub whose repositories are away starts with the fleet it had. */
  async restore(rows: StoreReader): Promise<void> {
    const rowsByName = new Map((await rows.sources()).map(row => [row.name, row]))
    for (const state of this.#states.values()) {
      const row = rowsByName.get(state.config.name)
      if (!row?.commit || !samePlace(row, state.config)) continue
      const stored = await rows.sourceDocuments(state.config.name)
      const documents = stored.map(
        ({ file, index, kind, name, text, startLine }) =>
          ({ file, index, kind, name, text, startLine }) as LastGoodDocument,
      )
      const lastGood: LastGood = { format: 1, documents }
      this.#commits.restore(stored)
      state.load = load({ ...settingsOf(state.config), files: [], lastGood, restoreOnly: true, cache: state.cache })
      state.row = row
    }
  }

  /** Takes what a repository holds now; says what is to be stored. */
  take(
    name: string,
    read: SourceFiles,
    now: EpochMs,
    /** Why the repository could not be fetched, when its last good mirror was read. */
    away?: { readonly code: string; readonly message: string; readonly since: EpochMs },
  ): { readonly row: SourceRow; readonly documents?: readonly SourceDocumentRow[] } {
    const state = this.#states.get(name)
    if (!state) throw new Error(`config source "${name}" is not configured`)
    if (read.kind === 'failed') {
      const since = state.row.error?.code === read.code ? state.row.error.since : now
      state.row = { ...state.row, error: { code: read.code, message: read.message, since } }
      return { row: state.row }
    }
    const loaded = load({
      ...settingsOf(state.config),
      files: read.files,
      lastGood: state.load?.lastGood,
      cache: state.cache,
    })
    state.load = loaded
    this.#commits.note(name, loaded.lastGood, read.commit)
    const { error: _, ...rest } = state.row
    const error = away && { code: away.code, message: away.message, since: away.since }
    state.row = {
      ...rest,
      ...(error && { error }),
      commit: read.commit,
      loadedAt: state.row.commit === read.commit ? state.row.loadedAt : now,
      seenCommit: read.commit,
      seenAt: state.row.seenCommit === read.commit ? state.row.seenAt : now,
      diagnostics: loaded.diagnostics as unknown as readonly JsonObject[],
      documentCount: loaded.lastGood.documents.length,
      documents: loaded.documents.filter(
        ({ state: is }) => is === 'last-good' || is === 'refused',
      ) as unknown as readonly JsonObject[],
    }
    return { row: state.row, documents: this.#commits.rowsOf(name, loaded.lastGood) }
  }

  /**
   * All sources as one fleet; names stay with who has them.
   *
   * @param clusters Records of clusters: those that were registered and that no document declares are part of it.
   *
   * @returns Also the rows of sources whose diagnostics are others now: two sources may claim one name. `contested`: who
   *   has the names that several claim, when that is not what is stored; it outlives a restart, or the lowest source
   *   would take them then.
   */
  merge(clusters: Iterable<ClusterRow> = []): {
    readonly index: FleetIndex
    readonly changed: readonly SourceRow[]
    readonly contested?: JsonObject
  } {
    const states = [...this.#states.values()]
    const loads = states.flatMap(({ load: loaded }) => (loaded ? [loaded] : []))
    const registered = registeredClusters(clusters, loads)
    const merged = mergeFleets(registered ? [...loads, registered] : loads, this.#incumbents)
    this.#incumbents = incumbentsOf(merged.fleet)
    const changed: SourceRow[] = []
    for (const state of states) {
      if (!state.load) continue
      state.between = merged.diagnostics.filter(({ source }) => source === state.config.name)
      if (tellAll(state)) changed.push(state.row)
    }
    const contested = contestedNames(loads, this.#incumbents)
    const differs = !equalJson(contested, this.#contested)
    const index = indexFleet(merged.fleet, merged.unsupportedGates, merged.declaredGates)
    return { index, changed, ...(differs && { contested }) }
  }

  /** Looks at the health scripts of what was just taken; returns its row when there is something to tell. */
  async checkScripts(name: string): Promise<SourceRow | undefined> {
    const state = this.#states.get(name)
    if (!state?.load) return undefined
    state.scripts = await scriptMistakes(state.load.fleet)
    return state.scripts.length > 0 && tellAll(state) ? state.row : undefined
  }

  /** Says which of a source's own Applications have no name; returns its row when that is news. */
  refuse(name: string, refused: readonly Diagnostic[]): SourceRow | undefined {
    const state = this.#states.get(name)
    if (!state?.load) return undefined
    state.refused = refused
    return tellAll(state) ? state.row : undefined
  }

  /** What {@link merge} said of contested names is stored. */
  keepContested(contested: JsonObject): void {
    this.#contested = contested
  }

  /** What {@link merge} said of contested names before a restart. */
  restoreContested(contested: JsonObject): void {
    this.#contested = contested
    this.#incumbents = new Map(Object.entries(contested) as unknown as [string, { source: string; file: string }][])
  }
}

/** Puts every mistake of a source into its row; whether that changed it. */
function tellAll(state: SourceState): boolean {
  const all = [...(state.load?.diagnostics ?? []), ...state.between, ...state.refused, ...state.scripts].sort(
    compareDiagnostics,
  )
  const diagnostics = all as unknown as readonly JsonObject[]
  if (equalJson(diagnostics, state.row.diagnostics)) return false
  state.row = { ...state.row, diagnostics }
  return true
}

function contestedNames(loads: readonly ConfigLoad[], incumbents: Incumbents): JsonObject {
  const seen = new Set<string>()
  const contested: { [name: string]: { readonly source: string; readonly file: string } } = {}
  for (const { fleet } of loads) {
    for (const key of incumbentsOf(fleet).keys()) {
      const incumbent = incumbents.get(key)
      if (seen.has(key) && incumbent) contested[key] = { source: incumbent.source, file: incumbent.file }
      seen.add(key)
    }
  }
  return contested
}

/** Which commit each document in force has its text from; an unchanged document is an unchanged row. */
class DocumentCommits {
  readonly #known = new Map<string, { readonly text: string; readonly commit: ObjectId }>()

  restore(rows: readonly SourceDocumentRow[]): void {
    for (const row of rows) this.#known.set(keyOf(row.source, row), { text: row.text, commit: row.commit })
  }

  note(source: string, lastGood: LastGood, commit: ObjectId): void {
    for (const document of lastGood.documents) {
      const key = keyOf(source, document)
      if (this.#known.get(key)?.text !== document.text) this.#known.set(key, { text: document.text, commit })
    }
  }

  rowsOf(source: string, lastGood: LastGood): SourceDocumentRow[] {
    return lastGood.documents.map(({ file, index, kind, name, text, startLine }) => {
      const commit = this.#known.get(keyOf(source, { file, kind, name }))?.commit ?? ''
      return { source, file, index, kind, name, text, startLine, commit }
    })
  }
}

function keyOf(
  source: string,
  { file, kind, name }: { readonly file: string; readonly kind: string; readonly name: string },
): string {
  return JSON.stringify([source, file, kind, name])
}

export async function storeSource(
  writer: StoreWriter,
  taken: { readonly row: SourceRow; readonly documents?: readonly SourceDocumentRow[] },
): Promise<void> {
  const { name, repository, commit, loadedAt, diagnostics } = taken.row
  // What an Application brings is its own commit, and told of as that.
  if (commit !== undefined && taken.documents && !name.includes(':')) {
    const changed = changedDocuments(await writer.sourceDocuments(name), taken.documents)
    const place = { name, repository, commit }
    if (changed.length > 0) {
      await writer.appendActivity(activityOfSource(place, changed, diagnostics.length, loadedAt ?? 0))
    }
  }
  await writer.putSource(taken.row)
  if (taken.documents) await writer.putSourceDocuments(taken.row.name, taken.documents)
}

function settingsOf({ name, trust, namePrefix }: ConfigSource) {
  return { source: name, trust, namePrefix }
}

function samePlace(row: SourceRow, config: ConfigSource): boolean {
  return row.repository === config.repository && row.revision === config.revision && row.path === config.path
}
