import fc from 'fast-check'
import { describe, it } from 'vitest'
import { inventoryEntries, widenInventory } from '../inventory/inventory.ts'
import { equalJson } from '../json/json.ts'
import { type KubernetesObject, keyOf, type ObjectKey, objectKeyText } from '../model/kubernetes-object.ts'
import { APPLICATION, OPTIONS, object, ours, request } from './plan-fixture.ts'
import { comparePlaces } from './plan-order.ts'
import { intendSync, type Observation, type Prediction, planSync, type SyncRequest } from './plan-sync.ts'
import { objectToSend } from './plan-target.ts'
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
    options: fc.constantFrom(undefined, 'Prune=false', 'PruneLast=true'),
    value: fc.constantFrom('1', '2'),
  })
  .map(({ kind, name, namespace, wave, options, value }) => {
    const annotations = {
      ...(wave === undefined ? {} : { 'argocd.argoproj.io/sync-wave': wave }),
      ...(options === undefined ? {} : { 'argocd.argoproj.io/sync-options': options }),
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
}

const clusters: fc.Arbitrary<Cluster> = fc
  .record({
    tracked: fc.array(anyObject, { maxLength: 8 }),
    foreign: fc.array(anyObject, { maxLength: 4 }),
    remembered: fc.array(anyObject, { maxLength: 4 }),
  })
  .map(({ tracked, foreign, remembered }) => {
    const live = new Map<string, KubernetesObject>()
    for (const source of foreign) add(live, ours(source, 'app-2'))
    for (const source of tracked) add(live, ours(source))
    return { live, inventory: inventoryEntries([...tracked, ...remembered].map(source => keyOf(ours(source)))) }
  })

const options = fc.record({
  prune: fc.boolean(),
  allowEmpty: fc.boolean(),
  pruneLast: fc.boolean(),
  createNamespace: fc.boolean(),
})

const cases = fc.record({ desired: desiredObjects, cluster: clusters, options, confirmed: fc.boolean() })

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
          return !writes || destination || ownerOf(live!, APPLICATION.id, true).kind !== 'other'
        })
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
  return { live: cluster.live, predictions, inventory: cluster.inventory }
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
