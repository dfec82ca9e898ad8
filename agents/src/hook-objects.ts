import type { Json, JsonObject } from '@flotilla/core/json/json'
import { type KubernetesObject, objectKeyText, versionOf } from '@flotilla/core/model/kubernetes-object'
import { HOOK_FINALIZER } from '@flotilla/core/plan/read-hook'
import type { HookAction } from '@flotilla/core/plan/sync-plan'
import type { HookRef } from '@flotilla/core/sync/hook-steps'
import { forEachBounded } from './bounded.ts'
import type { KubernetesClient } from './kubernetes/client.ts'
import { isKubernetesError } from './kubernetes/kubernetes-error.ts'

const AT_ONCE = 8
const MOST_CONFLICTS = 4

/** The live objects of hooks, as far as they are there. A kind that is not served yet has none. @throws KubernetesError */
export async function readHooks(
  client: KubernetesClient,
  hooks: readonly HookAction[],
): Promise<ReadonlyMap<string, KubernetesObject>> {
  const live = new Map<string, KubernetesObject>()
  // One that runs in several phases is one object.
  const keys = new Map(hooks.map(({ key }) => [objectKeyText(key), key]))
  await forEachBounded([...keys.values()], AT_ONCE, async key => {
    try {
      const object = await client.get(key)
      if (object) live.set(objectKeyText(key), object)
    } catch (error) {
      if (!isKubernetesError(error, 'KIND_UNKNOWN')) throw error
    }
  })
  return live
}

/** Takes our finalizer off: the results of these hooks are stored. @throws KubernetesError */
export async function freeHooks(client: KubernetesClient, hooks: readonly HookRef[]): Promise<void> {
  await forEachBounded(hooks, AT_ONCE, ref => freeHook(client, ref))
}

/** Deletes hooks, with what they made; our finalizer goes first, or they would stay. @throws KubernetesError */
export async function removeHooks(client: KubernetesClient, hooks: readonly HookRef[]): Promise<void> {
  await forEachBounded(hooks, AT_ONCE, async ref => {
    if (ref.held) await freeHook(client, ref)
    if (ref.deleting) return
    // Its Pods must not go on after it: they go with it, and it does not wait for them.
    await client.delete(ref.key, { uid: ref.uid, propagation: 'background' })
  })
}

async function freeHook(client: KubernetesClient, { key, uid }: HookRef): Promise<void> {
  for (let attempt = 1; ; attempt++) {
    const live = await client.get(key)
    if (!live || live.metadata.uid !== uid || !live.metadata.finalizers?.includes(HOOK_FINALIZER)) return
    const left = live.metadata.finalizers.filter(name => name !== HOOK_FINALIZER)
    const operations: readonly JsonObject[] = [
      // Refused when somebody wrote in between: their finalizer would be lost without a trace.
      { op: 'test', path: '/metadata/resourceVersion', value: live.metadata.resourceVersion ?? '' },
      { op: 'replace', path: '/metadata/finalizers', value: left as Json },
    ]
    try {
      await client.patchJson(key, versionOf(live.apiVersion), operations)
      return
    } catch (error) {
      if (isKubernetesError(error, 'NOT_FOUND')) return
      if (!isKubernetesError(error, 'CONFLICT', 'INVALID') || attempt >= MOST_CONFLICTS) throw error
    }
  }
}
