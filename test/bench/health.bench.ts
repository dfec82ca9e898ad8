import { assessHealth } from '@flotilla/core/health/assess-health'
import type { KubernetesObject } from '@flotilla/core/model/kubernetes-object'
import type { Benchmark } from './figure.ts'

const OBJECTS = 10_000
const ROUNDS = 5

/**
 * What a cluster with some operators holds: built-in kinds, kinds with rules as data, and others. In time of the
 * processor, which a busy machine does not change.
 */
export const run: Benchmark = async () => {
  const objects = Array.from({ length: OBJECTS }, (_, index) => objectOf(index))
  const rounds = Array.from({ length: ROUNDS }, () => {
    const start = process.cpuUsage()
    let healthy = 0
    for (const object of objects) if (assessHealth(object)?.status === 'Healthy') healthy++
    if (healthy === 0) throw new Error('not one of the objects is Healthy')
    const { user, system } = process.cpuUsage(start)
    return (user + system) / 1000
  })
  const figure = (name: string, value: number, target?: string) => {
    return { figure: name, unit: 'ms', value: Math.round(value * 10) / 10, ...(target && { target }) }
  }
  return [
    figure('CPU: health of 10000 mixed objects, first time', rounds[0]!, '< 300'),
    figure('CPU: health of 10000 mixed objects', rounds.toSorted((a, b) => a - b)[ROUNDS >> 1]!, '< 300'),
  ]
}

const KINDS: readonly (readonly [apiVersion: string, kind: string])[] = [
  ['apps/v1', 'Deployment'],
  ['apps/v1', 'StatefulSet'],
  ['v1', 'Pod'],
  ['v1', 'Service'],
  ['v1', 'ConfigMap'],
  ['batch/v1', 'CronJob'],
  ['cert-manager.io/v1', 'Certificate'],
  ['external-secrets.io/v1', 'ExternalSecret'],
  ['kustomize.toolkit.fluxcd.io/v1', 'Kustomization'],
  ['postgresql.cnpg.io/v1', 'Cluster'],
  ['s3.services.k8s.aws/v1', 'Bucket'],
  ['sql.cnrm.cloud.google.com/v1', 'SQLInstance'],
  ['ec2.aws.upbound.io/v1', 'Instance'],
  ['argoproj.io/v1alpha1', 'Rollout'],
  ['gateway.networking.k8s.io/v1', 'HTTPRoute'],
  ['operators.coreos.com/v1', 'Subscription'],
  ['promoter.argoproj.io/v1alpha1', 'PromotionStrategy'],
  ['gloo.solo.io/v1', 'Upstream'],
  ['serving.kserve.io/v1beta1', 'InferenceService'],
  ['work.karmada.io/v1alpha2', 'ResourceBinding'],
  ['example.com/v1', 'Thing'],
]

function objectOf(index: number): KubernetesObject {
  const [apiVersion, kind] = KINDS[index % KINDS.length]!
  const condition = (type: string) => ({
    type,
    status: index % 3 === 0 ? 'False' : 'True',
    reason: 'Why',
    message: 'why',
  })
  const commit = (number: number) => ({
    dry: { sha: `abcdef${number % 2}` },
    commitStatuses: [{ key: 'tests', phase: number % 3 === 0 ? 'pending' : 'success' }],
  })
  return {
    apiVersion,
    kind,
    metadata: { name: `object-${index}`, namespace: 'shop', generation: 3 },
    spec: { replicas: 3, type: 'ClusterIP', restartPolicy: 'Always' },
    status: {
      observedGeneration: 3,
      phase: 'Running',
      replicas: 3,
      readyReplicas: 3,
      updatedReplicas: 3,
      availableReplicas: 3,
      conditions: ['Available', 'Progressing', 'Synced', 'Ready'].map(condition),
      environments: ['eu', 'us'].map(branch => ({ branch, active: commit(index), proposed: commit(0) })),
      statuses: { a: { state: index % 4 }, b: { state: 'Accepted' } },
      parents: [{ parentRef: { name: 'edge' }, conditions: [{ ...condition('Accepted'), observedGeneration: 3 }] }],
    },
  }
}
