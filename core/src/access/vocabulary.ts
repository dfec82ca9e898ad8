import { nearest } from '../text/nearest.ts'

const READ_AND_WRITE = ['get', 'create', 'update', 'delete'] as const

/** Argo CD's resources with the actions that each knows. */
const ARGO_RESOURCES: ReadonlyMap<string, readonly string[]> = new Map<string, readonly string[]>([
  ['applications', [...READ_AND_WRITE, 'sync', 'override', 'rollback', 'action']],
  ['applicationsets', READ_AND_WRITE],
  ['logs', ['get']],
  ['exec', ['create']],
  ['projects', READ_AND_WRITE],
  ['clusters', READ_AND_WRITE],
  ['repositories', READ_AND_WRITE],
  ['write-repositories', READ_AND_WRITE],
  ['certificates', READ_AND_WRITE],
  ['gpgkeys', ['get', 'create', 'delete']],
  ['accounts', ['get', 'update']],
  ['extensions', ['invoke']],
])

/** What Flotilla has beside them. */
const OUR_RESOURCES: ReadonlyMap<string, readonly string[]> = new Map<string, readonly string[]>([
  ['windows', READ_AND_WRITE],
  ['freezes', READ_AND_WRITE],
  ['overrides', ['get', 'create', 'approve', 'delete']],
  ['rollouts', ['get', 'start', 'pause', 'promote', 'abort']],
  ['agents', ['get', 'register', 'revoke', 'report']],
  ['audit', ['get']],
  ['bundles', ['get']],
  ['confirmations', ['get', 'approve']],
  /** Config sources: their state and mistakes, and fetching them now. */
  ['sources', ['get', 'update']],
  /** The hub itself: recovery, its keys. */
  ['hub', ['get', 'update']],
])

export const RESOURCE_ACTIONS: ReadonlyMap<string, readonly string[]> = new Map([...ARGO_RESOURCES, ...OUR_RESOURCES])

/** The resources whose object is a path that begins with a project. */
export const PATH_RESOURCES: ReadonlySet<string> = new Set(['applications', 'applicationsets', 'logs', 'exec'])

/** Short names that people type, as Argo CD's command takes them. */
const SHORT_NAMES: ReadonlyMap<string, string> = new Map(
  Object.entries({
    ...{ account: 'accounts', app: 'applications', apps: 'applications', application: 'applications' },
    ...{ applicationset: 'applicationsets', applicationsets: 'applicationsets', appset: 'applicationsets' },
    ...{ cert: 'certificates', certs: 'certificates', certificate: 'certificates', cluster: 'clusters' },
    ...{ extension: 'extensions', gpgkey: 'gpgkeys', key: 'gpgkeys', log: 'logs', logs: 'logs', exec: 'exec' },
    ...{ proj: 'projects', projs: 'projects', project: 'projects', repo: 'repositories', repos: 'repositories' },
    ...{ repository: 'repositories', window: 'windows', freeze: 'freezes', override: 'overrides' },
    ...{ rollout: 'rollouts', agent: 'agents', bundle: 'bundles', confirmation: 'confirmations' },
  }),
)

export function resourceOf(written: string): string {
  return SHORT_NAMES.get(written) ?? written
}

export interface NameMistake {
  readonly field: 'resource' | 'action'
  readonly message: string
  readonly hint?: string
}

/**
 * Whether a question can be asked at all: a misspelt action is denied for ever, and nobody learns why.
 *
 * `action/…`, `update/…` and `delete/…` name parts of an application.
 */
export function nameMistake(resource: string, action: string): NameMistake | undefined {
  const actions = RESOURCE_ACTIONS.get(resource)
  if (actions === undefined) {
    const known = [...RESOURCE_ACTIONS.keys()]
    return { field: 'resource', message: `there is no resource "${resource}"`, hint: meant(resource, known) }
  }
  if (actions.includes(action)) return undefined
  if (resource === 'applications' && /^(action|update|delete)\//.test(action)) return undefined
  return { field: 'action', message: `${resource} have no action "${action}"`, hint: meant(action, actions) }
}

/** The same for a row, whose fields may be patterns: those match something or nothing, and only plain names are looked up. */
export function rowNameMistake(resource: string, action: string): NameMistake | undefined {
  const plain = (text: string): boolean => !/[*?[{\\]/.test(text)
  if (!plain(resource)) {
    if (!plain(action) || isFinePart(action)) return undefined
    const known = [...new Set([...RESOURCE_ACTIONS.values()].flat())]
    if (known.includes(action)) return undefined
    return { field: 'action', message: `no resource has an action "${action}"`, hint: meant(action, known) }
  }
  return nameMistake(resource, plain(action) ? action : (RESOURCE_ACTIONS.get(resource)?.[0] ?? ''))
}

function isFinePart(action: string): boolean {
  return /^(action|update|delete)\//.test(action)
}

function meant(written: string, known: readonly string[]): string {
  const near = nearest(written, known)
  return near === undefined ? `known: ${known.join(', ')}` : `did you mean "${near}"?`
}
