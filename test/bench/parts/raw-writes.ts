import type { KubernetesObject } from '@flotilla/core/model/kubernetes-object'
import type { ClusterTransport } from '@flotilla/core/ports/cluster-transport'
import { pathOf } from './mixed-objects.ts'

const APPLICATION = '0199c2f0-0000-7000-8000-000000000001'

/**
 * The least that applying can take: the same bodies by the same transport, nothing read, nothing parsed, in the order
 * of the kinds.
 *
 * @param again The objects exist: each is asked about by a dry run before it is written.
 * @returns milliseconds.
 */
export async function rawWrites(
  transport: ClusterTransport,
  namespace: string,
  objects: readonly KubernetesObject[],
  { again, concurrency }: { readonly again: boolean; readonly concurrency: number },
): Promise<number> {
  if (!again) {
    const object = { apiVersion: 'v1', kind: 'Namespace', metadata: { name: namespace } }
    await send(transport, 'POST', '/api/v1/namespaces', object)
  }
  const started = performance.now()
  let next = 0
  const worker = async (): Promise<void> => {
    for (let object = objects[next++]; object !== undefined; object = objects[next++]) {
      const labels = { ...object.metadata.labels, 'flotilla.dev/application': APPLICATION }
      const mark = `${APPLICATION}:/${object.kind}:${namespace}/${object.metadata.name}`
      const metadata = { ...object.metadata, namespace, labels, annotations: { 'flotilla.dev/tracking-id': mark } }
      const path = `${pathOf(object, namespace)}?fieldManager=flotilla&force=true`
      if (again) await send(transport, 'PATCH', `${path}&dryRun=All`, { ...object, metadata })
      await send(transport, 'PATCH', path, { ...object, metadata })
    }
  }
  await Promise.all(Array.from({ length: concurrency }, worker))
  return performance.now() - started
}

async function send(transport: ClusterTransport, method: 'POST' | 'PATCH', path: string, body: object): Promise<void> {
  const contentType = method === 'PATCH' ? 'application/apply-patch+yaml' : 'application/json'
  const headers = { 'content-type': contentType, accept: 'application/json' }
  const response = await transport.request({ method, path, headers, body: JSON.stringify(body) })
  for await (const _chunk of response.body) {
    // Read, not kept.
  }
  if (response.status >= 300) throw new Error(`${method} ${path}: ${response.status}`)
}
