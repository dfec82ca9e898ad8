import type { Clock } from '@flotilla/core/ports/clock'
import type { OperationRow, Store, StoreWriter } from '@flotilla/core/ports/store'
import type { TracePlace, Tracing } from './tracing.ts'

/** Operations that are waited for; the oldest of more is forgotten, and its end is in no trace. */
const MOST_WAITING = 20_000

/**
 * The same store, in whose traces an operation goes on: what an agent did under a Grant, and the report of it, belong to
 * the trace of whatever gave the Grant. Agents know nothing of traces. They say in any case when an operation began and
 * ended; so no document is another one, no agent loads anything, and none has to reach a collector.
 */
export function tracedStore(store: Store, tracing: Tracing, clock: Clock): Store {
  const places = new Map<string, TracePlace>()
  const given = (id: string, place: TracePlace): void => {
    places.set(id, place)
    const [oldest] = places.keys()
    if (places.size > MOST_WAITING && oldest !== undefined) places.delete(oldest)
  }
  const ended = ({ operation, clusterId, applicationId }: OperationRow, heardAt: number): void => {
    const place = places.get(operation.id)
    const { startedAt, finishedAt, phase } = operation
    if (place === undefined || finishedAt === undefined) return
    places.delete(operation.id)
    const facts = { application: applicationId, cluster: clusterId, operation: operation.id, phase }
    const failed = phase === 'Failed' || phase === 'Error'
    // By the agent's clock, which is the hub's time but for what it is off.
    const applied = tracing.past('apply', facts, { below: place, from: startedAt, to: finishedAt, failed })
    tracing.past('report', facts, { below: applied, from: heardAt, to: clock.now(), failed: false })
  }
  return {
    get counters() {
      return store.counters
    },
    read: work => store.read(work),
    write: async work => {
      // Known when the write is asked for: the store may do the work later, together with that of others.
      const here = tracing.here()
      const heardAt = clock.now()
      let told: (() => void)[] = []
      const result = await store.write(rows => {
        told = []
        return work(watched(rows, told))
      })
      for (const tell of told) tell()
      return result

      function watched(rows: StoreWriter, tells: (() => void)[]): StoreWriter {
        return new Proxy(rows, {
          get(target, name) {
            if (name === 'putGrant' && here !== undefined) {
              return async (row: Parameters<StoreWriter['putGrant']>[0]) => {
                await target.putGrant(row)
                if (row.state === 'open') tells.push(() => given(row.id, here))
              }
            }
            if (name === 'putOperation') {
              return async (row: OperationRow) => {
                await target.putOperation(row)
                tells.push(() => ended(row, heardAt))
              }
            }
            const member: unknown = Reflect.get(target, name, target)
            return typeof member === 'function' ? (member as (...values: never[]) => unknown).bind(target) : member
          },
        })
      }
    },
    close: () => store.close(),
  }
}
