import type { JsonObject } from '@flotilla/core/json/json'
import { seededRandom } from '@flotilla/core/ports/create-random'
import type { ApplicationRow } from '@flotilla/core/ports/store'
import { VirtualClock } from '@flotilla/core/ports/virtual-clock'
import { readJws } from '@flotilla/core/protocol/jws'
import { OPEN_CEILING, SAMPLE_DIGEST, SAMPLE_OPTIONS } from '@flotilla/core/protocol/samples'
import { decodeDocument } from '@flotilla/core/protocol/signed-document'
import { CALENDAR_LINE } from '@flotilla/core/protocol/take-document'
import { beforeEach, describe, expect, test } from 'vitest'
import { hubKeysOf, newHubKeyFile } from '../gateway/hub-keys.ts'
import { takeAnswers } from '../gateway/issue-command.ts'
import { issueCalendar, issueGrant, issueOffer, issueTombstone } from '../gateway/issue-documents.ts'
import { settleGrants } from '../gateway/take-reports.ts'
import { MemoryStore } from '../store/memory-store.ts'
import { sampleApplication, sampleCluster, sampleOperation, sampleReport } from '../store/sample-rows.ts'
import { type GateForPeople, OperationDesk } from './operation-desk.ts'

const clock = new VirtualClock({ startAt: Date.UTC(2030, 0, 1), settle: () => Promise.resolve() })
const random = seededRandom(3)
const keys = hubKeysOf(newHubKeyFile(random, clock.now(), 'hub-1'))
const wish = { dryRun: false, prune: false, resources: [], by: 'ana', reason: 'because' }
const asker = { by: 'ana', reason: '' }
const WEB = { group: 'apps', kind: 'Deployment', namespace: 'shop', name: 'web' }
let store: MemoryStore
let told: string[]
let desk: OperationDesk

function deskWith(gate?: GateForPeople): OperationDesk {
  const changed = (): void => undefined
  return new OperationDesk({
    store,
    keys,
    clock,
    random,
    ...(gate && { gate }),
    told: ids => told.push(...ids),
    changed,
  })
}

beforeEach(async () => {
  store = new MemoryStore()
  told = []
  desk = deskWith()
  await store.write(async rows => {
    await rows.putCluster(sampleCluster({ agentKey: 'key' }))
    await putApplication({})
    await issueCalendar(rows, keys, clock, 'cluster-1', { intervals: [], void: [], horizonMs: 86_400_000 })
    await issueOffer(rows, keys, clock, 'cluster-1', {
      application: { id: 'app-1', name: 'shop-eu-1', project: 'shop' },
      digest: SAMPLE_DIGEST,
      size: 1,
      revision: 'abc',
      namespace: 'shop',
      options: SAMPLE_OPTIONS,
      ceiling: OPEN_CEILING,
      ignoreDifferences: [],
    })
    async function putApplication(over: Partial<ApplicationRow>) {
      await rows.putApplication(sampleApplication({ id: 'app-1', name: 'shop-eu-1', clusterId: 'cluster-1', ...over }))
    }
  })
})

const putRow = (over: Partial<ApplicationRow>) =>
  store.write(rows =>
    rows.putApplication(sampleApplication({ id: 'app-1', name: 'shop-eu-1', clusterId: 'cluster-1', ...over })),
  )
const open = async () => await store.read(rows => rows.openGrants('cluster-1'))
const voided = async () => {
  const read = readJws((await store.read(rows => rows.document('cluster-1', CALENDAR_LINE)))!.jws)
  return read.kind === 'unverified' ? read.payload['void'] : undefined
}
const audited = async () =>
  (await store.read(rows => rows.audit({ limit: 10 }))).map(({ action, actor }) => [action, actor])

async function automated(): Promise<string> {
  return await store.write(async rows => {
    const options = { dryRun: false, prune: true, revision: 'abc' }
    const content = { applicationId: 'app-1', trigger: 'automated', by: 'flotilla', options, passes: [] } as const
    const issued = await issueGrant(rows, keys, clock, random, 'cluster-1', content)
    if (issued.kind !== 'issued') throw new Error(issued.kind)
    return issued.grant.id
  })
}

describe('a sync by hand', () => {
  test('is one Grant with an entry in the audit log, and its cluster is told', async () => {
    const answer = await desk.sync('shop-eu-1', { ...wish, prune: true, force: true, resources: [WEB] })
    const [grant] = await open()
    expect(answer).toEqual({ kind: 'accepted', id: grant?.id })
    expect(grant?.payload).toMatchObject({
      trigger: 'manual',
      by: 'ana',
      options: { prune: true, force: true, resources: [WEB] },
    })
    expect(grant?.payload.must).toContain('options.force')
    expect(await audited()).toEqual([['application.sync', 'ana']])
    expect(told).toEqual(['cluster-1'])
  })

  test('carries how often it is to be tried again, to an agent that takes it as it was said', async () => {
    const retry = { limit: 3, firstDelayMs: 10_000, factor: 2, longestDelayMs: 60_000 }
    await desk.sync('shop-eu-1', { ...wish, retry })
    const [grant] = await open()
    expect(grant?.payload.options.retry).toEqual(retry)
    const read = decodeDocument('grant', grant!.payload as unknown as JsonObject)
    expect(read).toMatchObject({ kind: 'decoded', value: { options: { retry } } })
  })

  test('takes the place of one that the hub permitted and that has not begun', async () => {
    const earlier = await automated()
    await desk.sync('shop-eu-1', wish)
    expect((await open()).map(({ payload }) => payload.by)).toEqual(['ana'])
    expect((await store.read(rows => rows.grant(earlier)))?.state).toBe('void')
    expect(await voided()).toEqual([earlier])
  })

  const refusals: readonly (readonly [string, () => Promise<unknown>, string])[] = [
    ['where there is no such Application', () => store.write(rows => rows.deleteApplication('app-1')), 'UNKNOWN'],
    ['where it is withdrawn', () => putRow({ state: 'withdrawn' }), 'HELD'],
    ['where something else holds it', () => putRow({ hold: { code: 'PROJECT_REMOVED', reason: 'gone' } }), 'HELD'],
    ['where nobody has joined', () => store.write(rows => rows.putCluster(sampleCluster())), 'NO_AGENT'],
    ['where another one by hand is permitted', () => desk.sync('shop-eu-1', wish), 'BUSY'],
    ['where one is under way, as its agent says', () => running(), 'BUSY'],
    ['where one has begun, and its agent has not yet reported', () => begun(), 'BUSY'],
    ['where a Tombstone is out', () => tombstone(), 'HELD'],
  ]
  for (const [sentence, prepare, code] of refusals) {
    test(`is refused ${sentence}, and nothing is stored`, async () => {
      await prepare()
      const before = [await open(), await audited()]
      expect(await desk.sync('shop-eu-1', wish)).toMatchObject({ kind: 'refused', code })
      expect([await open(), await audited()]).toEqual(before)
    })
  }

  test('may be where automated sync is off', async () => {
    await putRow({ hold: { code: 'SYNC_NOT_AUTOMATED', reason: 'off' } })
    expect(await desk.sync('shop-eu-1', wish)).toMatchObject({ kind: 'accepted' })
  })

  test('decided on rules that have changed leaves nothing behind, nor does a plan', async () => {
    const stale = deskWith(async () => ({ kind: 'open', trigger: 'manual', passes: [], rulesVersion: 41 }))
    await automated()
    expect(await stale.sync('shop-eu-1', wish)).toMatchObject({ kind: 'refused', code: 'BUSY' })
    expect(await desk.wouldSync('shop-eu-1', wish)).toMatchObject({ kind: 'accepted' })
    expect(await desk.wouldTerminate('shop-eu-1', asker)).toMatchObject({ kind: 'cancelled' })
    expect((await open()).map(({ payload }) => payload.trigger)).toEqual(['automated'])
    expect([await voided(), await audited(), told]).toEqual([[], [], []])
  })
})

describe('terminate', () => {
  test('takes the permission back of what has not begun: in its row, and in the calendar', async () => {
    const id = await automated()
    expect(await desk.terminate('shop-eu-1', asker)).toEqual({ kind: 'cancelled', id })
    expect(await open()).toEqual([])
    expect(await voided()).toEqual([id])
    expect(await desk.terminate('shop-eu-1', asker)).toMatchObject({ kind: 'refused', code: 'IDLE' })
  })

  test('names the operation that runs, in a command', async () => {
    await running()
    const answer = await desk.terminate('shop-eu-1', asker)
    const [command] = await store.read(rows => rows.openCommands('cluster-1'))
    expect(answer).toEqual({ kind: 'accepted', id: command?.id })
    expect(command?.payload.action).toEqual({ verb: 'terminate', operation: 'op-1' })
  })
})

describe('a command to one object', () => {
  test('waits until it is answered, and its first answer stands', async () => {
    const answer = await desk.command('shop-eu-1', { verb: 'scale', object: WEB, replicas: 3 }, asker)
    const id = answer.kind === 'accepted' ? answer.id : ''
    const say = (cluster: string, outcome: 'done' | 'failed') =>
      takeAnswers(store, clock, cluster, { kind: 'answered', commands: [{ id, outcome, message: outcome }] })
    expect(await say('cluster-2', 'done'), 'another cluster’s word counts for nothing').toEqual([])
    expect(await say('cluster-1', 'done')).toEqual(['app-1'])
    expect(await say('cluster-1', 'failed')).toEqual([])
    expect(await store.read(rows => rows.command(id))).toMatchObject({ state: 'done', message: 'done' })
  })

  test('looking is not in the audit log, doing is', async () => {
    await desk.command('shop-eu-1', { verb: 'inspect', object: WEB }, asker)
    await desk.command('shop-eu-1', { verb: 'delete', object: WEB, uid: 'u' }, asker)
    expect(await audited()).toEqual([['application.delete', 'ana']])
  })

  test('asks the gates where it changes something, and only there', async () => {
    const asked: string[] = []
    const gated = deskWith(async (_writer, _row, { actions }) => {
      asked.push(actions.join())
      return { kind: 'closed', hold: { code: 'FROZEN', reason: 'nothing changes' } }
    })
    const restart = await gated.command('shop-eu-1', { verb: 'restart', object: WEB }, asker)
    expect(restart).toMatchObject({ kind: 'refused', code: 'HELD', message: 'nothing changes' })
    expect(await gated.command('shop-eu-1', { verb: 'inspect', object: WEB }, asker)).toMatchObject({
      kind: 'accepted',
    })
    await gated.sync('shop-eu-1', { ...wish, prune: true })
    await gated.sync('shop-eu-1', wish)
    expect(asked).toEqual(['actions', 'sync,prune', 'sync'])
  })

  test('decided on rules that have changed, or with an override that is used up, is not given', async () => {
    const stale = deskWith(async () => ({ kind: 'open', trigger: 'manual', passes: [], rulesVersion: 41 }))
    const gone = deskWith(async () => ({ kind: 'open', trigger: 'override', passes: [], use: async () => false }))
    const restart = { verb: 'restart', object: WEB } as const
    expect(await stale.command('shop-eu-1', restart, asker)).toMatchObject({ kind: 'refused', code: 'BUSY' })
    expect(await gone.command('shop-eu-1', restart, asker)).toMatchObject({ kind: 'refused', code: 'HELD' })
    expect(await audited()).toEqual([])
  })

  test('of a kind without that verb is refused, and so are too many that wait', async () => {
    const config = { ...WEB, group: '', kind: 'ConfigMap' }
    expect(await desk.command('shop-eu-1', { verb: 'restart', object: config }, asker)).toMatchObject({ code: 'VERB' })
    for (let n = 0; n < 100; n++) await desk.command('shop-eu-1', { verb: 'inspect', object: WEB }, asker)
    expect(await desk.command('shop-eu-1', { verb: 'inspect', object: WEB }, asker)).toMatchObject({ code: 'TOO_MANY' })
  })
})

async function running(): Promise<void> {
  const { operation } = sampleOperation({ id: 'op-1' }, { phase: 'Running' })
  await store.write(rows => rows.putReport(sampleReport({}, { operation })))
}

async function begun(): Promise<void> {
  const id = await automated()
  await settleGrants(store, clock, 'cluster-1', { kind: 'settled', grants: [{ id, outcome: 'started' }] })
}

async function tombstone(): Promise<void> {
  const application = { id: 'app-1', name: 'shop-eu-1', project: 'shop' }
  await store.write(rows =>
    issueTombstone(rows, keys, clock, 'cluster-1', { application, policy: 'prune', reason: 'gone' }),
  )
}
