import { takeOverFields } from '@flotilla/core/diff/take-over'
import { assessHealth } from '@flotilla/core/health/assess-health'
import type { Json, JsonObject } from '@flotilla/core/json/json'
import { textAt } from '@flotilla/core/json/read-json'
import {
  type KubernetesObject,
  keyOf,
  type ObjectKey,
  objectKeyText,
  versionOf,
} from '@flotilla/core/model/kubernetes-object'
import type { CreateAction, PruneAction, UpdateAction } from '@flotilla/core/plan/sync-plan'
import { FIELD_MANAGER, ownerOf } from '@flotilla/core/plan/tracking'
import type { KubernetesClient } from './kubernetes/client.ts'
import { isKubernetesError, KubernetesError } from './kubernetes/kubernetes-error.ts'

const POLL_MS = 250
const LONGEST_DELETION_MS = 60_000
const LONGEST_DEFINITION_MS = 30_000
const MOST_CONFLICTS = 4

/**
 * Creates or updates one object by server-side apply: waits for a namesake that is being deleted, takes over the
 * fields of earlier tools, and repeats what lost a race. An object may ask for more than an apply
 * ({@link WriteChoices}).
 *
 * @returns the object as stored. @throws KubernetesError
 */
export async function writeObject(
  client: KubernetesClient,
  action: CreateAction | UpdateAction,
  signal: AbortSignal,
): Promise<KubernetesObject> {
  if (action.kind === 'create' && action.afterDeletionOf !== undefined) {
    await waitForDeletion(client, action.key, action.afterDeletionOf, signal)
  }
  for (let attempt = 1; ; attempt++) {
    try {
      if (action.kind === 'update' && action.takeOver.length > 0) await takeOver(client, action)
      return action.kind === 'update' && action.choices?.replace
        ? await replaceObject(client, action)
        : await applyObject(client, action, signal)
    } catch (error) {
      if (isKubernetesError(error, 'IMMUTABLE_FIELD') && action.choices?.recreate) {
        return await recreateObject(client, action, signal)
      }
      if (!isKubernetesError(error, 'CONFLICT') || attempt >= MOST_CONFLICTS) throw error
    }
  }
}

function applyObject(
  client: KubernetesClient,
  { object, fieldManager = FIELD_MANAGER, validate, choices }: CreateAction | UpdateAction,
  signal: AbortSignal,
): Promise<KubernetesObject> {
  const force = choices?.conflicts !== 'fail'
  return client.apply(object, { fieldManager, strict: validate, force, signal })
}

/** The whole object as the manifest has it. Who else waits for its end, and whose it is, stays. */
async function replaceObject(client: KubernetesClient, action: UpdateAction): Promise<KubernetesObject> {
  const { object, validate } = action
  const live = await client.get(action.key, versionOf(object.apiVersion))
  if (!live) throw goneMeanwhile(client, action.key)
  const { resourceVersion, uid, finalizers, ownerReferences } = live.metadata
  const metadata = {
    ...(finalizers ? { finalizers } : {}),
    ...(ownerReferences ? { ownerReferences } : {}),
    ...object.metadata,
    ...(resourceVersion === undefined ? {} : { resourceVersion }),
    ...(uid === undefined ? {} : { uid }),
  }
  const status = live['status'] === undefined ? {} : { status: live['status'] }
  return client.replace({ ...object, ...status, metadata }, { strict: validate })
}

/** Deletes the very object that refused the change, waits for its end, and makes it again. */
async function recreateObject(
  client: KubernetesClient,
  action: CreateAction | UpdateAction,
  signal: AbortSignal,
): Promise<KubernetesObject> {
  const live = await client.get(action.key, versionOf(action.object.apiVersion))
  const uid = live?.metadata.uid
  if (live && uid !== undefined) {
    await client.delete(action.key, { uid, propagation: 'foreground' })
    await waitForDeletion(client, action.key, uid, signal)
  }
  return applyObject(client, action, signal)
}

function goneMeanwhile(client: KubernetesClient, key: ObjectKey): KubernetesError {
  const detail = 'it was deleted meanwhile'
  return new KubernetesError('CONFLICT', `${client.cluster} ${objectKeyText(key)}`, 'replace', detail, {
    retry: true,
    status: 409,
  })
}

/**
 * Deletes one object, if at this moment it is still the one that was planned for and bears our marks: what was observed
 * may be seconds old, and a deletion cannot be taken back.
 *
 * @returns `absent` when it was gone already, `changed` when it is not ours any more. @throws KubernetesError
 */
export async function pruneObject(
  client: KubernetesClient,
  action: PruneAction,
  applicationId: string,
): Promise<'deleted' | 'absent' | 'changed'> {
  const { key, uid, propagation } = action
  for (let attempt = 1; ; attempt++) {
    const live = await client.get(key)
    if (!live || live.metadata.uid !== uid) return 'absent'
    if (ownerOf(live, applicationId, true).kind !== 'ours') return 'changed'
    if (live.metadata.deletionTimestamp !== undefined) return 'deleted'
    const resourceVersion = live.metadata.resourceVersion ?? ''
    try {
      return await client.delete(key, { uid, resourceVersion, propagation })
    } catch (error) {
      if (!isKubernetesError(error, 'CONFLICT') || attempt >= MOST_CONFLICTS) throw error
    }
  }
}

async function takeOver(client: KubernetesClient, action: UpdateAction): Promise<void> {
  const live = await client.get(action.key, versionOf(action.object.apiVersion))
  if (!live) return
  const operations: readonly JsonObject[] = [
    {
      op: 'replace',
      path: '/metadata/managedFields',
      value: takeOverFields(live, FIELD_MANAGER, action.takeOver) as Json,
    },
    // Refused when somebody wrote in between: their fields would be lost without a trace.
    { op: 'replace', path: '/metadata/resourceVersion', value: live.metadata.resourceVersion ?? '' },
  ]
  await client.patchJson(action.key, versionOf(action.object.apiVersion), operations)
}

async function waitForDeletion(
  client: KubernetesClient,
  key: ObjectKey,
  uid: string,
  signal: AbortSignal,
): Promise<void> {
  const { clock } = client.requester
  const startMs = clock.monotonicMs()
  for (;;) {
    const live = await client.get(key)
    if (!live || live.metadata.uid !== uid) return
    if (clock.monotonicMs() - startMs > LONGEST_DELETION_MS) {
      const holders = live.metadata.finalizers?.join(', ') ?? 'nobody we know of'
      const detail = `its deletion has not ended within ${LONGEST_DELETION_MS / 1000} s; it waits for ${holders}`
      throw new KubernetesError('CONFLICT', `${client.cluster} ${objectKeyText(key)}`, 'apply', detail, {
        retry: true,
        status: 409,
      })
    }
    await clock.sleep(POLL_MS, signal)
  }
}

/** Waits until Namespaces are active and definitions established: what comes next could not be written before. */
export async function waitForDefinitions(
  client: KubernetesClient,
  written: readonly KubernetesObject[],
  signal: AbortSignal,
): Promise<void> {
  const { clock } = client.requester
  const startMs = clock.monotonicMs()
  for (const key of written.filter(object => !isUsable(object)).map(keyOf)) {
    for (;;) {
      const live = await client.get(key)
      if (live && isUsable(live)) break
      if (clock.monotonicMs() - startMs > LONGEST_DEFINITION_MS) {
        const detail = `not usable within ${LONGEST_DEFINITION_MS / 1000} s`
        throw new KubernetesError('CONFLICT', `${client.cluster} ${objectKeyText(key)}`, 'apply', detail, {
          retry: true,
          status: 409,
        })
      }
      await clock.sleep(POLL_MS, signal)
    }
  }
  for (const definition of written.filter(({ kind }) => kind === 'CustomResourceDefinition')) {
    const group = textAt(definition['spec'], 'group')
    const kind = textAt(definition['spec'], 'names', 'kind')
    // Established comes a moment before the kind is served and listed.
    while (!client.discovery.lookup(group, kind) && clock.monotonicMs() - startMs < LONGEST_DEFINITION_MS) {
      await client.discovery.refresh()
      if (!client.discovery.lookup(group, kind)) await clock.sleep(POLL_MS, signal)
    }
  }
}

function isUsable(live: KubernetesObject): boolean {
  if (live.metadata.deletionTimestamp !== undefined) return false
  if (live.kind === 'Namespace') return textAt(live['status'], 'phase') !== 'Terminating'
  return assessHealth(live)?.status === 'Healthy'
}
