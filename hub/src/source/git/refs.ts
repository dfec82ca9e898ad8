import type { ObjectId } from '@flotilla/core/ports/git'

/** Branches and tags of a repository at one instant. */
export interface RefSnapshot {
  /** What `HEAD` is: the full name of a branch, or a commit id when it is detached; absent in an empty repository. */
  readonly head?: string
  /** Full ref (`refs/heads/main`, `refs/tags/v1`) → object id, which for an annotated tag is the tag's. */
  readonly refs: ReadonlyMap<string, ObjectId>
}

export const NO_REFS: RefSnapshot = { refs: new Map() }

export type RevisionLookUp =
  | { readonly kind: 'ref'; readonly id: ObjectId }
  /** Maybe a commit id, whole or abbreviated: the objects know. */
  | { readonly kind: 'id'; readonly id: string }
  | { readonly kind: 'none' }

/**
 * Where a revision points. A whole commit id comes first, as in Git; then `HEAD` and full refs; then a branch before a
 * tag of the same name, as Argo CD lists them; an abbreviated id last, so that a branch called `deadbeef` is a branch.
 */
export function lookUpRevision(snapshot: RefSnapshot, revision: string): RevisionLookUp {
  if (isObjectId(revision)) return { kind: 'id', id: revision }
  if (revision === 'HEAD') {
    const { head } = snapshot
    if (head === undefined) return { kind: 'none' }
    return isObjectId(head) ? { kind: 'ref', id: head } : found(snapshot.refs.get(head))
  }
  for (const name of [revision, `refs/heads/${revision}`, `refs/tags/${revision}`, `refs/${revision}`]) {
    const id = snapshot.refs.get(name)
    if (id !== undefined) return { kind: 'ref', id }
  }
  return /^[0-9a-f]{7,39}$/i.test(revision) ? { kind: 'id', id: revision.toLowerCase() } : { kind: 'none' }
}

function found(id: ObjectId | undefined): RevisionLookUp {
  return id === undefined ? { kind: 'none' } : { kind: 'ref', id }
}

export function isObjectId(text: string): boolean {
  return /^[0-9a-f]{40}$/.test(text)
}

/** Only branches and tags are mirrored: a forge's `refs/pull/*` may be thousands of refs nobody deploys. */
export function isMirroredRef(name: string): boolean {
  return name.startsWith('refs/heads/') || name.startsWith('refs/tags/')
}

export function equalRefs(a: RefSnapshot, b: RefSnapshot): boolean {
  if (a.head !== b.head || a.refs.size !== b.refs.size) return false
  for (const [name, id] of a.refs) if (b.refs.get(name) !== id) return false
  return true
}

/** Ids that `next` names and `previous` did not: what a fetch must have brought. */
export function newIds(previous: RefSnapshot, next: RefSnapshot): readonly ObjectId[] {
  const known = new Set(previous.refs.values())
  const ids = new Set(next.refs.values())
  if (next.head !== undefined && isObjectId(next.head)) ids.add(next.head)
  return [...ids].filter(id => !known.has(id))
}
