import { describe, expect, it } from 'vitest'
import { kubeconfigFor, serveOverHttp } from './serve-over-http.ts'
import { TestCluster } from './testing.ts'

const MAPS = '/api/v1/namespaces/default/configmaps'
const LOCAL = { host: '127.0.0.1', port: 0 }

describe('a cluster on a socket', () => {
  it('answers as in process, and its kubeconfig points at it', async () => {
    const { cluster } = new TestCluster()
    const served = await serveOverHttp(cluster, LOCAL)
    try {
      const body = JSON.stringify({ apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'a' }, data: { k: 'höm' } })
      const headers = { 'content-type': 'application/apply-patch+yaml' }
      const applied = await fetch(`${served.url}${MAPS}/a?fieldManager=me`, { method: 'PATCH', headers, body })
      expect(applied.status).toBe(201)
      expect(await (await fetch(`${served.url}${MAPS}/a`)).json()).toMatchObject({ data: { k: 'höm' } })
      expect(kubeconfigFor(served)).toMatchObject({ clusters: [{ cluster: { server: served.url } }] })
    } finally {
      await served.close()
    }
  })

  it('streams a watch, and a partition resets the connection', async () => {
    const test = new TestCluster()
    const served = await serveOverHttp(test.cluster, LOCAL)
    try {
      const response = await fetch(`${served.url}${MAPS}?watch=true&resourceVersion=${test.cluster.revision}`)
      const reader = response.body!.getReader()
      await test.apply(`${MAPS}/a`, { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'a' } })
      const { value } = await reader.read()
      expect(JSON.parse(Buffer.from(value!).toString('utf8').split('\n')[0]!)).toMatchObject({ type: 'ADDED' })
      test.cluster.faults.set({ partitioned: true })
      await expect(reader.read()).rejects.toThrow()
      await expect(fetch(`${served.url}/version`)).rejects.toThrow()
    } finally {
      await served.close()
    }
  })

  it('lets go of a watch whose client goes away', async () => {
    const test = new TestCluster()
    const served = await serveOverHttp(test.cluster, LOCAL)
    try {
      const leaving = new AbortController()
      await fetch(`${served.url}${MAPS}?watch=true`, { signal: leaving.signal })
      expect(test.cluster.counters.openWatches).toBe(1)
      leaving.abort()
      while (test.cluster.counters.openWatches > 0) await new Promise(resolve => setImmediate(resolve))
    } finally {
      await served.close()
    }
  })

  it('with tokens: knows who asks, and refuses who does not say', async () => {
    const { cluster } = new TestCluster()
    const tokens = { t1: { name: 'ann', groups: ['system:masters'] }, t2: { name: 'bob', groups: [] } }
    const served = await serveOverHttp(cluster, { ...LOCAL, tokens })
    const ask = async (token?: string) => {
      const response = await fetch(
        `${served.url}${MAPS}`,
        token === undefined ? {} : { headers: { authorization: `Bearer ${token}` } },
      )
      await response.arrayBuffer()
      return response.status
    }
    try {
      expect([await ask(), await ask('t1'), await ask('t2'), await ask('no')]).toEqual([401, 200, 403, 401])
    } finally {
      await served.close()
    }
  })
})
