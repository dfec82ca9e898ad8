import fc from 'fast-check'
import { describe, it } from 'vitest'
import { inventoryEntries, widenInventory } from '../inventory/inventory.ts'
import { equalJson } from '../json/json.ts'
import { type KubernetesObject, keyOf, type ObjectKey, objectKeyText } from '../model/kubernetes-object.ts'
import { namespacePermitted } from '../project/permit.ts'
import type { Ceiling } from '../protocol/documents.ts'
import { APPLICATION, OPTIONS, object, ours, request } from './plan-fixture.ts'
import { comparePlaces } from './plan-order.ts'
import { intendSync, type Observation, type Prediction, planSync, type SyncRequest } from './plan-sync.ts'
import { objectToSend } from './plan-target.ts'
import { permissionProblem } from './prepare-targets.ts'
import { planWrites } from './sync-plan.ts'
import { ownerOf } from './tracking.ts'

const WRITES = ['create', 'update', 'keep']

const KINDS = ['ConfigMap', 'Secret', 'Service', 'Deployment', 'Namespace', 'ClusterRole']

const anyObject: fc.Arbitrary<KubernetesObject> = fc
  .record({
    kind: fc.constantFrom(...KINDS),
    name: fc.constantFrom('a', 'b', 'c', 'd'),
    namespace: fc.constantFrom(undefined, 'shop', 'other'),
    wave: fc.constantFrom(undefined, '-1', '0', '3'),
    options: fc.constantFrom(
      undefined,
      'Prune=false',
      'PruneLast=true',
      'Prune=confirm',
      'Replace=true',
      'Force=true',
      'IfNotPresent=true',
    ),
    hook: fc.constantFrom(undefined, undefined, undefined, 'PreSync', 'Sync,PostSync', 'SyncFail', 'Skip', 'PreDelete'),
    value: fc.constantFrom('1', '2'),
  })
  .map(({ kind, name, namespace, wave, options, hook, value }) => {
    const annotations = {
      ...(wave === undefined ? {} : { 'argocd.argoproj.io/sync-wave': wave }),
      ...(options === undefined ? {} : { 'flotilla.dev/sync-options': options }),
      ...(hook === undefined ? {} : { 'argocd.argoproj.io/hook': hook }),
    }
    const source = object(kind, name, annotations, { data: { value } })
    return namespace === undefined ? source : { ...source, metadata: { ...source.metadata, namespace } }
  })

const desiredObjects = fc.uniqueArray(anyObject, {
  maxLength: 12,
  // Of two objects with one identity the last counts, so there the order does matter.
  selector: source => objectKeyText(keyOf(ours(source))),
})

/** A cluster as far as the planner sees it. */
interface Cluster {
  readonly live: Map<string, KubernetesObject>
  inventory: readonly ObjectKey[]
  /** Of the Inventory: known from marks alone, until it is applied again. */
  unproved: ReadonlySet<string>
}

const clusters: fc.Arbitrary<Cluster> = fc
  .record({
    tracked: fc.array(anyObject, { maxLength: 8 }),
    foreign: fc.array(anyObject, { maxLength: 4 }),
    remembered: fc.array(anyObject, { maxLength: 4 }),
    argo: fc.array(anyObject, { maxLength: 2 }),
    unmarked: fc.array(anyObject, { maxLength: 3 }),
    unproved: fc.boolean(),
  })
  .map(({ tracked, foreign, remembered, argo, unmarked, unproved }) => {
    const live = new Map<string, KubernetesObject>()
    for (const source of unmarked) add(live, withoutMarks(source))
    for (const source of argo) add(live, ofArgo(source))
    for (const source of foreign) add(live, ours(source, 'app-2'))
    for (const source of tracked) add(live, ours(source))
    const inventory = inventoryEntries([...tracked, ...remembered].map(source => keyOf(ours(source))))
    return { live, inventory, unproved: new Set(unproved ? inventory.slice(0, 3).map(objectKeyText) : []) }
  })

const options = fc.record({
  prune: fc.boolean(),
  allowEmpty: fc.boolean(),
  pruneLast: fc.boolean(),
  createNamespace: fc.boolean(),
  replace: fc.boolean(),
  force: fc.boolean(),
  adopt: fc.constantFrom('IfUnowned' as const, 'Never' as const),
  adoptFrom: fc.constantFrom([], ['argocd' as const], ['flux' as const]),
  maxPrune: fc.constantFrom(undefined, { count: 1 }, { percent: 20 }),
})

/** What the Project permits. */
const ceilings: fc.Arbitrary<Ceiling> = fc.record({
  clusterKindsAllowed: fc.constantFrom([], [{ group: '*', kind: '*' }], [{ group: '', kind: 'Namespace' }]),
  clusterKindsDenied: fc.constantFrom([], [{ group: 'rbac.authorization.k8s.io', kind: '*' }]),
  namespacedKindsDenied: fc.constantFrom([], [{ group: '', kind: 'Secret' }]),
  namespaces: fc.constantFrom(['*'], ['shop'], ['other'], []),
})

const cases = fc.record({ desired: desiredObjects, cluster: clusters, options, confirmed: fc.boolean() })
const limited = fc.record({ desired: desiredObjects, cluster: clusters, options, ceiling: ceilings })

describe('planSync', () => {
  it('plans only what is kept or left alone after its plan was performed', () => {
    fc.assert(
      fc.property(cases, ({ desired, cluster, options, confirmed }) => {
        const wanted = request(desired, { options: { ...OPTIONS, ...options } })
        const first = planSync(intendSync(wanted), observe(wanted, cluster), { confirmed })
        // What waits for a person is a share of the Inventory, and the share falls as the Inventory grows.
        fc.pre(!first.actions.some(action => action.kind === 'hold' && action.code === 'PRUNE_GUARD'))
        perform(wanted, cluster, confirmed)
        const again = planSync(intendSync(wanted), observe(wanted, cluster), { confirmed })
        return !planWrites(again)
      }),
    )
  })

  it('prunes only what the Inventory names and the live object confirms', () => {
    fc.assert(
      fc.property(cases, ({ desired, cluster, options, confirmed }) => {
        const wanted = request(desired, { options: { ...OPTIONS, ...options } })
        const named = new Set(cluster.inventory.map(objectKeyText))
        return planSync(intendSync(wanted), observe(wanted, cluster), { confirmed }).actions.every(action => {
          if (action.kind !== 'prune') return true
          const name = objectKeyText(action.key)
          if (cluster.unproved.has(name) && !confirmed) return false
          return named.has(name) && ownerOf(cluster.live.get(name)!, APPLICATION.id, true).kind === 'ours'
        })
      }),
    )
  })

  it('never writes what belongs to another Application', () => {
    fc.assert(
      fc.property(cases, ({ desired, cluster, options }) => {
        const wanted = request(desired, { options: { ...OPTIONS, ...options } })
        return planSync(intendSync(wanted), observe(wanted, cluster)).actions.every(action => {
          const live = cluster.live.get(objectKeyText(action.key))
          const destination = action.phase === 'PreSync'
          const writes = action.kind === 'update' || action.kind === 'prune'
          if (!writes || destination) return true
          const owner = ownerOf(live!, APPLICATION.id, true)
          // What is another tool's has a law of its own.
          return owner.kind !== 'other' || owner.tool !== undefined
        })
      }),
    )
  })

  it('touches nothing that the Project does not permit, whatever the Inventory says', () => {
    fc.assert(
      fc.property(limited, fc.boolean(), ({ desired, cluster, options, ceiling }, confirmed) => {
        const wanted = request(desired, { options: { ...OPTIONS, ...options }, ceiling })
        return planSync(intendSync(wanted), observe(wanted, cluster), { confirmed }).actions.every(action => {
          const { kind, key } = action
          if (kind === 'keep' || kind === 'hold' || kind === 'skip') return true
          // The destination's own namespace is made without being asked for, where the Project lets it deploy.
          const destination = options.createNamespace && key.kind === 'Namespace' && key.name === wanted.namespace
          if (destination && namespacePermitted(ceiling, key.name)) return true
          return permissionProblem(ceiling, 'apply', key, key.namespace !== '') === undefined
        })
      }),
    )
  })

  it('writes nothing of another tool unless that tool was named', () => {
    fc.assert(
      fc.property(cases, ({ desired, cluster, options }) => {
        const wanted = request(desired, { options: { ...OPTIONS, ...options } })
        const plan = planSync(intendSync(wanted), observe(wanted, cluster))
        const foreign = (key: ObjectKey) => {
          const live = cluster.live.get(objectKeyText(key))
          const owner = live && ownerOf(live, APPLICATION.id, true)
          return owner?.kind === 'other' && owner.tool !== undefined
        }
        const waits = plan.problems.some(({ code }) => code === 'ADOPTION_UNAPPROVED')
        const held = plan.actions.some(action => action.kind === 'hold' && action.code === 'ADOPTION_UNAPPROVED')
        if (waits !== held) return false
        return plan.actions.every(action => {
          if (action.kind !== 'update' || action.fieldManager !== undefined || !foreign(action.key)) return true
          return options.adopt !== 'Never' && options.adoptFrom.some(tool => tool === 'argocd')
        })
      }),
      { numRuns: 1_000 },
    )
  })

  it('deletes no more than MaxPrune allows unless a person asked for it', () => {
    fc.assert(
      fc.property(cases, ({ desired, cluster, options }) => {
        const wanted = request(desired, { options: { ...OPTIONS, ...options } })
        const intent = intendSync(wanted)
        const prunes = planSync(intent, observe(wanted, cluster)).actions.filter(({ kind }) => kind === 'prune').length
        const { maxPrune } = options
        const total = cluster.inventory.length
        const { targets } = intent.prepared
        if (desired.length === 0 || targets.length === 0) return options.allowEmpty || prunes === 0
        if (!maxPrune) return total < 10 || prunes <= total / 2
        return prunes <= (maxPrune.count ?? (total * (maxPrune.percent ?? 100)) / 100)
      }),
    )
  })

  it('never deletes, and never prunes, what became a hook', () => {
    fc.assert(
      fc.property(cases, ({ desired, cluster, options, confirmed }) => {
        const wanted = request(desired, { options: { ...OPTIONS, ...options } })
        const intent = intendSync(wanted)
        const hooks = new Set(intent.prepared.hookKeys.map(objectKeyText))
        return planSync(intent, observe(wanted, cluster), { confirmed }).actions.every(
          ({ kind, key }) => kind !== 'prune' || !hooks.has(objectKeyText(key)),
        )
      }),
    )
  })

  it('gives the same plan whatever the order of its input', () => {
    fc.assert(
      fc.property(cases, fc.infiniteStream(fc.nat()), ({ desired, cluster, options }, chance) => {
        const wanted = request(desired, { options: { ...OPTIONS, ...options } })
        const shuffled = { ...wanted, desired: shuffle(desired, chance) }
        const observed = observe(wanted, cluster)
        const shuffledObservation: Observation = {
          live: new Map(shuffle([...observed.live], chance)),
          predictions: new Map(shuffle([...observed.predictions], chance)),
          inventory: shuffle([...observed.inventory], chance),
          unproved: new Set(shuffle([...(observed.unproved ?? [])], chance)),
        }
        const plain = planSync(intendSync(wanted), observed)
        const mixed = planSync(intendSync(shuffled), shuffledObservation)
        return JSON.stringify(plain) === JSON.stringify(mixed)
      }),
    )
  })

  it('never puts a wave after a later one, nor an apply before a prune of its wave', () => {
    fc.assert(
      fc.property(cases, ({ desired, cluster, options, confirmed }) => {
        const wanted = request(desired, { options: { ...OPTIONS, ...options } })
        const { actions } = planSync(intendSync(wanted), observe(wanted, cluster), { confirmed })
        return actions.every((action, index) => {
          const before = actions[index - 1]
          if (!before) return true
          const order = comparePlaces(before, action)
          return order < 0 || (order === 0 && !(action.kind === 'prune' && WRITES.includes(before.kind)))
        })
      }),
    )
  })
})

function withoutMarks(source: KubernetesObject): KubernetesObject {
  const { metadata, ...rest } = ours(source)
  const { managedFields: _, labels: _labels, ...others } = metadata
  return { ...rest, metadata: { ...others, annotations: { ...source.metadata.annotations } } }
}

function ofArgo(source: KubernetesObject): KubernetesObject {
  const bare = withoutMarks(source)
  const { group, kind, namespace, name } = keyOf(bare)
  const annotations = {
    ...bare.metadata.annotations,
    'argocd.argoproj.io/tracking-id': `shop:${group}/${kind}:${namespace}/${name}`,
  }
  return { ...bare, metadata: { ...bare.metadata, annotations } }
}

function add(live: Map<string, KubernetesObject>, source: KubernetesObject): void {
  live.set(objectKeyText(keyOf(source)), source)
}

/** What a server's dry run would answer, for objects without defaults. */
function observe(wanted: SyncRequest, cluster: Cluster): Observation {
  const intent = intendSync(wanted)
  const predictions = new Map<string, Prediction>()
  for (const target of intent.prepared.targets) {
    const live = cluster.live.get(objectKeyText(target.key))
    if (!live) continue
    const sent = objectToSend(intent, target, live)
    const same =
      equalJson(live['data'], sent['data']) &&
      equalJson(live.metadata.annotations, sent.metadata.annotations) &&
      equalJson(live.metadata.labels, sent.metadata.labels)
    predictions.set(objectKeyText(target.key), same ? { kind: 'same' } : { kind: 'changed', changes: ['.data'] })
  }
  return { live: cluster.live, predictions, inventory: cluster.inventory, unproved: cluster.unproved }
}

/** Does to the little cluster what an agent does to a real one, the Inventory's two steps included. */
function perform(wanted: SyncRequest, cluster: Cluster, confirmed: boolean): void {
  const plan = planSync(intendSync(wanted), observe(wanted, cluster), { confirmed })
  const written = plan.actions.filter(
    ({ kind, phase }) => phase !== 'PreSync' && (kind === 'create' || kind === 'update'),
  )
  cluster.inventory = widenInventory(
    cluster.inventory,
    written.map(({ key }) => key),
  )
  const proved = new Set(written.map(({ key }) => objectKeyText(key)))
  cluster.unproved = new Set([...cluster.unproved].filter(name => !proved.has(name)))
  for (const action of plan.actions) {
    const name = objectKeyText(action.key)
    if (action.kind === 'create' || action.kind === 'update') {
      const managedFields = [{ manager: 'flotilla', operation: 'Apply', apiVersion: 'v1', fieldsV1: {} }]
      const metadata = { ...action.object.metadata, uid: `uid-${name}`, managedFields }
      cluster.live.set(name, { ...action.object, metadata })
    } else if (action.kind === 'prune') {
      cluster.live.delete(name)
    }
  }
  cluster.inventory = cluster.inventory.filter(key => cluster.live.has(objectKeyText(key)))
}

function shuffle<T>(items: readonly T[], chance: fc.Stream<number>): T[] {
  const shuffled = [...items]
  for (let index = shuffled.length - 1; index > 0; index--) {
    const other = (chance.next().value ?? 0) % (index + 1)
    const swap = shuffled[index]!
    shuffled[index] = shuffled[other]!
    shuffled[other] = swap
  }
  return shuffled
}
