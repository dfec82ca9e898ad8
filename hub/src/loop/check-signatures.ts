import type { Application, ApplicationSource } from '@flotilla/core/model/application'
import type { ApplicationSetSpec, Declared, ProjectSpec } from '@flotilla/core/model/fleet'
import type { GitRepository, ObjectId } from '@flotilla/core/ports/git'
import type { ApplicationRow } from '@flotilla/core/ports/store'
import { repositorySpellings } from '@flotilla/core/project/repository-url'
import { type SignaturePolicy, signaturePolicyOf } from '@flotilla/core/project/source-integrity'
import type { GitRequest, InputAnswer } from '@flotilla/generators/inputs'
import { projectOfSet } from '@flotilla/generators/set-project'
import type { IntegrityProblem } from '../signature/source-integrity.ts'
import type { ReleaseDecision } from './decide-release.ts'
import type { FleetIndex } from './fleet-index.ts'
import { type LocatedSource, locateSource, revisionOf } from './locate-source.ts'
import type { LoopServices } from './services.ts'
import type { World } from './world.ts'

/** How often a set's input is read again because its repository has moved meanwhile. */
const MOST_TRIES = 5

/**
 * The commit that is signed as the Project and the Repository ask, or why nothing of this source may be rendered;
 * undefined where nobody asks. Asked before anything is read, and of a pinned revision, too: what was taken before
 * somebody asked for signatures does not come back by a rollback. Nothing but this commit may be rendered: the source may
 * move on while its signatures are checked.
 */
export async function provedSource(
  row: ApplicationRow,
  project: ProjectSpec,
  application: Application,
  source: ApplicationSource,
  world: World,
  services: LoopServices,
): Promise<LocatedSource | Exclude<ReleaseDecision, { kind: 'release' }> | undefined> {
  const policies = policiesFor({ name: row.project, spec: project }, source.repoURL, world.fleet)
  if (policies.length === 0) return undefined
  const located = await locateSource(row, source, world, services)
  if (located.kind !== 'located') return located
  const { repository, commit } = located
  const problem = await firstProblem(
    policies,
    { repository, revision: revisionOf(source), commit },
    world.fleet,
    services,
  )
  if (problem === undefined) return located
  const { file, line, column } = application.provenance
  const reason = `${problem.message}; nothing of it is applied`
  return { kind: 'hold', hold: { code: problem.code, reason, at: { file, line, column } } }
}

/**
 * What a generator reads of a repository, if that is signed as the Project of the set asks. A set whose Project only its
 * parameters name has none to ask for anything yet: only what the Repository asks counts then, as in Argo CD.
 *
 * @param answer Reads the repository as it is.
 */
export async function answerSigned(
  request: GitRequest,
  set: Declared<ApplicationSetSpec>,
  world: World,
  services: LoopServices,
  answer: () => Promise<InputAnswer>,
): Promise<InputAnswer> {
  const { fleet } = world
  const name = literalProjectOf(set)
  const spec = name === undefined ? undefined : (fleet.projects.get(name)?.spec ?? world.projectsLastSeen.get(name))
  const project = name === undefined || spec === undefined ? undefined : { name, spec }
  const policies = policiesFor(project, request.repoURL, fleet)
  if (policies.length === 0) return answer()
  const revision = request.revision || 'HEAD'
  for (let tries = 0; tries < MOST_TRIES; tries++) {
    const repository = await services.repositories.open(request.repoURL)
    const commit = await repository?.resolve(revision)
    // That it is away, or has no such revision, is the answer.
    if (repository && commit !== undefined) {
      const problem = await firstProblem(policies, { repository, revision, commit }, fleet, services)
      if (problem !== undefined) {
        const hint = 'sign it with a key that is allowed, or name a revision that is signed'
        return { kind: 'failed', code: problem.code, message: problem.message, hint, retry: false }
      }
    }
    const answered = await answer()
    // A fetch may have come between, the first one too: only what was verified may be what was read.
    const now = await services.repositories.open(request.repoURL)
    if ((await now?.resolve(revision)) === commit) return answered
  }
  const message = `${request.repoURL} moves faster than its signatures can be checked`
  return { kind: 'failed', code: 'SIGNATURE_UNCHECKED', message, retry: true }
}

/**
 * Of those who read a repository, whoever has to look at a commit that changes nothing they read: signed, it lets go what
 * an unsigned one before it holds. A seal is such a commit.
 */
export function* waitingForSignature(readers: Iterable<string>, world: World): Iterable<string> {
  const { projects, repositorySignatures } = world.fleet
  const asked = (spec: ProjectSpec): boolean => spec.sourceIntegrity !== undefined || spec.signatureKeys !== undefined
  const anywhere = repositorySignatures.size > 0 || [...projects.values()].some(({ spec }) => asked(spec))
  if (!anywhere) return
  for (const key of readers) {
    const id = key.startsWith('application/') ? key.slice('application/'.length) : undefined
    if (id === undefined || world.application(id)?.hold?.code.startsWith('SIGNATURE_') === true) yield key
  }
}

/** Projects whose rules say what a set's repositories have to be signed with. */
export function literalProjectOf(set: Pick<Declared<ApplicationSetSpec>, 'group' | 'spec'>): string | undefined {
  const carried = projectOfSet(set)
  if (carried !== undefined) return carried
  // A set that makes other documents than Applications has no template.
  const { template } = set.spec as { readonly template?: { readonly spec?: { readonly project?: unknown } } }
  const written = template?.spec?.project
  return typeof written === 'string' && written !== '' && !written.includes('{{') ? written : undefined
}

function policiesFor(
  project: { readonly name: string; readonly spec: ProjectSpec } | undefined,
  url: string,
  fleet: FleetIndex,
): readonly SignaturePolicy[] {
  const ofProject = project && signaturePolicyOf(project, url)
  const ofRepository = repositorySpellings(url).flatMap(one => fleet.repositorySignatures.get(one) ?? [])
  return [...new Set([...(ofProject ? [ofProject] : []), ...ofRepository])]
}

async function firstProblem(
  policies: readonly SignaturePolicy[],
  {
    repository,
    ...asked
  }: { readonly repository: GitRepository; readonly revision: string; readonly commit: ObjectId },
  fleet: FleetIndex,
  { signatures }: LoopServices,
): Promise<IntegrityProblem | undefined> {
  if (signatures === undefined) return { code: 'SIGNATURE_UNCHECKED', message: 'signatures are not checked here' }
  for (const policy of policies) {
    const problem = await signatures.problemOf(repository.signed, { ...asked, policy, keys: fleet.signingKeys })
    if (problem !== undefined) return problem
  }
  return undefined
}
