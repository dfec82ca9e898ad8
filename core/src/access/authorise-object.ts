import { kindPermitted, namespacePermitted } from '../project/permit.ts'
import type { Ceiling } from '../protocol/documents.ts'

/** What is done to an object of a cluster. Only `get` may not tell that there is such a thing. */
export type ObjectAction = 'get' | 'apply' | 'prune' | 'act'

/** One object, by what is known of it where the question is asked. */
export interface ClusterObject {
  readonly group: string
  readonly kind: string
  readonly name: string
  /** Where it is, or would be put; empty for what is in none. */
  readonly namespace: string
  /** Whether the cluster keeps the kind in namespaces; undefined: only the cluster knows, and is not asked here. */
  readonly namespaced: boolean | undefined
}

export type ObjectAuthorisation =
  | { readonly kind: 'allow' }
  /** `lacks`: what the Project does not permit. */
  | { readonly kind: 'hidden' | 'forbidden'; readonly lacks: 'kind' | 'namespace' }

const ALLOW: ObjectAuthorisation = { kind: 'allow' }

/**
 * {@link authorise} for an agent, as far as its Offers reach: may this Application's objects be this one, by the ceiling
 * of its Project? The hub asks it before it offers a Bundle, and the agent before it applies, prunes, reads or touches
 * anything; what the one permits the other permits, unless a scope is known to the agent alone.
 *
 * A kind of unknown scope is refused when it may be neither in a namespace nor outside of all.
 *
 * @throws Never.
 */
export function authoriseObject(ceiling: Ceiling, action: ObjectAction, object: ClusterObject): ObjectAuthorisation {
  const { namespaced } = object
  const inNamespace = namespaced === false ? undefined : lackedWithin(ceiling, object)
  if (namespaced !== false && inNamespace === undefined) return ALLOW
  const { group, kind, name } = object
  if (namespaced !== true && kindPermitted(ceiling, group, kind, false, name)) return ALLOW
  return { kind: action === 'get' ? 'hidden' : 'forbidden', lacks: inNamespace ?? 'kind' }
}

function lackedWithin(
  ceiling: Ceiling,
  { group, kind, name, namespace, namespaced }: ClusterObject,
): 'kind' | 'namespace' | undefined {
  if (!kindPermitted(ceiling, group, kind, true, name)) return 'kind'
  // Without knowing where it goes, there is nothing to be said of where it goes.
  if (namespaced === undefined && namespace === '') return undefined
  return namespacePermitted(ceiling, namespace) ? undefined : 'namespace'
}

/** For people: `the Project does not permit namespace "kube-system"`. */
export function refusalText(
  by: string,
  { group, kind, namespace }: ClusterObject,
  lacks: 'kind' | 'namespace',
): string {
  const label = group === '' ? kind : `${group}/${kind}`
  return lacks === 'kind' ? `${by} does not permit ${label}` : `${by} does not permit namespace "${namespace}"`
}
