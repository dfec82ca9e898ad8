import { compileRules } from '@flotilla/core/gates/compile-rules'
import type { FreezeRule } from '@flotilla/core/gates/rules'
import { seededRandom } from '@flotilla/core/ports/create-random'
import { VirtualClock } from '@flotilla/core/ports/virtual-clock'
import { readJws } from '@flotilla/core/protocol/jws'
import { OPEN_CEILING, SAMPLE_DIGEST, SAMPLE_OPTIONS } from '@flotilla/core/protocol/samples'
import { CALENDAR_LINE } from '@flotilla/core/protocol/take-document'
import { beforeEach, describe, expect, test } from 'vitest'
import { hubKeysOf, newHubKeyFile } from '../gateway/hub-keys.ts'
import { issueCalendar, issueGrant, issueOffer } from '../gateway/issue-documents.ts'
import { voidGrant } from '../gateway/void-grant.ts'
import { EMPTY_FLEET, indexFleet } from '../loop/fleet-index.ts'
import { MemoryStore } from '../store/memory-store.ts'
import { sampleApplication, sampleCluster } from '../store/sample-rows.ts'
import { ClusterCalendars } from './cluster-calendars.ts'
import { Gates } from './gates.ts'

const silent = { debug() {}, info() {}, warn() {}, error() {}, child: () => silent }
/** A calendar reaches two weeks and is renewed after one. */
const HALF_MS = 7 * 86_400_000
const START = Date.UTC(2030, 0, 1)
const random = seededRandom(7)
const keys = hubKeysOf(newHubKeyFile(random, START, 'hub-1'))
const cluster = sampleCluster({ id: 'eu', name: 'eu', agentKey: 'key' })
const document = {
  metadata: { name: 'shop' },
  spec: { project: 'shop', destination: { name: 'eu', namespace: 'shop' } },
}
const application = sampleApplication({ id: 'shop', name: 'shop', clusterId: 'eu', clusterName: 'eu', document })

let clock: VirtualClock
let store: MemoryStore
let gates: Gates
let calendars: ClusterCalendars

beforeEach(async () => {
  clock = new VirtualClock({ startAt: START, settle: () => Promise.resolve() })
  store = new MemoryStore()
  gates = new Gates()
  calendars = new ClusterCalendars({
    ...{ gates, log: silent, now: () => clock.now() },
    applicationsOf: () => [application],
    application: () => application,
    issue: (writer, row, { until, ...content }) => {
      const horizonMs = until - content.from
      return issueCalendar(writer, keys, clock, row, { ...content, horizonMs, renew: true })
    },
  })
  await store.write(async rows => {
    await rows.putCluster(cluster)
    await rows.putApplication(application)
  })
})

const freeze = (name: string): FreezeRule => ({
  ...{ name: `FreezePeriod/${name}`, level: 'organisation', freeze: 'hard', reason: name, scope: { all: true } },
  when: [{ from: '2030-01-05T00:00', until: '2030-01-06T00:00' }],
})
const inForce = (...freezes: readonly FreezeRule[]): void => {
  const written = { windows: [], freezes }
  const version = gates.current.version + 1
  gates.take({ version, written, rules: compileRules(written), index: indexFleet(EMPTY_FLEET, []) })
}
const refresh = () => store.write(async rows => await calendars.refresh(rows, (await rows.cluster('eu'))!))
const stored = async () => {
  const document = await store.read(rows => rows.document('eu', CALENDAR_LINE))
  const read = readJws(document!.jws)
  return read.kind === 'unverified' ? { ...read.payload, n: document!.number.n } : undefined
}

describe('the calendar of a cluster', () => {
  test('is issued when the rules change what it says, and only then', async () => {
    expect(await refresh()).toMatchObject({ kind: 'issued' })
    expect(await refresh()).toMatchObject({ kind: 'unchanged' })
    inForce(freeze('stocktaking'))
    expect(await refresh()).toMatchObject({ kind: 'issued' })
    await clock.advance(60_000)
    inForce(freeze('stocktaking'))
    expect(await refresh()).toMatchObject({ kind: 'unchanged' })
    expect(await stored()).toMatchObject({
      n: 2,
      intervals: [{ from: Date.UTC(2030, 0, 5) }],
      groups: { g1: ['shop'] },
    })
  })

  test('is renewed when half of its time is over, from then on', async () => {
    inForce(freeze('stocktaking'))
    const { renewAt } = await refresh()
    await clock.advance(renewAt - clock.now() - 1)
    expect(await refresh()).toMatchObject({ kind: 'unchanged', renewAt })
    await clock.advance(1)
    const now = clock.now()
    expect(await refresh()).toMatchObject({ kind: 'issued', renewAt: now + HALF_MS })
    expect(await stored()).toMatchObject({ n: 2, from: now })
  })

  test('goes on taking back what somebody else has taken back meanwhile', async () => {
    await refresh()
    const grant = await store.write(async rows => {
      const offer = { digest: SAMPLE_DIGEST, size: 1, revision: 'a', namespace: 'shop', ceiling: OPEN_CEILING }
      const named = { application: { id: 'shop', name: 'shop', project: 'shop' }, ignoreDifferences: [] }
      await issueOffer(rows, keys, clock, 'eu', { ...offer, ...named, options: SAMPLE_OPTIONS })
      const options = { dryRun: false, prune: true, revision: 'a' }
      const wish = { applicationId: 'shop', trigger: 'manual', by: 'anna', options, passes: [] } as const
      const given = await issueGrant(rows, keys, clock, random, 'eu', wish)
      if (given.kind !== 'issued') throw new Error(given.kind)
      return given.grant.id
    })
    await store.write(async rows => await voidGrant(rows, keys, clock, (await rows.grant(grant))!, 'cancelled'))
    inForce(freeze('stocktaking'))
    expect(await refresh()).toMatchObject({ kind: 'issued' })
    expect(await stored()).toMatchObject({
      void: [grant],
      intervals: [{ rule: expect.stringContaining('stocktaking') }],
    })
  })

  test('is asked of the store again when a transaction failed', async () => {
    inForce(freeze('stocktaking'))
    const failing = store.write(async rows => {
      await calendars.refresh(rows, (await rows.cluster('eu'))!)
      throw new Error('the disk is full')
    })
    await expect(failing).rejects.toThrow('full')
    calendars.forget()
    expect(await refresh()).toMatchObject({ kind: 'issued' })
    expect(await stored()).toMatchObject({ n: 1 })
  })
})
