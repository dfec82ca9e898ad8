import type { FleetKind } from './kinds/kind.ts'

/**
 * One document as it was when it last was sound. Plain JSON, for the hub to store: after a restart a broken file keeps
 * what it had, and positions still point into it.
 */
export interface LastGoodDocument {
  readonly file: string
  readonly index: number
  readonly kind: FleetKind
  /** Without the source's prefix. */
  readonly name: string
  /** The document's own text; credentials of Argo CD Secrets are not in it. */
  readonly text: string
  /** The line of the file on which `text` begins. */
  readonly startLine: number
}

/** What one config source last declared, by document. */
export interface LastGood {
  /** Raised when the shape changes, so that an older hub's memory is dropped rather than misread. */
  readonly format: 1
  readonly documents: readonly LastGoodDocument[]
}

export const NO_LAST_GOOD: LastGood = { format: 1, documents: [] }

/** Kind and name, whatever the API group: what may exist once only. */
export function identityKey(kind: string, name: string): string {
  return `${kind}/${name}`
}
