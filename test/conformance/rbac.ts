import { projectOfRequest } from '@flotilla/core/access/object'
import { parsePolicy, policyKeys } from '@flotilla/core/access/parse-policy'
import { groupNameMistake, isRoleAction, projectPolicyMistake } from '@flotilla/core/access/project-role'
import { nameMistake, resourceOf } from '@flotilla/core/access/vocabulary'
import { compileGlob, GlobSyntaxError } from '@flotilla/core/glob/glob'
import type { GroupKindRule, ProjectDestination, ProjectSpec } from '@flotilla/core/model/fleet'
import { type CheckedProject, projectMistakes } from '@flotilla/core/project/check-project'
import {
  ceilingOf,
  clusterScopePermitted,
  destinationPermitted,
  kindPermitted,
  sourcePermitted,
} from '@flotilla/core/project/permit'
import { type DestinationServiceAccount, serviceAccountOf } from '@flotilla/core/project/service-account'
import { type EnforceCase, verdictOf } from './rbac-enforce.ts'
import { matchesInList, type NameList } from './rbac-lists.ts'
import { type ConformanceCase, failed, type Outcome, PASSED, type Suite } from './suite.ts'

interface DestinationCase extends ConformanceCase {
  readonly destinations: readonly ProjectDestination[]
  readonly destination: { readonly name?: string; readonly server?: string; readonly namespace?: string }
  readonly permitOnlyProjectScopedClusters?: boolean
  readonly projectClusters?: readonly { readonly server: string }[] | null
  readonly expected: boolean
}

interface SourceCase extends ConformanceCase {
  readonly sourceRepos: readonly string[]
  readonly repoURL: string
  readonly expected: boolean
}

type Rules = readonly { readonly group?: string; readonly kind: string; readonly name?: string }[] | null

interface GroupKindCase extends ConformanceCase {
  readonly lists: {
    readonly clusterResourceWhitelist: Rules
    readonly clusterResourceBlacklist: Rules
    readonly namespaceResourceWhitelist: Rules
    readonly namespaceResourceBlacklist: Rules
  }
  readonly group: string
  readonly resourceKind: string
  readonly name: string
  readonly namespaced: boolean
  readonly expected: boolean
}

interface GlobCase extends ConformanceCase {
  readonly pattern: string
  readonly value: string
  readonly allowNegation?: boolean
  readonly expected: boolean
  readonly expectError?: boolean
}

/** Who may do what, Projects as ceilings, and globs. */
export const rbacSuite: Suite = {
  name: 'rbac',
  file: 'rbac.json',
  operationOf: testCase => String(testCase['kind']),
  operations: {
    destination: testCase => runDestination(testCase as DestinationCase),
    source: testCase => {
      const { sourceRepos, repoURL, expected } = testCase as SourceCase
      return compare(sourcePermitted(sourceRepos, repoURL), expected)
    },
    groupKind: testCase => runGroupKind(testCase as GroupKindCase),
    glob: testCase => runGlob(testCase as GlobCase),
    enforce: testCase => compare(verdictOf(testCase as EnforceCase), testCase['expected'] === true),
    enforceError: testCase => compare(!verdictOf(testCase as EnforceCase), testCase['expectError'] === true),
    can: testCase => runCan(testCase as CanCase),
    validatePolicy: testCase => mistaken(parse(String(testCase['policy'])).mistakes.length > 0, testCase),
    policyLine: testCase => mistaken(parse(String(testCase['line_text'])).mistakes.length > 0, testCase),
    policyCsv: testCase => runPolicyCsv(testCase as PolicyCsvCase),
    projectPolicy: testCase => {
      const { project, role, policy } = testCase as ConformanceCase & Record<'project' | 'role' | 'policy', string>
      return mistaken(projectPolicyMistake(project, role, policy) !== undefined, testCase)
    },
    validateProject: testCase => {
      const project = testCase['project'] as CheckedProject & { readonly name: string }
      const { roles = [] } = project
      // A role that Go reads from {} has an empty name.
      const read = { ...project, roles: roles.map(role => ({ ...role, name: role.name ?? '' })) }
      return mistaken(projectMistakes(project.name, read).length > 0, testCase)
    },
    validAction: testCase => compare(isRoleAction(String(testCase['action'])), testCase['expected'] === true),
    groupName: testCase => mistaken(groupNameMistake(String(testCase['name'])) !== undefined, testCase),
    requestProject: testCase => {
      const found = projectOfRequest(String(testCase['resource']), String(testCase['object']))
      return found === testCase['expected'] ? PASSED : failed(`was ${found}`)
    },
    cliAction: testCase =>
      mistaken(nameMistake(String(testCase['resource']), String(testCase['action'])) !== undefined, testCase),
    impersonate: testCase => runImpersonate(testCase as ImpersonateCase),
    globList: testCase => matchesInList(testCase as unknown as NameList),
  },
  notApplicable: {
    sourceNamespace: 'the hub has no control-plane namespace: Applications come from config sources',
    namespaceEnabled: 'the hub has no control-plane namespace: Applications come from config sources',
  },
}

interface CanCase extends EnforceCase {
  readonly strict?: boolean
}

function runCan(testCase: CanCase): Outcome {
  const [, resource, action] = testCase.request
  const refused = testCase.strict === true && nameMistake(resourceOf(String(resource)), String(action)) !== undefined
  return compare(!refused && verdictOf(testCase), testCase['expected'] === true)
}

interface PolicyCsvCase extends ConformanceCase {
  readonly data: { readonly [key: string]: string }
  readonly matches: string
  readonly contains: readonly string[]
}

function runPolicyCsv({ data, matches, contains }: PolicyCsvCase): Outcome {
  const text = policyKeys(data)
    .map(key => data[key])
    .join('\n')
  const fits = new RegExp(matches).test(text) && contains.every(part => text.includes(part))
  return fits ? PASSED : failed(`was ${JSON.stringify(text)}`)
}

interface ImpersonateCase extends ConformanceCase {
  readonly serviceAccounts: readonly DestinationServiceAccount[]
  readonly app: { readonly namespace: string; readonly destination: { readonly namespace?: string } }
  readonly cluster: { readonly server: string }
  readonly expected?: string
  readonly expectError?: boolean
}

function runImpersonate({ serviceAccounts, app, cluster, expected = '', expectError }: ImpersonateCase): Outcome {
  const namespace = app.destination.namespace ?? ''
  const choice = serviceAccountOf(serviceAccounts, { server: cluster.server, namespace, ownNamespace: app.namespace })
  if (choice.kind === 'mistake') return compare(true, expectError === true)
  const user = choice.kind === 'account' ? choice.user : ''
  return user === expected && expectError !== true ? PASSED : failed(`was "${user}"`)
}

function parse(text: string) {
  return parsePolicy(text, (line, column) => ({ file: '', line, column }))
}

function mistaken(found: boolean, testCase: ConformanceCase): Outcome {
  return compare(found, testCase['expectError'] === true)
}

const PROJECT = 'the project'

function runDestination(testCase: DestinationCase): Outcome {
  const { destinations, destination, permitOnlyProjectScopedClusters = false, projectClusters } = testCase
  const { name = '', server, namespace = '' } = destination
  const cluster = { name, servers: server === undefined ? [] : [server] }
  // Argo CD looks clusters of a project up and may fail; ours say themselves whose they are, or do not.
  const scoped = (projectClusters ?? []).some(one => one.server === server) ? PROJECT : undefined
  const permitted =
    destinationPermitted(destinations, cluster, namespace) &&
    clusterScopePermitted({ name: PROJECT, onlyOwnClusters: permitOnlyProjectScopedClusters }, scoped)
  return testCase['expectError'] === true ? compare(permitted, false) : compare(permitted, testCase.expected)
}

function runGroupKind({ lists, group, resourceKind, name, namespaced, expected }: GroupKindCase): Outcome {
  const rules = (list: Rules): readonly GroupKindRule[] =>
    (list ?? []).map(rule => ({ ...rule, group: rule.group ?? '' }))
  const spec: ProjectSpec = {
    sourceRepos: [],
    destinations: [],
    clusterResourceWhitelist: rules(lists.clusterResourceWhitelist),
    clusterResourceBlacklist: rules(lists.clusterResourceBlacklist),
    ...(lists.namespaceResourceWhitelist && { namespaceResourceWhitelist: rules(lists.namespaceResourceWhitelist) }),
    namespaceResourceBlacklist: rules(lists.namespaceResourceBlacklist),
  }
  const ceiling = ceilingOf(spec, { name: '', servers: [] })
  return compare(kindPermitted(ceiling, group, resourceKind, namespaced, name), expected)
}

function runGlob({ pattern, value, allowNegation, expected, expectError }: GlobCase): Outcome {
  if (allowNegation)
    return compare(
      destinationPermitted([{ server: '*', namespace: pattern }], { name: '', servers: ['s'] }, value),
      expected,
    )
  try {
    return compare(compileGlob(pattern, '')(value), expected)
  } catch (error) {
    if (!(error instanceof GlobSyntaxError)) throw error
    // Argo's plain matcher reports a pattern that is none as no match.
    return expectError === false ? failed(error.message) : compare(false, expected)
  }
}

function compare(actual: boolean, expected: boolean): Outcome {
  return actual === expected ? PASSED : failed(`expected ${expected} but was ${actual}`)
}
