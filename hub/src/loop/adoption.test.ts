import { beforeEach, describe, expect, it } from 'vitest'
import { waitingAdoptions } from './decide-adoption.ts'
import { APPS, CONFIG, cluster, configMap, LoopHarness, project, set } from './testing/loop-harness.ts'

const ADOPTIONS = [{ tool: 'argocd' as const, count: 3 }]
let hub: LoopHarness
let eu1: string

beforeEach(async () => {
  hub = new LoopHarness()
  hub.git.commit(CONFIG, {
    'clusters/eu-1.json': cluster('eu-1'),
    'projects/shop.json': project('shop'),
    'sets/shop.json': set('shop'),
  })
  hub.git.commit(APPS, {
    'apps/web/cm.json': configMap('web', { greeting: 'hello' }),
    'apps/api/cm.json': configMap('api', { greeting: 'hello' }),
  })
  await hub.start()
  await hub.refresh(APPS)
  eu1 = await hub.join('eu-1')
  await hub.clock.advance(2_000)
  for (const name of ['web-eu-1', 'api-eu-1']) await hub.report(name, { adoptions: ADOPTIONS })
  await hub.clock.advance(60_000)
})

const waiting = () => hub.store.read(rows => waitingAdoptions(hub.loop.world, rows))
const offers = async () =>
  (await hub.documents(eu1)).flatMap(document => {
    const { typ, options } = document as { typ: string; options: { adoptFrom?: readonly string[] } }
    return typ === 'offer' ? [options.adoptFrom] : []
  })

describe('a set that would take over objects of another tool', () => {
  it('waits as one question, with everything counted', async () => {
    expect(hub.application('web-eu-1').hold).toMatchObject({
      code: 'ADOPTION',
      reason: expect.stringContaining('would adopt 3 objects tracked by Argo CD'),
    })
    expect(await waiting()).toMatchObject([
      { scope: { kind: 'set', name: 'platform/shop' }, objects: [{ tool: 'argocd', count: 6 }] },
    ])
  })

  it('goes on once somebody has approved it, and remembers that over a restart', async () => {
    const [question] = await waiting()
    const decision = { verdict: 'approved', wholeProject: false, by: 'ana', reason: 'moving' } as const
    await hub.loop.decideAdoption(question!.id, decision)
    await hub.clock.advance(2_000)
    expect(await offers()).toEqual([['argocd'], ['argocd']])
    expect(hub.application('web-eu-1').hold).toBeUndefined()
    expect((await hub.grants(eu1)).length).toBeGreaterThan(0)
    expect(await waiting()).toEqual([])
    const [entry] = await hub.store.read(rows => rows.audit({ limit: 1 }))
    expect(entry).toMatchObject({ actor: 'ana', action: 'adoption.approve', subject: 'set platform/shop' })
    await hub.restart()
    await hub.clock.advance(2_000)
    expect(await offers()).toEqual([['argocd'], ['argocd']])
  })

  it('waits on when it is refused, and says who did', async () => {
    const [question] = await waiting()
    const decision = { verdict: 'rejected', wholeProject: false, by: 'ben', reason: 'not yet' } as const
    await hub.loop.decideAdoption(question!.id, decision)
    await hub.clock.advance(2_000)
    expect(await offers()).toEqual([undefined, undefined])
    expect(await waiting()).toMatchObject([{ verdict: { verdict: 'rejected', by: 'ben' } }])
  })

  it('asks again for another tool', async () => {
    const [question] = await waiting()
    await hub.loop.decideAdoption(question!.id, { verdict: 'approved', wholeProject: true, by: 'ana', reason: '' })
    await hub.report('web-eu-1', { adoptions: [...ADOPTIONS, { tool: 'helm', count: 1 }] })
    await hub.clock.advance(60_000)
    expect(await waiting()).toMatchObject([{ objects: [{ tool: 'helm', count: 1 }] }])
  })

  it('knows no other question', async () => {
    const decision = { verdict: 'approved', wholeProject: false, by: 'ana', reason: '' } as const
    expect(await hub.loop.decideAdoption('adoption-none', decision)).toBeUndefined()
  })
})
