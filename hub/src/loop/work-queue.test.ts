import { seededRandom } from '@flotilla/core/ports/create-random'
import type { Log } from '@flotilla/core/ports/log'
import { VirtualClock } from '@flotilla/core/ports/virtual-clock'
import { describe, expect, it } from 'vitest'
import { type KeyHandler, WorkQueue } from './work-queue.ts'

const quiet: Log = { debug() {}, info() {}, warn() {}, error() {}, child: () => quiet }

function queue(handlers: Record<string, KeyHandler>) {
  const clock = new VirtualClock({ startAt: 0, settle: () => new Promise(resolve => setImmediate(resolve)) })
  return { clock, queue: new WorkQueue({ clock, random: seededRandom(1), log: quiet, handlers }) }
}

/** A handler that is finished by hand. */
function manual(batch = 1) {
  const calls: { readonly keys: readonly string[]; end(again?: readonly string[]): void; fail(): void }[] = []
  const handler: KeyHandler = {
    batch,
    handle: keys =>
      new Promise((resolve, reject) =>
        calls.push({ keys, end: (again = []) => resolve(again), fail: () => reject(new Error('no')) }),
      ),
  }
  return { calls, handler }
}

describe('WorkQueue', () => {
  it('looks once at a key that was added many times', async () => {
    const { calls, handler } = manual()
    const { clock, queue: work } = queue({ app: handler })
    for (let index = 0; index < 10; index++) work.add('app/a')
    await clock.advance(0)
    calls[0]?.end()
    await work.idle()
    expect(calls).toHaveLength(1)
  })

  it('knows how long the first key of each kind has waited', async () => {
    const { calls, handler } = manual()
    const { clock, queue: work } = queue({ app: handler, set: manual().handler })
    work.add('app/a')
    await clock.advance(1_000)
    work.add('app/b')
    work.addPatiently('app/c')
    await clock.advance(2_000)
    work.add('app/b')
    expect(work.depths).toEqual([
      { kind: 'app', waiting: 2, oldestMs: 2_000 },
      { kind: 'set', waiting: 0, oldestMs: 0 },
    ])
    calls[0]?.end()
    await clock.advance(500)
    expect(work.depths[0]).toEqual({ kind: 'app', waiting: 1, oldestMs: 2_500 })
  })

  it('lets time pass before a look that is asked for again at a time that has come', async () => {
    const at: number[] = []
    const { clock, queue: work } = queue({
      app: {
        batch: 1,
        handle: async () => {
          at.push(clock.now())
          // What is left of a wait may be too little to move the clock by.
          if (at.length < 4) work.addAt('app/a', clock.now() + [0, 1e-12, -1_000][at.length - 1]!)
          return []
        },
      },
    })
    work.add('app/a')
    await clock.advance(10)
    expect(at).toEqual([0, 1, 2, 3])
  })

  it('lets a key go before those that were added patiently, and looks at all of them', async () => {
    const { calls, handler } = manual(2)
    const { clock, queue: work } = queue({ app: handler })
    work.addPatiently('app/a', 'app/b', 'app/c', 'app/d')
    await clock.advance(0)
    work.add('app/z', 'app/d')
    work.addPatiently('app/z')
    expect(work.waiting('app')).toBe(3)
    for (let call = 0; call < 3; call++) {
      calls[call]?.end()
      await clock.advance(0)
    }
    await work.idle()
    expect(calls.map(({ keys }) => keys)).toEqual([['app/a', 'app/b'], ['app/z', 'app/d'], ['app/c']])
  })

  it('lets what hurries share a batch with nothing that does not, and wait for a short one at most', async () => {
    const { calls, handler } = manual(50)
    const { clock, queue: work } = queue({ app: handler })
    work.addPatiently(...Array.from({ length: 100 }, (_, index) => `app/${index}`))
    await clock.advance(0)
    work.add('app/hurried')
    calls[0]?.end()
    await clock.advance(0)
    expect(calls.map(({ keys }) => keys.length)).toEqual([10, 1])
    expect(calls[1]?.keys).toEqual(['app/hurried'])
  })

  it('looks again at a key that was added while it was looked at', async () => {
    const { calls, handler } = manual()
    const { clock, queue: work } = queue({ app: handler })
    work.add('app/a')
    await clock.advance(0)
    work.add('app/a')
    calls[0]?.end()
    await clock.advance(0)
    expect(calls).toHaveLength(2)
  })

  it('hands over together what waits together, up to the batch', async () => {
    const { calls, handler } = manual(3)
    const { clock, queue: work } = queue({ app: handler })
    work.add('app/first')
    await clock.advance(0)
    work.add('app/a', 'app/b', 'app/c', 'app/d')
    calls[0]?.end()
    await clock.advance(0)
    calls[1]?.end()
    await clock.advance(0)
    calls[2]?.end()
    expect(calls.map(call => call.keys)).toEqual([['app/first'], ['app/a', 'app/b', 'app/c'], ['app/d']])
  })

  it('tries a failed key again, later each time', async () => {
    const times: number[] = []
    const handler: KeyHandler = {
      batch: 1,
      handle: async () => {
        times.push(clock.now())
        throw new Error('no')
      },
    }
    const { clock, queue: work } = queue({ app: handler })
    work.add('app/a')
    await clock.advance(20_000)
    const gaps = times.slice(1).map((time, index) => time - times[index]!)
    expect(gaps.length).toBeGreaterThanOrEqual(3)
    gaps.forEach((gap, index) => {
      expect(gap).toBeGreaterThanOrEqual(800 * 2 ** index)
      expect(gap).toBeLessThanOrEqual(1_200 * 2 ** index)
    })
    await work.stop()
  })

  it('tries again only the keys that the handler gives back', async () => {
    const { calls, handler } = manual(5)
    const { clock, queue: work } = queue({ app: handler })
    work.add('app/a', 'app/b')
    await clock.advance(0)
    calls[0]?.end(['app/b'])
    await clock.advance(2_000)
    expect(calls.map(call => call.keys)).toEqual([['app/a', 'app/b'], ['app/b']])
  })

  it('waits for a time, and not longer when the key is added before', async () => {
    const { calls, handler } = manual()
    const { clock, queue: work } = queue({ app: handler })
    work.addAt('app/a', 5_000)
    work.addAt('app/a', 9_000)
    await clock.advance(4_999)
    expect(calls).toHaveLength(0)
    work.add('app/a')
    await clock.advance(0)
    expect(calls).toHaveLength(1)
    calls[0]?.end()
    await clock.advance(10_000)
    expect(calls).toHaveLength(1)
  })

  it('runs kinds side by side, and a kind one batch at a time', async () => {
    const apps = manual()
    const sets = manual()
    const { clock, queue: work } = queue({ app: apps.handler, set: sets.handler })
    work.add('app/a', 'app/b', 'set/s')
    await clock.advance(0)
    expect([apps.calls.length, sets.calls.length]).toEqual([1, 1])
  })

  it('ends what runs and takes no more once it is stopped', async () => {
    const { calls, handler } = manual()
    const { clock, queue: work } = queue({ app: handler })
    work.add('app/a', 'app/b')
    await clock.advance(0)
    const stopped = work.stop()
    work.add('app/c')
    calls[0]?.end()
    await stopped
    await clock.advance(100_000)
    expect(calls).toHaveLength(1)
  })
})
