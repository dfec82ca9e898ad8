import { once } from 'node:events'
import http from 'node:http'
import type { AddressInfo } from 'node:net'
import { apiOver } from '@flotilla/hub/api/testing/api-over-loop'
import {
  APPS,
  application,
  CONFIG,
  cluster,
  configMap,
  LoopHarness,
  project,
} from '@flotilla/hub/loop/testing/loop-harness'
import { afterEach, expect, it } from 'vitest'
import { runInProcess } from '../testing/run-in-process.ts'

const closing: (() => void)[] = []
afterEach(() => {
  for (const close of closing.splice(0)) close()
})

it('flotilla cluster release shows what it would let go, does it with --yes, and is refused to whoever may not', async () => {
  const hub = new LoopHarness()
  hub.git.commit(CONFIG, {
    'clusters/eu-1.json': cluster('eu-1'),
    'projects/shop.json': project('shop'),
    'applications/web.json': application('web', APPS, 'apps/web'),
    'applications/api.json': application('api', APPS, 'apps/web'),
  })
  hub.git.commit(APPS, { 'apps/web/cm.json': configMap('web', {}) })
  await hub.start()
  await hub.refresh(APPS)
  await hub.join('eu-1')
  await hub.push(CONFIG, { 'clusters/eu-1.json': null, 'applications/web.json': null })
  const { app, admin, reader } = await apiOver(hub)
  const server = http.createServer(app)
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  closing.push(() => server.close())
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  const flotilla = async (token: string, words: string) =>
    await runInProcess([...words.split(' '), '--hub', url], { env: { FLOTILLA_TOKEN: token } })

  const shown = await flotilla(admin, 'cluster release eu-1')
  expect([shown.code, shown.stderr]).toEqual([1, 'nothing was done; --yes to let go of it\n'])
  expect(shown.stdout).toMatch(/^web +shop +planned/m)
  expect(shown.stdout).toMatch(/^api +shop +kept +it is still declared for this cluster/m)
  const refused = await flotilla(reader, 'cluster release eu-1 --yes')
  expect(refused.code).not.toBe(0)
  expect(hub.application('web').state).toBe('active')
  const unknown = await flotilla(admin, 'cluster release never-heard-of')
  expect([unknown.code, unknown.stderr]).toEqual([1, expect.stringContaining('has no Cluster "never-heard-of"')])

  const done = await flotilla(admin, 'cluster release eu-1 --yes --reason closed -o json')
  expect([done.code, JSON.parse(done.stdout)]).toMatchObject([
    0,
    { status: 'released', released: [{ name: 'web' }], kept: [{ name: 'api' }] },
  ])
  expect(hub.application('web')).toMatchObject({ state: 'withdrawn', removal: { policy: 'detach' } })
  const again = await flotilla(admin, 'cluster release eu-1 --yes')
  expect([again.code, again.stderr]).toEqual([1, 'nothing can be let go\n'])
})
