import { once } from 'node:events'
import http from 'node:http'
import type { AddressInfo } from 'node:net'
import { policyOf } from '@flotilla/hub/access/testing/policy-of'
import { tokenOf } from '@flotilla/hub/access/testing/principals'
import { openTestApi } from '@flotilla/hub/api/test-api'
import { sampleApplication } from '@flotilla/hub/store/sample-rows'
import { afterEach, describe, expect, it } from 'vitest'
import { runInProcess } from '../testing/run-in-process.ts'

const closing: (() => unknown)[] = []
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close()
})

const ROWS =
  'p, role:dev, applications, get, shop/*, allow\np, role:dev, applications, sync, shop/web, allow\ng, sso:shop, role:dev\n'
const SHOP = {
  ...{ name: 'shop', users: [], groups: ['sso:shop'], owns: ['shop'], watches: ['plat*'] },
  place: { source: 'platform', file: 'teams/shop.yaml', line: 4, column: 7 },
}

async function opened() {
  const api = await openTestApi({}, { access: policyOf(ROWS, { teams: [SHOP] }) })
  closing.push(() => api.close())
  await api.write(
    async rows => {
      for (const [name, project] of [
        ['web', 'shop'],
        ['vault', 'bank'],
      ] as const) {
        const document = { metadata: { name }, spec: { project, destination: { name: 'eu-1', namespace: 'n' } } }
        await rows.putApplication(sampleApplication({ id: name, name, project, document }))
      }
    },
    { applications: ['web', 'vault'] },
  )
  const server = http.createServer(api.app)
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  closing.push(() => server.close())
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  const dev = await tokenOf(api, { kind: 'person', subject: 'ana', groups: ['sso:shop'] })
  const flotilla = async (words: string, token = dev) =>
    await runInProcess([...words.split(' '), '--hub', url], { env: { FLOTILLA_TOKEN: token } })
  return { api, flotilla }
}

describe('flotilla team and project', () => {
  it('show what is of the team', async () => {
    const { flotilla } = await opened()
    expect((await flotilla('team list')).stdout).toMatch(/shop +\S+ +shop +plat\* +1/)
    expect((await flotilla('team get shop')).stdout).toContain('groups: sso:shop')
    const overview = await flotilla('team overview shop')
    expect(overview.stdout).toContain('shop: 1 Applications')
    expect(overview.stdout).not.toContain('vault')
    expect((await flotilla('project list')).stdout).toMatch(/shop +declared +shop +1/)
    expect((await flotilla('project get shop')).stdout).toContain('role dev: sso:shop')
    const none = await flotilla('team get other')
    expect([none.code, none.stderr]).toEqual([1, expect.stringContaining('no Team "other"')])
  })

  it('a shared view is a token that sees it', async () => {
    const { flotilla } = await opened()
    const made = await flotilla('team share shop --expires +1h --note visitors')
    expect([made.code, made.stderr]).toEqual([0, expect.stringContaining('flotilla token revoke')])
    const token = made.stdout.trim()
    expect((await flotilla('app list -o name', token)).stdout.trim()).toBe('web')
    expect((await flotilla('team get shop', token)).stdout).not.toContain('sso:shop')
  })
})

describe('flotilla rbac, of a hub', () => {
  it('says what one may oneself, and of others with the row to whoever may read the policy', async () => {
    const { api, flotilla } = await opened()
    expect([await flotilla('rbac can me sync app shop/web')].map(({ code, stdout }) => [code, stdout])).toEqual([
      [0, 'Yes\n'],
    ])
    expect((await flotilla('rbac can me sync app bank/vault')).stdout).toBe('No\n')
    expect((await flotilla('rbac can sso:shop sync app shop/web')).code).not.toBe(0)
    const { stdout } = await flotilla('rbac explain zoe sync app shop/web --groups sso:shop', api.admin)
    expect(stdout).toContain('allow: it may be done (policy-1)')
    expect(stdout).toContain('policy.csv:2 p, role:dev, applications, sync, shop/web, allow')
    const wrong = await flotilla('rbac can me synch app shop/web')
    expect([wrong.code, wrong.stderr]).toEqual([2, expect.stringContaining('synch')])
    expect((await flotilla('rbac can me sync app shop/web --strict')).code).toBe(2)
  })
})
