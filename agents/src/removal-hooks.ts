import { gunzipSync, gzipSync } from 'node:zlib'
import type { JsonObject } from '@flotilla/core/json/json'
import { parseJson } from '@flotilla/core/json/parse-json'
import { listAt, textAt } from '@flotilla/core/json/read-json'
import { stringifyJson } from '@flotilla/core/json/stringify-json'
import type { KubernetesObject, ObjectKey } from '@flotilla/core/model/kubernetes-object'
import { keyOf } from '@flotilla/core/model/kubernetes-object'
import { readObjectOptions } from '@flotilla/core/plan/object-options'
import { isOfRemoval } from '@flotilla/core/plan/plan-order'
import type { HookTarget } from '@flotilla/core/plan/prepare-targets'
import { WritingForbidden } from './apply.ts'
import type { KubernetesClient } from './kubernetes/client.ts'
import { labelValue, RECORD_LABEL, RECORD_MANAGER, RECORD_OF_LABEL, recordName } from './records.ts'

const MOST_INFLATED_BYTES = 64 * 1024 * 1024

/**
 * Hooks that an Application runs when it is removed, kept in the cluster when it is synced: by then neither its
 * Bundle nor the hub need be there. In a Secret, because a hook may be one.
 */
export class RemovalHooks {
  readonly #client: KubernetesClient
  readonly #namespace: string
  readonly #mayWrite: () => boolean

  constructor(client: KubernetesClient, namespace: string, mayWrite: () => boolean) {
    this.#client = client
    this.#namespace = namespace
    this.#mayWrite = mayWrite
  }

  /** @throws KubernetesError */
  async read(applicationId: string): Promise<readonly HookTarget[]> {
    const stored = await this.#client.get(this.#key(applicationId))
    const packed = textAt(stored?.['data'], 'hooks')
    if (packed === '') return []
    const inflated = gunzipSync(Buffer.from(packed, 'base64'), { maxOutputLength: MOST_INFLATED_BYTES })
    return listAt(parseJson(inflated.toString('utf8')), 'hooks').flatMap(
      each => targetOf(each as KubernetesObject) ?? [],
    )
  }

  /** Keeps those of these hooks that belong to a removal. @returns whether there are any. @throws KubernetesError */
  async write(
    application: { readonly id: string; readonly name: string },
    hooks: readonly HookTarget[],
    kept: boolean,
  ): Promise<boolean> {
    const ours = hooks.filter(isKeptHook)
    if (ours.length === 0) {
      if (kept) await this.remove(application.id)
      return false
    }
    if (!this.#mayWrite()) throw new WritingForbidden()
    const objects = ours.map(({ object }) => object) as unknown as readonly JsonObject[]
    const packed = gzipSync(stringifyJson({ hooks: objects })).toString('base64')
    await this.#client.apply(
      {
        apiVersion: 'v1',
        kind: 'Secret',
        metadata: {
          name: recordName('flotilla-removal-hooks', application.id),
          namespace: this.#namespace,
          labels: { [RECORD_LABEL]: 'removal-hooks', [RECORD_OF_LABEL]: labelValue(application.id) },
        },
        type: 'flotilla.dev/removal-hooks',
        data: { hooks: packed },
      },
      { fieldManager: RECORD_MANAGER },
    )
    return true
  }

  async remove(applicationId: string): Promise<void> {
    if (!this.#mayWrite()) throw new WritingForbidden()
    await this.#client.delete(this.#key(applicationId), { propagation: 'background' })
  }

  #key(applicationId: string): ObjectKey {
    const name = recordName('flotilla-removal-hooks', applicationId)
    return { group: '', kind: 'Secret', namespace: this.#namespace, name }
  }
}

/** Whether it runs at the removal of its Application. */
export function isKeptHook({ hook }: HookTarget): boolean {
  return hook.phases.some(isOfRemoval)
}

/** The namespace, label and finalizer are on it since it was kept. */
function targetOf(object: KubernetesObject): HookTarget | undefined {
  const { options } = readObjectOptions(object)
  return options.hook && { key: keyOf(object), object, options, hook: options.hook }
}
