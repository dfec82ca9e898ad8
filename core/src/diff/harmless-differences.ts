import { isJsonObject, type Json } from '../json/json.ts'
import { textAt } from '../json/read-json.ts'
import type { KubernetesObject, ObjectKey } from '../model/kubernetes-object.ts'
import type { Difference, DifferenceTest } from './difference.ts'

/**
 * Differences that are nobody's mistake and that no write would end: a controller fills the field in, or owns it by its
 * nature. They are no drift, and the live value stays.
 */
export interface HarmlessDifference {
  /** `group/Kind`, or the kind alone for the core group; undefined: every kind. */
  readonly kinds?: readonly string[]
  readonly path: RegExp
  /** What makes it harmless, for people. */
  readonly because: string
  readonly when?: (difference: Difference, live: KubernetesObject) => boolean
  /** Whether such a difference is possible on this object at all: of most, comparing can be spared. */
  readonly concerns?: (live: KubernetesObject, desired: KubernetesObject) => boolean
}

/** What manifests hold where a certificate is to be put: nothing, or one line break in base64. */
const PLACEHOLDERS: readonly Json[] = ['', 'Cg==', null]
const isPlaceholder = ({ desired }: Difference) => desired === undefined || PLACEHOLDERS.includes(desired)

const CONTROLLERS_ANNOTATIONS = [
  'deployment.kubernetes.io/revision',
  'deprecated.daemonset.template.generation',
  'pv.kubernetes.io/bind-completed',
  'pv.kubernetes.io/bound-by-controller',
  'pv.kubernetes.io/provisioned-by',
  'volume.kubernetes.io/storage-provisioner',
  'volume.beta.kubernetes.io/storage-provisioner',
  'volume.kubernetes.io/selected-node',
  'endpoints.kubernetes.io/last-change-trigger-time',
  'control-plane.alpha.kubernetes.io/leader',
  'autoscaling.alpha.kubernetes.io/conditions',
  'autoscaling.alpha.kubernetes.io/current-metrics',
]

export const HARMLESS_DIFFERENCES: readonly HarmlessDifference[] = [
  {
    kinds: [
      'admissionregistration.k8s.io/ValidatingWebhookConfiguration',
      'admissionregistration.k8s.io/MutatingWebhookConfiguration',
    ],
    path: /^\.webhooks\[.*\]\.clientConfig\.caBundle$/,
    because: 'an injector puts the certificate where the manifest leaves room for one',
    when: isPlaceholder,
  },
  {
    kinds: ['apiregistration.k8s.io/APIService'],
    path: /^\.spec\.caBundle$/,
    because: 'an injector puts the certificate where the manifest leaves room for one',
    when: isPlaceholder,
  },
  {
    kinds: ['apiextensions.k8s.io/CustomResourceDefinition'],
    path: /^\.spec\.conversion\.webhook\.clientConfig\.caBundle$/,
    because: 'an injector puts the certificate where the manifest leaves room for one',
    when: isPlaceholder,
  },
  {
    kinds: ['rbac.authorization.k8s.io/ClusterRole'],
    path: /^\.rules$/,
    because: 'the rules of an aggregated ClusterRole are collected by the control plane',
    concerns: live => isJsonObject(live['aggregationRule']),
  },
  {
    kinds: ['apps/Deployment', 'apps/StatefulSet', 'apps/ReplicaSet'],
    path: /^\.spec\.replicas$/,
    because: 'a HorizontalPodAutoscaler scales it',
    concerns: live => isScaledByAutoscaler(live),
  },
  {
    kinds: ['PersistentVolume'],
    path: /^\.spec\.claimRef\.(uid|resourceVersion)$/,
    because: 'the claim that is bound now is the one meant',
  },
  {
    kinds: ['ServiceAccount'],
    path: /^\.(secrets|imagePullSecrets)$/,
    because: 'the control plane adds the secrets that it makes',
    when: ({ desired }) => desired === undefined || (Array.isArray(desired) && desired.length === 0),
  },
  {
    kinds: ['batch/Job'],
    path: /^\.spec\.(selector|template\.metadata\.labels)(\.matchLabels)?(\.controller-uid|\["(batch\.kubernetes\.io\/)?controller-uid"\])$/,
    because: 'the control plane sets it, and it is another one for each Job',
  },
  {
    path: new RegExp(`^\\.metadata\\.annotations\\["(${CONTROLLERS_ANNOTATIONS.map(escaped).join('|')})"\\]$`),
    because: 'a controller of Kubernetes keeps the annotation',
    concerns: (live, desired) => hasControllersAnnotation(live) || hasControllersAnnotation(desired),
  },
]

const byKind = new Map<string, readonly HarmlessDifference[]>()

/** The tests that concern two states of an object. */
export function harmlessTests(
  { group, kind }: ObjectKey,
  live: KubernetesObject,
  desired: KubernetesObject,
): readonly DifferenceTest[] {
  const name = group === '' ? kind : `${group}/${kind}`
  let entries = byKind.get(name)
  if (!entries) {
    entries = HARMLESS_DIFFERENCES.filter(({ kinds }) => !kinds || kinds.includes(name))
    if (byKind.size < MOST_KINDS) byKind.set(name, entries)
  }
  const concerned = entries.filter(({ concerns }) => !concerns || concerns(live, desired))
  return concerned.map(({ path, when }): DifferenceTest => {
    return difference => path.test(difference.path) && (!when || when(difference, live))
  })
}

/** Kinds are named by manifests; a memory of them has an end. */
const MOST_KINDS = 1000

/** The autoscaler writes through the subresource, as the controller manager; a person who scales has another name. */
function isScaledByAutoscaler(live: KubernetesObject): boolean {
  return (live.metadata.managedFields ?? []).some(entry => {
    if (textAt(entry, 'manager') !== 'kube-controller-manager' || textAt(entry, 'subresource') !== 'scale') return false
    const spec = isJsonObject(entry['fieldsV1']) ? entry['fieldsV1']['f:spec'] : undefined
    return isJsonObject(spec) && Object.hasOwn(spec, 'f:replicas')
  })
}

function hasControllersAnnotation({ metadata: { annotations = {} } }: KubernetesObject): boolean {
  return CONTROLLERS_ANNOTATIONS.some(name => Object.hasOwn(annotations, name))
}

function escaped(text: string): string {
  return text.replaceAll(/[.\\/]/g, '\\$&')
}
