import { isJsonObject, type Json } from '@flotilla/core/json/json'
import type { ApplicationSetSpec, Declared, ProjectSpec } from '@flotilla/core/model/fleet'
import { DEFAULT_PROJECT, DEFAULT_PROJECT_SPEC } from '@flotilla/core/project/default-project'
import { destinationPermitted, sourcePermitted } from '@flotilla/core/project/permit'
import { TemplateError } from './failure.ts'
import type { GeneratorContext } from './generators/generator.ts'
import type { ClusterFacts, GeneratorInputs, HostedRepository, InputAnswer, InputRequest } from './inputs.ts'
import { isGitRequest } from './inputs.ts'

/** The project that a set carries, `spec.project`: ours only; undefined for a set without one. */
export function projectOfSet(set: Pick<Declared<ApplicationSetSpec>, 'group' | 'spec'>): string | undefined {
  const { project } = set.spec
  return set.group === 'flotilla.dev' && typeof project === 'string' && project !== '' ? project : undefined
}

/** The rules of the project that a set carries; undefined when nobody declared it. */
function rulesOf(name: string, { projectSpecs }: Pick<GeneratorInputs, 'projectSpecs'>): ProjectSpec | undefined {
  return projectSpecs?.get(name) ?? (name === DEFAULT_PROJECT ? DEFAULT_PROJECT_SPEC : undefined)
}

/** The project that a set carries and that nobody declared: without its rules, nothing can be said of the set. */
export function missingProject(
  set: Pick<Declared<ApplicationSetSpec>, 'group' | 'spec'>,
  inputs: GeneratorInputs,
): string | undefined {
  const name = projectOfSet(set)
  return name !== undefined && rulesOf(name, inputs) === undefined ? name : undefined
}

/**
 * What generators of a set that carries a project may see: the Clusters that the Project may deploy to in some
 * namespace, and the repositories that it may use. A set without a project sees everything, as in Argo CD.
 *
 * When its rules are not known ({@link missingProject}), nothing is seen.
 */
export function limitToProject(
  set: Pick<Declared<ApplicationSetSpec>, 'group' | 'spec'>,
  inputs: GeneratorInputs,
): Pick<GeneratorContext, 'inputs'> & { readonly answer: GeneratorInputs['answer'] } {
  const answer = (request: InputRequest): InputAnswer | undefined => inputs.answer(request)
  const name = projectOfSet(set)
  if (name === undefined) return { inputs, answer }
  const spec = rulesOf(name, inputs)
  const { projects, implicitLocalCluster } = inputs
  const limited = {
    projects,
    ...(implicitLocalCluster === undefined ? {} : { implicitLocalCluster }),
    clusters: spec === undefined ? [] : inputs.clusters.filter(cluster => clusterSeen(name, spec, cluster)),
  }
  return { inputs: limited, answer: limitedAnswer(name, spec, answer) }
}

function clusterSeen(project: string, spec: ProjectSpec, cluster: ClusterFacts): boolean {
  const owner = cluster.project
  if (owner !== '' && owner !== project) return false
  if (owner === '' && spec['permitOnlyProjectScopedClusters'] === true) return false
  // Which namespace, only the template says: any that the Project names will do.
  const anywhere = spec.destinations.map(entry => ({ ...entry, namespace: '*' }))
  return destinationPermitted(anywhere, { name: cluster.name, servers: serversOf(cluster) }, '')
}

function serversOf({ server, servers }: ClusterFacts): readonly string[] {
  return servers.includes(server) ? servers : [...servers, server]
}

function limitedAnswer(
  project: string,
  spec: ProjectSpec | undefined,
  answer: GeneratorInputs['answer'],
): GeneratorInputs['answer'] {
  const permitted = (url: string): boolean => spec !== undefined && sourcePermitted(spec.sourceRepos, url)
  return request => {
    if (spec === undefined) return forbidden(`project "${project}" is not declared`, 'declare the Project')
    if (isGitRequest(request) && !permitted(request.repoURL)) {
      const hint = `add it to sourceRepos of project "${project}"`
      return forbidden(`project "${project}" may not use repository ${request.repoURL}`, hint)
    }
    const answered = answer(request)
    if (answered?.kind !== 'scm-repositories' && answered?.kind !== 'scm-branches') return answered
    return { ...answered, repositories: answered.repositories.filter(({ url }: HostedRepository) => permitted(url)) }
  }
}

function forbidden(message: string, hint: string): InputAnswer {
  return { kind: 'failed', code: 'GENERATOR_FORBIDDEN', message, hint, retry: false }
}

/**
 * The project of one Application of a set: the set's where the template names none.
 *
 * @throws TemplateError `APPLICATION_PROJECT_FORBIDDEN` when the set carries another project.
 */
export function projectOfApplication(rendered: Json | undefined, carried: string | undefined): string {
  const own = typeof rendered === 'string' ? rendered : ''
  if (carried === undefined || own === carried) return own
  if (own === '') return carried
  const message = `the Application is in project "${own}", and its set carries project "${carried}"`
  const hint = 'leave the project out of the template, or take spec.project out of the set'
  throw new TemplateError('APPLICATION_PROJECT_FORBIDDEN', message, { path: ['spec', 'project'], hint })
}

/** Whether any text of a set mentions the parameter `commit`. */
export function mentionsCommit(value: unknown): boolean {
  if (typeof value === 'string') return value.includes('commit')
  if (Array.isArray(value)) return value.some(mentionsCommit)
  if (!isJsonObject(value)) return false
  return Object.keys(value).some(key => key.includes('commit') || mentionsCommit(value[key]))
}
