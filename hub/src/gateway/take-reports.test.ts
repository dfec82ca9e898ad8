import { sha256 } from '@flotilla/core/json/canonical-json'
import { seededRandom } from '@flotilla/core/ports/create-random'
import { VirtualClock } from '@flotilla/core/ports/virtual-clock'
import type { OperationReport } from '@flotilla/core/protocol/report'
import { encodeReportBatch } from '@flotilla/core/protocol/report-batch'
import { MOST_OPERATIONS_AN_HOUR } from '@flotilla/core/protocol/report-rules'
import { OPEN_CEILING, SAMPLE_OPTIONS } from '@flotilla/core/protocol/samples'
import { beforeEach, describe, expect, test } from 'vitest'
import { MemoryStore } from '../store/memory-store.ts'
import { sampleApplication, sampleCluster } from '../store/sample-rows.ts'
import { hubKeysOf, newHubKeyFile } from './hub-keys.ts'
import { issueGrant, issueOffer } from './issue-documents.ts'
import { settleGrants, takeReports } from './take-reports.ts'

const DIGEST = sha256('bundle')

const clock = new VirtualClock({ startAt: Date.UTC(2030, 0, 1), settle: () => Promise.resolve() })
const random = seededRandom(3)
const keys = hubKeysOf(newHubKeyFile(random, clock.now(), 'hub-1'))
const cluster = sampleCluster({ id: 'cluster-1' })
let store: MemoryStore
let grantId: string

beforeEach(async () => {
  store = new MemoryStore()
  grantId = await store.write(async rows => {
    await rows.putCluster(cluster)
    await rows.putApplication(sampleApplication({ id: 'app-1', clusterId: 'cluster-1' }))
    await issueOffer(rows, keys, clock, 'cluster-1', offerOf(DIGEST))
    const issued = await issueGrant(rows, keys, clock, random, 'cluster-1', {
      applicationId: 'app-1',
      trigger: 'automated',
      by: 'flotilla',
      options: { dryRun: false, prune: true, revision: 'abc' },
      passes: [],
    })
    if (issued.kind !== 'issued') throw new Error(issued.kind)
    return issued.grant.id
  })
})

const settle = (outcome: 'started' | 'lapsed') =>
  settleGrants(store, clock, 'cluster-1', { kind: 'settled', grants: [{ id: grantId, outcome }] })
const operations = async () => {
  const rows = await store.read(reader => reader.operations('app-1', { limit: 10 }))
  return rows.map(({ operation: { id, phase, digest } }) => ({ id, phase, digest }))
}

describe('what became of a Grant', () => {
  test('one that was started has an operation before any report of it, so that no second one is given', async () => {
    expect(await settle('started')).toEqual(['app-1'])
    expect(await operations()).toEqual([{ id: grantId, phase: 'Running', digest: DIGEST }])
  })

  test('said again, or after the report of the end, it changes nothing', async () => {
    await settle('started')
    await report('Succeeded')
    expect(await settle('started')).toEqual([])
    expect(await operations()).toEqual([{ id: grantId, phase: 'Succeeded', digest: DIGEST }])
  })

  test('one that lapsed has none', async () => {
    expect(await settle('lapsed')).toEqual(['app-1'])
    expect(await operations()).toEqual([])
  })

  test('one whose document was replaced meanwhile has none: what is offered now was not started', async () => {
    await store.write(rows => issueOffer(rows, keys, clock, 'cluster-1', offerOf(sha256('other'))))
    await settle('started')
    expect(await operations()).toEqual([])
  })
})

describe('what a cluster can say of operations', () => {
  const shown = async () => (await store.read(rows => rows.report('app-1')))?.entry.operation
  const history = async () => await store.read(rows => rows.operations('app-1', { limit: 100 }))

  test('not who asked: the Grant says', async () => {
    await report('Succeeded', { by: 'ana@example.com', trigger: 'override' })
    expect(await shown()).toMatchObject({ by: 'flotilla', trigger: 'automated' })
    expect((await history())[0]?.operation).toMatchObject({ by: 'flotilla', trigger: 'automated' })
  })

  test('nor by a Grant of another Application: that one is not settled either', async () => {
    await store.write(rows =>
      rows.putApplication(sampleApplication({ id: 'app-2', clusterId: 'cluster-1', name: 'b' })),
    )
    await report('Succeeded', { by: 'ana@example.com' }, 'app-2')
    expect((await store.read(rows => rows.report('app-2')))?.entry.operation?.by).toBe('unknown')
    expect((await store.read(rows => rows.grant(grantId)))?.state).toBe('open')
  })

  test('only so many in an hour; the state is shown all the same', async () => {
    for (let n = 1; n <= MOST_OPERATIONS_AN_HOUR + 5; n++) {
      await report('Succeeded', { id: `heal-${n}`, trigger: 'heal', by: 'x', message: `${n}` }, 'app-1', n)
    }
    expect(await history()).toHaveLength(MOST_OPERATIONS_AN_HOUR)
    expect((await shown())?.message).toBe(`${MOST_OPERATIONS_AN_HOUR + 5}`)
    await report('Succeeded', {}, 'app-1', 1000)
    expect((await history())[0]?.id, 'what was permitted is always kept').toBe(grantId)
    await clock.advance(3_600_001)
    await report('Succeeded', { id: 'heal-later', trigger: 'heal' }, 'app-1', 1001)
    expect((await history())[0]?.id).toBe('heal-later')
  })

  test('that it began what was taken back: then it did', async () => {
    await store.write(async rows => {
      const grant = await rows.grant(grantId)
      if (grant) await rows.putGrant({ ...grant, state: 'void' })
    })
    await report('Succeeded')
    expect((await store.read(rows => rows.grant(grantId)))?.state).toBe('started')
  })
})

async function report(
  phase: 'Succeeded',
  over: Partial<OperationReport> = {},
  application = 'app-1',
  n = 1,
): Promise<void> {
  const at = clock.now()
  const body = encodeReportBatch([
    {
      application,
      inc: 1,
      n,
      gone: false,
      sync: { status: 'Synced' },
      health: { status: 'Healthy', since: at },
      operation: {
        id: grantId,
        trigger: 'automated',
        by: 'flotilla',
        phase,
        message: '',
        digest: DIGEST,
        revision: 'abc',
        startedAt: at,
        finishedAt: at,
        results: [],
        resultsCut: 0,
        ...over,
      },
      objects: [],
      objectsCut: 0,
      objectCount: 1,
      images: [],
      observedAt: at,
    },
  ])
  expect((await takeReports(store, clock, cluster, body)).changed).toEqual([application])
}

function offerOf(digest: typeof DIGEST) {
  return {
    application: { id: 'app-1', name: 'shop-eu-1', project: 'shop' },
    digest,
    size: 100,
    revision: 'abc',
    namespace: 'shop',
    options: SAMPLE_OPTIONS,
    ceiling: OPEN_CEILING,
    ignoreDifferences: [],
  }
}
