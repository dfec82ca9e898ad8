import { type KubernetesObject, keyOf, type ObjectKey, objectKeyText } from '@flotilla/core/model/kubernetes-object'
import { isUnclaimed, mayHoldOrphans, type OrphanView } from '@flotilla/core/orphans/judge-orphan'
import { OrphanCount, type OrphanReport } from '@flotilla/core/orphans/orphan-report'
import { forEachBounded } from './bounded.ts'
import type { InventoryStore } from './inventory-store.ts'
import type { KubernetesClient } from './kubernetes/client.ts'
import { isKubernetesError } from './kubernetes/kubernetes-error.ts'
import type { HubLink } from './link/hub-link.ts'
import type { OperationStore } from './operations.ts'
import { RECORD_LABEL } from './records.ts'
import { STATE_LABEL } from './state/secret-chunks.ts'

const CONCURRENT_LISTS = 4
/** Objects that one survey reads; a namespace with more of them has more orphans than are counted. */
const MOST_OBJECTS = 100_000

/** Who wants to know of orphans in a namespace, and of which. */
export interface OrphanQuestion {
  readonly warn: boolean
  readonly view: OrphanView
}

export interface OrphanSurvey {
  /** With the rights that the answers may go by. */
  readonly client: KubernetesClient
  readonly namespace: string
  readonly questions: ReadonlyMap<string, OrphanQuestion>
  /** Of the namespace, what some Application declares or has applied ({@link claimedIn}). */
  readonly claimed: ReadonlySet<string>
  readonly mostObjects?: number
  readonly signal: AbortSignal
}

interface Asked {
  readonly warn: boolean
  readonly counts: (name: string) => boolean
  readonly count: OrphanCount
}

/**
 * Lists a namespace once, a kind at a time and by metadata alone, page by page: however many objects there are, only
 * the first orphans are kept. Kinds of which nobody wants to know are not asked for.
 *
 * @returns an answer to each question. @throws KubernetesError when something could not be listed for a reason that may pass
 */
export async function surveyOrphans(survey: OrphanSurvey): Promise<ReadonlyMap<string, OrphanReport>> {
  const { client, namespace, questions, signal, mostObjects = MOST_OBJECTS } = survey
  await client.discovery.load()
  const counts = new Map([...questions.keys()].map(name => [name, new OrphanCount()]))
  const kinds = client.discovery.listable().filter(mayHoldOrphans)
  let left = mostObjects
  let unseenKinds = 0
  /** Whether it may be listed. */
  const sees = async (group: string, kind: string, each: (object: KubernetesObject) => void): Promise<boolean> => {
    try {
      for await (const { objects } of client.list(group, kind, { namespace, metadataOnly: true, signal })) {
        left -= objects.length
        for (const object of objects) each(object)
        if (left <= 0) break
      }
      return true
    } catch (error) {
      if (!isKubernetesError(error, 'FORBIDDEN', 'NOT_FOUND', 'UNSUPPORTED', 'KIND_UNKNOWN')) throw error
      if (error.code === 'FORBIDDEN') unseenKinds++
      return error.code !== 'FORBIDDEN'
    }
  }
  const wanted = kinds.flatMap(served => {
    const asked = [...questions].flatMap(([name, { warn, view }]): Asked[] => {
      const ofKind = view.ofKind(served.group, served.kind)
      return ofKind === 'none' ? [] : [{ warn, counts: ofKind, count: counts.get(name)! }]
    })
    return asked.length === 0 ? [] : [{ served, asked }]
  })
  let statefulSets: ReadonlySet<string> | undefined
  if (wanted.some(({ served }) => served.group === '' && served.kind === 'PersistentVolumeClaim')) {
    const before = unseenKinds
    const names = new Set<string>()
    const seen = await sees('apps', 'StatefulSet', ({ metadata }) => void names.add(metadata.name ?? ''))
    statefulSets = seen ? names : undefined
    // It is counted where it is looked at for orphans itself.
    unseenKinds = before
  }
  // One that several groups serve is one object.
  const seenUids = new Map<string, Set<string>>()
  const served = new Map<string, number>()
  for (const { served: each } of wanted) served.set(each.kind, (served.get(each.kind) ?? 0) + 1)
  await forEachBounded(wanted, CONCURRENT_LISTS, async ({ served: { group, kind }, asked }) => {
    if (left <= 0) return
    await sees(group, kind, object => {
      const key: ObjectKey = { group, kind, namespace, name: object.metadata.name ?? '' }
      if (!isUnclaimed(object, statefulSets) || isRecord(object)) return
      if (survey.claimed.has(objectKeyText(key))) return
      if ((served.get(kind) ?? 0) > 1 && !isFirst(seenUids, object)) return
      for (const one of asked) if (one.counts(key.name)) one.count.add(key)
    })
  })
  const more = left <= 0
  return new Map([...questions].map(([name, { warn }]) => [name, counts.get(name)!.report(warn, unseenKinds, more)]))
}

/** Names of one kind in a namespace. @throws KubernetesError */
export async function namesOf(
  client: KubernetesClient,
  group: string,
  kind: string,
  namespace: string,
): Promise<ReadonlySet<string>> {
  const names = new Set<string>()
  for await (const { objects } of client.list(group, kind, { namespace, metadataOnly: true })) {
    for (const { metadata } of objects) names.add(metadata.name ?? '')
  }
  return names
}

/** Where it stands what Applications declare, and what they have applied. */
export interface Claims {
  readonly link: Pick<HubLink, 'held' | 'bundle'>
  readonly inventories: Pick<InventoryStore, 'read'>
  readonly operations: Pick<OperationStore, 'lastOutcome'>
}

/**
 * Of a namespace, what some Application's Inventory names, for an object whose mark somebody took off is no orphan; and
 * what is declared and not applied yet, which the next sync takes over.
 *
 * @throws InventoryCorrupt, KubernetesError
 */
export async function claimedIn(
  namespace: string,
  { link, inventories, operations }: Claims,
): Promise<ReadonlySet<string>> {
  const names = new Set<string>()
  for (const [id, held] of link.held()) {
    for (const key of await inventories.read(id)) if (key.namespace === namespace) names.add(objectKeyText(key))
    // What was applied stands in the Inventory.
    if (held.typ !== 'offer' || operations.lastOutcome(id).lastSucceeded === held.digest) continue
    for (const object of (await link.bundle(held.digest))?.objects ?? []) {
      const key = keyOf(object)
      if ((key.namespace || held.namespace) === namespace) names.add(objectKeyText({ ...key, namespace }))
    }
  }
  return names
}

/** The agent's own, in its own namespace. */
export function isRecord({ metadata: { labels = {} } }: KubernetesObject): boolean {
  return labels[RECORD_LABEL] !== undefined || labels[STATE_LABEL] !== undefined
}

function isFirst(seen: Map<string, Set<string>>, { kind, metadata: { uid = '' } }: KubernetesObject): boolean {
  const uids = seen.get(kind) ?? new Set<string>()
  seen.set(kind, uids)
  if (uids.has(uid)) return false
  uids.add(uid)
  return true
}
