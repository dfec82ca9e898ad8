import type { JsonObject } from '@flotilla/core/json/json'
import type { KubernetesObject } from '@flotilla/core/model/kubernetes-object'
import { at, stringsOf } from '../objects/drafts.ts'
import { isTerminating } from '../objects/prepare.ts'
import { matchesLabelSelector } from '../store/selectors.ts'
import { type Controller, controllerOf, ownAndOwned, splitKey } from './controller.ts'
import { type ControllerApi, controlledBy, shortHash } from './controller-api.ts'
import { deploymentStatus, type ReplicaSums } from './deployment-status.ts'
import { portionOf } from './pods.ts'

const REVISION = 'deployment.kubernetes.io/revision'

/** Deployments: one ReplicaSet a template, rolled from the old ones to the new. */
export function deploymentController(api: ControllerApi): Controller {
  return {
    name: 'deployment',
    keysOf: event => ownAndOwned(event, 'apps/deployments', 'Deployment', ['apps/replicasets']),
    reconcile(key) {
      const { namespace, name } = splitKey(key)
      const deployment = api.get('apps', 'deployments', namespace, name)
      return deployment ? reconcileDeployment(api, deployment) : undefined
    },
  }
}

function reconcileDeployment(api: ControllerApi, deployment: KubernetesObject): number | undefined {
  const spec = deployment['spec'] as JsonObject
  if (!isTerminating(deployment)) adoptSets(api, deployment)
  let sets = api.owned('apps', 'replicasets', deployment)
  const hash = shortHash(spec['template'] as JsonObject)
  let current = sets.find(set => set.metadata.labels?.['pod-template-hash'] === hash)
  if (isTerminating(deployment)) return writeStatus(api, deployment, sets, current)
  let live = deployment
  if (spec['paused'] !== true) {
    current = currentSet(api, live, sets, current, hash)
    live = withRevision(api, live, current)
    roll(
      api,
      live,
      current,
      api.owned('apps', 'replicasets', live).filter(set => set.metadata.uid !== current!.metadata.uid),
    )
    forgetOldSets(api, live, current)
  } else if (current) {
    setReplicas(api, current, Number(spec['replicas']))
  }
  sets = api.owned('apps', 'replicasets', live)
  current = sets.find(set => set.metadata.labels?.['pod-template-hash'] === hash)
  return writeStatus(api, live, sets, current)
}

function adoptSets(api: ControllerApi, deployment: KubernetesObject): void {
  const selector = at(deployment, 'spec', 'selector')
  for (const set of api.list('apps', 'replicasets', deployment.metadata.namespace)) {
    if (controllerOf(set) || isTerminating(set) || !matchesLabelSelector(selector, set.metadata.labels ?? {})) continue
    const ownerReferences = [...(set.metadata.ownerReferences ?? []), controlledBy(deployment)]
    api.update('apps', 'ReplicaSet', set, { ...set, metadata: { ...set.metadata, ownerReferences } })
  }
}

function revisionOf(object: KubernetesObject): number {
  return Number(object.metadata.annotations?.[REVISION] ?? 0)
}

/** The ReplicaSet of the template as it is, made when missing, with the newest revision. */
function currentSet(
  api: ControllerApi,
  deployment: KubernetesObject,
  sets: readonly KubernetesObject[],
  known: KubernetesObject | undefined,
  hash: string,
): KubernetesObject {
  const newest = Math.max(0, ...sets.filter(set => set !== known).map(revisionOf))
  if (known) {
    if (revisionOf(known) > newest) return known
    const annotations = { ...known.metadata.annotations, [REVISION]: String(newest + 1) }
    return api.update('apps', 'ReplicaSet', known, { ...known, metadata: { ...known.metadata, annotations } })
  }
  const spec = deployment['spec'] as JsonObject
  const template = spec['template'] as JsonObject
  const labels = { ...stringsOf(at(template, 'metadata', 'labels')), 'pod-template-hash': hash }
  const selector = at(spec, 'selector') as JsonObject
  return api.create('apps', 'ReplicaSet', {
    metadata: {
      name: `${deployment.metadata.name}-${hash}`,
      namespace: deployment.metadata.namespace ?? '',
      labels,
      annotations: {
        [REVISION]: String(newest + 1),
        'deployment.kubernetes.io/desired-replicas': String(spec['replicas']),
        'deployment.kubernetes.io/max-replicas': String(Number(spec['replicas']) + surgeOf(spec)),
      },
      ownerReferences: [controlledBy(deployment)],
    },
    spec: {
      replicas: 0,
      ...(spec['minReadySeconds'] === undefined ? {} : { minReadySeconds: spec['minReadySeconds'] }),
      selector: { ...selector, matchLabels: { ...stringsOf(selector['matchLabels']), 'pod-template-hash': hash } },
      template: { ...template, metadata: { ...(template['metadata'] as JsonObject), labels } },
    },
  })
}

function withRevision(api: ControllerApi, deployment: KubernetesObject, current: KubernetesObject): KubernetesObject {
  const revision = String(revisionOf(current))
  if (deployment.metadata.annotations?.[REVISION] === revision) return deployment
  return api.annotate('apps', 'Deployment', deployment, { [REVISION]: revision })
}

function surgeOf(spec: JsonObject): number {
  if (at(spec, 'strategy', 'type') === 'Recreate') return 0
  return portionOf(at(spec, 'strategy', 'rollingUpdate', 'maxSurge'), Number(spec['replicas']), true)
}

/** How many Pods may be missing while rolling; at least one way forward is always open. */
export function unavailableOf(spec: JsonObject): number {
  const replicas = Number(spec['replicas'])
  if (at(spec, 'strategy', 'type') === 'Recreate') return replicas
  const allowed = portionOf(at(spec, 'strategy', 'rollingUpdate', 'maxUnavailable'), replicas, false)
  return Math.min(allowed === 0 && surgeOf(spec) === 0 ? 1 : allowed, replicas)
}

function roll(
  api: ControllerApi,
  deployment: KubernetesObject,
  current: KubernetesObject,
  olds: readonly KubernetesObject[],
): void {
  const spec = deployment['spec'] as JsonObject
  const wanted = Number(spec['replicas'])
  const asked = (set: KubernetesObject) => Number(at(set, 'spec', 'replicas') ?? 0)
  const available = (set: KubernetesObject) => Number(at(set, 'status', 'availableReplicas') ?? 0)
  if (at(spec, 'strategy', 'type') === 'Recreate') {
    for (const old of olds) setReplicas(api, old, 0)
    if (olds.every(old => Number(at(old, 'status', 'replicas') ?? 0) === 0)) setReplicas(api, current, wanted)
    return
  }
  const oldTotal = olds.reduce((sum, set) => sum + asked(set), 0)
  const room = wanted + surgeOf(spec) - oldTotal - asked(current)
  const next = asked(current) > wanted ? wanted : Math.min(wanted, asked(current) + Math.max(0, room))
  const rolled = setReplicas(api, current, next)
  const unready = Math.max(0, asked(rolled) - available(rolled))
  let spare = oldTotal + asked(rolled) - (wanted - unavailableOf(spec)) - unready
  for (const old of olds) {
    if (spare <= 0) return
    const gone = Math.min(asked(old), spare)
    if (gone > 0) setReplicas(api, old, asked(old) - gone)
    spare -= gone
  }
}

function setReplicas(api: ControllerApi, set: KubernetesObject, replicas: number): KubernetesObject {
  if (at(set, 'spec', 'replicas') === replicas) return set
  return api.update('apps', 'ReplicaSet', set, { ...set, spec: { ...(set['spec'] as JsonObject), replicas } })
}

function forgetOldSets(api: ControllerApi, deployment: KubernetesObject, current: KubernetesObject): void {
  const limit = Number(at(deployment, 'spec', 'revisionHistoryLimit') ?? 10)
  const idle = api
    .owned('apps', 'replicasets', deployment)
    .filter(set => set.metadata.uid !== current.metadata.uid && at(set, 'spec', 'replicas') === 0)
    .filter(set => Number(at(set, 'status', 'replicas') ?? 0) === 0)
    .sort((a, b) => revisionOf(b) - revisionOf(a))
  for (const set of idle.slice(limit)) api.remove('apps', 'ReplicaSet', set)
}

function writeStatus(
  api: ControllerApi,
  deployment: KubernetesObject,
  sets: readonly KubernetesObject[],
  current: KubernetesObject | undefined,
): number | undefined {
  const sum = (name: string) => sets.reduce((total, set) => total + Number(at(set, 'status', name) ?? 0), 0)
  const sums: ReplicaSums = {
    replicas: sum('replicas'),
    ready: sum('readyReplicas'),
    available: sum('availableReplicas'),
    updated: Number(at(current, 'status', 'replicas') ?? 0),
  }
  const { status, againMs } = deploymentStatus(deployment, current, sums, api.core.clock.now())
  api.updateStatus('apps', 'Deployment', deployment, status)
  return againMs
}
