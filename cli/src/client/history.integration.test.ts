import { once } from 'node:events'
import http from 'node:http'
import type { AddressInfo } from 'node:net'
import { apiOver } from '@flotilla/hub/api/testing/api-over-loop'
import type { LoopHarness } from '@flotilla/hub/loop/testing/loop-harness'
import { oneApplicationTwice, WEB } from '@flotilla/hub/loop/testing/one-application'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { runInProcess } from '../testing/run-in-process.ts'

let hub: LoopHarness
let server: http.Server
let flotilla: (...words: string[]) => ReturnType<typeof runInProcess>
let asReader: typeof flotilla

/** An Application that has had two revisions, both with success. */
beforeAll(async () => {
  hub = await oneApplicationTwice()
  const { app, admin, reader } = await apiOver(hub)
  server = http.createServer(app)
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  const as =
    (token: string) =>
    async (...words: string[]) =>
      await runInProcess([...words, '--hub', url], { env: { FLOTILLA_TOKEN: token } })
  flotilla = as(admin)
  asReader = as(reader)
})
afterAll(() => void server?.close())

const history = async () =>
  JSON.parse((await flotilla('app', 'history', WEB, '-o', 'json')).stdout).items as {
    readonly id: string
    readonly revision: string
    readonly digest: string
  }[]

describe('flotilla app history and manifests', () => {
  it('show each operation, newest first, and exactly what it applied', async () => {
    const table = await asReader('app', 'history', WEB)
    expect([table.code, table.stdout.match(/Succeeded/g)]).toEqual([0, ['Succeeded', 'Succeeded']])
    expect((await asReader('app', 'history', WEB, '--limit', '1')).stdout.match(/Succeeded/g)).toHaveLength(1)
    const [second, first] = await history()
    const of = async (...words: string[]) => (await asReader('app', 'manifests', WEB, ...words)).stdout
    expect(await of()).toContain('greeting: salut')
    expect(await of('--digest', second!.digest)).toContain('greeting: salut')
    expect(await of('--revision', first!.revision.slice(0, 10))).toContain('greeting: hello')
    const none = await asReader('app', 'manifests', WEB, '--revision', 'ffffffff')
    expect([none.code, none.stdout]).toEqual([1, ''])
  })
})

describe('flotilla app rollback, pin and unpin', () => {
  it('show what they would do, and do nothing without --yes', async () => {
    const plan = await flotilla('app', 'rollback', WEB)
    expect(plan.code).toBe(1)
    expect(plan.stderr + plan.stdout).toContain('--yes')
    expect(hub.application(WEB).pin).toBeUndefined()
  })

  it('a rollback holds it to what was in force before, until it is unpinned', async () => {
    const [second, first] = await history()
    const done = await flotilla('app', 'rollback', WEB, '--reason', 'it hangs', '--yes', '--wait', '0')
    expect([done.code, done.stderr]).toEqual([0, ''])
    expect(hub.application(WEB)).toMatchObject({ pin: { revision: first!.revision, reason: 'it hangs' } })
    const again = await flotilla(
      'app',
      'pin',
      WEB,
      '--operation',
      second!.id,
      '--until',
      '2100-01-01T00:00:00Z',
      '--yes',
    )
    expect(again.code, again.stderr).toBe(0)
    expect(hub.application(WEB).pin).toMatchObject({ revision: second!.revision })
    const freed = await flotilla('app', 'unpin', WEB, '--reason', 'mended', '--yes')
    expect(freed.code, freed.stderr).toBe(0)
    expect(hub.application(WEB).pin).toBeUndefined()
    expect((await flotilla('app', 'unpin', WEB, '--yes')).code).toBe(1)
  })

  it('are refused to whoever may only read, and for what never was', async () => {
    const refused = await asReader('app', 'rollback', WEB, '--yes')
    expect(refused.code).not.toBe(0)
    const never = await flotilla('app', 'pin', WEB, '--operation', 'never-was', '--yes')
    expect(never.code).toBe(1)
    expect(hub.application(WEB).pin).toBeUndefined()
  })
})
