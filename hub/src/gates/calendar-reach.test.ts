import { seededRandom } from '@flotilla/core/ports/create-random'
import { VirtualClock } from '@flotilla/core/ports/virtual-clock'
import { OPEN_CEILING, SAMPLE_DIGEST, SAMPLE_OPTIONS } from '@flotilla/core/protocol/samples'
import { beforeEach, describe, expect, test } from 'vitest'
import { hubKeysOf, newHubKeyFile } from '../gateway/hub-keys.ts'
import { issueCalendar, issueGrant, issueOffer } from '../gateway/issue-documents.ts'
import { MemoryStore } from '../store/memory-store.ts'
import { sampleApplication, sampleCluster } from '../store/sample-rows.ts'
import { calendarReach } from './calendar-reach.ts'

const MINUTE_MS = 60_000
const clock = new VirtualClock({ startAt: Date.UTC(2030, 0, 1), settle: () => Promise.resolve() })
const random = seededRandom(5)
const keys = hubKeysOf(newHubKeyFile(random, clock.now(), 'hub-1'))
const IDS = ['eu', 'us', 'ap', 'new']
const clusters = IDS.map(id => sampleCluster({ id, name: id, ...(id !== 'new' && { agentKey: 'key' }) }))

let store: MemoryStore
let calendarNumber = 0

beforeEach(async () => {
  store = new MemoryStore()
  await store.write(async rows => {
    for (const cluster of clusters) {
      await rows.putCluster(cluster)
      const id = `app-${cluster.id}`
      await rows.putApplication(sampleApplication({ id, name: id, clusterId: cluster.id }))
      const application = { id, name: id, project: 'shop' }
      const offer = {
        application,
        digest: SAMPLE_DIGEST,
        size: 1,
        revision: 'a',
        namespace: 'shop',
        ceiling: OPEN_CEILING,
      }
      await issueOffer(rows, keys, clock, cluster.id, { ...offer, options: SAMPLE_OPTIONS, ignoreDifferences: [] })
      const calendar = { intervals: [], void: [], horizonMs: 60 * MINUTE_MS }
      calendarNumber = (await issueCalendar(rows, keys, clock, cluster.id, calendar)).number.n
    }
  })
})

const grantTo = (clusterId: string, startBefore: number) =>
  store.write(async rows => {
    const options = { dryRun: false, prune: true, revision: 'a' }
    const wish = { applicationId: `app-${clusterId}`, trigger: 'automated', by: 'hub', options, passes: [] } as const
    const given = await issueGrant(rows, keys, clock, random, clusterId, { ...wish, startBefore })
    if (given.kind !== 'issued') throw new Error(given.kind)
    return given.grant.id
  })
const reach = (held: Readonly<Record<string, number>>) =>
  store.read(rows =>
    calendarReach(rows, clusters, id => (held[id] === undefined ? undefined : { epoch: 1, n: held[id] }), clock.now()),
  )

describe('in force on n of m clusters, latest possible start', () => {
  test('on those whose agent holds the calendar, and where nobody is', async () => {
    expect(await reach({ eu: calendarNumber, us: calendarNumber, ap: calendarNumber })).toEqual({
      inForce: 4,
      latestStart: undefined,
    })
    expect(await reach({ eu: calendarNumber + 7, us: calendarNumber - 1 })).toMatchObject({ inForce: 2 })
  })

  test('elsewhere nothing starts later than the last Grant that is out allows, void or not', async () => {
    const now = clock.now()
    await grantTo('us', now + 5 * MINUTE_MS)
    const voided = await grantTo('ap', now + 12 * MINUTE_MS)
    expect(await reach({ eu: calendarNumber })).toEqual({ inForce: 2, latestStart: now + 12 * MINUTE_MS })
    await store.write(async rows => {
      const grant = await rows.grant(voided)
      await rows.putGrant({ ...grant!, state: 'void' })
      const calendar = { intervals: [], void: [voided], horizonMs: 60 * MINUTE_MS, renew: true } as const
      await issueCalendar(rows, keys, clock, 'ap', calendar)
    })
    expect(await reach({ eu: calendarNumber })).toEqual({ inForce: 2, latestStart: now + 12 * MINUTE_MS })
  })

  test('without any Grant that is out nothing can start, wherever it is in force', async () => {
    await grantTo('us', clock.now() + MINUTE_MS)
    await clock.advance(2 * MINUTE_MS)
    expect(await reach({})).toEqual({ inForce: 1, latestStart: undefined })
  })
})
