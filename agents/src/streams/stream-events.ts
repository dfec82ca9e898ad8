import { listAt, numberAt, numberIfAny, textAt } from '@flotilla/core/json/read-json'
import { type KubernetesObject, type ObjectKey, objectKeyText } from '@flotilla/core/model/kubernetes-object'
import type { EventRecord } from '@flotilla/core/protocol/stream-records'
import type { KubernetesClient } from '../kubernetes/client.ts'
import { isKubernetesError } from '../kubernetes/kubernetes-error.ts'
import { hasPods, involvedKey } from './pods-of.ts'
import type { RecordQueue } from './record-queue.ts'

/** The newest ones; a cluster keeps events for an hour. */
const MOST_EVENTS = 1_000
/** Of one namespace; beyond it the rest is left out and said. */
const MOST_READ = 20_000
/** What stands between a workload and its Pods, and is owned by the one before. */
const OWNED = [
  { group: 'apps', kind: 'ReplicaSet' },
  { group: 'batch', kind: 'Job' },
  { group: '', kind: 'Pod' },
] as const

export interface EventStream {
  readonly client: KubernetesClient
  /** The tracked objects that are meant. */
  readonly objects: readonly ObjectKey[]
  /** Whether an object of that list is the Application's now; asked only of those that there are events about. */
  readonly isOurs: (key: ObjectKey) => Promise<boolean>
  readonly queue: RecordQueue
  readonly signal: AbortSignal
  readonly masked: (text: string) => string
}

interface Dated {
  readonly at: string
  readonly record: EventRecord
}

/**
 * Writes the events about objects, and about what those made (ReplicaSets, Jobs, Pods), into the queue, oldest first.
 * Returns how many. @throws KubernetesError
 */
export async function streamEvents({ objects, queue, ...stream }: EventStream): Promise<number> {
  const found: Dated[] = []
  const owners = new Map<string, boolean>()
  for (const [namespace, roots] of byNamespace(objects)) {
    const rootOf = await descendants(stream.client, namespace, roots, stream.signal)
    let read = 0
    for await (const page of stream.client.list('', 'Event', { namespace, signal: stream.signal })) {
      for (const event of page.objects) {
        const root = rootOf.get(objectKeyText(involvedKey(event)))
        if (!root) continue
        const name = objectKeyText(root)
        if (!owners.has(name)) owners.set(name, await stream.isOurs(root))
        if (owners.get(name)) found.push(dated(event, stream.masked))
      }
      read += page.objects.length
      if (read < MOST_READ) continue
      await queue.put({ kind: 'note', text: `namespace ${namespace}: only the first ${read} events were looked at` })
      break
    }
  }
  found.sort((a, b) => (a.at < b.at ? -1 : a.at > b.at ? 1 : 0))
  if (found.length > MOST_EVENTS) {
    await queue.put({ kind: 'note', text: `${found.length - MOST_EVENTS} older events are left out` })
  }
  for (const { record } of found.slice(-MOST_EVENTS)) if (!(await queue.put(record))) break
  return Math.min(found.length, MOST_EVENTS)
}

/** Events about objects without a namespace are in `default`. */
function byNamespace(objects: readonly ObjectKey[]): ReadonlyMap<string, readonly ObjectKey[]> {
  const namespaces = new Map<string, ObjectKey[]>()
  for (const key of objects) {
    const namespace = key.namespace || 'default'
    const known = namespaces.get(namespace)
    if (known) known.push(key)
    else namespaces.set(namespace, [key])
  }
  return namespaces
}

/** By key text, the tracked object that each object is, or was made by. */
async function descendants(
  client: KubernetesClient,
  namespace: string,
  roots: readonly ObjectKey[],
  signal: AbortSignal,
): Promise<ReadonlyMap<string, ObjectKey>> {
  const rootOf = new Map(roots.map(root => [objectKeyText(root), root]))
  if (!roots.some(({ group, kind }) => hasPods(group, kind))) return rootOf
  for (const { group, kind } of OWNED) {
    try {
      for await (const page of client.list(group, kind, { namespace, metadataOnly: true, signal })) {
        for (const object of page.objects) {
          const root = rootOf.get(objectKeyText(ownerKey(object)))
          const key = { group, kind, namespace, name: object.metadata.name ?? '' }
          if (root && !rootOf.has(objectKeyText(key))) rootOf.set(objectKeyText(key), root)
        }
      }
    } catch (error) {
      if (!isKubernetesError(error, 'KIND_UNKNOWN', 'FORBIDDEN')) throw error
    }
  }
  return rootOf
}

function ownerKey(object: KubernetesObject): ObjectKey {
  const owner = listAt(object, 'metadata', 'ownerReferences').find(
    each => (each as { controller?: unknown }).controller,
  )
  const apiVersion = textAt(owner, 'apiVersion')
  const slash = apiVersion.indexOf('/')
  const group = slash < 0 ? '' : apiVersion.slice(0, slash)
  return { group, kind: textAt(owner, 'kind'), namespace: object.metadata.namespace ?? '', name: textAt(owner, 'name') }
}

function dated(event: KubernetesObject, masked: (text: string) => string): Dated {
  const created = textAt(event, 'metadata', 'creationTimestamp')
  const firstAt = textAt(event, 'firstTimestamp') || textAt(event, 'eventTime') || created
  const lastAt =
    textAt(event, 'series', 'lastObservedTime') ||
    textAt(event, 'lastTimestamp') ||
    textAt(event, 'eventTime') ||
    created
  const source = textAt(event, 'source', 'component') || textAt(event, 'reportingComponent')
  return {
    at: lastAt,
    record: {
      kind: 'event',
      type: textAt(event, 'type') || 'Normal',
      reason: textAt(event, 'reason'),
      message: masked(textAt(event, 'message')),
      object: involvedKey(event),
      count: Math.max(1, numberIfAny(event, 'series', 'count') ?? numberAt(event, 'count')),
      ...(firstAt !== '' && { firstAt }),
      ...(lastAt !== '' && { lastAt }),
      ...(source !== '' && { source }),
    },
  }
}
