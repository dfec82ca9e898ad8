import { authoriseObject, type ClusterObject, refusalText } from '@flotilla/core/access/authorise-object'
import { isClusterScoped } from '@flotilla/core/model/cluster-scoped-kinds'
import { groupOf, type KubernetesObject } from '@flotilla/core/model/kubernetes-object'
import type { Ceiling } from '@flotilla/core/protocol/documents'
import type { GroupKind } from './world.ts'

/**
 * Why a Project does not permit what was rendered for it; undefined when it does. The question is the one that the agent
 * asks again ({@link authoriseObject}); of kinds that are not Kubernetes' own only the agent knows the scope.
 *
 * @param destination The namespace that objects without one go to, if they are in namespaces.
 */
export function firstKindRefused(
  kinds: readonly GroupKind[],
  ceiling: Ceiling,
  project: string,
  destination: string,
): string | undefined {
  for (const rendered of kinds) {
    const object = asSeenHere(rendered, destination)
    const answer = authoriseObject(ceiling, 'apply', object)
    if (answer.kind !== 'allow') {
      return `${refusalText(`project "${project}"`, object, answer.lacks)} (${rendered.kind} ${rendered.name})`
    }
  }
  return undefined
}

/** What a Project is asked about of one rendered object. */
export function groupKindOf({ apiVersion, kind, metadata }: KubernetesObject): GroupKind {
  return {
    group: groupOf(apiVersion),
    kind,
    namespaced: metadata.namespace !== undefined,
    namespace: metadata.namespace ?? '',
    // A name that the cluster makes up is matched by no pattern of names, there as here.
    name: metadata.name ?? '',
  }
}

/** A namespace on a kind without namespaces says nothing: the agent takes it off. */
export function asSeenHere({ namespaced: names, namespace, ...rest }: GroupKind, destination: string): ClusterObject {
  const { group, kind, name } = rest
  if (isClusterScoped(group, kind)) return { group, kind, name, namespace: '', namespaced: false }
  return { group, kind, name, namespace: names ? namespace : destination, namespaced: names ? true : undefined }
}
