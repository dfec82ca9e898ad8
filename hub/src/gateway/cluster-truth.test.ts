import type { ApplicationRow } from '@flotilla/core/ports/store'
import { VirtualClock } from '@flotilla/core/ports/virtual-clock'
import { expect, test } from 'vitest'
import { MemoryStore } from '../store/memory-store.ts'
import { sampleApplication, sampleCluster, sampleDocument } from '../store/sample-rows.ts'
import { readTruth } from './cluster-truth.ts'

const clock = new VirtualClock({ startAt: 0, settle: async () => undefined })
const CLUSTER = sampleCluster({ id: 'cluster-1', recovery: 'proved' })
const OFFER = sampleDocument({ clusterId: CLUSTER.id, key: 'application/app-1', typ: 'offer', applicationId: 'app-1' })

async function everyReport(application?: Partial<ApplicationRow>): Promise<boolean> {
  const store = new MemoryStore()
  await store.write(async rows => {
    await rows.putCluster(CLUSTER)
    await rows.putDocument(OFFER)
    if (application) await rows.putApplication(sampleApplication({ id: 'app-1', ...application }))
  })
  return (await readTruth(store, clock, CLUSTER.id, 'kid')).everyReport
}

test('a report is waited for while the hub would take it', async () => {
  expect(await everyReport({ clusterId: CLUSTER.id })).toBe(false)
})

test('no report is waited for of an Application that the hub does not know any more: it would be ignored', async () => {
  expect(await everyReport()).toBe(true)
  expect(await everyReport({ clusterId: 'cluster-2' })).toBe(true)
})
