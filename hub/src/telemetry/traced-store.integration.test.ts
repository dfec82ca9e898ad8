import { seededRandom } from '@flotilla/core/ports/create-random'
import { VirtualClock } from '@flotilla/core/ports/virtual-clock'
import { afterEach, describe, expect, it } from 'vitest'
import { WorkQueue } from '../loop/work-queue.ts'
import { MemoryStore } from '../store/memory-store.ts'
import { sampleApplication, sampleCluster, sampleGrant, sampleOperation } from '../store/sample-rows.ts'
import { silentLog } from '../store/test-store.ts'
import { ObservedStages } from './observed-stages.ts'
import { playCollector } from './testing/play-collector.ts'
import { tracedStore } from './traced-store.ts'
import { openTracing } from './tracing.ts'

const NOW = Date.UTC(2027, 0, 15)
const closing: (() => Promise<void>)[] = []
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close()
})

async function traced() {
  const collector = await playCollector()
  closing.push(() => collector.close())
  const tracing = (await openTracing({ endpoint: collector.url, environment: {}, version: '1' }))!
  const clock = new VirtualClock({ startAt: NOW, settle: () => Promise.resolve() })
  const spans = async () => {
    await tracing.close()
    const all = collector.spans()
    const named = (name: string) => all.find(span => span.name === name)
    return { all, named, below: (name: string) => all.find(({ spanId }) => spanId === named(name)?.parentSpanId)?.name }
  }
  return { tracing, clock, spans }
}

async function aStore(): Promise<MemoryStore> {
  const store = new MemoryStore()
  await store.write(async rows => {
    await rows.putCluster(sampleCluster())
    await rows.putApplication(sampleApplication())
  })
  return store
}

describe('a trace of a commit', () => {
  it('goes on with what the agent did under the Grant, and with the report of it', async () => {
    const { tracing, clock, spans } = await traced()
    const store = tracedStore(await aStore(), tracing, clock)
    const operation = { ...sampleOperation().operation, id: 'grant-1', startedAt: NOW + 1_000, finishedAt: NOW + 3_000 }
    const { finishedAt: _, ...running } = operation
    const heard = (report: typeof running & { readonly finishedAt?: number }) =>
      tracing.span('POST /agent', {}, () =>
        store.write(rows => rows.putOperation(sampleOperation({ id: 'grant-1', operation: report }))),
      )
    await tracing.span('reconcile application', {}, () =>
      store.write(rows => rows.putGrant(sampleGrant({ id: 'grant-1', state: 'open' }))),
    )
    await heard(running)
    await heard(operation)
    // The same end again, and one of an operation that nothing is known of, add nothing.
    await heard(operation)
    await store.write(rows =>
      rows.putOperation(sampleOperation({ id: 'other', operation: { ...operation, id: 'other' } })),
    )
    const { all, named, below } = await spans()
    expect(all.filter(({ name }) => name === 'apply' || name === 'report').map(({ name }) => name)).toEqual([
      'apply',
      'report',
    ])
    expect([below('apply'), below('report')]).toEqual(['reconcile application', 'apply'])
    expect(named('report')?.traceId).toBe(named('reconcile application')?.traceId)
    const { startTimeUnixNano: from, endTimeUnixNano: to } = named('apply')!
    expect([from, to]).toEqual([`${NOW + 1_000}000000`, `${NOW + 3_000}000000`])
  })

  it('a Grant that was not stored, and one outside of every trace, begin none', async () => {
    const { tracing, clock, spans } = await traced()
    const store = tracedStore(await aStore(), tracing, clock)
    const put = (id: string) =>
      store.write(async rows => {
        await rows.putGrant(sampleGrant({ id, state: 'open' }))
        if (id === 'undone') throw new Error('undone')
      })
    await tracing.span('reconcile application', {}, () => put('undone')).catch(() => undefined)
    await put('nobody')
    for (const id of ['undone', 'nobody']) {
      const operation = { ...sampleOperation().operation, id, finishedAt: NOW }
      await store.write(rows => rows.putOperation(sampleOperation({ id, operation })))
    }
    expect((await spans()).all.map(({ name }) => name)).toEqual(['reconcile application'])
  })

  it('keys that wait go on with the trace of whoever asked for them first, and the clock’s are of none', async () => {
    const { tracing, clock, spans } = await traced()
    const stages = new ObservedStages(clock, tracing)
    const handlers = {
      source: {
        batch: 1,
        handle: async () => {
          queue.add('set/a', 'set/b')
          return []
        },
      },
      set: { batch: 10, handle: async () => [] },
      late: { batch: 1, handle: async () => [] },
    }
    const queue: WorkQueue = new WorkQueue({ clock, random: seededRandom(1), log: silentLog, handlers, stages })
    await tracing.span('POST webhook', {}, async () => {
      queue.add('source/x')
      queue.addAt('late/y', NOW + 60_000)
    })
    await queue.idle()
    await clock.advance(61_000)
    await queue.idle()
    const { named, below } = await spans()
    expect([below('reconcile source'), below('reconcile set')]).toEqual(['POST webhook', 'reconcile source'])
    expect(named('reconcile set')?.traceId).toBe(named('POST webhook')?.traceId)
    expect([named('reconcile late')?.name, below('reconcile late')]).toEqual(['reconcile late', undefined])
  })
})
