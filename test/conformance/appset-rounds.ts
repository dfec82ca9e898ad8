import { finalizersForRemoval, setPolicy } from '@flotilla/core/decide/decide-withdrawal'
import { DEFAULT_DELETION_BUDGET } from '@flotilla/core/decide/deletion-guard'
import { readKeepRules } from '@flotilla/core/decide/keep-fields'
import { effectivePolicy, type SetPolicyName } from '@flotilla/core/decide/set-policy'
import { cloneJson, isJsonObject, type Json, type JsonObject, type MutableJsonObject } from '@flotilla/core/json/json'
import type { Application } from '@flotilla/core/model/application'
import type { ApplicationSetSpec, ClusterSpec, Declared } from '@flotilla/core/model/fleet'
import type { ApplicationRow } from '@flotilla/core/ports/store'
import { LOCAL_SERVER } from '@flotilla/core/project/destination'
import { expandWith } from '@flotilla/generators/expand'
import type { ClusterFacts } from '@flotilla/generators/inputs'
import { requeueAfterRoundMs } from '@flotilla/generators/requeue'
import {
  healthOfSet,
  type SetCondition,
  setConditions,
  writeConditions,
} from '@flotilla/generators/set-status/conditions'
import { type ResourceStatus, resourcesStatus } from '@flotilla/generators/set-status/resources-status'
import { statusOfRound } from '@flotilla/generators/set-status/round-status'
import { validateApplications } from '@flotilla/generators/validate-applications'
import { EMPTY_FLEET, indexFleet } from '@flotilla/hub/loop/fleet-index'
import { planNames } from '@flotilla/hub/loop/plan-names'
import { World } from '@flotilla/hub/loop/world'
import type { Observed } from './appset-expect.ts'
import { clientObjects, clustersOf, engineFor, projectsOf, registryOf, repositoryAnswer } from './appset-inputs.ts'
import { type ConformanceCase, NOT_BUILT, notApplicable, type Outcome } from './suite.ts'

interface Call {
  readonly receiver: JsonObject
  readonly args: JsonObject
  readonly testCase: ConformanceCase
}

/** What the guide of the cases says that the time is. */
const NOW = '2026-01-02T03:04:05Z'

export function runSetConditions({ receiver, args }: Call): Observed {
  const evaluated = Object.entries((args['evaluatedTypes'] ?? {}) as JsonObject).flatMap(([type, is]) =>
    is ? type : [],
  )
  const conditions = setConditions(conditionsOf(receiver), conditionsOf(args), new Set(evaluated), NOW)
  return { values: { receiver: { conditions: conditions as unknown as Json } } }
}

export function runHealth({ receiver }: Call): Observed {
  return { values: { result: healthOfSet(conditionsOf(receiver)) as unknown as Json } }
}

export function runWriteConditions({ args }: Call): Observed {
  const set = args['applicationSet'] as JsonObject
  const conditions = writeConditions(conditionsOf((set['status'] ?? {}) as JsonObject), {
    conditions: conditionsOf(args),
    parametersGenerated: args['parametersGenerated'] === true,
    rollingSync: isRollingSync(set),
    now: NOW,
  })
  return { values: { 'arg:applicationSet': { ...set, status: { conditions: conditions as unknown as Json } } } }
}

export function runResourcesStatus({ receiver, args }: Call): Observed {
  const applications = (args['apps'] ?? []) as readonly JsonObject[]
  const limit = Number(receiver['MaxResourcesStatusCount'] ?? 0)
  const { resources, count } = resourcesStatus(applications.map(resourceOf), limit)
  const status = { resources: resources as unknown as Json, resourcesCount: count }
  return { values: { 'arg:appset': { ...(args['appset'] as JsonObject), status } } }
}

function resourceOf({ metadata, status }: JsonObject): ResourceStatus {
  const { sync, health } = (status ?? {}) as { readonly sync?: JsonObject; readonly health?: JsonObject }
  return {
    name: String((metadata as JsonObject)['name']),
    ...(sync !== undefined && { status: String(sync['status'] ?? '') }),
    ...(health !== undefined && { health: health as unknown as ResourceStatus['health'] }),
  }
}

export function runFinalizers({ args }: Call): Observed {
  const application = args['app'] as JsonObject
  const metadata = application['metadata'] as { readonly name: string; readonly finalizers?: readonly string[] }
  const { destination } = application['spec'] as unknown as Application['spec']
  const clusters = clustersOf((args['clusterList'] as JsonObject)['$clusterInformer'])
  const known = fleetOf(clusters).destination(destination).kind === 'cluster'
  const finalizers = finalizersForRemoval(metadata.finalizers ?? [], known)
  const key = `Application/${(application['metadata'] as JsonObject)['namespace'] ?? ''}/${metadata.name}`
  return { values: { object: { [key]: { metadata: { ...metadata, finalizers: [...finalizers] } } }, objectError: {} } }
}

/** Applications are written to where the hub keeps them; what only a Kubernetes API writes is carried along. */
export function runCreateOrUpdate(policy: SetPolicyName) {
  return ({ receiver, args }: Call): Observed => {
    const set = args['applicationSet'] as JsonObject
    const objects = clientObjects(receiver['Client'])
    const desired = applicationsOf(args['desiredApplications'] as readonly JsonObject[], set)
    const after = applied(objects, desired, {
      set: String(metadataOf(set)['name']),
      spec: (set['spec'] ?? {}) as unknown as ApplicationSetSpec,
      clusters: [],
      invalid: new Set(),
      policy,
    })
    return { values: { object: Object.fromEntries(after.map(each => [keyOf(each), each])), objectError: {} } }
  }
}

function applicationsOf(objects: readonly JsonObject[], set: JsonObject): readonly Application[] {
  return objects.map(
    ({ metadata, spec }) =>
      ({
        ...{ apiVersion: 'argoproj.io/v1alpha1', kind: 'Application', metadata },
        spec: { destination: {}, ...(spec as JsonObject) },
        provenance: { source: '', file: '', line: 1, column: 1, set: String(metadataOf(set)['name']) },
      }) as unknown as Application,
  )
}

/** `deleteInCluster`: of what the set owns, what it no longer makes goes; one that no finalizer holds is gone at once. */
export function runDelete({ receiver, args }: Call): Observed {
  const set = args['applicationSet'] as JsonObject
  const objects = clientObjects(receiver['Client'])
  const wanted = new Set((args['desiredApplications'] as readonly JsonObject[]).map(each => metadataOf(each)['name']))
  const kept = objects.filter(each => each['kind'] === 'Application' && wanted.has(metadataOf(each)['name']))
  const after = applied(objects, applicationsOf(kept, set), {
    set: String(metadataOf(set)['name']),
    spec: (set['spec'] ?? {}) as unknown as ApplicationSetSpec,
    clusters: [],
    invalid: new Set(),
    policy: 'create-delete',
  })
  const isGone = (each: JsonObject): boolean => {
    const { deletionTimestamp, finalizers = [] } = metadataOf(each)
    return deletionTimestamp !== undefined && (finalizers as readonly Json[]).length === 0
  }
  const missing = after.filter(isGone).map(each => {
    const message = `applications.argoproj.io "${metadataOf(each)['name']}" not found`
    return [keyOf(each), message] as const
  })
  const object = Object.fromEntries(after.filter(each => !isGone(each)).map(each => [keyOf(each), each]))
  return { values: { object, objectError: Object.fromEntries(missing) } }
}

/** Objects as they were after each case: later steps of a scenario go on from there. */
const states = new Map<string, readonly JsonObject[]>()

/** A round of a set as the hub makes it, in strict Argo CD mode: without a guard over what goes. */
export function runReconcile({ receiver, args, testCase }: Call): Observed | Outcome {
  if (receiver['EnableProgressiveSyncs'] !== undefined) return notApplicable(`${NOT_BUILT}: rollouts`)
  const objects = objectsBefore(receiver, testCase)
  const { Name: name, Namespace: namespace } = args['req'] as { readonly Name: string; readonly Namespace: string }
  const set = objects.find(each => each['kind'] === 'ApplicationSet' && metadataOf(each)['name'] === name)
  if (set === undefined) return { values: { objectError: {}, result: { RequeueAfter: 0 } } }
  const spec = set['spec'] as unknown as ApplicationSetSpec
  const clusters = withLocal(clustersOf(receiver['ArgoDB']))
  const projects = projectsOf(receiver['Client'])
  const expansion = expandWith(
    declared('ApplicationSet', name, { namespace, spec, document: set }),
    { clusters, projects, implicitLocalCluster: true, answer: repositoryAnswer({}) },
    {
      engine: engineFor(spec.goTemplate === true, [...(spec.goTemplateOptions ?? [])]),
      registry: registryOf(receiver['Generators']),
    },
  )
  const failed = expansion.errors.some(({ stage }) => stage !== 'validate')
  const generated = failed ? [] : expansion.applications
  const mistakes = validateApplications(name, generated.map(jsonOf), { projects, clusters })
  const invalid = new Set([...mistakes.keys()].map(key => key.slice(key.indexOf('/') + 1)))
  const policy = effectivePolicy(
    {
      policy: receiver['Policy'] as SetPolicyName | undefined,
      allowOverride: receiver['EnablePolicyOverride'] === true,
    },
    spec.syncPolicy?.applicationsSync,
  )
  const after = failed ? objects : applied(objects, generated, { set: name, spec, clusters, invalid, policy })
  const { conditions } = statusOfRound(
    { conditions: conditionsOf((set['status'] ?? {}) as JsonObject) },
    {
      generators: [],
      errors: failed
        ? expansion.errors
        : [...mistakes.values()].map(message => ({ reason: 'ApplicationValidationError', stage: 'validate', message })),
      rollingSync: isRollingSync(set),
      expandedAt: NOW,
      now: NOW,
    },
  )
  const status = { conditions: conditions.filter(({ type }) => type !== 'Ready') as unknown as Json }
  const last = after.map((each): JsonObject => (each === set ? { ...set, status } : each))
  states.set(testCase.id, last)
  return {
    values: {
      result: { RequeueAfter: requeueAfterRoundMs(spec, { failed, invalid: invalid.size }) * 1e6 },
      object: Object.fromEntries(last.map(each => [keyOf(each), each])),
      objectError: {},
      objects: { ApplicationList: { items: last.filter(each => each['kind'] === 'Application') } },
    },
  }
}

interface Round {
  readonly set: string
  readonly spec: ApplicationSetSpec
  readonly clusters: readonly ClusterFacts[]
  readonly invalid: ReadonlySet<string>
  readonly policy: SetPolicyName
}

/** The objects after the hub's own rule has decided on every name. */
function applied(
  objects: readonly JsonObject[],
  generated: readonly Application[],
  round: Round,
): readonly JsonObject[] {
  const world = new World()
  world.fleet = fleetOf(round.clusters)
  const existing = objects.filter(
    each => each['kind'] === 'Application' && metadataOf(each)['deletionTimestamp'] === undefined,
  )
  for (const each of existing) world.putApplication(rowOf(each, round.set, world))
  const claimant = `set//${round.set}`
  world.setClaims(
    claimant,
    generated.filter(({ metadata }) => !round.invalid.has(metadata.name)),
  )
  const names = [...existing.map(each => String(metadataOf(each)['name'])), ...world.claimsOf(claimant).keys()]
  const { put } = planNames(
    [...new Set(names)].filter(name => !round.invalid.has(name)),
    world,
    {
      now: 0,
      setsPending: false,
      newId: () => `new-${newIds++}`,
      // What is missing is taken as declared gone: Argo CD has no guard.
      origin: () => ({
        kind: 'current',
        policy: setPolicy(round.policy),
        budget: DEFAULT_DELETION_BUDGET,
        declaredGone: true,
      }),
      keepRules: () => readKeepRules(round.spec).rules,
      endOfSet: () => ({ deletion: 'detach', mayRemove: true }),
      projectBudget: () => DEFAULT_DELETION_BUDGET,
    },
  )
  const written = new Map(put.map(row => [row.name, row]))
  const kept = objects.map(each => {
    const row = each['kind'] === 'Application' ? written.get(String(metadataOf(each)['name'])) : undefined
    if (row) written.delete(row.name)
    return row ? objectOf(row, metadataOf(each)) : each
  })
  return [...kept, ...[...written.values()].map(row => objectOf(row, {}))]
}

let newIds = 0
const WRITTEN_BY_API = ['resourceVersion', 'ownerReferences']

function objectOf(row: ApplicationRow, before: JsonObject): JsonObject {
  const document = row.state === 'withdrawn' ? { metadata: before, spec: row.document['spec'] } : row.document
  const gone = row.state === 'withdrawn' ? { deletionTimestamp: NOW } : {}
  const { resourceVersion, ownerReferences } = before
  const carried = {
    ...(resourceVersion !== undefined && { resourceVersion: String(Number(resourceVersion) + 1) }),
    ...(ownerReferences !== undefined && { ownerReferences }),
  }
  return {
    ...document,
    kind: 'Application',
    metadata: { ...(document['metadata'] as JsonObject), ...carried, ...gone },
  } as JsonObject
}

function rowOf(object: JsonObject, set: string, world: World): ApplicationRow {
  const { destination = {}, project } = object['spec'] as unknown as Application['spec']
  const resolved = world.fleet.destination(destination)
  const name = String(metadataOf(object)['name'])
  return {
    id: `id-${name}`,
    name,
    state: 'active',
    project,
    set,
    source: '',
    clusterName: resolved.kind === 'cluster' ? resolved.cluster.name : '',
    clusterId: 'joined',
    namespace: destination.namespace ?? '',
    labels: {},
    document: {
      apiVersion: object['apiVersion'] ?? 'argoproj.io/v1alpha1',
      kind: 'Application',
      metadata: Object.fromEntries(Object.entries(metadataOf(object)).filter(([key]) => !WRITTEN_BY_API.includes(key))),
      spec: { destination: {}, ...(object['spec'] as JsonObject) },
    },
    provenance: { source: '', file: '', line: 1, column: 1, set },
    images: [],
    createdAt: 0,
    changedAt: 0,
  }
}

function objectsBefore(receiver: JsonObject, testCase: ConformanceCase): readonly JsonObject[] {
  const after = testCase['after'] as
    | {
        readonly case: string
        readonly edits: readonly {
          readonly object: string
          readonly path: readonly (string | number)[]
          readonly value: Json
        }[]
      }
    | undefined
  if (after === undefined) return clientObjects(receiver['Client'])
  const before = states.get(after.case)
  if (before === undefined) throw new Error(`the step before, ${after.case}, was not run`)
  return before.map(object => {
    const copy = cloneJson(object)
    for (const { object: key, path, value } of after.edits) if (keyOf(object) === key) setAt(copy, path, value)
    return copy
  })
}

function setAt(root: MutableJsonObject, path: readonly (string | number)[], value: Json): void {
  let node: Json = root
  for (const step of path.slice(0, -1)) {
    const holder = node as MutableJsonObject
    holder[step] ??= {}
    node = holder[step] as Json
  }
  ;(node as MutableJsonObject)[path.at(-1)!] = value
}

function keyOf(object: JsonObject): string {
  const { namespace = '', name } = metadataOf(object)
  return `${object['kind']}/${namespace}/${name}`
}

function metadataOf(object: JsonObject): JsonObject {
  return (object['metadata'] ?? {}) as JsonObject
}

function jsonOf({ metadata, spec }: Application): JsonObject {
  return { metadata, spec } as unknown as JsonObject
}

function conditionsOf(holder: JsonObject): readonly SetCondition[] {
  return (holder['conditions'] ?? []) as unknown as readonly SetCondition[]
}

function isRollingSync(set: JsonObject): boolean {
  const strategy = ((set['spec'] ?? {}) as JsonObject)['strategy']
  return isJsonObject(strategy) && strategy['type'] === 'RollingSync' && strategy['rollingSync'] !== undefined
}

/** Argo CD always knows the cluster that it runs in. */
function withLocal(clusters: readonly ClusterFacts[]): readonly ClusterFacts[] {
  if (clusters.some(({ servers }) => servers.includes(LOCAL_SERVER))) return clusters
  const local = { name: 'in-cluster', server: LOCAL_SERVER, servers: [LOCAL_SERVER], local: true }
  return [...clusters, { ...local, project: '', labels: {}, annotations: {} }]
}

function fleetOf(clusters: readonly ClusterFacts[]) {
  const documents = clusters.map(({ name, servers, local }) =>
    declared<ClusterSpec>('Cluster', name, { spec: { timeZone: 'UTC', servers, local }, document: {} }),
  )
  return indexFleet({ ...EMPTY_FLEET, clusters: documents }, [])
}

function declared<Spec>(
  kind: string,
  name: string,
  { namespace, spec, document }: { readonly namespace?: string; readonly spec: Spec; readonly document: JsonObject },
): Declared<Spec> {
  const position = { file: '', line: 1, column: 1 }
  return {
    ...{ group: 'argoproj.io', apiVersion: 'argoproj.io/v1alpha1', kind, name, labels: {}, annotations: {} },
    ...(namespace !== undefined && { namespace }),
    ...{ finalizers: [], spec, document, source: '', trust: { kind: 'all' }, index: 0, contentDigest: '', position },
    positionOf: () => position,
  }
}
