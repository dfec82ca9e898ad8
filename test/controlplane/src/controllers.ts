import { copyFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { ControlPlaneBinaries } from './build.ts'
import type { RunDirectory } from './run-directory.ts'
import { type ServerProcess, startServer } from './server-process.ts'

/** Everything that tests need, and nothing that needs a cloud, a kubelet or the host's folders. */
const controllers = [
  'serviceaccount-controller',
  'serviceaccount-token-controller',
  'namespace-controller',
  'garbage-collector-controller',
  'deployment-controller',
  'replicaset-controller',
  'statefulset-controller',
  'daemonset-controller',
  'job-controller',
  'cronjob-controller',
  'endpointslice-controller',
  'endpoints-controller',
  'persistentvolumeclaim-protection-controller',
  'persistentvolume-protection-controller',
  'pod-garbage-collector-controller',
  'clusterrole-aggregation-controller',
  'ttl-after-finished-controller',
  'disruption-controller',
  'horizontal-pod-autoscaler-controller',
  'resourcequota-controller',
  'root-ca-certificate-publisher-controller',
] as const

export interface ControllerOptions {
  readonly binaries: ControlPlaneBinaries
  readonly run: RunDirectory
  readonly folder: string
  /** Writes a kubeconfig for one of the servers and returns its path. */
  kubeconfigFor(user: string): Promise<string>
  readonly signingKeyPath: string
  readonly certificateAuthorityPath: string
}

export async function startControllerManager(options: ControllerOptions): Promise<ServerProcess> {
  return startServer(options.run, options.folder, join(options.binaries.directory, 'kube-controller-manager'), [
    `--kubeconfig=${await options.kubeconfigFor('system:kube-controller-manager')}`,
    `--controllers=${controllers.join(',')}`,
    '--use-service-account-credentials=true',
    `--service-account-private-key-file=${options.signingKeyPath}`,
    `--root-ca-file=${options.certificateAuthorityPath}`,
    ...clientFlags,
  ])
}

export async function startScheduler(options: ControllerOptions): Promise<ServerProcess> {
  return startServer(options.run, options.folder, join(options.binaries.directory, 'kube-scheduler'), [
    `--kubeconfig=${await options.kubeconfigFor('system:kube-scheduler')}`,
    ...clientFlags,
  ])
}

/** With the default rate of 20 requests a second the first ServiceAccount comes two seconds later. */
const clientFlags = [
  '--leader-elect=false',
  '--secure-port=0',
  '--kube-api-qps=500',
  '--kube-api-burst=1000',
  '--profiling=false',
]

/** kwok plays the kubelets: it moves Nodes, Pods and volumes through the stages of kwok-stages.yaml. */
export async function startKwok(options: ControllerOptions): Promise<ServerProcess> {
  const stages = fileURLToPath(new URL('../kwok-stages.yaml', import.meta.url))
  const config = join(options.folder, 'kwok-stages.yaml')
  await copyFile(stages, config)
  return startServer(options.run, options.folder, join(options.binaries.directory, 'kwok'), [
    `--kubeconfig=${await options.kubeconfigFor('flotilla:kwok')}`,
    `--config=${config}`,
  ])
}

/** The Node that Pods are scheduled to; kwok makes it Ready. */
export const nodeName = 'node-1'

export function nodeDocument(): object {
  const resources = { cpu: '64', memory: '256Gi', pods: '1000', 'ephemeral-storage': '1Ti' }
  return {
    apiVersion: 'v1',
    kind: 'Node',
    metadata: {
      name: nodeName,
      labels: {
        'kubernetes.io/hostname': nodeName,
        'kubernetes.io/os': 'linux',
        'kubernetes.io/arch': 'amd64',
        'topology.kubernetes.io/zone': 'zone-1',
      },
    },
    status: { capacity: resources, allocatable: resources },
  }
}

/** Writes a value as a JSON file that only its owner may read. */
export async function writeSecretJson(path: string, value: unknown): Promise<string> {
  await writeFile(path, JSON.stringify(value, undefined, 2), { mode: 0o600 })
  return path
}
