import { assessHealth } from '@flotilla/core/health/assess-health'
import { listAt, numberIfAny, textAt, valueAt } from '@flotilla/core/json/read-json'
import { type KubernetesObject, type ObjectKey, objectKeyText } from '@flotilla/core/model/kubernetes-object'
import type { ChildRecord } from '@flotilla/core/protocol/stream-records'
import type { KubernetesClient } from '../kubernetes/client.ts'
import { isKubernetesError } from '../kubernetes/kubernetes-error.ts'
import type { RecordQueue } from './record-queue.ts'

/** What controllers make of other objects, those that make others first. */
const MADE = [
  { group: 'apps', kind: 'Deployment' },
  { group: 'apps', kind: 'StatefulSet' },
  { group: 'apps', kind: 'DaemonSet' },
  { group: 'apps', kind: 'ReplicaSet' },
  { group: 'batch', kind: 'Job' },
  { group: '', kind: 'Pod' },
] as const
const MOST_CHILDREN = 2_000
/** Of one kind in one namespace; beyond it the rest is left out and said. */
const MOST_READ = 10_000
const MOST_IMAGES = 20

export interface ChildStream {
  readonly client: KubernetesClient
  /** The tracked objects. */
  readonly objects: readonly ObjectKey[]
  /** The UID of one that is the Application's now; asked only of those that seem to have made something. */
  readonly ownedBy: (key: ObjectKey) => Promise<string | undefined>
  /** Milliseconds since 1970. */
  readonly now: () => number
  readonly queue: RecordQueue
  readonly signal: AbortSignal
  readonly masked: (text: string) => string
}

/**
 * Writes what the Application's objects have made into the queue, owners before what they own. Owners count by their
 * UIDs, not by names: what an earlier object of the same name has left is not ours. Returns how many.
 *
 * @throws KubernetesError
 */
export async function streamChildren(stream: ChildStream): Promise<number> {
  const { objects, queue } = stream
  let written = 0
  for (const [namespace, roots] of Map.groupBy(objects, key => key.namespace)) {
    // Objects without a namespace own nothing in one that would be theirs alone.
    if (namespace === '') continue
    const owners = new Owners(roots, stream.ownedBy)
    for (const { group, kind } of MADE) {
      const found = await childrenOf(stream, namespace, group, kind, owners)
      for (const record of found) {
        if (written === MOST_CHILDREN) {
          await queue.put({ kind: 'note', text: `only the first ${MOST_CHILDREN} are told` })
          return written
        }
        if (!(await queue.put(record))) return written
        written++
      }
    }
  }
  return written
}

/** Who may own a child, by UID: objects of the Application, and children that were found before. */
class Owners {
  readonly #roots: ReadonlyMap<string, ObjectKey>
  readonly #uidOf: ChildStream['ownedBy']
  readonly #asked = new Map<string, Promise<string | undefined>>()
  readonly #byUid = new Map<string, ObjectKey>()

  constructor(roots: readonly ObjectKey[], uidOf: ChildStream['ownedBy']) {
    this.#roots = new Map(roots.map(root => [objectKeyText(root), root]))
    this.#uidOf = uidOf
  }

  add(uid: string, key: ObjectKey): void {
    this.#byUid.set(uid, key)
  }

  isRoot(key: ObjectKey): boolean {
    return this.#roots.has(objectKeyText(key))
  }

  async of(object: KubernetesObject, namespace: string): Promise<ObjectKey | undefined> {
    const owner = listAt(object, 'metadata', 'ownerReferences').find(each => valueAt(each, 'controller') === true)
    const uid = textAt(owner, 'uid')
    const known = this.#byUid.get(uid)
    if (uid === '' || known) return known
    const apiVersion = textAt(owner, 'apiVersion')
    const group = apiVersion.includes('/') ? apiVersion.slice(0, apiVersion.indexOf('/')) : ''
    const root = this.#roots.get(
      objectKeyText({ group, kind: textAt(owner, 'kind'), namespace, name: textAt(owner, 'name') }),
    )
    if (!root) return undefined
    const name = objectKeyText(root)
    const asked = this.#asked.get(name) ?? this.#uidOf(root)
    this.#asked.set(name, asked)
    return (await asked) === uid ? root : undefined
  }
}

async function childrenOf(
  { client, signal, queue, now, masked }: ChildStream,
  namespace: string,
  group: string,
  kind: string,
  owners: Owners,
): Promise<readonly ChildRecord[]> {
  const found: ChildRecord[] = []
  let read = 0
  try {
    for await (const page of client.list(group, kind, { namespace, signal })) {
      for (const object of page.objects) {
        const key = { group, kind, namespace, name: object.metadata.name ?? '' }
        // What is declared is told as such.
        if (owners.isRoot(key)) continue
        const owner = await owners.of(object, namespace)
        if (owner === undefined) continue
        owners.add(object.metadata.uid ?? '', key)
        found.push(recordOf(object, key, owner, now(), masked))
      }
      read += page.objects.length
      if (read < MOST_READ) continue
      await queue.put({
        kind: 'note',
        text: `namespace ${namespace}: only the first ${read} of ${kind} were looked at`,
      })
      break
    }
  } catch (error) {
    if (!isKubernetesError(error, 'KIND_UNKNOWN', 'FORBIDDEN')) throw error
    if (isKubernetesError(error, 'FORBIDDEN')) {
      await queue.put({ kind: 'note', text: `namespace ${namespace}: ${kind} may not be listed here` })
    }
  }
  return found.sort((a, b) => (a.object.name < b.object.name ? -1 : 1))
}

function recordOf(
  object: KubernetesObject,
  key: ObjectKey,
  owner: ObjectKey,
  now: number,
  masked: (text: string) => string,
): ChildRecord {
  const health = assessHealth(object, { now })
  const createdAt = textAt(object, 'metadata', 'creationTimestamp')
  const isPod = key.kind === 'Pod'
  const statuses = listAt(object, 'status', 'containerStatuses')
  const wanted = isPod ? listAt(object, 'spec', 'containers').length : numberIfAny(object, 'spec', 'replicas')
  const ready = isPod
    ? statuses.filter(each => valueAt(each, 'ready') === true).length
    : (numberIfAny(object, 'status', 'readyReplicas') ?? 0)
  const restarts = statuses.reduce<number>((sum, each) => sum + (numberIfAny(each, 'restartCount') ?? 0), 0)
  const node = textAt(object, 'spec', 'nodeName')
  const containers = isPod
    ? listAt(object, 'spec', 'containers')
    : listAt(object, 'spec', 'template', 'spec', 'containers')
  return {
    kind: 'child',
    object: key,
    owner,
    images: containers.slice(0, MOST_IMAGES).map(each => textAt(each, 'image')),
    ...(createdAt !== '' && { createdAt }),
    ...(health && { health: health.status }),
    ...(health?.message && { message: masked(health.message).slice(0, 1_000) }),
    ...(wanted !== undefined && { ready: { ready, wanted } }),
    ...(isPod && { restarts }),
    ...(node !== '' && { node }),
  }
}
