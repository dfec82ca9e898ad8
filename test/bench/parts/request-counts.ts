import type { ClusterTransport } from '@flotilla/core/ports/cluster-transport'

/** Requests that an API server has answered, by what they asked for: `APPLY configmaps`, `APPLY configmaps dry run`. */
export type RequestCounts = ReadonlyMap<string, number>

const WRITES = /^(POST|PUT|PATCH|APPLY|DELETE) (?!leases$)/

/** By the server's own count, so that nothing is left out. Watches count as they end. */
export async function requestCounts(transport: ClusterTransport): Promise<RequestCounts> {
  const response = await transport.request({ method: 'GET', path: '/metrics', headers: {} })
  let text = ''
  const decoder = new TextDecoder()
  for await (const chunk of response.body) text += decoder.decode(chunk, { stream: true })
  const counts = new Map<string, number>()
  for (const line of text.split('\n')) {
    if (!line.startsWith('apiserver_request_total{')) continue
    const label = (name: string) => new RegExp(`[{,]${name}="([^"]*)"`).exec(line)?.[1] ?? ''
    const dryRun = label('dry_run') === '' ? '' : ' dry run'
    const name = `${label('verb')} ${label('resource') || 'other'}${label('subresource') && `/${label('subresource')}`}${dryRun}`
    counts.set(name, (counts.get(name) ?? 0) + Number(line.split(' ').at(-1)))
  }
  return counts
}

/** What came in between two counts. */
export function since(before: RequestCounts, after: RequestCounts): RequestCounts {
  const between = [...after].map(([name, count]) => [name, count - (before.get(name) ?? 0)] as const)
  return new Map(between.filter(([, count]) => count > 0))
}

/** Of these, what changes the cluster; Leases are everybody's heartbeat. */
export function writesOf(counts: RequestCounts): number {
  return sum([...counts].filter(([name]) => WRITES.test(name) && !name.endsWith(' dry run')))
}

/** Of these, everything but the watches and the heartbeats, and what is not about objects. */
export function requestsOf(counts: RequestCounts): number {
  return sum([...counts].filter(([name]) => !/^(WATCH|CONNECT) | leases$| other$/.test(name)))
}

function sum(counts: readonly (readonly [string, number])[]): number {
  return counts.reduce((total, [, count]) => total + count, 0)
}
