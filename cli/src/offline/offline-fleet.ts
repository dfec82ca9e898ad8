import { type ConfigLoad, clusterFacts, foreseeHolds, load, type MergeResult, mergeFleets } from '@flotilla/config'
import { generatedSourceName, readGenerated } from '@flotilla/config/generated-documents'
import type { Application, ApplicationMetadata, ApplicationSpec } from '@flotilla/core/model/application'
import { compareDiagnostics, type Diagnostic } from '@flotilla/core/model/diagnostic'
import type { ApplicationSetSpec, Declared } from '@flotilla/core/model/fleet'
import type { Clock } from '@flotilla/core/ports/clock'
import { seededRandom } from '@flotilla/core/ports/create-random'
import { projectNames } from '@flotilla/core/project/default-project'
import {
  type Expansion,
  type ExpansionError,
  type GeneratorInputs,
  type InputAnswer,
  type InputRequest,
  inputKey,
  resolveNames,
} from '@flotilla/generators'
import { documentTemplates, type GeneratedDocument } from '@flotilla/generators/generated-documents'
import type { EngineEnvironment } from '@flotilla/generators/inputs'
import { createExpandInWorker, type Expand, expandHere } from '@flotilla/hub/expand/expand-in-worker'
import { inputGatherer } from './gather-input.ts'
import type { OnlineInputs } from './online-inputs.ts'
import { readConfigFiles } from './read-config.ts'
import { type RecordedInputs, readRecordedInputs } from './recorded-inputs.ts'
import { Repositories } from './repositories.ts'

export interface OfflineInput {
  readonly cwd: string
  readonly path: string
  readonly repo?: readonly string[]
  readonly at?: string
  /** Files of recorded inputs: what services over the network answered once. */
  readonly inputs?: readonly string[]
  /** Asked for what is not recorded; without it nobody is. */
  readonly online?: OnlineInputs
  /** With it, sets that ask for it are expanded in a thread with limits, as in a hub. */
  readonly clock?: Clock
}

/** A config repository as it stands on this machine: everything declared, and every mistake in it. */
export interface OfflineFleet extends MergeResult {
  readonly repositories: Repositories
  readonly recorded: RecordedInputs
  readonly online?: OnlineInputs
  readonly expand: Expand
  /** For templates that ask for the time or for chance, which is the same each time here. */
  readonly environment?: EngineEnvironment
  /** How many files were read. */
  readonly fileCount: number
  /** What sets make beside Applications; it is part of the fleet. */
  readonly generated: readonly GeneratedDocument[]
}

/** Reads a config path without a hub and without the network. @throws CliError */
export async function readOfflineFleet(input: OfflineInput): Promise<OfflineFleet> {
  const repositories = new Repositories({ ...input, mappings: input.repo ?? [] })
  const files = await readConfigFiles(input.path, input.cwd, repositories)
  const loaded = load({ source: '', trust: { kind: 'all' }, files })
  const fleet: OfflineFleet = {
    ...mergeFleets([loaded]),
    repositories,
    recorded: readRecordedInputs(input.inputs ?? [], input.cwd),
    ...(input.online && { online: input.online }),
    expand: input.clock ? createExpandInWorker({ clock: input.clock }).expand : expandHere,
    ...(input.clock && { environment: environmentOf(input.clock) }),
    fileCount: files.length,
    generated: [],
  }
  return withGenerated(loaded, fleet)
}

/** The fleet with what its sets make beside Applications. */
async function withGenerated(loaded: ConfigLoad, fleet: OfflineFleet): Promise<OfflineFleet> {
  const making = fleet.fleet.applicationSets.filter(set => documentTemplates(set).length > 0)
  if (making.length === 0) return fleet
  const answers = new Map<string, InputAnswer>()
  const inputs = inputsOf(fleet, answers)
  const gather = inputGatherer(fleet)
  const loads = [loaded]
  const generated: GeneratedDocument[] = []
  const mistakes: Diagnostic[] = []
  // Sets that make Clusters see none, so that one after the other is enough for those that do.
  const inOrder = making.toSorted((a, b) => Number(makesClusters(b)) - Number(makesClusters(a)))
  for (const set of inOrder) {
    const seen = { ...inputs, clusters: clusterFacts(mergeFleets(loads).fleet.clusters) }
    const { generators, errors } = await expandSet(set, seen, answers, gather, fleet.expand)
    const made = generators.flatMap(outcome => outcome.documents ?? [])
    const { files, documents, mistakes: found } = readGenerated(set, made)
    mistakes.push(...found.map(({ provenance: _, ...mistake }) => diagnosticOf(mistake)))
    // What the generators did wrong is said when the whole fleet is expanded.
    if (generators.some(({ status }) => status !== 'ok') || errors.some(({ stale }) => stale)) continue
    generated.push(...documents)
    loads.push(load({ source: generatedSourceName(set), trust: set.trust, files }))
  }
  const merged = mergeFleets(loads)
  const diagnostics = [...merged.diagnostics, ...mistakes].sort(compareDiagnostics)
  return { ...fleet, ...merged, diagnostics, generated }
}

function makesClusters(set: Declared<ApplicationSetSpec>): boolean {
  return documentTemplates(set).some(({ kind }) => kind === 'Cluster')
}

function environmentOf(clock: Clock): EngineEnvironment {
  const random = seededRandom(1)
  return { now: () => clock.now(), bytes: count => random.bytes(count) }
}

function inputsOf(fleet: OfflineFleet, answers: ReadonlyMap<string, InputAnswer>): GeneratorInputs {
  return {
    clusters: clusterFacts(fleet.fleet.clusters),
    projects: projectNames(fleet.fleet.projects),
    projectSpecs: new Map(fleet.fleet.projects.map(project => [project.name, project.spec])),
    answer: request => answers.get(inputKey(request)),
    ...(fleet.environment && { environment: fleet.environment }),
  }
}

export interface OfflineApplications {
  /** Generated and written by hand, one of a name, in the order of the documents. */
  readonly applications: readonly Application[]
  readonly diagnostics: readonly Diagnostic[]
  /** What each set asked of the world, by its name, with the answer that it had. */
  readonly asked: ReadonlyMap<string, readonly Asked[]>
}

export interface Asked {
  readonly request: InputRequest
  readonly answer: InputAnswer
}

/**
 * Expands the sets of a fleet, asking local folders for what generators need.
 *
 * @param only Names of the sets to expand; all by default.
 * @param gather Without it, generators that need a repository wait: their Applications and mistakes stay unknown.
 */
export async function expandOffline(
  fleet: OfflineFleet,
  options: {
    readonly only?: ReadonlySet<string>
    readonly gather?: boolean
    /** Another version of a set, in the place of its own. */
    readonly change?: (set: Declared<ApplicationSetSpec>) => Declared<ApplicationSetSpec>
  } = {},
): Promise<OfflineApplications> {
  const answers = new Map<string, InputAnswer>()
  const inputs = inputsOf(fleet, answers)
  const candidates = fleet.fleet.applications.map(applicationOf)
  const diagnostics: Diagnostic[] = []
  const gather = options.gather === false ? undefined : inputGatherer(fleet)
  const asked = new Map<string, readonly Asked[]>()
  for (const set of fleet.fleet.applicationSets) {
    if (options.only !== undefined && !options.only.has(set.name)) continue
    const requests = new Map<string, InputRequest>()
    const noting: GeneratorInputs = {
      ...inputs,
      answer: request => {
        requests.set(inputKey(request), request)
        return inputs.answer(request)
      },
    }
    const expansion = await expandSet(options.change?.(set) ?? set, noting, answers, gather, fleet.expand)
    asked.set(
      set.name,
      [...requests].flatMap(([key, request]) => {
        const answer = answers.get(key)
        return answer === undefined ? [] : [{ request, answer }]
      }),
    )
    candidates.push(...expansion.applications)
    diagnostics.push(...expansion.errors.map(diagnosticOf))
  }
  const { winners, refusals } = resolveNames(candidates)
  diagnostics.push(...refusals.map(refusal => refusal.diagnostic), ...foreseeHolds(fleet, winners))
  return { applications: winners, diagnostics: diagnostics.sort(compareDiagnostics), asked }
}

async function expandSet(
  set: Declared<ApplicationSetSpec>,
  inputs: GeneratorInputs,
  answers: Map<string, InputAnswer>,
  gather: ReturnType<typeof inputGatherer> | undefined,
  expand: Expand,
): Promise<Expansion> {
  let expansion = await expand(set, inputs, answers)
  // Each round answers everything asked: a matrix asks for its second child once the first is known, and so on inwards.
  while (expansion.needs.length > 0 && gather !== undefined) {
    for (const request of expansion.needs) answers.set(inputKey(request), await gather(request))
    expansion = await expand(set, inputs, answers)
  }
  return expansion
}

function diagnosticOf({
  code,
  message,
  hint,
  position,
}: Pick<ExpansionError, 'code' | 'message' | 'hint' | 'position'>): Diagnostic {
  const url = code === 'INPUT_UNAVAILABLE' ? /the repository (\S+)/.exec(message)?.[1] : undefined
  const advice = url === undefined ? hint : `name a local clone: --repo ${url}=DIR`
  return { severity: 'error', code, ...position, message, ...(advice === undefined ? {} : { hint: advice }) }
}

/** An Application document as an Application: its provenance is the document itself. */
export function applicationOf(declared: Declared<ApplicationSpec>): Application {
  const { apiVersion, name, namespace, labels, annotations, finalizers, spec, source, position } = declared
  const metadata: ApplicationMetadata = {
    name,
    ...(namespace === undefined ? {} : { namespace }),
    ...(Object.keys(labels).length === 0 ? {} : { labels }),
    ...(Object.keys(annotations).length === 0 ? {} : { annotations }),
    ...(finalizers.length === 0 ? {} : { finalizers }),
  }
  return { apiVersion, kind: 'Application', metadata, spec, provenance: { source, ...position } }
}
