import { type ProjectRole, projectRoleMistakes } from '../access/project-role.ts'
import type { ArgoWindows } from '../gates/argo-windows.ts'
import { checkArgoWindows } from '../gates/check-argo-windows.ts'
import type { ProjectDestination } from '../model/fleet.ts'
import { type DestinationServiceAccount, serviceAccountMistake } from './service-account.ts'

/** The parts of a Project that Argo CD's API refuses when they are malformed. */
export interface CheckedProject {
  readonly sourceRepos?: readonly string[]
  readonly destinations?: readonly ProjectDestination[]
  readonly sourceNamespaces?: readonly string[]
  readonly roles?: readonly ProjectRole[]
  readonly syncWindows?: ArgoWindows
  readonly destinationServiceAccounts?: readonly DestinationServiceAccount[]
}

export interface ProjectMistake {
  /** Inside the Project's spec. */
  readonly path: readonly (string | number)[]
  readonly message: string
}

/** Everything in a Project that cannot mean what somebody wanted: names, rows, windows, accounts, and repetitions. */
export function projectMistakes(name: string, spec: CheckedProject): readonly ProjectMistake[] {
  const { sourceRepos = [], destinations = [], sourceNamespaces = [], destinationServiceAccounts = [] } = spec
  const under = (field: string, mistakes: readonly ProjectMistake[]): ProjectMistake[] =>
    mistakes.map(({ path, message }) => ({ path: [field, ...path], message }))
  const accounts = destinationServiceAccounts.flatMap((entry, index) => {
    const message = serviceAccountMistake(entry)
    return message === undefined ? [] : [{ path: [index], message }]
  })
  return [
    ...under('sourceRepos', [...negatesEverything(sourceRepos), ...repeated(sourceRepos)]),
    ...under('destinations', [...destinations.flatMap(destinationMistakes), ...repeated(destinations.map(keyOf))]),
    ...under('sourceNamespaces', repeated(sourceNamespaces)),
    ...under('roles', projectRoleMistakes(name, spec.roles ?? [])),
    ...under('syncWindows', checkArgoWindows(spec.syncWindows ?? [])),
    ...under('destinationServiceAccounts', [...accounts, ...repeated(destinationServiceAccounts.map(keyOf))]),
  ]
}

function destinationMistakes(entry: ProjectDestination, index: number): ProjectMistake[] {
  const fields = ['name', 'server', 'namespace'] as const
  return fields
    .filter(field => entry[field] === '!*')
    .map(field => ({ path: [index, field], message: `"!*" permits nothing at all: leave the entry out` }))
}

function negatesEverything(patterns: readonly string[]): ProjectMistake[] {
  return patterns.flatMap((pattern, index) =>
    pattern === '!*' ? [{ path: [index], message: '"!*" permits nothing at all: leave the list empty' }] : [],
  )
}

function keyOf({ name = '', server = '', namespace = '' }: ProjectDestination): string {
  return `${server === '' ? name : server}/${namespace}`
}

function repeated(keys: readonly string[]): ProjectMistake[] {
  return keys.flatMap((key, index) =>
    keys.indexOf(key) < index ? [{ path: [index], message: `"${key}" is in the list already` }] : [],
  )
}
