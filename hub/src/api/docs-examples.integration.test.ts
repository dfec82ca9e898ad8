import { readFileSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import request from 'supertest'
import { expect, it } from 'vitest'
import { sampleApplication, sampleCluster, sampleReport } from '../store/sample-rows.ts'
import { openTestApi, type TestApi } from './test-api.ts'

const PAGE = readFileSync(new URL('../../../docs/api.md', import.meta.url), 'utf8')
const NAME = 'shop-checkout-eu-1'

async function open(): Promise<TestApi> {
  const api = await openTestApi()
  const digest = await api.putBundle([{ apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'web' } }])
  const document = {
    metadata: { name: NAME },
    spec: { project: 'shop', destination: { name: 'eu-1', namespace: 'shop' } },
  }
  await api.write(
    async rows => {
      await rows.putCluster(sampleCluster({ agentKey: 'key', joinedAt: 1000 }))
      const over = { clusterId: 'cluster-1', digest, holdsSecrets: false, labels: { tier: 'gold' }, document }
      await rows.putApplication(sampleApplication({ id: 'a', name: NAME, ...over }))
      await rows.putReport(sampleReport({ applicationId: 'a', receivedAt: api.clock.now() }, { held: digest }))
    },
    { applications: ['a'], clusters: ['eu-1'] },
  )
  return api
}

/** `curl` lines of the page that say all they need. */
function curls(): readonly {
  readonly method: string
  readonly url: URL
  readonly headers: string[]
  readonly body?: string
}[] {
  const blocks = [...PAGE.matchAll(/```sh\n([\s\S]*?)```/g)].map(match => (match[1] ?? '').replaceAll('\\\n', ' '))
  const lines = blocks
    .flatMap(block => block.split('\n'))
    .filter(line => line.startsWith('curl ') && !line.includes('$ID'))
  return lines.map(line => {
    const words = [...line.matchAll(/'([^']*)'|"([^"]*)"|(\S+)/g)].map(match => match[1] ?? match[2] ?? match[3] ?? '')
    const after = (flag: string): string[] => words.flatMap((word, at) => (word === flag ? [words[at + 1] ?? ''] : []))
    const [body] = after('-d')
    const url = new URL(words.find(word => word.startsWith('https://')) ?? '')
    const headers = after('-H').filter(each => !each.startsWith('Authorization'))
    return { method: after('-X')[0] ?? 'GET', url, headers, ...(body !== undefined && { body }) }
  })
}

it('what the page asks with curl is answered as it says', async () => {
  const asked = curls()
  expect(asked.length).toBeGreaterThan(7)
  for (const { method, url, headers, body } of asked) {
    const api = await open()
    const test = request(api.app)[method === 'POST' ? 'post' : 'get'](url.pathname + url.search)
    for (const header of headers) test.set(header.slice(0, header.indexOf(':')), header.slice(header.indexOf(':') + 2))
    const response = await test.set('Authorization', `Bearer ${api.person}`).send(body)
    expect([url.href, response.status, response.text.slice(0, 200)]).toEqual([
      ...[url.href, expect.toSatisfy((status: number) => status >= 200 && status < 300), expect.any(String)],
    ])
    await api.close()
  }
})

it('what the page does with the client works as it stands', async () => {
  const [, code = ''] = /```ts\n([\s\S]*?)```/.exec(PAGE) ?? []
  const { HubClient } = await import('../client/hub-client.ts')
  const api = await open()
  const server = createServer(api.app)
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  const origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  const transport = {
    request: async ({ path, body, ...rest }: { path: string; method: string; headers: object; body?: Uint8Array }) => {
      const answer = await fetch(origin + path, { ...rest, headers: { ...rest.headers }, ...(body && { body }) })
      return {
        status: answer.status,
        headers: Object.fromEntries(answer.headers),
        body: new Uint8Array(await answer.arrayBuffer()),
      }
    },
  }
  const client = new HubClient({
    transport: transport as never,
    token: () => api.person,
    clock: { sleep: async () => undefined },
  })
  const run = new Function('client', 'console', `return (async () => {${code}})()`) as (
    ...given: unknown[]
  ) => Promise<void>
  try {
    await run(client, { log: () => undefined })
    const made = await api.store.read(rows => rows.freezes())
    expect(made.length).toBe(1)
    await run(client, { log: () => undefined })
    expect((await api.store.read(rows => rows.freezes())).length).toBe(1)
  } finally {
    server.closeAllConnections()
    await new Promise(resolve => server.close(resolve))
    await api.close()
  }
})
