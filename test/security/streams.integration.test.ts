import { once } from 'node:events'
import { createServer, request as httpRequest, type IncomingMessage, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { putRows } from '@flotilla/hub/access/testing/policy-of'
import { tokenOf } from '@flotilla/hub/access/testing/principals'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { ADMIN, ANA, POLICY, type TwoTeams, twoTeams } from './helpers/two-teams.ts'

let fleet: TwoTeams
let server: Server
beforeEach(async () => {
  fleet = await twoTeams()
  server = createServer(fleet.api.app).listen(0, '127.0.0.1')
  await once(server, 'listening')
})
afterEach(async () => {
  server.closeAllConnections()
  server.close()
  await fleet.close()
})

async function openWatch(token: string): Promise<{ readonly ended: Promise<unknown>; readonly status: number }> {
  const { port } = server.address() as AddressInfo
  const headers = { authorization: `Bearer ${token}` }
  const asked = httpRequest({ port, host: '127.0.0.1', path: '/api/v1/watch', headers })
  asked.end()
  const [response] = (await once(asked, 'response')) as [IncomingMessage]
  const ended = once(response, 'close')
  response.resume()
  return { ended, status: response.statusCode ?? 0 }
}

describe('Argo CD CVE-2024-41666: a session went on after its rights were gone', () => {
  test('a stream ends when its token is revoked, within a minute', async () => {
    const token = await tokenOf(fleet.api, ANA)
    const stream = await openWatch(token)
    expect(stream.status).toBe(200)
    const id = /^flt_([^.]+)/.exec(token)![1]!
    await fleet.ask(ADMIN, 'delete', `/api/v1/tokens/${id}`).expect(200)
    fleet.api.clock.move(60_000)
    await stream.ended
    expect((await openWatch(token)).status).toBe(401)
  })

  test('a stream ends when the policy takes its rights, within a minute', async () => {
    const stream = await openWatch(await tokenOf(fleet.api, ANA))
    putRows(fleet.access, POLICY.replace('g, sso:shop, role:dev', ''), { teams: [] })
    fleet.api.clock.move(60_000)
    await stream.ended
  })
})
