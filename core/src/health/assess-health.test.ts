import { describe, expect, it } from 'vitest'
import type { JsonObject } from '../json/json.ts'
import type { KubernetesObject } from '../model/kubernetes-object.ts'
import { assessHealth } from './assess-health.ts'
import { ruleTable } from './find-rule.ts'
import type { HealthOptions } from './health-rule.ts'

interface Row {
  readonly object: KubernetesObject
  readonly options?: HealthOptions
  readonly expected: JsonObject | null
}

const READY_SINCE_NOON = {
  type: 'Ready',
  status: 'False',
  reason: 'Waiting',
  lastTransitionTime: '2026-01-01T12:00:00Z',
}

const ROWS: { readonly [sentence: string]: Row } = {
  'a custom resource that says nothing is taken to be done': {
    object: object('example.com/v1', 'Thing'),
    expected: { status: 'Healthy' },
  },
  'a custom resource whose status is awaited is Progressing without one': {
    object: object('example.com/v1', 'Thing'),
    options: { awaitsStatus: true },
    expected: { status: 'Progressing', message: 'Waiting for the controller to write a status' },
  },
  'the strict reading has no opinion of custom resources without a rule': {
    object: object('example.com/v1', 'Thing', { status: { conditions: [READY_SINCE_NOON] } }),
    options: { strictArgo: true },
    expected: null,
  },
  'a custom resource that is not Ready is Progressing': {
    object: object('example.com/v1', 'Thing', { status: { conditions: [READY_SINCE_NOON] } }),
    options: { now: Date.parse('2026-01-01T12:04:59Z') },
    expected: { status: 'Progressing', message: 'Waiting' },
  },
  'a custom resource that is not Ready for longer than five minutes is Degraded': {
    object: object('example.com/v1', 'Thing', { status: { conditions: [READY_SINCE_NOON] } }),
    options: { now: Date.parse('2026-01-01T12:05:01Z') },
    expected: { status: 'Degraded', message: 'Waiting' },
  },
  'Stalled comes before Reconciling and Ready': {
    object: object('example.com/v1', 'Thing', {
      status: {
        conditions: [
          { type: 'Ready', status: 'True' },
          { type: 'Reconciling', status: 'True' },
          { type: 'Stalled', status: 'True', message: 'no quota' },
        ],
      },
    }),
    expected: { status: 'Degraded', message: 'no quota' },
  },
  'a child Application says its own health': {
    object: object('argoproj.io/v1alpha1', 'Application', { status: { health: { status: 'Degraded' } } }),
    expected: { status: 'Degraded' },
  },
  'a rule for a whole family of groups yields to the one of a kind': {
    object: object('pkg.crossplane.io/v1', 'Provider'),
    expected: { status: 'Progressing', message: 'Waiting for provider to be installed' },
  },
  "a rule of one's own comes before the one that is shipped": {
    object: object('v1', 'Service', { spec: { type: 'ClusterIP' } }),
    options: { custom: ruleTable([['Service', { assess: () => ({ status: 'Degraded' }) }]]) },
    expected: { status: 'Degraded' },
  },
  "a rule of one's own without an opinion leaves it to the one that is shipped": {
    object: object('v1', 'Service', { spec: { type: 'ClusterIP' } }),
    options: { custom: ruleTable([['Service', { assess: () => undefined }]]) },
    expected: { status: 'Healthy' },
  },
  "a rule of one's own is not asked about a stale status": {
    object: object('example.com/v1', 'Thing', { status: { observedGeneration: 1 } }, { generation: 2 }),
    options: { custom: ruleTable([['example.com/*', { assess: () => ({ status: 'Healthy' }) }]]) },
    expected: { status: 'Progressing', message: 'generation is 2, but latest observed generation is 1' },
  },
  "a rule of one's own may look at generations itself": {
    object: object('example.com/v1', 'Thing', { status: { observedGeneration: 1 } }, { generation: 2 }),
    options: {
      custom: ruleTable([['example.com/*', { ignoreGeneration: true, assess: () => ({ status: 'Healthy' }) }]]),
    },
    expected: { status: 'Healthy' },
  },
  'a kind without a rule has no health': { object: object('v1', 'ConfigMap'), expected: null },
  'an object that is being deleted is Progressing, rule or not': {
    object: object('v1', 'ConfigMap', {}, { deletionTimestamp: '2026-01-01T00:00:00Z' }),
    expected: { status: 'Progressing', message: 'Pending deletion' },
  },
  'the hook finalizer lets a finished hook be read while it is being deleted': {
    object: object(
      'batch/v1',
      'Job',
      { status: { conditions: [{ type: 'Complete', status: 'True', message: 'done' }] } },
      { deletionTimestamp: '2026-01-01T00:00:00Z', finalizers: ['argocd.argoproj.io/hook-finalizer'] },
    ),
    expected: { status: 'Healthy', message: 'done' },
  },
  'a version that the rule does not know is Unknown': {
    object: object('autoscaling/v2beta2', 'HorizontalPodAutoscaler'),
    expected: {
      status: 'Unknown',
      message: 'unsupported HorizontalPodAutoscaler GVK: autoscaling/v2beta2, Kind=HorizontalPodAutoscaler',
    },
  },
  'a status of an earlier generation says nothing': {
    object: object('policy/v1', 'PodDisruptionBudget', budget(1), { generation: 2 }),
    expected: { status: 'Progressing', message: 'generation is 2, but latest observed generation is 1' },
  },
  'the strict reading takes the old generation for the new one': {
    object: object('policy/v1', 'PodDisruptionBudget', budget(1), { generation: 2 }),
    options: { strictArgo: true },
    expected: { status: 'Healthy', message: 'PodDisruptionBudget has SufficientPods' },
  },
  'an observed generation above the object’s own is a restored backup': {
    object: object('policy/v1', 'PodDisruptionBudget', budget(9), { generation: 2 }),
    expected: { status: 'Healthy', message: 'PodDisruptionBudget has SufficientPods' },
  },
  'a paused Deployment is Suspended': {
    object: object('apps/v1', 'Deployment', { spec: { paused: true } }),
    expected: { status: 'Suspended', message: 'Deployment is paused' },
  },
  'a Deployment past its deadline is Degraded': {
    object: object('apps/v1', 'Deployment', {
      spec: { replicas: 2 },
      status: { conditions: [{ type: 'Progressing', status: 'False', reason: 'ProgressDeadlineExceeded' }] },
    }),
    expected: { status: 'Degraded', message: 'Deployment "a" exceeded its progress deadline' },
  },
  'a Deployment waits for updated replicas': deployment(
    { updatedReplicas: 1 },
    '1 out of 3 new replicas have been updated...',
  ),
  'a Deployment waits for old replicas to go': deployment(
    { updatedReplicas: 3, replicas: 4 },
    '1 old replicas are pending termination...',
  ),
  'a Deployment waits for availability': deployment(
    { updatedReplicas: 3, replicas: 3, availableReplicas: 2 },
    '2 of 3 updated replicas are available...',
  ),
  'a Deployment with all replicas is Healthy': {
    object: object('apps/v1', 'Deployment', {
      spec: { replicas: 3 },
      status: { updatedReplicas: 3, replicas: 3, availableReplicas: 3 },
    }),
    expected: { status: 'Healthy' },
  },
  'a StatefulSet that nobody looked at yet is Progressing': {
    object: object('apps/v1', 'StatefulSet', { spec: { replicas: 1 } }),
    expected: { status: 'Progressing', message: 'Waiting for statefulset spec update to be observed...' },
  },
  'a StatefulSet with a partition waits for the Pods above it': {
    object: statefulSet(
      { replicas: 3, updateStrategy: { type: 'RollingUpdate', rollingUpdate: { partition: 1 } } },
      { readyReplicas: 3, updatedReplicas: 1 },
    ),
    expected: {
      status: 'Progressing',
      message: 'Waiting for partitioned roll out to finish: 1 out of 2 new pods have been updated...',
    },
  },
  'a StatefulSet between revisions is Progressing': {
    object: statefulSet(
      { replicas: 1 },
      { readyReplicas: 1, updatedReplicas: 0, updateRevision: 'b', currentRevision: 'a' },
    ),
    expected: {
      status: 'Progressing',
      message: 'waiting for statefulset rolling update to complete 0 pods at revision b...',
    },
  },
  'a DaemonSet wanted nowhere is Healthy': {
    object: object('apps/v1', 'DaemonSet', { status: { desiredNumberScheduled: 0 } }),
    expected: { status: 'Healthy' },
  },
  'a DaemonSet waits for its nodes': {
    object: object('apps/v1', 'DaemonSet', {
      status: { desiredNumberScheduled: 2, updatedNumberScheduled: 2, numberAvailable: 1 },
    }),
    expected: {
      status: 'Progressing',
      message: 'Waiting for daemon set "a" rollout to finish: 1 of 2 updated pods are available...',
    },
  },
  'a ReplicaSet that cannot make Pods is Degraded': {
    object: object('apps/v1', 'ReplicaSet', {
      status: { conditions: [{ type: 'ReplicaFailure', status: 'True', message: 'quota exceeded' }] },
    }),
    expected: { status: 'Degraded', message: 'quota exceeded' },
  },
  'a long-lived Pod whose image cannot be pulled is Degraded': {
    object: pod('Always', { phase: 'Pending', containerStatuses: [waiting('ImagePullBackOff', 'no such image')] }),
    expected: { status: 'Degraded', message: 'no such image' },
  },
  'a Pod that is to end is Progressing while it runs': {
    object: pod('Never', { phase: 'Running', conditions: [{ type: 'Ready', status: 'True' }] }),
    expected: { status: 'Progressing' },
  },
  'a running Pod that crashed before and is not ready is Degraded': {
    object: pod('Always', { phase: 'Running', containerStatuses: [{ lastState: { terminated: { exitCode: 1 } } }] }),
    expected: { status: 'Degraded' },
  },
  'a failed Pod says which container ended how': {
    object: pod('Never', {
      phase: 'Failed',
      containerStatuses: [{ name: 'main', state: { terminated: { exitCode: 7 } } }],
    }),
    expected: { status: 'Degraded', message: 'container "main" failed with exit code 7' },
  },
  'a Job that was resumed is still running': { object: resumedJob(), expected: { status: 'Progressing' } },
  'the strict reading calls a resumed Job Healthy': {
    object: resumedJob(),
    options: { strictArgo: true },
    expected: { status: 'Healthy', message: 'resumed' },
  },
  'a failed Job is Degraded with its message': {
    object: object('batch/v1', 'Job', {
      status: { conditions: [{ type: 'Failed', status: 'True', message: 'backoff' }] },
    }),
    expected: { status: 'Degraded', message: 'backoff' },
  },
  'a suspended CronJob is Healthy': {
    object: object('batch/v1', 'CronJob', { spec: { suspend: true } }),
    expected: { status: 'Healthy', message: 'CronJob is Suspended' },
  },
  'a CronJob whose last run did not succeed is Degraded': {
    object: object('batch/v1', 'CronJob', {
      status: { lastScheduleTime: '2026-01-02T00:00:00Z', lastSuccessfulTime: '2026-01-01T00:00:00Z' },
    }),
    expected: { status: 'Degraded', message: 'CronJob has not completed its last execution successfully' },
  },
  'a pending claim names late binding': {
    object: object('v1', 'PersistentVolumeClaim', {
      spec: { storageClassName: 'local' },
      status: { phase: 'Pending' },
    }),
    expected: {
      status: 'Progressing',
      message:
        'Claim is not bound; if storage class "local" binds late (WaitForFirstConsumer), it waits for a Pod that uses the claim',
    },
  },
  'a load balancer without an address is Progressing': {
    object: object('v1', 'Service', { spec: { type: 'LoadBalancer' } }),
    expected: { status: 'Progressing' },
  },
  'an Ingress without an address is Progressing': {
    object: object('networking.k8s.io/v1', 'Ingress'),
    expected: { status: 'Progressing' },
  },
  'an Ingress need not have an address where the Application says so': {
    object: object('networking.k8s.io/v1', 'Ingress'),
    options: { ignoreIngressAddress: true },
    expected: { status: 'Healthy' },
  },
  'an autoscaler of v1 keeps its conditions in an annotation': {
    object: object(
      'autoscaling/v1',
      'HorizontalPodAutoscaler',
      {},
      {
        annotations: {
          'autoscaling.alpha.kubernetes.io/conditions':
            '[{"type":"ScalingActive","status":"False","reason":"FailedGetResourceMetric","message":"no metrics"}]',
        },
      },
    ),
    expected: { status: 'Degraded', message: 'no metrics' },
  },
  'an autoscaler’s broken annotation is Unknown': {
    object: object(
      'autoscaling/v1',
      'HorizontalPodAutoscaler',
      {},
      {
        annotations: { 'autoscaling.alpha.kubernetes.io/conditions': '{' },
      },
    ),
    expected: {
      status: 'Unknown',
      message: 'annotation autoscaling.alpha.kubernetes.io/conditions is not a list in JSON',
    },
  },
  'an autoscaler that can scale is Healthy': {
    object: object('autoscaling/v2', 'HorizontalPodAutoscaler', {
      status: { conditions: [{ type: 'AbleToScale', status: 'True', message: 'ready' }] },
    }),
    expected: { status: 'Healthy', message: 'ready' },
  },
  'an aggregated API that is away is Progressing': {
    object: object('apiregistration.k8s.io/v1', 'APIService', {
      status: { conditions: [{ type: 'Available', status: 'False', reason: 'MissingEndpoints', message: 'none' }] },
    }),
    expected: { status: 'Progressing', message: 'MissingEndpoints: none' },
  },
  'a definition without a status is Progressing': {
    object: object('apiextensions.k8s.io/v1', 'CustomResourceDefinition'),
    expected: { status: 'Progressing', message: 'Status conditions not found' },
  },
  'an established definition is Healthy': {
    object: object('apiextensions.k8s.io/v1', 'CustomResourceDefinition', {
      status: {
        conditions: [
          { type: 'NamesAccepted', status: 'True' },
          { type: 'Established', status: 'True' },
        ],
      },
    }),
    expected: { status: 'Healthy', message: 'CRD is healthy' },
  },
  'odd shapes in a status do no harm': {
    object: object('apps/v1', 'Deployment', { spec: 'odd', status: { conditions: { type: 'x' }, replicas: 'three' } }),
    expected: { status: 'Healthy' },
  },
}

describe('assessHealth', () => {
  it.each(Object.entries(ROWS))('%s', (_sentence, { object, options, expected }) => {
    expect(assessHealth(object, options)).toEqual(expected)
  })
})

function object(apiVersion: string, kind: string, rest: JsonObject = {}, metadata: JsonObject = {}): KubernetesObject {
  return { apiVersion, kind, metadata: { name: 'a', namespace: 'n', ...metadata }, ...rest }
}

function deployment(status: JsonObject, waitsFor: string): Row {
  return {
    object: object('apps/v1', 'Deployment', { spec: { replicas: 3 }, status }),
    expected: { status: 'Progressing', message: `Waiting for rollout to finish: ${waitsFor}` },
  }
}

function statefulSet(spec: JsonObject, status: JsonObject): KubernetesObject {
  return object('apps/v1', 'StatefulSet', { spec, status: { observedGeneration: 1, ...status } }, { generation: 1 })
}

function budget(observedGeneration: number): JsonObject {
  const conditions = [{ type: 'DisruptionAllowed', status: 'True', reason: 'SufficientPods' }]
  return { status: { observedGeneration, conditions } }
}

function pod(restartPolicy: string, status: JsonObject): KubernetesObject {
  return object('v1', 'Pod', { spec: { restartPolicy }, status })
}

function waiting(reason: string, message: string): JsonObject {
  return { state: { waiting: { reason, message } } }
}

function resumedJob(): KubernetesObject {
  const conditions = [{ type: 'Suspended', status: 'False', message: 'resumed' }]
  return object('batch/v1', 'Job', { status: { conditions } })
}
