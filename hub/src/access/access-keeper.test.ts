import { load } from '@flotilla/config/load'
import { LoadCache } from '@flotilla/config/load-cache'
import { parsePolicy } from '@flotilla/core/access/parse-policy'
import { describe, expect, it } from 'vitest'
import { MemoryStore } from '../store/memory-store.ts'
import { sampleApplication } from '../store/sample-rows.ts'
import { AccessKeeper } from './access-keeper.ts'
import { putAgreements } from './agreements.ts'
import { applicationObject } from './objects.ts'

const POLICY = `apiVersion: flotilla.dev/v1alpha1
kind: AccessPolicy
metadata: { name: fleet }
spec:
  policy: |
    p, role:dev, applications, get, shop/*, allow
    g, sso:devs, role:dev
`
const TEAM = `apiVersion: flotilla.dev/v1alpha1
kind: Team
metadata: { name: shop }
spec: { members: { groups: ["sso:devs"] }, owns: { projects: [shop] } }
`
const dev = { principal: { kind: 'person', subject: 'ana', groups: ['sso:devs'] } } as const
const view = { name: 'web', project: 'shop', labels: {}, cluster: 'eu-1', environment: null }

function fleetOf(files: { readonly [path: string]: string }, cache = new LoadCache()) {
  const list = Object.entries(files).map(([path, text]) => ({ path, text }))
  return load({ source: 'platform', trust: { kind: 'all' }, files: list, cache }).fleet
}

describe('the policy in force', () => {
  it('is the built-in one until documents say more', async () => {
    const keeper = new AccessKeeper()
    const admin = { principal: { kind: 'subject', subject: 'role:admin' } } as const
    expect(keeper.rightsOf(admin, 0).may('sync', applicationObject(view))).toBe(true)
    expect(keeper.rightsOf(dev, 0).sees(applicationObject(view))).toBe(false)
    await keeper.take(fleetOf({ 'a.yaml': POLICY }), new Map())
    expect(keeper.rightsOf(dev, 0).sees(applicationObject(view))).toBe(true)
  })

  it('is numbered by what it means: a document that moves is no new version, and its rows are found where they are', async () => {
    const keeper = new AccessKeeper()
    let told = 0
    keeper.onChange(() => void told++)
    await keeper.take(fleetOf({ 'a.yaml': POLICY }), new Map())
    const first = keeper.now
    await keeper.take(fleetOf({ 'b.yaml': `# moved\n${POLICY}` }), new Map())
    expect([keeper.now.version, first.version]).toEqual(['policy-1', 'policy-1'])
    const { because } = keeper.rightsOf(dev, 0).authorise('get', applicationObject(view))
    expect(because.map(({ place }) => `${place?.source} ${place?.file}:${place?.line}`)).toEqual(['platform b.yaml:7'])
    await keeper.take(fleetOf({ 'b.yaml': `${POLICY}---\n${TEAM}` }), new Map())
    expect([keeper.now.version, told]).toEqual(['policy-2', 3])
  })

  it('makes nobody an administrator whom the hub’s settings do not list', async () => {
    const admins = ['sso:platform']
    const keeper = new AccessKeeper({ rows: [], admins })
    const text = `${POLICY}    g, sso:devs, role:admin\n    g, sso:platform, role:admin\n  scopes: [nickname]\n`
    await keeper.take(fleetOf({ 'a.yaml': text }), new Map())
    expect(keeper.held).toMatchObject([{ subject: 'sso:devs', text: 'g, sso:devs, role:admin' }])
    const accounts = { resource: 'accounts', name: 'eve' }
    expect(keeper.rightsOf(dev, 0).may('update', accounts)).toBe(false)
    expect(keeper.rightsOf(dev, 0).sees(applicationObject(view))).toBe(true)
    const platform = { principal: { kind: 'person', subject: 'ben', groups: ['sso:platform'] } } as const
    expect(keeper.rightsOf(platform, 0).may('update', accounts)).toBe(true)
    expect(keeper.now.scopes).toEqual(['groups'])
    const open = new AccessKeeper()
    await open.take(fleetOf({ 'a.yaml': text }), new Map())
    expect(open.rightsOf(dev, 0).may('update', accounts)).toBe(true)
    expect(open.now.scopes).toEqual(['nickname'])
  })

  it('what two people agreed to is in force after a restart, by a version of its own; one of them is not enough', async () => {
    const text = `${POLICY}    g, sso:devs, role:admin\n`
    const own = { rows: [], twoPersons: true }
    const first = new AccessKeeper(own)
    await first.take(fleetOf({ 'a.yaml': text }), new Map())
    const [held] = first.held
    const person = (by: string) => ({ by, subjects: [`provider ${by}`], at: 1, comment: '' })
    const accounts = { resource: 'accounts', name: 'eve' }
    for (const [people, may] of [
      [[person('ben')], false],
      // One subject by two names is one person.
      [[person('ben'), { ...person('benjamin'), subjects: ['provider ben'] }], false],
      [[person('ben'), person('eve')], true],
    ] as const) {
      const store = new MemoryStore()
      await store.write(rows => putAgreements(rows, [{ id: held!.id, subject: 'sso:devs', text: held!.text, people }]))
      const keeper = new AccessKeeper(own)
      await store.read(rows => keeper.restore(rows))
      await keeper.take(fleetOf({ 'a.yaml': text }), new Map(), store)
      expect([keeper.rightsOf(dev, 0).may('update', accounts), keeper.held.length]).toEqual([may, may ? 0 : 1])
      const before = keeper.now.version
      await keeper.takeAgreements([], store)
      expect(keeper.rightsOf(dev, 0).may('update', accounts)).toBe(false)
      expect(keeper.now.version === before).toBe(!may)
    }
  })

  it('nothing is made anew where nothing has changed', async () => {
    const keeper = new AccessKeeper()
    const cache = new LoadCache()
    await keeper.take(fleetOf({ 'a.yaml': POLICY }, cache), new Map())
    const before = keeper.now
    await keeper.take(fleetOf({ 'a.yaml': POLICY }, cache), new Map())
    expect(keeper.now).toBe(before)
  })

  it('the roles of a Project that has left its source stay', async () => {
    const keeper = new AccessKeeper()
    const policies = ['p, proj:shop:dev, applications, get, shop/*, allow']
    const spec = { roles: [{ name: 'dev', policies, groups: ['sso:devs'] }] }
    await keeper.take(fleetOf({}), new Map([['shop', spec as never]]))
    expect(keeper.rightsOf(dev, 0).sees(applicationObject(view))).toBe(true)
  })

  it("the hub's own rows stay whatever documents say", async () => {
    const place = { file: 'hub.yaml', line: 1, column: 1 }
    const keeper = new AccessKeeper({ rows: parsePolicy('g, sso:platform, role:admin', () => place).rows })
    const platform = { principal: { kind: 'person', subject: 'eve', groups: ['sso:platform'] } } as const
    const each: readonly { readonly [path: string]: string }[] = [{}, { 'a.yaml': POLICY }]
    for (const files of each) {
      await keeper.take(fleetOf(files), new Map())
      expect(keeper.rightsOf(platform, 0).may('sync', applicationObject(view))).toBe(true)
    }
  })
})

describe('rights of one caller', () => {
  const rights = async (asker: Parameters<AccessKeeper['rightsOf']>[0], policy = POLICY) => {
    const keeper = new AccessKeeper()
    await keeper.take(fleetOf({ 'a.yaml': policy }), new Map())
    return keeper.rightsOf(asker, 0)
  }
  const admin = { kind: 'subject', subject: 'role:admin' } as const

  it('never more than any of those who vouch for him', async () => {
    const asked = await rights({ principal: admin, ceilings: [dev.principal] })
    expect(asked.may('get', applicationObject(view))).toBe(true)
    expect(asked.authorise('sync', applicationObject(view)).kind).toBe('forbidden')
    expect(asked.authorise('get', applicationObject({ ...view, project: 'bank' })).kind).toBe('hidden')
  })

  it('and never beyond the scopes of the token', async () => {
    const asked = await rights({ principal: admin, scopes: [{ projects: ['shop'], actions: ['get'] }] })
    expect(asked.authorise('get', applicationObject(view)).kind).toBe('allow')
    expect(asked.authorise('sync', applicationObject(view)).kind).toBe('forbidden')
    expect(asked.authorise('get', applicationObject({ ...view, project: 'bank' })).kind).toBe('hidden')
    expect(asked.visible.sees({ ...sample(), project: 'bank' })).toBe(false)
    expect(asked.visible.sees(sample())).toBe(true)
  })

  it('whoever sees all has the one set of all, and nobody else has', async () => {
    expect((await rights({ principal: admin })).visible.key).toBe('*')
    expect((await rights(dev)).visible.key).not.toBe('*')
    expect((await rights({ principal: admin, ceilings: [dev.principal] })).visible.key).not.toBe('*')
  })

  it('a cluster goes by its name and its URLs: one of them allows, and one denies', async () => {
    const objects = ['eu-1', 'https://eu-1.example.com'].map(name => ({ resource: 'clusters', name, cluster: 'eu-1' }))
    const row = (object: string, effect = 'allow') => `${POLICY}    p, sso:devs, clusters, get, ${object}, ${effect}\n`
    expect((await rights(dev)).mayOneOf('get', objects)).toBe(false)
    expect((await rights(dev, row('eu-1'))).mayOneOf('get', objects)).toBe(true)
    expect((await rights(dev, row('https://eu-1.example.com'))).mayOneOf('get', objects)).toBe(true)
    expect((await rights(dev, row('*') + row('eu-1', 'deny').slice(POLICY.length))).mayOneOf('get', objects)).toBe(
      false,
    )
  })

  function sample() {
    const { id, name } = sampleApplication({ name: 'web' })
    return { ...view, id, name } as never as Parameters<Awaited<ReturnType<typeof rights>>['visible']['sees']>[0]
  }
})
