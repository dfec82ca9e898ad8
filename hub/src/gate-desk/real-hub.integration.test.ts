import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { ChainVerifier } from '@flotilla/core/audit/verify-chain'
import { createClock } from '@flotilla/core/ports/create-clock'
import { seededRandom } from '@flotilla/core/ports/create-random'
import Sqlite from 'better-sqlite3'
import { expect, it } from 'vitest'
import { startHub } from '../start-hub.ts'
import { silentLog, withDirectory } from '../store/test-store.ts'

const CALENDAR =
  'BEGIN:VCALENDAR\r\nBEGIN:VEVENT\r\nUID:1\r\nSUMMARY:Day\r\nDTSTART;VALUE=DATE:20990501\r\nEND:VEVENT\r\nEND:VCALENDAR\r\n'

it('freezes, break-glass, calendars and the chain outlive the hub, and what is cut from its database shows', () =>
  withDirectory(async directory => {
    const heads: string[] = []
    const log = {
      ...silentLog,
      info: (message: string, fields?: Readonly<Record<string, unknown>>) => {
        if (message === 'head of the audit log') heads.push(String(fields?.['hash']))
      },
      child: () => log,
    }
    let asked = 0
    const server = createServer((_request, response) => {
      asked += 1
      response.writeHead(200, { 'content-type': 'text/calendar', etag: '"1"' }).end(CALENDAR)
    })
    await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
    const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/de.ics?key=secret`
    const start = () =>
      startHub(
        {
          ...{ dataDirectory: directory, listen: { host: '127.0.0.1', port: 0 }, version: '0.0.0' },
          ...{ configSources: [], gitBinary: false, hosts: { enabled: true, allowedProviders: [], secrets: [] } },
          calendars: [{ name: 'holidays', from: { kind: 'url', url }, refreshMs: 3_600_000 }],
        },
        { clock: createClock(globalThis), random: seededRandom(1), log },
      )
    let hub = await start()
    const admin = hub.adminToken!
    const ask = async (method: string, path: string, token: string, body?: object) => {
      const response = await fetch(hub.url + path, {
        method,
        headers: { authorization: `Bearer ${token}`, ...(body && { 'content-type': 'application/json' }) },
        ...(body && { body: JSON.stringify(body) }),
      })
      const text = await response.text()
      return { status: response.status, text, json: () => JSON.parse(text), headers: response.headers }
    }
    try {
      const tokenOf = async (name: string) =>
        (await ask('POST', '/api/v1/tokens', admin, { name, role: 'admin', kind: 'person' })).json().token as string
      const [ana, ben] = [await tokenOf('ana'), await tokenOf('ben')]
      const now = { name: 'stop', reason: 'it burns', until: '+1h' }
      expect((await ask('POST', '/api/v1/freezes/now', ana, now)).json()).toMatchObject({ state: 'active' })
      const waiting = (await ask('POST', '/api/v1/freezes/stop/end', ana, { reason: 'out' })).json().waiting
      expect((await ask('POST', `/api/v1/overrides/${waiting.id}/approve`, ben, {})).status).toBe(200)
      await expect
        .poll(async () => (await ask('GET', '/api/v1/calendars', ana)).json().items)
        .toMatchObject([{ name: 'holidays', events: 1, error: null }])
      await hub.stop()

      hub = await start()
      expect((await ask('GET', '/api/v1/freezes/stop', ana)).json()).toMatchObject({
        state: 'ended',
        ended: { by: 'ana' },
      })
      expect((await ask('GET', '/api/v1/overrides?review=open', ana)).json()).toMatchObject({ total: 1 })
      const exported = await ask('GET', '/api/v1/audit/export', admin)
      const [number, head] = exported.headers.get('flotilla-audit-head')!.split(' ') as [string, string]
      expect(verified(exported.text, head)).toMatchObject({ intact: true })
      expect(exported.text).not.toContain('secret')
      await hub.stop()
      expect(heads).toContain(head)

      const database = new Sqlite(join(directory, 'hub.db'))
      // The head that was told, and what came after it.
      database.prepare('DELETE FROM audit WHERE sequence > ?').run(Number(number) - 2)
      database.close()
      hub = await start()
      const cut = (await ask('GET', '/api/v1/audit/export', admin)).text
      expect(verified(cut, head).mistakes.map(({ kind }) => kind)).toContain('head')
      await ask('POST', '/api/v1/tokens', admin, { name: 'later' })
      const after = (await ask('GET', '/api/v1/audit/export', admin)).text
      expect(verified(after).mistakes.map(({ kind }) => kind)).toContain('missing')
      expect(asked).toBeGreaterThan(0)
    } finally {
      await hub.stop()
      server.closeAllConnections()
      server.close()
    }
  }))

it('what gates did while no hub ran is told by the next one, once, with its true instant', () =>
  withDirectory(async directory => {
    const real = createClock(globalThis)
    const start = (laterMs: number) =>
      startHub(
        {
          ...{ dataDirectory: directory, listen: { host: '127.0.0.1', port: 0 }, version: '0.0.0' },
          ...{ configSources: [], gitBinary: false },
        },
        {
          clock: {
            now: () => real.now() + laterMs,
            monotonicMs: () => real.monotonicMs(),
            setTimer: (delayMs, work) => real.setTimer(delayMs, work),
            sleep: (delayMs, signal) => real.sleep(delayMs, signal),
          },
          random: seededRandom(laterMs),
          log: silentLog,
        },
      )
    const MINUTE_MS = 60_000
    let hub = await start(0)
    const headers = { authorization: `Bearer ${hub.adminToken!}`, 'content-type': 'application/json' }
    const at = (minutes: number) => new Date(Math.ceil(real.now() / MINUTE_MS + minutes) * MINUTE_MS).toISOString()
    const [from, until] = [at(30), at(60)]
    const told = async () => {
      const answer = await fetch(`${hub.url}/api/v1/activity?kind=freeze`, { headers })
      const { items } = (await answer.json()) as { items: { event: string; at: string; subject: string }[] }
      return items.map(each => `${each.event} ${each.subject} ${each.at}`).toSorted()
    }
    try {
      const when = [{ from, until }]
      const spec = { level: 'hard', reason: 'closing', scope: { all: true }, when }
      const body = JSON.stringify({
        ...{ apiVersion: 'flotilla.dev/v1alpha1', kind: 'FreezePeriod', metadata: { name: 'stop' }, spec },
      })
      expect((await fetch(`${hub.url}/api/v1/freezes`, { method: 'POST', headers, body })).status).toBe(201)
      expect(await told()).toEqual([expect.stringContaining('freeze.made')])
      await hub.stop()
      for (const hours of [2, 3]) {
        hub = await start(hours * 60 * MINUTE_MS)
        expect(await told()).toEqual([
          `freeze.ended FreezePeriod/stop ${until}`,
          expect.stringContaining('freeze.made'),
          `freeze.started FreezePeriod/stop ${from}`,
        ])
        await hub.stop()
      }
    } finally {
      await hub.stop()
    }
  }))

function verified(text: string, head?: string) {
  const verifier = new ChainVerifier(head === undefined ? {} : { head: head as `sha256:${string}` })
  for (const line of text.split('\n')) verifier.take(line)
  return verifier.report()
}
