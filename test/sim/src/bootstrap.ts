import type { JsonObject } from '@flotilla/core/json/json'
import type { KubernetesObject } from '@flotilla/core/model/kubernetes-object'
import type { Core } from './api/core.ts'
import { createObject, type WriteOptions } from './api/write-object.ts'
import { SERVED_CLASS } from './controllers/claims.ts'
import { newReport } from './objects/read-object.ts'
import { settleObject } from './objects/read-stored.ts'

const OPTIONS: WriteOptions = { manager: 'kube-apiserver', dryRun: false, subresource: '' }

/** What every cluster has before anyone speaks to it: namespaces, the API's own Service, the administrator's role. */
export function bootstrap(core: Core): void {
  for (const name of ['default', 'kube-system', 'kube-public', 'kube-node-lease']) {
    const namespace = make(core, 'Namespace', '', { metadata: { name } })
    if (name !== 'kube-system' || core.systemUid === undefined) continue
    core.store.put('/namespaces', { ...namespace, metadata: { ...namespace.metadata, uid: core.systemUid } })
  }
  make(core, 'Service', '', {
    metadata: { name: 'kubernetes', namespace: 'default', labels: { component: 'apiserver', provider: 'kubernetes' } },
    spec: {
      clusterIP: '10.96.0.1',
      ipFamilyPolicy: 'SingleStack',
      ports: [{ name: 'https', port: 443, targetPort: 6443 }],
    },
  })
  make(core, 'StorageClass', 'storage.k8s.io', {
    metadata: { name: SERVED_CLASS, annotations: { 'storageclass.kubernetes.io/is-default-class': 'true' } },
    provisioner: 'flotilla.test/volumes',
  })
  const node = make(core, 'Node', '', {
    metadata: { name: 'node-1', labels: { 'kubernetes.io/hostname': 'node-1', 'kubernetes.io/os': 'linux' } },
  })
  const resources = { cpu: '32', memory: '256Gi', pods: '1000' }
  core.store.put('/nodes', {
    ...node,
    status: {
      capacity: resources,
      allocatable: resources,
      addresses: [{ type: 'InternalIP', address: '10.0.0.1' }],
      conditions: [
        {
          type: 'Ready',
          status: 'True',
          reason: 'KubeletReady',
          message: '',
          lastHeartbeatTime: core.now(),
          lastTransitionTime: core.now(),
        },
      ],
    },
  })
  make(core, 'ClusterRole', 'rbac.authorization.k8s.io', {
    metadata: { name: 'cluster-admin', labels: { 'kubernetes.io/bootstrapping': 'rbac-defaults' } },
    rules: [
      { verbs: ['*'], apiGroups: ['*'], resources: ['*'] },
      { verbs: ['*'], nonResourceURLs: ['*'] },
    ],
  })
  make(core, 'ClusterRoleBinding', 'rbac.authorization.k8s.io', {
    metadata: { name: 'cluster-admin', labels: { 'kubernetes.io/bootstrapping': 'rbac-defaults' } },
    roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'ClusterRole', name: 'cluster-admin' },
    subjects: [{ kind: 'Group', apiGroup: 'rbac.authorization.k8s.io', name: 'system:masters' }],
  })
}

function make(core: Core, kind: string, group: string, json: JsonObject): KubernetesObject {
  const type = core.registry.findKind(group, kind)!
  return createObject(core, type, settleObject(type, json, newReport()), OPTIONS)
}
