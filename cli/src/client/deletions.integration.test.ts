import { once } from 'node:events'
import http from 'node:http'
import type { AddressInfo } from 'node:net'
import { hubWithRemoval, removedFolders } from '@flotilla/hub/api/testing/hub-with-removal'
import { APPS } from '@flotilla/hub/loop/testing/loop-harness'
import { afterEach, describe, expect, it } from 'vitest'
import { runInProcess } from '../testing/run-in-process.ts'

const closing: (() => void)[] = []
afterEach(() => {
  for (const close of closing.splice(0)) close()
})

async function opened() {
  const { hub, app, admin, reader, plan } = await hubWithRemoval()
  const server = http.createServer(app)
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  closing.push(() => server.close())
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  const flotilla = (token: string) => async (words: string) =>
    await runInProcess([...words.split(' '), '--hub', url], { env: { FLOTILLA_TOKEN: token } })
  return { hub, plan, flotilla: flotilla(admin), asReader: flotilla(reader) }
}

describe('flotilla appset', () => {
  it('list and get tell whether a set is ready, and why it is not', async () => {
    const { asReader } = await opened()
    const list = await asReader('appset list')
    expect(list.code).toBe(0)
    expect(list.stdout).toMatch(/^shop +platform +no +DeletionHeld +4 /m)
    expect(list.stdout).toMatch(/^other +platform +yes +UpToDate +0 /m)
    expect((await asReader('appset list -o name')).stdout).toBe('other\nshop\n')
    const { stdout } = await asReader('appset get shop')
    expect(stdout).toContain('not ready: set "shop" would remove 4 of its 4 Applications: nothing would be left')
    expect(stdout).toContain('generator: 0 ok, 0 Applications')
    expect((await asReader('appset get none')).stderr).toContain('has no ApplicationSet "none"')
  })

  it('deletions names every Application and what becomes of it', async () => {
    const { asReader, plan } = await opened()
    for (const words of ['appset deletions', 'appset deletions shop']) {
      const { code, stdout } = await asReader(words)
      expect(code).toBe(0)
      expect(stdout).toContain(`${plan.id}  shop  held   4 of 4   1`)
      for (const name of ['a', 'b', 'c', 'd']) {
        expect(stdout).toMatch(new RegExp(`^${name}-eu-1 +eu-1 +shop +its objects are deleted$`, 'm'))
      }
    }
    expect((await asReader('appset deletions -o name')).stdout).toBe(`${plan.id}\n`)
    const whole = JSON.parse((await asReader('appset deletions -o json')).stdout) as { items: { id: string }[] }
    expect(whole.items).toMatchObject([{ id: plan.id, digest: plan.digest }])
  })

  it('says so when nothing waits', async () => {
    const { asReader } = await opened()
    const other = await asReader('appset deletions other')
    expect([other.code, other.stderr]).toEqual([0, 'nothing of set "other" waits for approval\n'])
    expect((await asReader('appset deletions --state rejected')).stderr).toBe('there is no such removal\n')
    expect((await asReader('appset deletions none')).code).toBe(1)
    const wrong = await asReader('appset deletions --state some')
    expect([wrong.code, wrong.stderr]).toEqual([2, expect.stringContaining('--state takes held, rejected')])
    expect((await asReader('appset approve other --yes')).stderr).toContain('nothing of set "other" waits')
  })

  it('approve shows the list and does nothing without --yes', async () => {
    const { hub, flotilla, plan } = await opened()
    const { code, stdout, stderr } = await flotilla('appset approve shop')
    expect(code).toBe(1)
    expect(stdout).toContain('d-eu-1')
    expect(stderr).toContain(`flotilla appset approve shop --id ${plan.id} --yes`)
    expect(hub.application('a-eu-1').state).toBe('active')
  })

  it('approve lets go, once, and an administrator alone may', async () => {
    const { hub, flotilla, asReader, plan } = await opened()
    expect((await asReader('appset approve shop --yes')).code).toBe(3)
    const { code, stdout } = await flotilla('appset approve shop --reason moved --yes')
    expect(code).toBe(0)
    expect(stdout).toMatch(/^d-eu-1 /m)
    expect(stdout.split('\n').at(-2)).toBe(`approved ${plan.id}: 4 Applications are let go`)
    expect(hub.application('a-eu-1').state).toBe('withdrawn')
    expect((await flotilla(`appset approve ${plan.id} --yes`)).code).toBe(0)
    const late = await flotilla(`appset reject ${plan.id} --yes`)
    expect([late.code, late.stderr]).toEqual([1, expect.stringContaining('It was approved before')])
    const decided = await asReader('appset deletions --state approved')
    expect(decided.stdout).toMatch(/approved by admin at \S+: moved/)
  })

  it('reject keeps them', async () => {
    const { hub, flotilla, plan } = await opened()
    const { stdout } = await flotilla('appset reject shop --reason mistake --yes')
    expect(stdout.split('\n').at(-2)).toBe(`rejected ${plan.id}: 4 Applications stay until the list changes`)
    expect(hub.application('a-eu-1').state).toBe('active')
  })

  it('an id whose list has changed is refused', async () => {
    const { hub, flotilla, plan } = await opened()
    await hub.push(APPS, { 'apps/a/cm.json': removedFolders('here')['apps/a/cm.json']! })
    const { code, stderr } = await flotilla(`appset approve shop --id ${plan.id} --yes`)
    expect([code, stderr]).toEqual([1, expect.stringContaining('The list is another one now')])
    expect(hub.application('b-eu-1').state).toBe('active')
  })
})
