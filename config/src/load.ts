import type { FreezeRule, WindowRule } from '@flotilla/core/gates/rules'
import type { ApplicationSpec } from '@flotilla/core/model/application'
import { compareDiagnostics, type Diagnostic } from '@flotilla/core/model/diagnostic'
import type {
  ApplicationSetSpec,
  ClusterSpec,
  Declared,
  Fleet,
  ProjectSpec,
  RepositorySpec,
} from '@flotilla/core/model/fleet'
import type { ResourceCustomizations } from '@flotilla/core/model/resource-customizations'
import type { NotificationRouteSpec } from '@flotilla/core/notify/route'
import type { SigningKeys } from '@flotilla/core/project/source-integrity'
import { isConfigFile } from './config-path.ts'
import type { SourceDocument, SourceSettings } from './declare.ts'
import { type DeclaredGate, declaredGate, type UnsupportedGate } from './declared-gate.ts'
import { keepLastGood } from './keep-last-good.ts'
import { type LastGood, type LastGoodDocument, NO_LAST_GOOD } from './last-good.ts'
import { LoadCache } from './load-cache.ts'
import type { UnreadableFile } from './read-file.ts'
import { resolveDuplicates } from './resolve-duplicates.ts'

export interface ConfigFile {
  /** Relative to the repository's root, `/` between segments; positions name it so. */
  readonly path: string
  readonly text: string
  /** Why there is no text: a link that leads out, no UTF-8. What the file held before stays as it was. */
  readonly unreadable?: UnreadableFile
}

/** One config source may have at most so many files, and so many characters in them. */
export const MAX_FILES = 50_000
export const MAX_TOTAL_CHARACTERS = 256 * 1024 * 1024

export interface LoadInput extends SourceSettings {
  /** Every file under the source's path, less what a narrower source has (`narrowerPaths`). */
  readonly files: readonly ConfigFile[]
  /** What this function returned the last time; without it, a broken document has nothing to fall back on. */
  readonly lastGood?: LastGood
  /** Puts `lastGood` in force and reads nothing else: how a hub starts before its repositories answer. */
  readonly restoreOnly?: boolean
  /** Keeps what has not changed from being read again; one for each source. */
  readonly cache?: LoadCache
}

/** What became of one document. */
export interface DocumentState {
  readonly file: string
  readonly index: number
  readonly line: number
  /** Kind and name where they could be told, the name with the source's prefix. */
  readonly kind?: string
  readonly name?: string
  /**
   * `current`: in force as written. `last-good`: broken, an earlier version is in force. `refused`: broken, and
   * nothing is in force. `ignored`: sound, but there is nothing in it to put in force.
   */
  readonly state: 'current' | 'last-good' | 'refused' | 'ignored'
  /** Why it is not `current`. */
  readonly why?: string
}

export interface ConfigLoad {
  readonly source: string
  /** What the source declares, last good versions included; lists are sorted by file and document. */
  readonly fleet: Fleet
  readonly documents: readonly DocumentState[]
  /** SyncWindows and FreezePeriods, those with mistakes too: nobody knows whom one of them would have closed. */
  readonly declaredGates: readonly DeclaredGate[]
  /** Restrictions of Projects that are declared and cannot be enforced yet: what they cover is to be held. */
  readonly unsupportedGates: readonly UnsupportedGate[]
  readonly diagnostics: readonly Diagnostic[]
  /** For the next call, and for the store. */
  readonly lastGood: LastGood
}

/**
 * Reads one config source: files in, declared documents and every mistake out.
 *
 * A document with mistakes keeps its last good version and holds up no other; Projects are taken all or none, because
 * half a policy is a hole. Pure but for the cache, which changes nothing but the time it takes.
 *
 * @throws Never: every mistake is a diagnostic.
 */
export function load(input: LoadInput): ConfigLoad {
  const settings: SourceSettings = { source: input.source, trust: input.trust, namePrefix: input.namePrefix }
  const cache = input.cache ?? new LoadCache()
  cache.begin(settings)
  const files = input.files.filter(file => isConfigFile(file.path)).sort((a, b) => compareText(a.path, b.path))
  const excess = excessOf(files)
  const read = excess === undefined ? files.flatMap(file => cache.read(settings, file)) : []
  const lastGood = input.lastGood?.format === 1 ? input.lastGood : NO_LAST_GOOD
  const claimed = resolveDuplicates(read, lastGood)
  const kept = keepLastGood({
    documents: claimed,
    lastGood,
    everything: excess !== undefined || input.restoreOnly === true,
    reread: one => cache.read(settings, { path: one.file, text: one.text }, one)[0],
  })
  cache.end()

  const inForce = [...kept.current, ...kept.kept.map(({ document }) => document)].sort(compareDocuments)
  const diagnostics = [
    ...claimed.flatMap(document => document.diagnostics),
    ...kept.diagnostics,
    ...(excess === undefined ? [] : [excess]),
  ]
  const gates = kept.gates.map(gate => declaredGate(gate, input.source, input.trust))
  return {
    source: input.source,
    fleet: fleetOf(inForce),
    documents: kept.states,
    declaredGates: gates.filter(({ restricts }) => restricts === 'gate'),
    unsupportedGates: gates.filter(({ restricts }) => restricts === 'project'),
    diagnostics: diagnostics.sort(compareDiagnostics),
    lastGood: {
      format: 1,
      documents: [...kept.current.map(memoryOf), ...kept.kept.map(({ memory }) => memory)].sort(compareMemory),
    },
  }
}

function excessOf(files: readonly ConfigFile[]): Diagnostic | undefined {
  const characters = files.reduce((sum, file) => sum + file.text.length, 0)
  if (files.length <= MAX_FILES && characters <= MAX_TOTAL_CHARACTERS) return undefined
  const limit = files.length > MAX_FILES ? `${MAX_FILES} files` : `${MAX_TOTAL_CHARACTERS} characters`
  return {
    severity: 'error',
    code: 'TOO_MANY_FILES',
    file: files[0]!.path,
    line: 1,
    column: 1,
    message: `the config source has more than ${limit}; nothing of it was read`,
    hint: 'point the config source at a narrower path',
  }
}

function fleetOf(documents: readonly SourceDocument[]): Fleet {
  const byKind = new Map<string, Declared<unknown>[]>()
  for (const { declared } of documents) {
    if (declared === undefined) continue
    const list = byKind.get(declared.kind)
    if (list === undefined) byKind.set(declared.kind, [declared])
    else list.push(declared)
  }
  // Each kind's reader has made the spec of that kind: registry.ts is the one place that pairs them.
  const of = <Spec>(kind: string): readonly Declared<Spec>[] => (byKind.get(kind) ?? []) as Declared<Spec>[]
  return {
    applicationSets: of<ApplicationSetSpec>('ApplicationSet'),
    applications: of<ApplicationSpec>('Application'),
    projects: of<ProjectSpec>('Project'),
    clusters: of<ClusterSpec>('Cluster'),
    repositories: of<RepositorySpec>('Repository'),
    syncWindows: of<WindowRule>('SyncWindow'),
    freezePeriods: of<FreezeRule>('FreezePeriod'),
    resourceCustomizations: of<ResourceCustomizations>('ResourceCustomizations'),
    accessPolicies: of<unknown>('AccessPolicy'),
    teams: of<unknown>('Team'),
    notificationRoutes: of<NotificationRouteSpec>('NotificationRoute'),
    signingKeys: of<SigningKeys>('SigningKeys'),
  }
}

function memoryOf({ read }: SourceDocument): LastGoodDocument {
  const { kind, name } = read.declares!
  return { file: read.file, index: read.index, kind, name, text: read.text, startLine: read.startLine }
}

function compareDocuments(a: SourceDocument, b: SourceDocument): number {
  return compareText(a.read.file, b.read.file) || a.read.index - b.read.index
}

function compareMemory(a: LastGoodDocument, b: LastGoodDocument): number {
  return compareText(a.file, b.file) || a.index - b.index || compareText(a.kind, b.kind) || compareText(a.name, b.name)
}

function compareText(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0
}
