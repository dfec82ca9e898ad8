import { VirtualClock } from '@flotilla/core/ports/virtual-clock'
import { describe, expect, it } from 'vitest'
import { WorkQueue } from './work-queue.ts'

describe('WorkQueue', () => {
  it('looks at a key once, however often it was added', async () => {
    const { queue, clock, looks } = bench()
    for (let times = 0; times < 10; times++) queue.add('a')
    await clock.advance(1_000)
    expect(looks).toEqual(['a 0'])
  })

  it('looks again at what was added while it was being looked at, never at the same time', async () => {
    const { queue, clock, looks, most } = bench(100)
    queue.add('a')
    await clock.advance(50)
    queue.add('a')
    queue.add('a')
    await clock.advance(1_000)
    expect(looks).toEqual(['a 0', 'a 100'])
    expect(most.ofOne).toBe(1)
  })

  it('looks at no more keys at a time than it may', async () => {
    const { queue, clock, looks, most } = bench(100)
    for (const key of ['a', 'b', 'c', 'd', 'e']) queue.add(key)
    await clock.advance(1_000)
    expect(looks).toHaveLength(5)
    expect(most.ofAll).toBe(2)
  })

  it('takes the earliest of several times', async () => {
    const { queue, clock, looks } = bench()
    queue.add('a', 500)
    queue.add('a', 100)
    queue.add('a', 300)
    await clock.advance(1_000)
    expect(looks).toEqual(['a 100'])
  })

  it('comes back when the look says so, and not after it was dropped', async () => {
    const { queue, clock, looks } = bench(0, 400)
    queue.add('a')
    await clock.advance(900)
    expect(looks).toEqual(['a 0', 'a 400', 'a 800'])
    queue.drop('a')
    await clock.advance(1_000)
    expect(looks).toHaveLength(3)
  })

  it('lets time pass before a look that is asked for at once, or sooner than a clock can tell', async () => {
    for (const againInMs of [0, 1e-12]) {
      const { queue, clock, looks } = bench(0, againInMs)
      queue.add('a')
      await clock.advance(3)
      expect(looks).toEqual(['a 0', 'a 1', 'a 2', 'a 3'])
      queue.drop('a')
    }
  })

  it('stops once what runs has ended', async () => {
    const { queue, clock, looks } = bench(100)
    queue.add('a')
    await clock.advance(10)
    queue.add('b', 500)
    let stopped = false
    const stopping = queue.stop().then(() => {
      stopped = true
    })
    await clock.advance(10)
    expect(stopped).toBe(false)
    await clock.advance(2_000)
    await stopping
    expect(looks).toEqual(['a 0'])
  })
})

function bench(takesMs = 0, againInMs?: number) {
  const clock = new VirtualClock({ startAt: 0, settle: () => new Promise(setImmediate) })
  const looks: string[] = []
  const running = new Map<string, number>()
  const most = { ofOne: 0, ofAll: 0 }
  const run = async (key: string) => {
    looks.push(`${key} ${clock.monotonicMs()}`)
    running.set(key, (running.get(key) ?? 0) + 1)
    most.ofOne = Math.max(most.ofOne, running.get(key)!)
    most.ofAll = Math.max(
      most.ofAll,
      [...running.values()].reduce((sum, count) => sum + count),
    )
    if (takesMs > 0) await clock.sleep(takesMs)
    running.set(key, running.get(key)! - 1)
    return againInMs
  }
  return { clock, looks, most, queue: new WorkQueue({ clock, concurrency: 2, run }) }
}
