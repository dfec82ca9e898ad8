import { createHash } from 'node:crypto'
import type { ObjectKey } from '../model/kubernetes-object.ts'

/**
 * The marks of KEP-3659, beside our own: other tools see by them which objects belong together, and refuse to prune in
 * a set of ours. Nothing of ours rests on them.
 */
export const APPLY_SET_ID_LABEL = 'applyset.kubernetes.io/id'
export const APPLY_SET_MEMBER_LABEL = 'applyset.kubernetes.io/part-of'
const TOOLING = 'applyset.kubernetes.io/tooling'
const GROUP_KINDS = 'applyset.kubernetes.io/contains-group-kinds'
const NAMESPACES = 'applyset.kubernetes.io/additional-namespaces'

/** The set whose parent is that ConfigMap. @example applySetId({ …, kind: 'ConfigMap', namespace: 'a', name: 'b' }) // => 'applyset-…-v1' */
export function applySetId({ group, kind, namespace, name }: ObjectKey): string {
  const hash = createHash('sha256').update(`${name}.${namespace}.${kind}.${group}`).digest('base64url')
  return `applyset-${hash}-v1`
}

/** Labels and annotations of the set's parent. Wider than the truth before objects are applied, never narrower. */
export function applySetParent(parent: ObjectKey, members: readonly ObjectKey[], version: string) {
  const kinds = new Set(members.map(({ group, kind }) => (group === '' ? kind : `${kind}.${group}`)))
  const namespaces = new Set(members.map(({ namespace }) => namespace).filter(name => name !== ''))
  namespaces.delete(parent.namespace)
  return {
    labels: { [APPLY_SET_ID_LABEL]: applySetId(parent) },
    annotations: {
      [TOOLING]: `flotilla/v${version}`,
      [GROUP_KINDS]: [...kinds].sort().join(','),
      [NAMESPACES]: [...namespaces].sort().join(','),
    },
  }
}
