import type { TombstonePayload } from '@flotilla/core/protocol/documents'
import { expect, it } from 'vitest'
import { APPS, CONFIG, cluster, configMap, LoopHarness, project, set } from './testing/loop-harness.ts'

const DEPLOYER = 'system:serviceaccount:shop:deployer'
const CLEANER = 'system:serviceaccount:shop:cleaner'
const HOUR = 3_600_000

/** One of two Applications is withdrawn while its Project says this of accounts. */
async function withdrawn(then: object | null) {
  const hub = new LoopHarness()
  const shop = (spec: object): string => {
    const document = JSON.parse(project('shop')) as { readonly spec: object }
    return JSON.stringify({ ...document, spec: { ...document.spec, ...spec } })
  }
  const as = (defaultServiceAccount: string) => ({
    destinationServiceAccounts: [{ server: '*', namespace: '*', defaultServiceAccount }],
  })
  hub.git.commit(CONFIG, {
    'clusters/eu-1.json': cluster('eu-1'),
    'projects/shop.json': shop(as('deployer')),
    'sets/shop.json': set('shop'),
  })
  hub.git.commit(APPS, {
    'apps/web/cm.json': configMap('web', { greeting: 'hello' }),
    'apps/api/cm.json': configMap('api', { greeting: 'hello' }),
  })
  await hub.start()
  await hub.refresh(APPS)
  const id = await hub.join('eu-1')
  await hub.clock.advance(2_000)
  const document = async (typ: string) =>
    (await hub.documents(id)).find(found => {
      const { typ: of, application } = found as unknown as TombstonePayload
      return of === typ && application.name === 'api-eu-1'
    }) as TombstonePayload | undefined
  expect(await document('offer')).toMatchObject({ ceiling: { serviceAccount: DEPLOYER } })
  if (then) await hub.push(CONFIG, { 'projects/shop.json': shop(then) })
  await hub.push(APPS, { 'apps/api/cm.json': null })
  await hub.loop.idle()
  await hub.clock.advance(HOUR)
  await hub.loop.idle()
  const grants = async () => (await hub.grants(id)).filter(({ trigger }) => trigger === 'delete')
  return { hub, id, document, grants, as, shop }
}

it('is the one that the Project is applied as, and an older agent refuses a Tombstone that names one', async () => {
  const { document, grants } = await withdrawn(null)
  const tombstone = await document('tombstone')
  expect(tombstone).toMatchObject({ serviceAccount: DEPLOYER })
  expect(tombstone?.must).toContain('serviceAccount')
  expect(await grants()).toHaveLength(1)
})

it('is what the Project says by now', async () => {
  const cleaner = { destinationServiceAccounts: [{ server: '*', namespace: 'shop', defaultServiceAccount: 'cleaner' }] }
  const { document } = await withdrawn(cleaner)
  expect(await document('tombstone')).toMatchObject({ serviceAccount: CLEANER })
})

it('where none is named for the destination any more, nothing is removed until one is', async () => {
  const elsewhere = { destinationServiceAccounts: [{ namespace: 'other', defaultServiceAccount: 'deployer' }] }
  const { hub, document, grants, as, shop } = await withdrawn(elsewhere)
  expect(await document('tombstone')).toMatchObject({ serviceAccount: DEPLOYER })
  expect(await grants()).toEqual([])
  expect(hub.application('api-eu-1').hold).toMatchObject({ code: 'SERVICE_ACCOUNT_MISSING' })
  await hub.push(CONFIG, { 'projects/shop.json': shop(as('cleaner')) })
  await hub.loop.idle()
  await hub.clock.advance(HOUR)
  expect(await document('tombstone')).toMatchObject({ serviceAccount: CLEANER })
  expect(await grants()).toHaveLength(1)
})

it('a Project that is gone leaves the account that it was applied as', async () => {
  const { hub, document } = await withdrawn(null)
  await hub.push(CONFIG, { 'projects/shop.json': null })
  await hub.loop.idle()
  await hub.clock.advance(HOUR)
  expect(await document('tombstone')).toMatchObject({ serviceAccount: DEPLOYER })
})
