import { join } from 'node:path'
import { createNodeHubTransport } from '@flotilla/agents/link/node-hub-transport'
import { demoApplicationCount } from '@flotilla/cli/demo/demo-content'
import { commitEdit } from '@flotilla/cli/demo/demo-repository'
import { createClock } from '@flotilla/core/ports/create-clock'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { CheckedApi } from './support/checked-api.ts'
import { type TemporaryFolder, temporaryFolder } from './support/folder.ts'
import { isDone } from './support/hub-under-test.ts'
import { COMMAND, endAll, run, start } from './support/processes.ts'
import { until } from './support/until.ts'

const CLUSTERS = 6
const COUNT = demoApplicationCount(CLUSTERS)

/** From its sources, as people start it. */
const AS_IT_IS = { program: COMMAND }

describe('flotilla demo', () => {
  let folder: TemporaryFolder
  const words = () => ['demo', '--clusters', String(CLUSTERS), '--directory', join(folder.path, 'demo')]

  beforeAll(async () => {
    folder = await temporaryFolder()
  })
  afterAll(async () => {
    await endAll()
    await folder?.remove()
  })

  test.each(['the first time', 'again, on what the first left'])('--once ends when all is there: %s', async () => {
    const { code, stdout, stderr } = await run([...words(), '--once', '-o', 'json'], AS_IT_IS)
    expect(code, stderr).toBe(0)
    expect(JSON.parse(stdout)).toEqual({
      clusters: CLUSTERS,
      connected: CLUSTERS,
      applications: COUNT,
      synced: COUNT,
      healthy: COUNT,
      held: [],
      complete: true,
      elapsedMs: expect.any(Number),
    })
  })

  test('one file edited and committed changes exactly the clusters that it is about', async () => {
    const demo = start(words(), AS_IT_IS)
    const [, token, url] = await demo.says(/Bearer (flt_\S+?)" (http:\S+?)\/api/)
    const transport = createNodeHubTransport({ url: url!, environment: {}, clock: createClock(globalThis) })
    const api = new CheckedApi(transport, url!, token!)
    try {
      const look = async () => (await api.list('/api/v1/applications', {})).items
      const settled = () =>
        until('all Synced and Healthy', async () => {
          const items = await look()
          return items.length === COUNT && items.every(isDone) ? items : undefined
        })
      const before = new Map((await settled()).map(({ name, digest }) => [name, digest]))
      const commit = await commitEdit(join(folder.path, 'demo', 'fleet'), 'apps/checkout/prod/config.yaml', text =>
        text.replace('hello from', 'good morning from'),
      )
      const changed = await until('the commit is in force', async () => {
        const items = (await look()).filter(({ name, digest }) => digest !== before.get(name))
        return items.length > 0 && items.every(isDone) && items.every(({ revision }) => revision === commit)
          ? items.map(({ name }) => name).sort()
          : undefined
      })
      await settled()
      expect(changed).toEqual(['checkout-prod-1', 'checkout-prod-2'])
      const after = (await look()).filter(({ name, digest }) => digest !== before.get(name))
      expect(after.map(({ name }) => name).sort()).toEqual(['checkout-prod-1', 'checkout-prod-2'])
    } finally {
      await transport.close()
    }
    await demo.says(/checkout-prod-1 is Synced and Healthy at/)
    expect(await demo.end('SIGTERM')).toEqual({ code: 0, signal: null })
  })
})
