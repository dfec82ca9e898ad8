import { type KubernetesObject, keyOf, type ObjectKey } from '../model/kubernetes-object.ts'

/**
 * Whose a live object is: `<application id>:<group>/<kind>:<namespace>/<name>`, the core group and cluster-scoped
 * objects with an empty place. Written by agents; removing it by hand is drift.
 *
 * Example: `0199c2f0-…:apps/Deployment:shop/web`.
 */
export const TRACKING_ANNOTATION = 'flotilla.dev/tracking-id'

/** The Application's id again, as a label, so that one watch a kind sees our objects and no others. */
export const APPLICATION_LABEL = 'flotilla.dev/application'

/** The only field manager that writes objects of Applications. */
export const FIELD_MANAGER = 'flotilla'

export function trackingId(applicationId: string, key: ObjectKey): string {
  return `${applicationId}:${key.group}/${key.kind}:${key.namespace}/${key.name}`
}

/** The object with our marks on it. */
export function withTracking(object: KubernetesObject, applicationId: string): KubernetesObject {
  const { metadata } = object
  return {
    ...object,
    metadata: {
      ...metadata,
      labels: { ...metadata.labels, [APPLICATION_LABEL]: applicationId },
      annotations: { ...metadata.annotations, [TRACKING_ANNOTATION]: trackingId(applicationId, keyOf(object)) },
    },
  }
}

/**
 * The id of the Application that a live object belongs to by its annotation; undefined when it has none, or one that
 * speaks of another object: controllers copy annotations to what they make, people copy manifests.
 */
export function trackedBy(object: KubernetesObject): string | undefined {
  const value = object.metadata.annotations?.[TRACKING_ANNOTATION]
  if (value === undefined) return undefined
  const parts = value.split(':')
  // Names of cluster roles may hold colons, so the first part is cut off and the rest compared whole.
  const [applicationId] = parts
  if (!applicationId || parts.length < 3) return undefined
  return value === trackingId(applicationId, keyOf(object)) ? applicationId : undefined
}

export type Owner =
  | { readonly kind: 'ours' }
  | { readonly kind: 'nobody' }
  | { readonly kind: 'other'; readonly description: string }

/**
 * Who owns a live object, from the point of view of one Application.
 *
 * @param inInventory Whether the Application's Inventory says that it applied the object. Together with our field
 *   manager it stands in for an annotation that somebody removed.
 */
export function ownerOf(live: KubernetesObject, applicationId: string, inInventory: boolean): Owner {
  const tracked = trackedBy(live)
  if (tracked === applicationId) return { kind: 'ours' }
  if (tracked !== undefined) return { kind: 'other', description: `Application ${tracked} of Flotilla` }
  if (inInventory && live.metadata.annotations?.[TRACKING_ANNOTATION] === undefined && hasOurManager(live)) {
    return { kind: 'ours' }
  }
  const mark = markOfAnotherTool(live)
  return mark === undefined ? { kind: 'nobody' } : { kind: 'other', description: mark }
}

export function hasOurManager(live: KubernetesObject): boolean {
  return (live.metadata.managedFields ?? []).some(entry => entry['manager'] === FIELD_MANAGER)
}

/** Marks that other delivery tools leave (decision 26), as a phrase. */
function markOfAnotherTool({ metadata }: KubernetesObject): string | undefined {
  const { annotations = {}, labels = {} } = metadata
  const argo = annotations['argocd.argoproj.io/tracking-id']
  if (argo !== undefined) return `Application ${argo.split(':', 1)[0]} of Argo CD`
  const kustomization = labels['kustomize.toolkit.fluxcd.io/name']
  if (kustomization !== undefined) return `Kustomization ${kustomization} of Flux`
  const fluxRelease = labels['helm.toolkit.fluxcd.io/name']
  if (fluxRelease !== undefined) return `HelmRelease ${fluxRelease} of Flux`
  const release = annotations['meta.helm.sh/release-name']
  if (release !== undefined) return `release ${release} of Helm`
  const fleet = labels['objectset.rio.cattle.io/hash'] ?? annotations['objectset.rio.cattle.io/id']
  if (fleet !== undefined) return 'a bundle of Rancher Fleet'
  const applySet = labels['applyset.kubernetes.io/part-of']
  return applySet === undefined ? undefined : `apply set ${applySet}`
}
