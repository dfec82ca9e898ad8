import { decodeBundle } from '@flotilla/core/bundle/decode-bundle'
import { maskManifest } from '@flotilla/core/diff/mask-manifest'
import { SecretMarkers } from '@flotilla/core/diff/mask-secret'
import type { Digest } from '@flotilla/core/json/canonical-json'
import { equalJson } from '@flotilla/core/json/json'
import { compareObjects } from '@flotilla/core/manifest/compare-objects'
import { type KubernetesObject, keyOf, objectKeyText } from '@flotilla/core/model/kubernetes-object'
import { readObjectOptions } from '@flotilla/core/plan/object-options'
import type { BundleStore } from '@flotilla/core/ports/bundle-store'
import type { ApplicationRow } from '@flotilla/core/ports/store'
import { readSyncOptions } from '@flotilla/core/sync/sync-options'
import { unifiedDiff } from '@flotilla/core/text/unified-diff'
import { prettyYaml } from '@flotilla/core/yaml/print-yaml'
import { applicationOf } from '../loop/world.ts'
import type { ManifestChange } from './preview.ts'

/** What Applications render to, side by side; bounded over all of them. */
export class ManifestDiffs {
  /** How many differences were left out. */
  cut = 0
  readonly #bundles: BundleStore
  #left: number

  constructor(bundles: BundleStore, maxCharacters: number) {
    this.#bundles = bundles
    this.#left = maxCharacters
  }

  /**
   * Per object, in the order of a Bundle; only what an agent would be given otherwise.
   *
   * @param prune Whether what is not wanted any more is removed, where it may be; as the Application says, if left out.
   */
  async between(
    before: ApplicationRow | undefined,
    after: ApplicationRow,
    prune = readSyncOptions(applicationOf(after)).options.prune,
  ): Promise<readonly ManifestChange[]> {
    if (before?.digest === after.digest) return []
    const left = byKey(await this.#objectsOf(before?.digest))
    const right = byKey(await this.#objectsOf(after.digest))
    const markers = new SecretMarkers()
    const changes: { readonly object: KubernetesObject; readonly change: ManifestChange }[] = []
    for (const key of new Set([...left.keys(), ...right.keys()])) {
      const old = left.get(key)
      const now = right.get(key)
      if (old && now && equalJson(old, now)) continue
      const diff = this.#cutTo(unifiedDiff(textOf(old, markers), textOf(now, markers)))
      const change: ManifestChange = {
        object: objectKeyText(keyOf((now ?? old)!)),
        change: !old ? 'created' : !now ? 'removed' : 'updated',
        ...(old && !now && { pruned: prune && readObjectOptions(old).options.prune === 'yes' }),
        diff,
      }
      changes.push({ object: (now ?? old)!, change })
    }
    return changes.sort((a, b) => compareObjects(a.object, b.object)).map(({ change }) => change)
  }

  async namesOf(row: ApplicationRow): Promise<readonly string[]> {
    return (await this.#objectsOf(row.digest)).map(object => objectKeyText(keyOf(object)))
  }

  #cutTo(diff: string): string {
    if (diff.length <= this.#left) {
      this.#left -= diff.length
      return diff
    }
    this.cut++
    return ''
  }

  async #objectsOf(digest: Digest | undefined): Promise<readonly KubernetesObject[]> {
    if (digest === undefined) return []
    const bytes = await this.#bundles.get(digest)
    return bytes ? decodeBundle(bytes, digest).objects : []
  }
}

function byKey(objects: readonly KubernetesObject[]): Map<string, KubernetesObject> {
  const found = new Map<string, KubernetesObject>()
  for (const object of objects) {
    const text = objectKeyText(keyOf(object))
    // Several without a name of their own (`generateName`) are told apart by their place.
    let key = text
    for (let again = 2; found.has(key); again++) key = `${text} ${again}`
    found.set(key, object)
  }
  return found
}

function textOf(object: KubernetesObject | undefined, markers: SecretMarkers): string {
  return object === undefined ? '' : prettyYaml(maskManifest(object, markers))
}
