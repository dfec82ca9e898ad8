import { once } from 'node:events'
import { readFile } from 'node:fs/promises'
import { createServer } from 'node:https'
import type { AddressInfo } from 'node:net'
import { dirname, join } from 'node:path'
import type { ClusterTransport } from '@flotilla/core/ports/cluster-transport'

/** What a kubelet does besides running Pods: it serves their logs. The apiserver asks it, as it asks real ones. */
export interface PlayedKubelet {
  /** From now on these lines stand in the container's log, and go to whoever follows it. */
  print(namespace: string, pod: string, container: string, text: string): void
  /** The same for every Pod whose name begins so, also for those that come later. */
  printAll(namespace: string, beginning: string, container: string, text: string): void
  /** How many follow a log at this moment. */
  readonly followers: number
  close(): Promise<void>
}

export interface KubeletOptions {
  /** As somebody who may change Nodes. */
  readonly transport: ClusterTransport
  readonly nodeName: string
  /** The apiserver's own certificate, which lies beside its key: it takes any from kubelets here. */
  readonly certificatePath: string
}

interface Line {
  readonly at: string
  readonly text: string
}

/** Listens on a loopback address, and says in the Node that the kubelet is there. */
export async function playKubelet({ transport, nodeName, certificatePath }: KubeletOptions): Promise<PlayedKubelet> {
  const logs = new Map<string, Line[]>()
  const ofAll: { readonly beginning: string; readonly container: string; readonly lines: readonly Line[] }[] = []
  const listeners = new Map<string, Set<(line: Line) => void>>()
  const [cert, key] = await Promise.all([
    readFile(certificatePath),
    readFile(join(dirname(certificatePath), 'apiserver.key')),
  ])
  const server = createServer({ cert, key }, (request, response) => {
    const { pathname, searchParams } = new URL(request.url ?? '/', 'https://kubelet')
    const [verb, namespace, pod, container] = pathname.split('/').slice(1).map(decodeURIComponent)
    if (verb !== 'containerLogs' || container === undefined) {
      response.writeHead(404).end()
      return
    }
    const name = `${namespace}/${pod}/${container}`
    const timestamps = searchParams.get('timestamps') === 'true'
    const write = ({ at, text }: Line): void => void response.write(`${timestamps ? `${at} ` : ''}${text}\n`)
    const tail = searchParams.get('tailLines')
    const printed = ofAll.filter(each => name.startsWith(each.beginning) && name.endsWith(`/${each.container}`))
    const lines = [...printed.flatMap(each => each.lines), ...(logs.get(name) ?? [])]
    response.writeHead(200, { 'content-type': 'text/plain' })
    response.flushHeaders()
    for (const line of tail === null ? lines : lines.slice(-Number(tail))) write(line)
    if (searchParams.get('follow') !== 'true') {
      response.end()
      return
    }
    const following = listeners.get(name) ?? new Set()
    listeners.set(name, following.add(write))
    response.on('close', () => following.delete(write))
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  // Its name resolves nowhere: the address alone is left to be asked.
  const addresses = [{ type: 'InternalIP', address: '127.0.0.1' }]
  const daemonEndpoints = { kubeletEndpoint: { Port: port } }
  const response = await transport.request({
    method: 'PATCH',
    path: `/api/v1/nodes/${nodeName}/status`,
    headers: { 'content-type': 'application/merge-patch+json' },
    body: JSON.stringify({ status: { addresses, daemonEndpoints } }),
  })
  for await (const _chunk of response.body);
  if (response.status !== 200) throw new Error(`Node ${nodeName} took no kubelet: ${response.status}`)
  let closed = false
  return {
    print(namespace, pod, container, text) {
      const name = `${namespace}/${pod}/${container}`
      const lines = linesOf(text)
      logs.set(name, [...(logs.get(name) ?? []), ...lines])
      for (const write of listeners.get(name) ?? []) for (const line of lines) write(line)
    },
    printAll(namespace, beginning, container, text) {
      ofAll.push({ beginning: `${namespace}/${beginning}`, container, lines: linesOf(text) })
    },
    get followers() {
      return [...listeners.values()].reduce((sum, { size }) => sum + size, 0)
    },
    async close() {
      if (closed) return
      closed = true
      server.closeAllConnections()
      server.close()
      await once(server, 'close')
    },
  }
}

function linesOf(text: string): readonly Line[] {
  return text.split('\n').map(line => ({ at: new Date(0).toISOString(), text: line }))
}
