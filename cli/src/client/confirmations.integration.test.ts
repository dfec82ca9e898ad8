import { once } from 'node:events'
import http from 'node:http'
import type { AddressInfo } from 'node:net'
import { hubWithAdoption } from '@flotilla/hub/api/testing/hub-with-adoption'
import { afterEach, describe, expect, it } from 'vitest'
import { runInProcess } from '../testing/run-in-process.ts'

const closing: (() => void)[] = []
afterEach(() => {
  for (const close of closing.splice(0)) close()
})

async function opened() {
  const { hub, app, admin } = await hubWithAdoption()
  const server = http.createServer(app)
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  closing.push(() => server.close())
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  const flotilla = async (words: string) =>
    await runInProcess([...words.split(' '), '--hub', url], { env: { FLOTILLA_TOKEN: admin } })
  return { hub, flotilla }
}

describe('flotilla confirmation', () => {
  it('shows what waits, does nothing without --yes, and approves with it', async () => {
    const { hub, flotilla } = await opened()
    const list = await flotilla('confirmation list')
    expect(list.stdout).toMatch(/adoption +held +set platform\/shop +6 objects/)
    const id = (await flotilla('confirmation list -o name')).stdout.trim()
    const shown = await flotilla(`confirmation approve ${id}`)
    expect([shown.code, shown.stderr]).toEqual([1, expect.stringContaining('nothing was done')])
    expect(shown.stdout).toContain('web-eu-1')
    const done = await flotilla(`confirmation approve ${id} --reason moving --whole-project --yes`)
    expect([done.code, done.stdout]).toEqual([0, expect.stringContaining(`approved ${id}`)])
    await hub.clock.advance(2_000)
    const after = await flotilla('confirmation list')
    expect([after.code, after.stderr]).toEqual([0, 'nothing waits for a person\n'])
  })

  it('says what it does not know', async () => {
    const { flotilla } = await opened()
    expect((await flotilla('confirmation list --kind other')).code).toBe(2)
    expect((await flotilla('confirmation get none')).stderr).toContain('has no confirmation "none"')
  })
})
