import { expect, it } from 'vitest'
import type { JsonObject } from '../../json/json.ts'
import { assessHealth } from '../assess-health.ts'

const is = (type: string, status: string, message = '', more: JsonObject = {}): JsonObject => ({
  type,
  status,
  message,
  ...more,
})
const of = (...conditions: readonly JsonObject[]): JsonObject => ({ conditions })
const NOW = { observedGeneration: 2 }
const BEFORE = { observedGeneration: 1 }
const cel = (ready: boolean, ...conditions: readonly JsonObject[]): JsonObject => ({
  conditionStatus: { ready, conditions },
})

interface Row {
  readonly kind: string
  readonly status?: JsonObject
  readonly spec?: JsonObject
  readonly says: readonly [status: string, message: string]
}

/** What the younger operators' kinds say; every object is in its second generation. */
const ROWS: Readonly<Record<string, Row>> = {
  'a tenant that is cordoned is suspended, though it is ready': {
    kind: 'capsule.clastix.io/Tenant',
    status: of(is('Ready', 'True', 'reconciled'), is('Cordoned', 'True', 'cordoned')),
    says: ['Suspended', 'cordoned'],
  },
  'a tenant whose cordon is off is what Ready says': {
    kind: 'capsule.clastix.io/Tenant',
    status: of(is('Cordoned', 'False'), is('Ready', 'False', 'quota refused')),
    says: ['Degraded', 'quota refused'],
  },
  'a tenant is not believed about an earlier generation': {
    kind: 'capsule.clastix.io/Tenant',
    status: { ...BEFORE, ...of(is('Ready', 'True')) },
    says: ['Progressing', 'Waiting for Tenant to be reconciled'],
  },
  'a tenant that has said nothing is waited for': {
    kind: 'capsule.clastix.io/Tenant',
    says: ['Progressing', 'Waiting for Tenant to report its status'],
  },
  'what copies resources to tenants is suspended by its owner, whatever it says': {
    kind: 'capsule.clastix.io/GlobalTenantResource',
    spec: { cordoned: true },
    says: ['Suspended', 'GlobalTenantResource is cordoned'],
  },
  'a pool that is used up is in trouble': {
    kind: 'capsule.clastix.io/ResourcePool',
    status: { ...of(is('Ready', 'True')), exhaustions: { cpu: {}, memory: {} } },
    says: ['Degraded', 'Resources of which the pool has no more: 2'],
  },
  'a pool with an empty list of what is used up is well': {
    kind: 'capsule.clastix.io/ResourcePool',
    status: { ...of(is('Ready', 'True', 'reconciled')), exhaustions: {} },
    says: ['Healthy', 'reconciled'],
  },
  'a claim that no pool takes waits': {
    kind: 'capsule.clastix.io/ResourcePoolClaim',
    status: of(is('Ready', 'True'), is('Bound', 'False', 'queued')),
    says: ['Suspended', 'queued'],
  },
  'a secret that is being decrypted is underway': {
    kind: 'addons.projectcapsule.dev/SopsSecret',
    status: of(is('Ready', 'Unknown', 'decrypting')),
    says: ['Progressing', 'decrypting'],
  },
  'a secret that cannot be decrypted is in trouble': {
    kind: 'addons.projectcapsule.dev/SopsSecret',
    status: of(is('Ready', 'False', 'no key')),
    says: ['Degraded', 'no key'],
  },
  'a backup that is done is well': {
    kind: 'velero.io/Backup',
    status: { phase: 'Completed' },
    says: ['Healthy', 'Backup completed'],
  },
  'a backup that a part of failed cannot end well, though it goes on': {
    kind: 'velero.io/Backup',
    status: { phase: 'FinalizingPartiallyFailed' },
    says: ['Degraded', 'FinalizingPartiallyFailed'],
  },
  'a restore says why it failed': {
    kind: 'velero.io/Restore',
    status: { phase: 'Failed', failureReason: 'bucket is gone' },
    says: ['Degraded', 'bucket is gone'],
  },
  'a restore that goes on says how far it is': {
    kind: 'velero.io/Restore',
    status: { phase: 'InProgress' },
    says: ['Progressing', 'InProgress'],
  },
  'a restore that nobody has looked at waits': {
    kind: 'velero.io/Restore',
    status: {},
    says: ['Progressing', 'Waiting for Restore to be processed'],
  },
  'a schedule that is enabled is well': {
    kind: 'velero.io/Schedule',
    status: { phase: 'Enabled' },
    says: ['Healthy', 'Schedule is enabled'],
  },
  'a schedule that is refused is in trouble': {
    kind: 'velero.io/Schedule',
    status: { phase: 'FailedValidation' },
    says: ['Degraded', 'FailedValidation'],
  },
  'a bundle that is copied everywhere is well': {
    kind: 'trust.cert-manager.io/Bundle',
    status: of(is('Synced', 'True', 'copied')),
    says: ['Healthy', 'copied'],
  },
  'a bundle without its source is in trouble': {
    kind: 'trust.cert-manager.io/Bundle',
    status: of({ type: 'Synced', status: 'False', reason: 'SourceNotFound' }),
    says: ['Degraded', 'SourceNotFound'],
  },
  'a policy in CEL that is ready tells of its webhook first': {
    kind: 'policies.kyverno.io/ValidatingPolicy',
    status: cel(true, is('RBACPermissionsGranted', 'True', 'granted'), is('WebhookConfigured', 'True', 'configured')),
    says: ['Healthy', 'configured'],
  },
  'a policy in CEL without a webhook tells of what is true': {
    kind: 'policies.kyverno.io/NamespacedDeletingPolicy',
    status: cel(true, is('Scheduled', 'True', 'every night')),
    says: ['Healthy', 'every night'],
  },
  'a policy in CEL that is ready and says nothing more is ready': {
    kind: 'policies.kyverno.io/GeneratingPolicy',
    status: cel(true),
    says: ['Healthy', 'Policy is ready'],
  },
  'a policy in CEL that is not ready says what is not': {
    kind: 'policies.kyverno.io/MutatingPolicy',
    status: cel(false, is('WebhookConfigured', 'False', 'no certificate')),
    says: ['Degraded', 'WebhookConfigured: no certificate'],
  },
  'a policy in CEL is not believed about an earlier generation': {
    kind: 'policies.kyverno.io/MutatingPolicy',
    status: cel(true, is('WebhookConfigured', 'True', 'configured', BEFORE)),
    says: ['Progressing', 'Waiting for MutatingPolicy to report on its latest generation'],
  },
  'a graph that serves is well': {
    kind: 'kro.run/ResourceGraphDefinition',
    status: of(is('KindReady', 'True', '', NOW), is('Ready', 'True', '', NOW)),
    says: ['Healthy', 'The graph serves its instances'],
  },
  'a graph that is not accepted says why': {
    kind: 'kro.run/ResourceGraphDefinition',
    status: of(is('GraphAccepted', 'False', 'a circle', NOW), is('Ready', 'False', 'not accepted', NOW)),
    says: ['Degraded', 'a circle'],
  },
  'a graph is not believed about an earlier generation': {
    kind: 'kro.run/ResourceGraphDefinition',
    status: of(is('Ready', 'True', '', BEFORE)),
    says: ['Progressing', 'Waiting for the graph to become ready'],
  },
  'an instance of a graph that runs is well': {
    kind: 'kro.run/WebShop',
    status: { state: 'ACTIVE', ...of(is('Ready', 'True', '', NOW)) },
    says: ['Healthy', 'The instance runs'],
  },
  'an instance of a graph that is being made is underway': {
    kind: 'kro.run/WebShop',
    status: { state: 'IN_PROGRESS', ...of(is('ResourcesReady', 'False', 'awaits the database', NOW)) },
    says: ['Progressing', 'awaits the database'],
  },
  'an instance of a graph that failed is in trouble': {
    kind: 'kro.run/WebShop',
    status: { state: 'ERROR', ...of(is('ResourcesReady', 'False', 'no right', NOW)) },
    says: ['Degraded', 'no right'],
  },
  'a language model that serves is well': {
    kind: 'serving.kserve.io/LLMInferenceService',
    status: of(is('RouterReady', 'True'), is('Ready', 'True')),
    says: ['Healthy', 'LLMInferenceService is healthy'],
  },
  'a language model that cannot serve says what is missing': {
    kind: 'serving.kserve.io/LLMInferenceService',
    status: of(
      is('Ready', 'False', 'see the others'),
      is('WorkloadsReady', 'False', 'no graphics card'),
      is('RouterReady', 'Unknown'),
    ),
    says: ['Degraded', 'WorkloadsReady: False | no graphics card; RouterReady: Unknown'],
  },
  'a language model whose parts say nothing is what Ready says': {
    kind: 'serving.kserve.io/LLMInferenceService',
    status: of(is('Ready', 'Unknown', 'soon')),
    says: ['Progressing', 'soon'],
  },
  'a language model that is stopped is suspended': {
    kind: 'serving.kserve.io/LLMInferenceService',
    status: of(is('Ready', 'False'), is('WorkloadsReady', 'False', '', { reason: 'Stopped' })),
    says: ['Suspended', 'LLMInferenceService is stopped'],
  },
  'a language model is not believed about an earlier generation': {
    kind: 'serving.kserve.io/LLMInferenceService',
    status: of(is('Ready', 'True', '', BEFORE)),
    says: ['Progressing', 'Waiting for LLMInferenceService to be reconciled'],
  },
  "an image updater's error comes before its readiness": {
    kind: 'argocd-image-updater.argoproj.io/ImageUpdater',
    status: of(is('Ready', 'True'), is('Error', 'True', 'registry refused')),
    says: ['Degraded', 'registry refused'],
  },
  'an image updater at work is underway': {
    kind: 'argocd-image-updater.argoproj.io/ImageUpdater',
    status: of(is('Ready', 'True'), is('Reconciling', 'True', 'looks')),
    says: ['Progressing', 'looks'],
  },
  'a hosted cluster in trouble is so, though it can be reached': {
    kind: 'hypershift.openshift.io/HostedCluster',
    status: of(is('Available', 'True', 'answers'), is('Degraded', 'True', 'etcd is slow')),
    says: ['Degraded', 'etcd is slow'],
  },
  'a hosted cluster that can be reached is well while it is upgraded': {
    kind: 'hypershift.openshift.io/HostedCluster',
    status: of(is('Progressing', 'True', 'upgrades'), is('Available', 'True', 'answers')),
    says: ['Healthy', 'answers'],
  },
  'a hosted control plane of before conditions is ready by its word': {
    kind: 'hypershift.openshift.io/HostedControlPlane',
    status: { ready: true },
    says: ['Healthy', 'HostedControlPlane is ready'],
  },
  'a node pool that cannot be made is in trouble': {
    kind: 'hypershift.openshift.io/NodePool',
    status: of(is('Ready', 'True'), is('ValidReleaseImage', 'False', 'no such image')),
    says: ['Degraded', 'no such image'],
  },
  'a node pool without its nodes yet is underway': {
    kind: 'hypershift.openshift.io/NodePool',
    status: of(is('Ready', 'False', 'two of three'), is('ValidReleaseImage', 'True')),
    says: ['Progressing', 'Waiting for NodePool to become ready'],
  },
  'a volume whose data is gone is in trouble, wherever it is': {
    kind: 'longhorn.io/Volume',
    status: { state: 'detached', robustness: 'faulted' },
    says: ['Degraded', 'Volume is faulted'],
  },
  'a volume that copies itself again is underway': {
    kind: 'longhorn.io/Volume',
    status: { state: 'attached', robustness: 'degraded' },
    says: ['Progressing', 'Volume is attached, its replicas are degraded'],
  },
  'a volume that nobody uses is well': {
    kind: 'longhorn.io/Volume',
    status: { state: 'detached', robustness: 'unknown' },
    says: ['Healthy', 'Volume is detached'],
  },
  'a volume on its way says where to': {
    kind: 'longhorn.io/Volume',
    status: { state: 'attaching' },
    says: ['Progressing', 'Volume is attaching'],
  },
}

it.each(Object.entries(ROWS))('%s', (_, { kind, says, ...parts }) => {
  const slash = kind.indexOf('/')
  const object = {
    apiVersion: `${kind.slice(0, slash)}/v1`,
    kind: kind.slice(slash + 1),
    metadata: { name: 'a', generation: 2 },
    ...parts,
  }
  expect({ message: '', ...assessHealth(object, { strictArgo: true }) }).toEqual({ status: says[0], message: says[1] })
})
