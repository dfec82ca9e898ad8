import type { Json, JsonObject } from '@flotilla/core/json/json'
import { parseJson } from '@flotilla/core/json/parse-json'
import type { ClusterTransport } from '@flotilla/core/ports/cluster-transport'

/** A person at a cluster: one request, whatever its answer. PATCH is a merge patch, as `kubectl edit` sends it. */
export async function askCluster(
  cluster: ClusterTransport,
  method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE',
  path: string,
  body?: Json,
): Promise<{ readonly status: number; readonly value: JsonObject }> {
  const type = method === 'PATCH' ? 'application/merge-patch+json' : 'application/json'
  const response = await cluster.request({
    method,
    path: method === 'PATCH' ? `${path}?fieldManager=kubectl-edit` : path,
    headers: body === undefined ? {} : { 'content-type': type },
    ...(body !== undefined && { body: JSON.stringify(body) }),
  })
  let text = ''
  for await (const chunk of response.body) text += Buffer.from(chunk).toString('utf8')
  return { status: response.status, value: text === '' ? {} : (parseJson(text) as JsonObject) }
}

/** What is there; undefined when nothing is. @throws Error for any other answer */
export async function objectIn(cluster: ClusterTransport, path: string): Promise<JsonObject | undefined> {
  const { status, value } = await askCluster(cluster, 'GET', path)
  if (status === 404) return undefined
  if (status !== 200) throw new Error(`${path}: ${status} ${JSON.stringify(value)}`)
  return value
}
