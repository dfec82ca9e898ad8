import { createHash } from 'node:crypto'
import { type GeneratedMistake, readGenerated } from '@flotilla/config/generated-documents'
import type { ConfigFile } from '@flotilla/config/load'
import { withNamePrefix } from '@flotilla/config/name-prefix'
import { trusted } from '@flotilla/config/trust'
import type { JsonObject } from '@flotilla/core/json/json'
import { stringifyJson } from '@flotilla/core/json/stringify-json'
import type { Application } from '@flotilla/core/model/application'
import type { ApplicationSetSpec, Declared } from '@flotilla/core/model/fleet'
import { GitError } from '@flotilla/core/ports/git'
import type { SetRow } from '@flotilla/core/ports/store'
import { projectNames } from '@flotilla/core/project/default-project'
import type { Expansion, ExpansionError } from '@flotilla/generators/expansion'
import { ExpansionMemory } from '@flotilla/generators/expansion-memory'
import {
  type GeneratorInputs,
  type GitRequest,
  type HostedRequest,
  type InputAnswer,
  type InputRequest,
  inputKey,
  isGitRequest,
} from '@flotilla/generators/inputs'
import { projectOfSet } from '@flotilla/generators/set-project'
import { expandHere } from '../expand/expand-in-worker.ts'
import { answerSigned } from './check-signatures.ts'
import { setKey } from './fleet-index.ts'
import type { LoopServices } from './services.ts'
import { applicationOf, type World } from './world.ts'

/** More rounds of questions than any nesting of generators can ask. */
const MOST_ROUNDS = 16

/** A set's round: what it yields now, and what is wrong with it. */
export interface SetRound {
  readonly key: string
  readonly applications: readonly Application[]
  /** Whether any generator is on its last good result: nothing that is missing may go. */
  readonly stale: boolean
  /** Top-level generators whose list is their provider's word: what is missing from it is over. */
  readonly authoritative: ReadonlySet<string>
  /** What `spec.documents` became; absent while that cannot be said as a whole, and what was made before stays. */
  readonly files?: readonly ConfigFile[]
  readonly row: SetRow
  readonly reads: readonly { readonly repository: string; readonly revision: string; readonly path: string }[]
  /** What it was told by services over the network. */
  readonly asked: readonly HostedRequest[]
}

/**
 * Expands one set against the repositories as they are mirrored now. A generator that fails keeps what it last
 * yielded, found again among the stored Applications by their provenance (decision 21).
 */
export async function expandSet(
  set: Declared<ApplicationSetSpec>,
  world: World,
  services: LoopServices,
  /** Of its config source. */
  namePrefix: string | undefined,
): Promise<SetRound> {
  const known = knownRounds.get(set)
  const inputs = {
    world,
    namePrefix,
    clusters: world.fleet.clusterFacts,
    projects: declaredProjects(world),
    projectDigest: carriedProject(set, world)?.contentDigest,
  }
  if (known && (await stillSo(known, inputs, services, set))) return known.round
  const { expansion, requests, answers } = await answerAll(set, world, services)
  const errors: ExpansionError[] = [...expansion.errors]
  const applications: Application[] = []
  for (const outcome of expansion.generators) {
    // What is stored bears the prefix already.
    const yielded =
      outcome.status === 'ok'
        ? outcome.applications.map(application => withNamePrefix(namePrefix, application))
        : lastGood(set, outcome.generator, world)
    for (const application of yielded) {
      if (trusted(set.trust, application.spec.project)) applications.push(application)
      else errors.push(notTrusted(set, outcome.generator, application))
    }
  }
  const generated = readGenerated(
    set,
    expansion.generators.flatMap(({ documents = [] }) => documents),
  )
  errors.push(...generated.mistakes.map(documentError))
  const key = setKey(set)
  const stale = expansion.generators.some(({ status }) => status !== 'ok') || errors.some(error => error.stale)
  const round: SetRound = {
    key,
    applications,
    stale,
    ...(!stale && generated.mistakes.length === 0 && { files: generated.files }),
    authoritative: new Set(
      expansion.generators.flatMap(each => (each.status === 'ok' && each.authoritative ? [each.generator] : [])),
    ),
    reads: requests.filter(isGitRequest).map(placeOf),
    asked: requests.filter(isHostedRequest),
    row: {
      key,
      source: set.source,
      name: set.name,
      contentDigest: set.contentDigest,
      generators: expansion.generators.map(({ generator, status, applications: yielded }) => {
        if (status === 'ok') return { generator, status, applications: yielded.length }
        const kept = lastGood(set, generator, world).length
        return { generator, status: kept > 0 ? 'stale' : status, applications: kept }
      }),
      errors: errors as unknown as readonly JsonObject[],
      expandedAt: services.clock.now(),
    },
  }
  // What is on its last good result depends on more than its inputs.
  if (stale) knownRounds.delete(set)
  else
    knownRounds.set(set, { ...inputs, answers: requests.map(request => [request, printOf(answers, request)]), round })
  return round
}

/** What a round was made of. Equal inputs give an equal round: most commits touch files that no generator looks at. */
interface KnownRound extends RoundInputs {
  readonly answers: readonly (readonly [request: InputRequest, print: string])[]
  readonly round: SetRound
}

interface RoundInputs {
  readonly world: World
  readonly namePrefix: string | undefined
  readonly clusters: GeneratorInputs['clusters']
  readonly projects: readonly string[]
  /** Of the Project that the set carries: what its generators see follows from that Project's rules. */
  readonly projectDigest: string | undefined
}

/** By the document as it was read: another version of it is another key, and one that is gone is forgotten. */
const knownRounds = new WeakMap<Declared<ApplicationSetSpec>, KnownRound>()

/** Asks again what was asked then, which costs what changed; expanding costs what the set makes. */
async function stillSo(
  known: KnownRound,
  now: RoundInputs,
  services: LoopServices,
  set: Declared<ApplicationSetSpec>,
): Promise<boolean> {
  const same =
    known.world === now.world &&
    known.namePrefix === now.namePrefix &&
    known.clusters === now.clusters &&
    known.projectDigest === now.projectDigest &&
    known.projects.length === now.projects.length &&
    known.projects.every((name, index) => name === now.projects[index])
  if (!same) return false
  for (const [request, print] of known.answers) {
    if (fingerprint(request, await answerOf(request, set, now.world, services)) !== print) return false
  }
  return true
}

function printOf(answers: ReadonlyMap<string, InputAnswer>, request: InputRequest): string {
  const answer = answers.get(inputKey(request))
  return answer ? fingerprint(request, answer) : ''
}

/** Of what a generator sees of it: the commit is among that only where the request says so. */
function fingerprint(request: InputRequest, answer: InputAnswer): string {
  const hash = createHash('sha256').update(answer.kind)
  const add = (text: string): void => void hash.update(`${text.length}:`).update(text)
  if (isGitRequest(request) && request.wantsCommit && 'commit' in answer) add(answer.commit)
  if (answer.kind === 'failed') add(answer.message)
  else if (answer.kind === 'git-directories') add(printOfPaths(answer.directories))
  else if (answer.kind === 'git-files') for (const { path, text } of answer.files) [path, text].forEach(add)
  else add(stringifyJson(answer as unknown as JsonObject))
  return hash.digest('base64')
}

/** A list that is the same as the last time was read then: a fleet of ten thousand folders is one such list. */
const pathPrints = new WeakMap<readonly string[], string>()

function printOfPaths(paths: readonly string[]): string {
  const known = pathPrints.get(paths)
  if (known !== undefined) return known
  const hash = createHash('sha256')
  for (const path of paths) hash.update(`${path.length}:${path}`)
  const print = hash.digest('base64')
  pathPrints.set(paths, print)
  return print
}

function declaredProjects(world: World): readonly string[] {
  return projectNames(world.fleet.projects.values())
}

/** The Project that a set carries, as declared. */
function carriedProject({ group, spec }: Declared<ApplicationSetSpec>, world: World) {
  const name = projectOfSet({ group, spec })
  return name === undefined ? undefined : world.fleet.projects.get(name)
}

async function answerAll(
  set: Declared<ApplicationSetSpec>,
  world: World,
  services: LoopServices,
): Promise<{
  readonly expansion: Expansion
  readonly requests: readonly InputRequest[]
  readonly answers: ReadonlyMap<string, InputAnswer>
}> {
  const answers = new Map<string, InputAnswer>()
  const requests: InputRequest[] = []
  const project = carriedProject(set, world)
  const inputs: GeneratorInputs = {
    clusters: world.fleet.clusterFacts,
    projects: declaredProjects(world),
    ...(project && { projectSpecs: new Map([[project.name, project.spec]]) }),
    ...(services.hosted.policy && { hosts: services.hosted.policy }),
    answer: request => answers.get(inputKey(request)),
    memory: memoryOf(set),
    environment: { now: () => services.clock.now(), bytes: count => services.random.bytes(count) },
  }
  const reader = readerOf(set)
  for (let round = 0; round < MOST_ROUNDS; round++) {
    const expansion = await (services.expand ?? expandHere)(set, inputs, answers)
    if (expansion.needs.length === 0) return { expansion, requests, answers }
    requests.push(...expansion.needs)
    // Before anything is read: a push that arrives meanwhile is told to this set as well.
    world.readers.add(reader, expansion.needs.filter(isGitRequest).map(placeOf))
    // Services over the network are asked side by side: one set may need a thousand answers of them.
    const hosted = expansion.needs.filter(isHostedRequest).map(async request => {
      answers.set(inputKey(request), await answerOf(request, set, world, services))
    })
    for (const request of expansion.needs.filter(isGitRequest)) {
      answers.set(inputKey(request), await answerOf(request, set, world, services))
    }
    await Promise.all(hosted)
  }
  throw new Error(`ApplicationSet ${set.name} asked for inputs in more than ${MOST_ROUNDS} rounds`)
}

/** By the document as it was read, like the rounds: what another version of it made is nothing to this one. */
const memories = new WeakMap<Declared<ApplicationSetSpec>, ExpansionMemory>()

function memoryOf(set: Declared<ApplicationSetSpec>): ExpansionMemory {
  const known = memories.get(set) ?? new ExpansionMemory()
  memories.set(set, known)
  return known
}

/** The key under which a set is told of what changed. */
function readerOf(set: Declared<ApplicationSetSpec>): string {
  return `set/${setKey(set)}`
}

function isHostedRequest(request: InputRequest): request is HostedRequest {
  return !isGitRequest(request)
}

async function answerOf(
  request: InputRequest,
  set: Declared<ApplicationSetSpec>,
  world: World,
  services: LoopServices,
): Promise<InputAnswer> {
  const { repositories, hosted } = services
  if (!isGitRequest(request)) return hosted.answer(request, readerOf(set))
  const { repository: url, revision } = placeOf(request)
  try {
    await world.heads.of(url, revision, await repositories.open(url))
  } catch (error) {
    // The answer says the same, as an error of this generator.
    if (!(error instanceof GitError)) throw error
  }
  return answerSigned(request, set, world, services, () => repositories.answer(request))
}

function placeOf(request: GitRequest) {
  return {
    repository: request.repoURL,
    revision: request.revision || 'HEAD',
    // Whoever reads the commit reads every path.
    path: request.wantsCommit ? '' : commonFolder(request.rules.filter(rule => !rule.exclude).map(rule => rule.path)),
  }
}

function lastGood(set: Declared<ApplicationSetSpec>, generator: string, world: World): readonly Application[] {
  const found: Application[] = []
  for (const id of world.idsOf('set', setKey(set))) {
    const row = world.application(id)
    // What waits for approval was not in the last good result.
    if (row?.state !== 'active' || row.hold?.code === 'DELETION_BUDGET') continue
    const application = applicationOf(row)
    const from = application.provenance.generator ?? ''
    if (from === generator || from.startsWith(`${generator}.`)) found.push(application)
  }
  return found
}

function documentError({ provenance, ...mistake }: GeneratedMistake): ExpansionError {
  const { generator = '0', element } = provenance
  return {
    reason: 'ApplicationValidationError',
    stage: 'validate',
    generator,
    ...(element === undefined ? {} : { element }),
    ...mistake,
    stale: false,
  }
}

function notTrusted(set: Declared<ApplicationSetSpec>, generator: string, application: Application): ExpansionError {
  const { name } = application.metadata
  const project = application.spec.project
  return {
    reason: 'ApplicationValidationError',
    code: 'NOT_TRUSTED',
    stage: 'validate',
    generator,
    element: application.provenance.element,
    message: `Application "${name}" is in project "${project}", for which config source "${set.source}" may not declare`,
    hint: 'move the set to a source that may, or grant the project to this source in hub.yaml',
    position: set.positionOf(['spec', 'template', 'spec', 'project']),
    stale: false,
  }
}

/** The deepest folder that all patterns are in: what has to change before the answer can. */
export function commonFolder(patterns: readonly string[]): string {
  const folders = patterns.map(pattern => {
    const segments = pattern.split('/')
    const magic = segments.findIndex(segment => /[*?[\\{:]/.test(segment))
    return magic < 0 ? segments.slice(0, -1) : segments.slice(0, magic)
  })
  const first = folders[0]
  if (!first) return ''
  let length = first.length
  for (const folder of folders) {
    length = Math.min(length, folder.length)
    for (let index = 0; index < length; index++) if (folder[index] !== first[index]) length = index
  }
  return first.slice(0, length).join('/')
}
