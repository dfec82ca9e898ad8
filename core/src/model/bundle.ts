import type { Digest } from '../json/canonical-json.ts'
import type { KubernetesObject } from './kubernetes-object.ts'

/**
 * What an Application rendered to, and nothing else (decision 14): equal content is one Bundle however many clusters
 * run it. Its bytes are `canonicalJson({ format, objects })`; its name is their SHA-256.
 */
export interface Bundle {
  readonly digest: Digest
  readonly format: number
  /** In the order of `compareObjects`: group, kind, namespace, name. */
  readonly objects: readonly KubernetesObject[]
}

export interface EncodedBundle {
  readonly digest: Digest
  readonly bytes: Uint8Array
  readonly objectCount: number
  /** Whether any object is a Secret: people then see an HMAC instead of the digest (decision 17). */
  readonly holdsSecrets: boolean
  /** Distinct image references, sorted. */
  readonly images: readonly string[]
}
