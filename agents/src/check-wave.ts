import { textAt } from '@flotilla/core/json/read-json'
import { type KubernetesObject, objectKeyText } from '@flotilla/core/model/kubernetes-object'
import type { SyncAction } from '@flotilla/core/plan/sync-plan'
import { FIELD_MANAGER } from '@flotilla/core/plan/tracking'
import { forEachBounded } from './bounded.ts'
import type { KubernetesClient } from './kubernetes/client.ts'
import { isKubernetesError } from './kubernetes/kubernetes-error.ts'

const AT_ONCE = 8
/** What the cluster took a moment ago it is not asked about again: fifty Applications bring the same kinds. */
const TAKEN_FOR_MS = 60_000

const taken = new WeakMap<KubernetesClient, Map<string, number>>()

/**
 * Asks the server, without writing, whether it would take what is to be made: one object of each kind in each
 * namespace, which shows rights, served versions and admission. Objects that exist were asked about one by one when
 * they were compared.
 *
 * @returns sentences about what was refused. @throws KubernetesError when the cluster is away.
 */
export async function checkWave(
  client: KubernetesClient,
  actions: readonly SyncAction[],
  live: ReadonlyMap<string, KubernetesObject>,
): Promise<readonly string[]> {
  const memo = taken.get(client) ?? new Map<string, number>()
  taken.set(client, memo)
  const { clock } = client.requester
  const nowMs = clock.monotonicMs()
  const refused: string[] = []
  const due = [...samplesOf(client, actions, live)].filter(
    ([name]) => nowMs - (memo.get(name) ?? Number.NEGATIVE_INFINITY) > TAKEN_FOR_MS,
  )
  await forEachBounded(due, AT_ONCE, async ([name, { object, validate }]) => {
    try {
      await client.apply(object, { dryRun: true, fieldManager: FIELD_MANAGER, strict: validate })
      memo.set(name, nowMs)
    } catch (error) {
      if (isKubernetesError(error, 'BAD_REQUEST') && /dry ?run/i.test(error.detail)) return
      if (!isKubernetesError(error, 'FORBIDDEN', 'INVALID', 'BAD_REQUEST', 'TOO_LARGE')) {
        // Its namespace or kind is still to be made, or it was made meanwhile.
        if (isKubernetesError(error, 'NOT_FOUND', 'KIND_UNKNOWN', 'CONFLICT', 'FIELD_CONFLICT', 'IMMUTABLE_FIELD'))
          return
        throw error
      }
      refused.push(error.message)
    }
  })
  return refused
}

interface Sample {
  readonly object: KubernetesObject
  readonly validate: boolean
}

function samplesOf(
  client: KubernetesClient,
  actions: readonly SyncAction[],
  live: ReadonlyMap<string, KubernetesObject>,
): ReadonlyMap<string, Sample> {
  // What is made in this very operation changes what the server says.
  const coming = new Set(actions.flatMap(comingWith))
  const samples = new Map<string, Sample>()
  for (const action of actions) {
    if (action.kind !== 'create' && action.kind !== 'hook') continue
    const { key, object, validate } = action
    if (live.has(objectKeyText(key)) || !client.discovery.lookup(key.group, key.kind)) continue
    if (coming.has(`kind ${key.group}/${key.kind}`) || coming.has(`namespace ${key.namespace}`)) continue
    const name = `${object.apiVersion} ${key.kind} ${key.namespace}`
    if (!samples.has(name)) samples.set(name, { object, validate })
  }
  return samples
}

function comingWith(action: SyncAction): readonly string[] {
  if (action.kind !== 'create' && action.kind !== 'update') return []
  const { key, object } = action
  if (key.group === '' && key.kind === 'Namespace') return [`namespace ${key.name}`]
  if (key.kind !== 'CustomResourceDefinition') return []
  return [`kind ${textAt(object['spec'], 'group')}/${textAt(object['spec'], 'names', 'kind')}`]
}
