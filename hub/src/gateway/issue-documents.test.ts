import { timeOfUuid } from '@flotilla/core/identity/uuid'
import { sha256 } from '@flotilla/core/json/canonical-json'
import { seededRandom } from '@flotilla/core/ports/create-random'
import { VirtualClock } from '@flotilla/core/ports/virtual-clock'
import { OPEN_CEILING, SAMPLE_OPTIONS } from '@flotilla/core/protocol/samples'
import { readDocument } from '@flotilla/core/protocol/signed-document'
import { beforeEach, describe, expect, test } from 'vitest'
import { MemoryStore } from '../store/memory-store.ts'
import { sampleApplication, sampleCluster, sampleOperation } from '../store/sample-rows.ts'
import { type HubKeys, hubKeysOf, newHubKeyFile } from './hub-keys.ts'
import { issueCalendar, issueGrant, issueOffer, issueTombstone, type OfferContent } from './issue-documents.ts'

const HOUR_MS = 60 * 60_000
const application = { id: 'app-1', name: 'shop-eu-1', project: 'shop' }
const content: OfferContent = {
  application,
  digest: sha256('bundle'),
  size: 100,
  revision: 'abc',
  namespace: 'shop',
  options: SAMPLE_OPTIONS,
  ceiling: OPEN_CEILING,
  ignoreDifferences: [],
}

let clock: VirtualClock
let store: MemoryStore
let keys: HubKeys
const random = seededRandom(3)
const open = { intervals: [], void: [], horizonMs: 48 * HOUR_MS }

beforeEach(async () => {
  clock = new VirtualClock({ startAt: Date.UTC(2030, 0, 1), settle: () => Promise.resolve() })
  store = new MemoryStore()
  keys = hubKeysOf(newHubKeyFile(random, clock.now(), 'hub-1'))
  await store.write(async rows => {
    await rows.putCluster(sampleCluster({ id: 'cluster-1' }))
    await rows.putApplication(sampleApplication({ id: 'app-1', clusterId: 'cluster-1' }))
  })
})

const offer = (over: Partial<OfferContent> = {}) =>
  store.write(rows => issueOffer(rows, keys, clock, 'cluster-1', { ...content, ...over }))
const calendar = (over: Partial<typeof open> = {}) =>
  store.write(rows => issueCalendar(rows, keys, clock, 'cluster-1', { ...open, ...over }))
const grant = (decidedWith?: { epoch: number; n: number }) =>
  store.write(rows =>
    issueGrant(rows, keys, clock, random, 'cluster-1', {
      applicationId: 'app-1',
      trigger: 'automated',
      by: 'hub',
      options: { dryRun: false, prune: true, revision: 'abc' },
      passes: [],
      ...(decidedWith && { decidedWith }),
    }),
  )

describe('issuing documents', () => {
  test('gives a later Grant a later time, though the clock was set back meanwhile', async () => {
    await calendar()
    await offer()
    const times: number[] = []
    for (const stepMs of [0, -HOUR_MS, 0, 2 * HOUR_MS]) {
      clock.step(stepMs)
      const given = await grant()
      if (given.kind !== 'issued') throw new Error(given.kind)
      expect(timeOfUuid(given.grant.id)).toBe(given.grant.iat)
      // How long it may wait to be started goes by the clock as it is.
      expect(given.grant.startBefore).toBe(clock.now() + HOUR_MS / 4)
      times.push(given.grant.iat)
      // Started or not, it counts.
      const row = await store.read(rows => rows.grant(given.grant.id))
      await store.write(async rows => {
        await rows.putGrant({ ...row!, state: 'started' })
        await rows.putOperation(sampleOperation({ id: given.grant.id, applicationId: 'app-1', clusterId: 'cluster-1' }))
      })
    }
    const [first = 0] = times
    expect(times).toEqual([first, first + 1, first + 2, first + HOUR_MS])
  })

  test('gives it a later time than one that was taken back, which its agent may have begun', async () => {
    await offer()
    const before = await grant()
    if (before.kind !== 'issued') throw new Error(before.kind)
    const row = await store.read(rows => rows.grant(before.grant.id))
    await store.write(rows => rows.putGrant({ ...row!, state: 'void', reason: 'its document was replaced' }))
    clock.step(-HOUR_MS)
    expect(await grant()).toMatchObject({ kind: 'issued', grant: { iat: before.grant.iat + 1 } })
  })

  test('takes the next number, and what agents read of it is what was meant', async () => {
    await calendar()
    expect(await offer()).toEqual({ kind: 'issued', number: { epoch: 1, n: 2 } })
    const row = await store.read(rows => rows.document('cluster-1', 'application/app-1'))
    const read = readDocument(row?.jws ?? '', { cluster: 'cluster-1', adm: 1, keys: keys.publicKeys })
    expect(read).toMatchObject({
      kind: 'read',
      document: { ...content, cal: { epoch: 1, n: 1 }, number: { epoch: 1, n: 2 } },
    })
  })

  test('of the same meaning again changes nothing: no number, no row, no signature', async () => {
    await calendar()
    await offer()
    const { rowsWritten } = store.counters
    await clock.advance(HOUR_MS)
    expect(await offer()).toEqual({ kind: 'unchanged', number: { epoch: 1, n: 2 } })
    expect(await calendar()).toEqual({ kind: 'unchanged', number: { epoch: 1, n: 1 } })
    expect(store.counters.rowsWritten).toBe(rowsWritten)
  })

  test('with a newer calendar alone signs no Offer again, and with a new admission every one', async () => {
    await calendar()
    await offer()
    await clock.advance(25 * HOUR_MS)
    expect(await calendar()).toEqual({ kind: 'issued', number: { epoch: 1, n: 3 } })
    expect(await offer()).toMatchObject({ kind: 'unchanged' })
    await store.write(async rows => {
      const row = await rows.cluster('cluster-1')
      if (row) await rows.putCluster({ ...row, admission: 2 })
    })
    expect(await offer()).toEqual({ kind: 'issued', number: { epoch: 1, n: 4 } })
  })

  test('of a Tombstone takes the Application’s place, and a returning Offer takes it back', async () => {
    await offer()
    const tombstone = { application, policy: 'prune' as const, reason: 'left its set' }
    expect(await store.write(rows => issueTombstone(rows, keys, clock, 'cluster-1', tombstone))).toMatchObject({
      number: { n: 2 },
    })
    expect(await offer()).toMatchObject({ kind: 'issued', number: { n: 3 } })
    expect((await store.read(rows => rows.documents('cluster-1'))).map(row => row.typ)).toEqual(['offer'])
  })

  test('that fails leaves no number behind and nothing signed', async () => {
    await expect(
      store.write(async rows => {
        await issueOffer(rows, keys, clock, 'cluster-1', content)
        throw new Error('the transaction fails')
      }),
    ).rejects.toThrow('the transaction fails')
    expect(await store.read(rows => rows.documents('cluster-1'))).toEqual([])
    expect(await offer()).toMatchObject({ number: { n: 1 } })
  })
})

describe('issuing a Grant', () => {
  test('names the current document and calendar, and is open', async () => {
    await calendar()
    await offer()
    const issued = await grant({ epoch: 1, n: 1 })
    expect(issued).toMatchObject({ kind: 'issued', grant: { document: { n: 2 }, cal: { n: 1 } } })
    const [row] = await store.read(rows => rows.openGrants('cluster-1'))
    expect(row).toMatchObject({ state: 'open', applicationId: 'app-1' })
    expect(row && row.payload.startBefore - clock.now()).toBe(15 * 60_000)
    expect(readDocument(row?.jws ?? '', { cluster: 'cluster-1', adm: 1, keys: keys.publicKeys }).kind).toBe('read')
  })

  test('does not happen when the rules have changed since it was decided', async () => {
    await calendar()
    await offer()
    await clock.advance(25 * HOUR_MS)
    await calendar()
    expect(await grant({ epoch: 1, n: 1 })).toEqual({ kind: 'stale' })
    expect(await store.read(rows => rows.openGrants('cluster-1'))).toEqual([])
  })

  test('does not happen where nothing is offered', async () => {
    expect(await grant()).toEqual({ kind: 'nothing-offered' })
  })
})
