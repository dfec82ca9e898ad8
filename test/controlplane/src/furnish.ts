import type { ClusterTransport } from '@flotilla/core/ports/cluster-transport'
import { nodeDocument } from './controllers.ts'

/**
 * Puts into a new cluster what is there in every cluster that people have: a Node to run on, and a default
 * StorageClass.
 */
export async function furnish(transport: ClusterTransport, components: 'all' | 'apiserver'): Promise<void> {
  await create(transport, '/apis/storage.k8s.io/v1/storageclasses', {
    apiVersion: 'storage.k8s.io/v1',
    kind: 'StorageClass',
    metadata: { name: 'standard', annotations: { 'storageclass.kubernetes.io/is-default-class': 'true' } },
    provisioner: 'flotilla.test/volumes',
    reclaimPolicy: 'Delete',
    volumeBindingMode: 'Immediate',
  })
  if (components === 'all') await create(transport, '/api/v1/nodes', nodeDocument())
}

async function create(transport: ClusterTransport, path: string, document: object): Promise<void> {
  const { status, text } = await call(transport, 'POST', path, JSON.stringify(document))
  // A copy of another cluster has it.
  if (status !== 201 && status !== 409) throw new Error(`POST ${path} answered ${status}: ${text}`)
}

/** Whether the controllers run: without its default ServiceAccount no Pod is admitted to a namespace. */
export async function isServiceAccountThere(transport: ClusterTransport): Promise<boolean> {
  return (await call(transport, 'GET', '/api/v1/namespaces/default/serviceaccounts/default')).status === 200
}

/** Whether kwok runs. */
export async function isNodeReady(transport: ClusterTransport, name: string): Promise<boolean> {
  const { status, text } = await call(transport, 'GET', `/api/v1/nodes/${name}`)
  if (status !== 200) return false
  const node = JSON.parse(text) as { status?: { conditions?: { type: string; status: string }[] } }
  return node.status?.conditions?.some(one => one.type === 'Ready' && one.status === 'True') ?? false
}

async function call(
  transport: ClusterTransport,
  method: 'GET' | 'POST',
  path: string,
  body?: string,
): Promise<{ readonly status: number; readonly text: string }> {
  const response = await transport.request({ method, path, ...(body === undefined ? {} : { body }) })
  const chunks: Uint8Array[] = []
  for await (const chunk of response.body) chunks.push(chunk)
  return { status: response.status, text: Buffer.concat(chunks).toString('utf8') }
}
