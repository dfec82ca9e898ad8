import { type KubernetesObject, type ObjectKey, objectKeyText } from '@flotilla/core/model/kubernetes-object'
import { isUnclaimed, mayHoldOrphans, orphanView } from '@flotilla/core/orphans/judge-orphan'
import type { OfferPayload } from '@flotilla/core/protocol/documents'
import type { Engine } from './engine.ts'
import type { KubernetesClient } from './kubernetes/client.ts'
import { isKubernetesError } from './kubernetes/kubernetes-error.ts'
import { claimedIn, isRecord, namesOf } from './survey-orphans.ts'

/**
 * Whether an object, as it is at this moment, is an orphan that the Application's Project hears of: then a person may
 * delete it through the Application, though nothing tracks it. What was reported may be minutes old and decides nothing.
 *
 * @param reader Looks with the rights that surveys look with: the Project's account, where it names one.
 * @throws KubernetesError
 */
export async function isOrphanNow(
  engine: Pick<Engine, 'link' | 'inventories' | 'operations'>,
  reader: KubernetesClient,
  { orphans, ceiling, namespace }: OfferPayload,
  key: ObjectKey,
  live: KubernetesObject,
): Promise<boolean> {
  const served = reader.discovery.lookup(key.group, key.kind)
  if (!orphans || !served || !mayHoldOrphans(served) || key.namespace !== namespace) return false
  const ofKind = orphanView(orphans, ceiling, namespace).ofKind(key.group, key.kind)
  if (ofKind === 'none' || !ofKind(key.name) || isRecord(live)) return false
  const isClaim = key.group === '' && key.kind === 'PersistentVolumeClaim'
  const statefulSets = isClaim ? await statefulSetsIn(reader, namespace) : NOBODY
  if (!isUnclaimed(live, statefulSets)) return false
  return !(await claimedIn(namespace, engine)).has(objectKeyText(key))
}

const NOBODY: ReadonlySet<string> = new Set()

/** Undefined where they may not be listed: then a claim that one of them may have made is none. */
async function statefulSetsIn(reader: KubernetesClient, namespace: string): Promise<ReadonlySet<string> | undefined> {
  try {
    return await namesOf(reader, 'apps', 'StatefulSet', namespace)
  } catch (error) {
    if (!isKubernetesError(error, 'FORBIDDEN')) throw error
    return undefined
  }
}
