import type { Json, JsonObject } from '@flotilla/core/json/json'
import { expect } from 'vitest'
import { type Api, at } from '../api.ts'
import { deployment, job, pod, podTemplate, service } from '../documents.ts'
import { eventually, names, ok, refused } from '../expectations.ts'
import type { Row } from '../row.ts'

const deployments = 'apps/v1/deployments'
const jobs = 'batch/v1/jobs'

/** Waits until an object in its newest generation matches. */
async function reaches(api: Api, resource: string, name: string, expected: object): Promise<JsonObject> {
  return eventually(async () => {
    const live = ok(await api.get(resource, name))
    expect(live).toMatchObject(expected)
    return live
  })
}

function condition(object: JsonObject, type: string): Json | undefined {
  const conditions = (at(object, 'status', 'conditions') ?? []) as readonly JsonObject[]
  return conditions.find(one => one['type'] === type)
}

async function hasCondition(
  api: Api,
  resource: string,
  name: string,
  type: string,
  expected: object,
): Promise<JsonObject> {
  return eventually(async () => {
    const live = ok(await api.get(resource, name))
    expect(condition(live, type)).toMatchObject(expected)
    return live
  })
}

function statefulSet(name: string, spec: JsonObject = {}): JsonObject {
  return {
    apiVersion: 'apps/v1',
    kind: 'StatefulSet',
    metadata: { name },
    spec: { serviceName: name, selector: { matchLabels: { app: name } }, template: podTemplate(name), ...spec },
  }
}

export const controllers: readonly Row[] = [
  {
    sentence: 'a Deployment becomes available, for the generation it has',
    async run({ api }) {
      ok(await api.apply(deployments, deployment('a', { replicas: 2 })), 201)
      const live = await reaches(api, deployments, 'a', {
        status: { observedGeneration: 1, replicas: 2, updatedReplicas: 2, readyReplicas: 2, availableReplicas: 2 },
      })
      expect(condition(live, 'Available')).toMatchObject({ status: 'True', reason: 'MinimumReplicasAvailable' })
      await hasCondition(api, deployments, 'a', 'Progressing', { status: 'True', reason: 'NewReplicaSetAvailable' })
    },
  },
  {
    sentence: 'a Deployment makes a ReplicaSet that makes Pods, each owned by its maker',
    async run({ api }) {
      ok(await api.apply(deployments, deployment('a')), 201)
      await reaches(api, deployments, 'a', { status: { readyReplicas: 1 } })
      const set = at(ok(await api.list('apps/v1/replicasets')), 'items', 0)
      expect(at(set, 'metadata', 'ownerReferences')).toMatchObject([
        { kind: 'Deployment', name: 'a', controller: true },
      ])
      expect(at(set, 'metadata', 'name')).toMatch(/^a-[bcdfghjklmnpqrstvwxz2456789]+$/)
      expect(at(set, 'metadata', 'labels', 'pod-template-hash')).toMatch(/.+/)
      const onePod = at(ok(await api.list('pods')), 'items', 0)
      expect(at(onePod, 'metadata', 'ownerReferences')).toMatchObject([{ kind: 'ReplicaSet', controller: true }])
      expect(at(onePod, 'metadata', 'generateName')).toBe(`${String(at(set, 'metadata', 'name'))}-`)
    },
  },
  {
    sentence: 'a new image rolls out: a second ReplicaSet, the first at zero, the revision counted',
    async run({ api }) {
      ok(await api.apply(deployments, deployment('a')), 201)
      await reaches(api, deployments, 'a', { status: { readyReplicas: 1 } })
      const containers = [{ name: 'main', image: 'example.test/app:2' }]
      ok(await api.apply(deployments, deployment('a', { template: podTemplate('a', { containers }) })))
      const live = await reaches(api, deployments, 'a', {
        metadata: { annotations: { 'deployment.kubernetes.io/revision': '2' } },
        status: { observedGeneration: 2, replicas: 1, updatedReplicas: 1, readyReplicas: 1 },
      })
      expect(at(live, 'status', 'unavailableReplicas')).toBeUndefined()
      await eventually(async () => {
        const sets = ok(await api.list('apps/v1/replicasets'))['items'] as readonly Json[]
        expect(sets.map(set => at(set, 'spec', 'replicas')).sort()).toEqual([0, 1])
      })
    },
  },
  {
    sentence: 'scaling to zero leaves no Pod',
    async run({ api }) {
      ok(await api.apply(deployments, deployment('a')), 201)
      await reaches(api, deployments, 'a', { status: { readyReplicas: 1 } })
      ok(await api.apply(deployments, deployment('a', { replicas: 0 })))
      await eventually(async () => {
        const live = ok(await api.get(deployments, 'a'))
        expect(at(live, 'status', 'observedGeneration')).toBe(2)
        expect(at(live, 'status', 'replicas')).toBeUndefined()
        expect(names(ok(await api.list('pods')))).toEqual([])
      })
    },
  },
  {
    sentence: 'Pods told never to be ready keep a Deployment unavailable until its deadline has passed',
    async run({ api }) {
      ok(await api.apply(deployments, deployment('a', { progressDeadlineSeconds: 1 }, { 'sim/ready': 'never' })), 201)
      const late = { status: 'False', reason: 'ProgressDeadlineExceeded' }
      await hasCondition(api, deployments, 'a', 'Progressing', late)
      const live = await reaches(api, deployments, 'a', {
        status: { observedGeneration: 1, replicas: 1, unavailableReplicas: 1 },
      })
      expect(condition(live, 'Available')).toMatchObject({ status: 'False', reason: 'MinimumReplicasUnavailable' })
    },
  },
  {
    sentence: 'a paused Deployment makes nothing and says so',
    async run({ api }) {
      ok(await api.apply(deployments, deployment('a', { paused: true })), 201)
      await hasCondition(api, deployments, 'a', 'Progressing', { status: 'Unknown', reason: 'DeploymentPaused' })
      expect(names(ok(await api.list('pods')))).toEqual([])
    },
  },
  {
    sentence: 'a Pod that a controller lost is made anew',
    async run({ api }) {
      ok(await api.apply(deployments, deployment('a')), 201)
      await reaches(api, deployments, 'a', { status: { readyReplicas: 1 } })
      const [first] = names(ok(await api.list('pods')))
      ok(await api.delete('pods', first!))
      await eventually(async () => {
        const left = names(ok(await api.list('pods')))
        expect(left.length).toBe(1)
        expect(left[0]).not.toBe(first)
      })
    },
  },
  {
    sentence: 'a StatefulSet makes Pods by ordinal and settles on one revision',
    async run({ api }) {
      ok(await api.apply('apps/v1/statefulsets', statefulSet('a', { replicas: 2 })), 201)
      const live = await reaches(api, 'apps/v1/statefulsets', 'a', {
        status: { observedGeneration: 1, replicas: 2, readyReplicas: 2, updatedReplicas: 2, availableReplicas: 2 },
      })
      expect(names(ok(await api.list('pods')))).toEqual(['a-0', 'a-1'])
      expect(at(live, 'status', 'currentRevision')).toBe(at(live, 'status', 'updateRevision'))
    },
  },
  {
    sentence: 'a StatefulSet whose first Pod is never ready makes no second',
    async run({ api }) {
      const template = podTemplate('a', {}, { 'sim/ready': 'never' })
      ok(await api.apply('apps/v1/statefulsets', statefulSet('a', { replicas: 2, template })), 201)
      await reaches(api, 'apps/v1/statefulsets', 'a', { status: { observedGeneration: 1, replicas: 1 } })
      expect(names(ok(await api.list('pods')))).toEqual(['a-0'])
      expect(at(ok(await api.get('apps/v1/statefulsets', 'a')), 'status', 'readyReplicas')).toBeUndefined()
    },
  },
  {
    sentence: 'a StatefulSet claims a volume for each Pod',
    async run({ api }) {
      const volumeClaimTemplates = [
        {
          metadata: { name: 'data' },
          spec: { accessModes: ['ReadWriteOnce'], resources: { requests: { storage: '1Gi' } } },
        },
      ]
      ok(await api.apply('apps/v1/statefulsets', statefulSet('a', { replicas: 1, volumeClaimTemplates })), 201)
      await reaches(api, 'apps/v1/statefulsets', 'a', { status: { readyReplicas: 1 } })
      await reaches(api, 'persistentvolumeclaims', 'data-a-0', { status: { phase: 'Bound' } })
    },
  },
  {
    sentence: 'a DaemonSet runs on every node',
    async run({ api }) {
      const nodes = names(ok(await api.inCluster().list('nodes'))).length
      expect(nodes).toBeGreaterThan(0)
      const set = { selector: { matchLabels: { app: 'a' } }, template: podTemplate('a') }
      ok(
        await api.apply('apps/v1/daemonsets', {
          apiVersion: 'apps/v1',
          kind: 'DaemonSet',
          metadata: { name: 'a' },
          spec: set,
        }),
        201,
      )
      await reaches(api, 'apps/v1/daemonsets', 'a', {
        status: {
          observedGeneration: 1,
          desiredNumberScheduled: nodes,
          currentNumberScheduled: nodes,
          updatedNumberScheduled: nodes,
          numberReady: nodes,
          numberAvailable: nodes,
        },
      })
    },
  },
  {
    sentence: 'a Job completes',
    async run({ api }) {
      ok(await api.apply(jobs, job('a')), 201)
      const live = await hasCondition(api, jobs, 'a', 'Complete', { status: 'True' })
      expect(live).toMatchObject({ status: { succeeded: 1, completionTime: expect.stringMatching(/^\d{4}-/) } })
    },
  },
  {
    sentence: 'a Job told to fail is Failed when its retries are used up',
    async run({ api }) {
      ok(await api.apply(jobs, job('a', { backoffLimit: 0 }, { 'sim/outcome': 'fail' })), 201)
      const live = await hasCondition(api, jobs, 'a', 'Failed', { status: 'True', reason: 'BackoffLimitExceeded' })
      expect(live).toMatchObject({ status: { failed: 1 } })
      expect(at(live, 'status', 'completionTime')).toBeUndefined()
    },
  },
  {
    sentence: 'a Job told to run for a while is active first',
    async run({ api }) {
      ok(await api.apply(jobs, job('a', {}, { 'sim/run-for': '2s' })), 201)
      await reaches(api, jobs, 'a', { status: { active: 1, ready: 1 } })
      await hasCondition(api, jobs, 'a', 'Complete', { status: 'True' })
    },
  },
  {
    sentence: 'a suspended Job makes no Pod and says so',
    async run({ api }) {
      ok(await api.apply(jobs, job('a', { suspend: true })), 201)
      await hasCondition(api, jobs, 'a', 'Suspended', { status: 'True' })
      expect(names(ok(await api.list('pods')))).toEqual([])
    },
  },
  {
    sentence: 'a finished Job with a time to live goes by itself',
    async run({ api }) {
      ok(await api.apply(jobs, job('a', { ttlSecondsAfterFinished: 0 })), 201)
      await eventually(async () => expect((await api.get(jobs, 'a')).status).toBe(404))
    },
  },
  {
    sentence: 'the Pods of a Job carry its name and uid as labels, and succeed',
    async run({ api }) {
      ok(await api.apply(jobs, job('a')), 201)
      const live = await hasCondition(api, jobs, 'a', 'Complete', { status: 'True' })
      const pods = ok(await api.list('pods', { labelSelector: 'batch.kubernetes.io/job-name=a' }))
      expect(at(pods, 'items', 0)).toMatchObject({
        metadata: { labels: { 'batch.kubernetes.io/controller-uid': at(live, 'metadata', 'uid') } },
        status: { phase: 'Succeeded' },
      })
    },
  },
  {
    sentence: 'a claim is bound to a volume of its size',
    async run({ api }) {
      const claim = {
        apiVersion: 'v1',
        kind: 'PersistentVolumeClaim',
        metadata: { name: 'a' },
        spec: { accessModes: ['ReadWriteOnce'], resources: { requests: { storage: '3Gi' } } },
      }
      ok(await api.apply('persistentvolumeclaims', claim), 201)
      const live = await reaches(api, 'persistentvolumeclaims', 'a', {
        spec: { storageClassName: 'standard', volumeName: expect.stringMatching(/.+/) },
        status: { phase: 'Bound', capacity: { storage: '3Gi' } },
      })
      const volume = String(at(live, 'spec', 'volumeName'))
      expect(ok(await api.inCluster().get('persistentvolumes', volume))).toMatchObject({
        spec: { claimRef: { name: 'a' }, capacity: { storage: '3Gi' } },
      })
    },
  },
  {
    sentence: 'a claim of a class that nobody serves stays pending',
    async run({ api }) {
      const claim = {
        apiVersion: 'v1',
        kind: 'PersistentVolumeClaim',
        metadata: { name: 'a' },
        spec: {
          storageClassName: 'nobody',
          accessModes: ['ReadWriteOnce'],
          resources: { requests: { storage: '1Gi' } },
        },
      }
      expect(at(ok(await api.apply('persistentvolumeclaims', claim), 201), 'status', 'phase')).toBe('Pending')
    },
  },
  {
    sentence: 'a Service gets an address in the service range at once, a headless one none',
    async run({ api }) {
      const created = ok(await api.apply('services', service('a')), 201)
      expect(at(created, 'spec', 'clusterIP')).toMatch(/^10\.96\.\d+\.\d+$/)
      expect(at(created, 'spec')).toMatchObject({ type: 'ClusterIP', sessionAffinity: 'None', ipFamilies: ['IPv4'] })
      const headless = ok(await api.apply('services', service('b', { clusterIP: 'None' })), 201)
      expect(at(headless, 'spec', 'clusterIP')).toBe('None')
    },
  },
  {
    sentence: 'the address of a Service is free again when it is deleted, and two never share one',
    async run({ api }) {
      const addresses = new Set<unknown>()
      for (const name of ['a', 'b', 'c'])
        addresses.add(at(ok(await api.create('services', service(name)), 201), 'spec', 'clusterIP'))
      expect(addresses.size).toBe(3)
    },
  },
  {
    sentence: 'a Service of type LoadBalancer has no address from outside where nobody gives one',
    async run({ api }) {
      const created = ok(await api.apply('services', service('a', { type: 'LoadBalancer' })), 201)
      expect(at(created, 'status', 'loadBalancer')).toEqual({})
      expect(at(created, 'spec', 'ports', 0, 'nodePort')).toBeGreaterThanOrEqual(30000)
    },
  },
  {
    sentence: 'ready Pods behind a Service become its endpoints',
    async run({ api }) {
      ok(await api.apply('services', service('a')), 201)
      ok(await api.apply(deployments, deployment('a', { replicas: 2 })), 201)
      await eventually(async () => {
        const slices = ok(
          await api.list('discovery.k8s.io/v1/endpointslices', { labelSelector: 'kubernetes.io/service-name=a' }),
        )
        const endpoints = (slices['items'] as readonly Json[]).flatMap(
          slice => (at(slice, 'endpoints') ?? []) as Json[],
        )
        expect(endpoints.filter(endpoint => at(endpoint, 'conditions', 'ready') === true).length).toBe(2)
      })
    },
  },
  {
    sentence: 'a Pod runs, is ready, and has an address and a node',
    async run({ api }) {
      ok(await api.create('pods', pod('a')), 201)
      const live = await reaches(api, 'pods', 'a', {
        spec: { nodeName: expect.stringMatching(/.+/) },
        status: {
          phase: 'Running',
          podIP: expect.stringMatching(/^\d+\./),
          containerStatuses: [{ name: 'main', ready: true }],
        },
      })
      expect(condition(live, 'Ready')).toMatchObject({ status: 'True' })
    },
  },
  {
    sentence: 'a Pod told never to be ready runs and is not',
    async run({ api }) {
      ok(await api.create('pods', pod('a', {}, { annotations: { 'sim/ready': 'never' } })), 201)
      const live = await reaches(api, 'pods', 'a', { status: { phase: 'Running' } })
      expect(condition(live, 'Ready')).toMatchObject({ status: 'False' })
    },
  },
  {
    sentence: 'a Pod that may end succeeds, one told to fail fails with its exit code',
    async run({ api }) {
      ok(await api.create('pods', pod('good', { restartPolicy: 'Never' })), 201)
      ok(
        await api.create('pods', pod('bad', { restartPolicy: 'Never' }, { annotations: { 'sim/outcome': 'fail' } })),
        201,
      )
      await reaches(api, 'pods', 'good', { status: { phase: 'Succeeded' } })
      await reaches(api, 'pods', 'bad', {
        status: { phase: 'Failed', containerStatuses: [{ state: { terminated: { exitCode: 1 } } }] },
      })
    },
  },
  {
    sentence: 'what a controller writes is no change of what an apply owns: the next apply is no new generation',
    async run({ api }) {
      ok(await api.apply(deployments, deployment('a', { replicas: 1 })), 201)
      await reaches(api, deployments, 'a', { status: { readyReplicas: 1 } })
      const again = ok(await api.apply(deployments, deployment('a', { replicas: 1 })))
      expect(at(again, 'metadata', 'generation')).toBe(1)
    },
  },
  {
    sentence: 'a quota counts and refuses what is over it',
    async run({ api }) {
      const spec = { hard: { 'count/secrets': '1' } }
      ok(
        await api.create('resourcequotas', { apiVersion: 'v1', kind: 'ResourceQuota', metadata: { name: 'q' }, spec }),
        201,
      )
      await reaches(api, 'resourcequotas', 'q', { status: { ...spec, used: { 'count/secrets': '0' } } })
      // The apiserver learns of a new quota a moment after its status is there; some pass before.
      await eventually(async () => {
        const one = { apiVersion: 'v1', kind: 'Secret', metadata: { generateName: 's-' } }
        const status = refused(await api.create('secrets', one), 403, 'Forbidden')
        expect(status['message']).toContain('exceeded quota: q')
      })
    },
    skipOn: {
      side: 'simulated',
      reason: 'no part of Flotilla looks at quotas before the apiserver refuses; a fault of the simulation can say 403',
    },
  },
]
