import { describe, expect, it } from 'vitest'
import type { Json, JsonObject } from '../../json/json.ts'
import { assessHealth } from '../assess-health.ts'

const ready = (status: string, message = 'said'): JsonObject => ({ conditions: [{ type: 'Ready', status, message }] })
const of = (...conditions: readonly JsonObject[]): JsonObject => ({ conditions })
const is = (type: string, status: string, reason = '', message = ''): JsonObject => ({ type, status, reason, message })

/** Kind, then status (and spec), then the verdict. One row at least for each way in which rules decide. */
const ROWS: readonly (readonly [
  kind: string,
  status: JsonObject,
  verdict: string,
  message: string,
  spec?: JsonObject,
])[] = [
  ['cert-manager.io/Certificate', of(is('Ready', 'False'), is('Issuing', 'True', '', 'soon')), 'Progressing', 'soon'],
  ['external-secrets.io/SecretStore', ready('False'), 'Degraded', 'said'],
  ['kustomize.toolkit.fluxcd.io/Kustomization', {}, 'Suspended', 'Kustomization is suspended', { suspend: true }],
  ['helm.toolkit.fluxcd.io/HelmRelease', of(is('Ready', 'True', 'Ok')), 'Degraded', 'Ok'],
  ['helm.toolkit.fluxcd.io/HelmRelease', of(is('Ready', 'True', 'Ok'), is('TestSuccess', 'True')), 'Healthy', 'Ok'],
  [
    'source.toolkit.fluxcd.io/HelmRepository',
    {},
    'Healthy',
    "Helm repositories of type 'oci' do not contain any information in the status.",
    { type: 'oci' },
  ],
  [
    's3.services.k8s.aws/Bucket',
    of(is('Ready', 'True'), is('ACK.Terminal', 'True', '', 'denied')),
    'Degraded',
    'denied',
  ],
  [
    'ec2.aws.upbound.io/Instance',
    of(is('Ready', 'True'), is('Synced', 'False', '', 'no right')),
    'Degraded',
    'no right',
  ],
  ['keda.sh/ScaledObject', of(is('Ready', 'True'), is('Paused', 'True', '', 'paused')), 'Suspended', 'paused'],
  ['apps.kruise.io/BroadcastJob', { phase: 'failed', failed: 1 }, 'Degraded', 'BroadcastJob failed'],
  [
    'flagger.app/Canary',
    { phase: 'Progressing', canaryWeight: 20 },
    'Progressing',
    'Progressing --- Canary Weight: 20 %',
  ],
  ['argoproj.io/Rollout', { observedGeneration: '1', phase: 'Paused', message: 'step' }, 'Suspended', 'step'],
  ['minio.min.io/Tenant', { currentState: 'Initialized' }, 'Healthy', 'Initialized'],
  [
    'opentelemetry.io/OpenTelemetryCollector',
    { scale: { statusReplicas: '0/0' } },
    'Healthy',
    'DaemonSet has no schedulable nodes (0/0)',
    { mode: 'daemonset' },
  ],
  [
    'sparkoperator.k8s.io/SparkApplication',
    { applicationState: { state: 'RUNNING' }, executorState: { a: 'RUNNING' } },
    'Progressing',
    'Waiting for Executor pods',
    { executor: { instances: 2 } },
  ],
  [
    'operators.coreos.com/Subscription',
    { state: 'UpgradePending', installedCSV: 'a', ...of(is('InstallPlanPending', 'True', 'RequiresApproval')) },
    'Healthy',
    ".status.state is 'AtLatestKnown'\n",
    { installPlanApproval: 'Manual' },
  ],
  [
    'operators.coreos.com/Subscription',
    {},
    'Progressing',
    'An install plan for a subscription is pending installation',
  ],
  [
    'apps.openshift.io/DeploymentConfig',
    { replicas: 1, ...of(is('Available', 'False')) },
    'Degraded',
    'Deployment config is degraded',
  ],
  [
    'apps.openshift.io/DeploymentConfig',
    { replicas: 0, ...of(is('Available', 'False')) },
    'Healthy',
    'replication controller successfully rolled out',
  ],
  [
    'notification.toolkit.fluxcd.io/Receiver',
    of(is('Reconciling', 'True'), is('Ready', 'False', 'TokenNotFound')),
    'Degraded',
    'TokenNotFound',
  ],
  [
    'route.openshift.io/Route',
    { ingress: [of(is('Admitted', 'True')), of(is('Admitted', 'False'))] },
    'Degraded',
    'Route is degraded',
  ],
  [
    'gateway.networking.k8s.io/Gateway',
    { listeners: [of(is('Programmed', 'False', '', 'waiting'))] },
    'Progressing',
    'Listener: waiting',
  ],
  [
    'gateway.solo.io/VirtualService',
    { statuses: { a: { state: 1 }, b: { state: 'Rejected', reason: 'bad' } } },
    'Degraded',
    'bad',
  ],
  [
    'work.karmada.io/ResourceBinding',
    { aggregatedStatus: [{ health: 'Unknown' }] },
    'Degraded',
    'Current resource status is unhealthy',
    { clusters: [{}] },
  ],
  [
    'promoter.argoproj.io/TimedCommitStatus',
    { ...ready('True'), environments: [{ branch: 'a', phase: 'failure' }, { branch: 'b' }] },
    'Degraded',
    'Timed commit gate failed for branch(es): a',
  ],
  [
    'operator.knative.dev/KnativeEventing',
    of(is('Ready', 'True'), is('InstallSucceeded', 'True')),
    'Healthy',
    'KnativeEventing is healthy.',
  ],
  [
    'postgresql.cnpg.io/Cluster',
    { phase: 'Failing over', phaseReason: 'primary is gone' },
    'Degraded',
    'primary is gone',
  ],
  ['cluster.x-k8s.io/Cluster', { phase: 'Provisioned' }, 'Suspended', 'Cluster is paused', { paused: true }],
  ['kubevirt.io/VirtualMachine', { created: true, ...ready('False') }, 'Progressing', 'Starting'],
]

describe('shipped rules', () => {
  const cases = ROWS.map(([key, status, verdict, message, spec]) => ({ key, status, verdict, message, spec }))

  it.each(cases)('$key: $status is $verdict', ({ key, status, verdict, message, spec }) => {
    const slash = key.indexOf('/')
    const object = {
      apiVersion: `${key.slice(0, slash)}/v1`,
      kind: key.slice(slash + 1),
      metadata: { name: 'a', generation: 1 },
      status,
      ...(spec && { spec }),
    }
    expect({ message: '', ...assessHealth(object) }).toEqual({ status: verdict, message })
  })

  it('a Shoot that is unhealthy for less than a quarter of an hour is being mended', () => {
    const condition: Json = { ...is('APIServerAvailable', 'False'), lastTransitionTime: '2026-01-01T12:00:00Z' }
    const shoot = {
      apiVersion: 'core.gardener.cloud/v1beta1',
      kind: 'Shoot',
      metadata: { labels: { 'shoot.gardener.cloud/status': 'unhealthy' } },
      status: { conditions: [condition] },
    }
    expect(assessHealth(shoot, { now: Date.parse('2026-01-01T12:14:00Z') })?.status).toBe('Progressing')
    expect(assessHealth(shoot, { now: Date.parse('2026-01-01T12:16:00Z') })?.status).toBe('Degraded')
  })
})
