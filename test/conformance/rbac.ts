import { compileGlob, GlobSyntaxError } from '@flotilla/core/glob/glob'
import type { GroupKindRule, ProjectDestination, ProjectSpec } from '@flotilla/core/model/fleet'
import { ceilingOf, destinationPermitted, kindPermitted, sourcePermitted } from '@flotilla/core/project/permit'
import { type ConformanceCase, failed, NOT_BUILT, notApplicable, type Outcome, PASSED, type Suite } from './suite.ts'

interface DestinationCase extends ConformanceCase {
  readonly destinations: readonly ProjectDestination[]
  readonly destination: { readonly name?: string; readonly server?: string; readonly namespace?: string }
  readonly permitOnlyProjectScopedClusters?: boolean
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

/** Projects as ceilings, and globs; who may do what comes with the permissions. */
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
  },
  notApplicable: {
    enforce: `${NOT_BUILT}: permissions of people`,
    enforceError: `${NOT_BUILT}: permissions of people`,
    can: `${NOT_BUILT}: permissions of people`,
    validatePolicy: `${NOT_BUILT}: permissions of people`,
    policyLine: `${NOT_BUILT}: permissions of people`,
    policyCsv: `${NOT_BUILT}: permissions of people`,
    projectPolicy: `${NOT_BUILT}: roles of Projects`,
    validateProject: `${NOT_BUILT}: roles of Projects`,
    validAction: `${NOT_BUILT}: roles of Projects`,
    groupName: `${NOT_BUILT}: roles of Projects`,
    requestProject: `${NOT_BUILT}: permissions of people`,
    cliAction: `${NOT_BUILT}: permissions of people`,
    impersonate: `${NOT_BUILT}: impersonation`,
    globList: `${NOT_BUILT}: lists of namespaces and their regular expressions`,
    sourceNamespace: 'the hub has no control-plane namespace: Applications come from config sources',
    namespaceEnabled: 'the hub has no control-plane namespace: Applications come from config sources',
  },
}

function runDestination({
  destinations,
  destination,
  permitOnlyProjectScopedClusters,
  expected,
}: DestinationCase): Outcome {
  if (permitOnlyProjectScopedClusters) return notApplicable(`${NOT_BUILT}: clusters scoped to a project`)
  const { name = '', server, namespace = '' } = destination
  const cluster = { name, servers: server === undefined ? [] : [server] }
  return compare(destinationPermitted(destinations, cluster, namespace), expected)
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
