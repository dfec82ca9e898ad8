import { once } from 'node:events'
import http from 'node:http'
import type { AddressInfo } from 'node:net'
import { openTestApi, type TestApi } from '@flotilla/hub/api/test-api'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { runInProcess } from '../testing/run-in-process.ts'

let api: TestApi
let server: http.Server
let url: string

beforeAll(async () => {
  api = await openTestApi()
  server = http.createServer(api.app).listen(0, '127.0.0.1')
  await once(server, 'listening')
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
})
afterAll(async () => {
  server.closeAllConnections()
  await new Promise(resolve => server.close(resolve))
  await api.close()
})

const flotilla = (words: string, token = api.admin) =>
  runInProcess([...words.split(' '), '--hub', url], { cwd: '/', env: { FLOTILLA_TOKEN: token } })

describe('flotilla notification', () => {
  it('lists routes and what does not get through', async () => {
    const { code, stdout } = await flotilla('notification list')
    expect(code).toBe(0)
    expect(stdout).toMatch(/^oncall +- +on-health-degraded +chat +0 +0 +1 +chat\.example\.com: answered 404$/m)
  })

  it('lists dead messages, and tries one again', async () => {
    const { stdout } = await flotilla('notification messages --state dead')
    expect(stdout).toMatch(
      /^message-1 +oncall +chat +firing +dead +shop is Degraded +1 +chat\.example\.com: answered 404$/m,
    )
    expect((await flotilla('notification messages --state broken')).stderr).toContain(
      '--state takes waiting, sent, dead',
    )
    const again = await flotilla('notification retry message-1')
    expect([again.code, again.stdout]).toEqual([0, expect.stringMatching(/^message-1 .* waiting/m)])
    const none = await flotilla('notification retry message-2')
    expect([none.code, none.stderr]).toEqual([1, expect.stringContaining('message "message-2"')])
  })

  it('tests a route', async () => {
    const tested = await flotilla('notification test oncall -o json')
    expect(JSON.parse(tested.stdout)).toMatchObject({ items: [{ route: 'oncall', target: 'chat', kind: 'test' }] })
    expect((await flotilla('notification test nobody')).code).toBe(1)
  })
})
