import { CANONICAL_FORMAT, canonicalJson, sha256 } from '../json/canonical-json.ts'
import { compareObjects } from '../manifest/compare-objects.ts'
import { extractImages } from '../manifest/extract-images.ts'
import type { EncodedBundle } from '../model/bundle.ts'
import { groupOf, type KubernetesObject } from '../model/kubernetes-object.ts'

/**
 * Writes objects as the canonical bytes of a Bundle and names them by their SHA-256. The order of the input, the
 * order of keys and the files they came from leave no trace: equal content is one Bundle (decision 14).
 *
 * @throws TypeError for NaN and the infinities, which the YAML reader lets nobody write.
 */
export function encodeBundle(objects: readonly KubernetesObject[]): EncodedBundle {
  const ordered = [...objects].sort(compareObjects)
  const bytes = new TextEncoder().encode(canonicalJson({ format: CANONICAL_FORMAT, objects: ordered }))
  return {
    digest: sha256(bytes),
    bytes,
    objectCount: ordered.length,
    holdsSecrets: ordered.some(object => object.kind === 'Secret' && groupOf(object.apiVersion) === ''),
    images: extractImages(ordered),
  }
}
