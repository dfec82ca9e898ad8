import { type KubernetesObject, keyOf, type ObjectKey } from '../model/kubernetes-object.ts'
import { APPLY_SET_MEMBER_LABEL } from './apply-set.ts'

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

/** The object with our marks on it, and those of its apply set where it has one. */
export function withTracking(object: KubernetesObject, applicationId: string, applySet?: string): KubernetesObject {
  const { metadata } = object
  return {
    ...object,
    metadata: {
      ...metadata,
      labels: {
        ...metadata.labels,
        [APPLICATION_LABEL]: applicationId,
        ...(applySet === undefined ? {} : { [APPLY_SET_MEMBER_LABEL]: applySet }),
      },
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

/** Tools whose objects can be taken over with somebody's approval (decision 26). */
export const DELIVERY_TOOLS = ['argocd', 'flux', 'helm', 'fleet'] as const
export type DeliveryTool = (typeof DELIVERY_TOOLS)[number]

export type Owner =
  | { readonly kind: 'ours' }
  | { readonly kind: 'nobody' }
  /** Whose exactly is not said: who may see this Application may not know of that one. */
  | { readonly kind: 'other'; readonly description: string; readonly tool?: DeliveryTool }

/**
 * Who owns a live object, from the point of view of one Application.
 *
 * @param inInventory Whether the Application's Inventory says that it applied the object. Together with our field
 *   manager it stands in for an annotation that somebody removed.
 * @param formerIds Ids that this Application had under a hub whose keys are lost: what bears them is taken along.
 */
export function ownerOf(
  live: KubernetesObject,
  applicationId: string,
  inInventory: boolean,
  formerIds: readonly string[] = [],
): Owner {
  const tracked = trackedBy(live)
  if (tracked === applicationId || (tracked !== undefined && formerIds.includes(tracked))) return { kind: 'ours' }
  if (tracked !== undefined) return { kind: 'other', description: 'another Application' }
  if (inInventory && live.metadata.annotations?.[TRACKING_ANNOTATION] === undefined && hasOurManager(live)) {
    return { kind: 'ours' }
  }
  const tool = toolOf(live)
  if (tool !== undefined) return { kind: 'other', description: TOOL_NAMES[tool], tool }
  const inApplySet = live.metadata.labels?.[APPLY_SET_MEMBER_LABEL] !== undefined
  return inApplySet ? { kind: 'other', description: 'another apply set' } : { kind: 'nobody' }
}

/** As people call them. */
export const TOOL_NAMES: { readonly [Tool in DeliveryTool]: string } = {
  argocd: 'Argo CD',
  flux: 'Flux',
  helm: 'Helm',
  fleet: 'Rancher Fleet',
}

export function hasOurManager(live: KubernetesObject): boolean {
  return (live.metadata.managedFields ?? []).some(entry => entry['manager'] === FIELD_MANAGER)
}

/** The delivery tool whose marks an object bears. */
function toolOf({ metadata }: KubernetesObject): DeliveryTool | undefined {
  const { annotations = {}, labels = {} } = metadata
  const has = (marks: { readonly [key: string]: string }, ...keys: readonly string[]): boolean =>
    keys.some(key => Object.hasOwn(marks, key))
  if (has(annotations, 'argocd.argoproj.io/tracking-id')) return 'argocd'
  if (has(labels, 'kustomize.toolkit.fluxcd.io/name', 'helm.toolkit.fluxcd.io/name')) return 'flux'
  if (has(annotations, 'meta.helm.sh/release-name')) return 'helm'
  const fleet = has(labels, 'objectset.rio.cattle.io/hash') || has(annotations, 'objectset.rio.cattle.io/id')
  return fleet ? 'fleet' : undefined
}
