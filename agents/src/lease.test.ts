import { textAt } from '@flotilla/core/json/read-json'
import { type ClusterTransport, ClusterUnreachable } from '@flotilla/core/ports/cluster-transport'
import { seededRandom } from '@flotilla/core/ports/create-random'
import type { Log } from '@flotilla/core/ports/log'
import { VirtualClock } from '@flotilla/core/ports/virtual-clock'
import { SimulatedCluster } from '@flotilla/sim'
import { afterEach, describe, expect, it } from 'vitest'
import { KubernetesClient } from './kubernetes/client.ts'
import { AgentLease } from './lease.ts'

const QUIET: Log = { debug: () => {}, info: () => {}, warn: () => {}, error: () => {}, child: () => QUIET }

class Bench {
  readonly clock = new VirtualClock({ startAt: Date.UTC(2026, 0, 1), settle: () => new Promise(setImmediate) })
  readonly cluster = new SimulatedCluster({ name: 'eu-1', clock: this.clock, random: seededRandom(1) })
  #instances = 0

  /** A process that would be the agent; `cut` takes the cluster away from it alone. */
  process(termSeconds?: number, onLost?: () => void) {
    const name = `process-${++this.#instances}`
    const whole = this.cluster.transport()
    const wire = { cut: false, bodies: [] as string[], answered: undefined as Promise<void> | undefined }
    const transport: ClusterTransport = {
      request: async request => {
        if (wire.cut) throw new ClusterUnreachable('cut off')
        wire.bodies.push(request.body ?? '')
        const { answered } = wire
        wire.answered = undefined
        const response = await whole.request(request)
        await answered
        return response
      },
      close: () => whole.close(),
    }
    const { clock } = this
    const client = new KubernetesClient({ transport, clock, random: seededRandom(2), cluster: 'eu-1' })
    const lease = new AgentLease({
      client,
      namespace: 'flotilla-system',
      clock,
      log: QUIET,
      newInstance: () => name,
      ...(termSeconds !== undefined && { termSeconds }),
      ...(onLost && { onLost }),
    })
    const taken: number[] = []
    const acquire = (above?: number) => void lease.acquire(above).then(({ inc }) => taken.push(inc))
    return { lease, taken, acquire, wire }
  }

  /** A client beside a process, for what people do by hand. */
  processWithClient(onLost?: () => void) {
    const { clock } = this
    const transport = this.cluster.transport()
    const client = new KubernetesClient({ transport, clock, random: seededRandom(3), cluster: 'eu-1' })
    return { client, process: this.process(undefined, onLost) }
  }

  get holder(): string {
    return textAt(this.cluster.read(KEY), 'spec', 'holderIdentity')
  }
}

const KEY = { group: 'coordination.k8s.io', kind: 'Lease', namespace: 'flotilla-system', name: 'flotilla-agent' }

let bench: Bench
afterEach(() => bench.cluster.stop())

describe('the Lease', () => {
  it('is not of before where an answer came late, after a renewal that it knows nothing of', async () => {
    bench = new Bench()
    let lost = 0
    const first = bench.process(undefined, () => lost++)
    first.acquire()
    await bench.clock.advance(1_000)
    const { promise, resolve } = Promise.withResolvers<void>()
    first.wire.answered = promise
    // As at each new connection to the hub.
    first.acquire()
    await bench.clock.advance(10_000)
    resolve()
    await bench.clock.advance(1_000)
    expect(lost).toBe(0)
    expect(first.lease.held()).toBe(true)
  })

  it('is taken at once where there is none, and kept by renewing', async () => {
    bench = new Bench()
    const first = bench.process()
    first.acquire()
    await bench.clock.advance(1_000)
    expect(first.taken).toEqual([1])
    await bench.clock.advance(10 * 60_000)
    expect(first.lease.held()).toBe(true)
    expect(bench.holder).toBe('process-1')
  })

  it('is renewed ten times a minute, and says nothing of who owns its fields', async () => {
    bench = new Bench()
    const { acquire, wire } = bench.process()
    acquire()
    await bench.clock.advance(1_000)
    wire.bodies.length = 0
    await bench.clock.advance(60_000)
    expect(wire.bodies).toHaveLength(10)
    expect(wire.bodies.join('')).not.toContain('managedFields')
    const [entry, ...others] = bench.cluster.read(KEY)?.metadata.managedFields ?? []
    expect([entry?.['manager'], others]).toEqual(['flotilla', []])
  })

  it.each([0, 1_500, 3_000, 4_500, 5_900])(
    'is held through two seconds without a cluster, %d ms after a renewal',
    async ms => {
      bench = new Bench()
      const { acquire, wire, lease } = bench.process()
      acquire()
      await bench.clock.advance(6_000 + ms)
      wire.cut = true
      await bench.clock.advance(2_000)
      wire.cut = false
      for (let step = 0; step < 60; step++) {
        expect(lease.held()).toBe(true)
        await bench.clock.advance(250)
      }
    },
  )

  it('goes to another once it was not renewed for its term, with a higher incarnation', async () => {
    bench = new Bench()
    const first = bench.process()
    const second = bench.process()
    first.acquire()
    await bench.clock.advance(1_000)
    first.wire.cut = true
    second.acquire()
    await bench.clock.advance(11_000)
    // The first knows before anybody else could have it.
    expect(first.lease.held()).toBe(false)
    expect(second.taken).toEqual([])
    await bench.clock.advance(10_000)
    expect(second.taken).toEqual([2])
    first.wire.cut = false
    await bench.clock.advance(60_000)
    expect(first.lease.held()).toBe(false)
    expect(second.lease.held()).toBe(true)
    expect(bench.holder).toBe('process-2')
  })

  it('is never held by two at once, whoever is cut off for however long', async () => {
    bench = new Bench()
    const processes = [bench.process(), bench.process(), bench.process()]
    for (const { acquire } of processes) acquire()
    const random = seededRandom(5)
    for (let second = 0; second < 600; second++) {
      if (random.fraction() < 0.05) {
        const one = processes[Math.floor(random.fraction() * processes.length)]!
        one.wire.cut = !one.wire.cut
        // Whoever lost it asks for it again, as the link does.
        if (!one.wire.cut && !one.lease.held()) one.acquire()
      }
      await bench.clock.advance(1_000)
      expect(processes.filter(({ lease }) => lease.held()).length).toBeLessThanOrEqual(1)
    }
    const numbers = processes.flatMap(({ taken }) => taken)
    expect(new Set(numbers).size).toBe(numbers.length)
    expect(numbers.length).toBeGreaterThan(1)
  })

  it('is not taken from a holder that was told to renew more rarely', async () => {
    bench = new Bench()
    const first = bench.process(120)
    const second = bench.process(15)
    first.acquire()
    await bench.clock.advance(1_000)
    second.acquire()
    for (let second5 = 0; second5 < 60; second5++) {
      await bench.clock.advance(5_000)
      expect(first.lease.held() && !second.lease.held()).toBe(true)
    }
    first.wire.cut = true
    await bench.clock.advance(140_000)
    expect([first.lease.held(), second.taken]).toEqual([false, [2]])
  })

  it('is waited for with one request at a time: its namespace is there when it is', async () => {
    bench = new Bench()
    bench.process().acquire()
    await bench.clock.advance(1_000)
    const before = bench.cluster.counters.byVerb['get'] ?? 0
    const second = bench.process(120)
    second.acquire()
    await bench.clock.advance(60_000)
    expect(second.taken).toEqual([])
    // Every other second, and at the beginning what the cluster serves.
    expect((bench.cluster.counters.byVerb['get'] ?? 0) - before).toBeLessThan(40)
  })

  it('counts on from a number that is one', async () => {
    bench = new Bench()
    const first = bench.process()
    first.acquire()
    await bench.clock.advance(1_000)
    const key = { group: 'coordination.k8s.io', kind: 'Lease', namespace: 'flotilla-system', name: 'flotilla-agent' }
    await first.lease.release()
    for (const noted of ['1e300', '-7', 'Infinity', 'seven']) {
      const lease = bench.cluster.read(key)!
      const metadata = { ...lease.metadata, annotations: { 'flotilla.dev/incarnation': noted } }
      const { client, process } = bench.processWithClient()
      await client.replace({ ...lease, metadata })
      process.acquire()
      await bench.clock.advance(1_000)
      expect(process.taken).toEqual([1])
      await process.lease.release()
    }
  })

  it('rises above the number that the hub names', async () => {
    bench = new Bench()
    const first = bench.process()
    first.acquire()
    await bench.clock.advance(1_000)
    first.acquire(41)
    await bench.clock.advance(3_000)
    expect(first.taken).toEqual([1, 42])
    expect(first.lease.held()).toBe(true)
  })

  it('is free at once after it was given back', async () => {
    bench = new Bench()
    const first = bench.process()
    const second = bench.process()
    first.acquire()
    await bench.clock.advance(1_000)
    await first.lease.release()
    second.acquire()
    await bench.clock.advance(100)
    expect(second.taken).toEqual([2])
    expect(first.lease.held()).toBe(false)
  })

  it('keeps the highest number taken, for the next process of the same cluster id', async () => {
    bench = new Bench()
    const first = bench.process()
    first.acquire()
    await bench.clock.advance(1_000)
    expect(first.lease.notedNumber('cluster-1')).toBeUndefined()
    first.lease.noteNumber('cluster-1', { epoch: 1, n: 7 })
    first.lease.noteNumber('cluster-1', { epoch: 1, n: 5 })
    await bench.clock.advance(500)
    // Nobody gives it back: the process ends as by a power cut.
    first.wire.cut = true
    const second = bench.process()
    second.acquire()
    await bench.clock.advance(30_000)
    expect(second.lease.notedNumber('cluster-1')).toEqual({ epoch: 1, n: 7 })
    expect(second.lease.notedNumber('cluster-2'), 'another hub counts from the beginning').toBeUndefined()
    second.lease.noteNumber('cluster-2', { epoch: 1, n: 1 })
    await second.lease.release()
    const third = bench.process()
    third.acquire()
    await bench.clock.advance(1_000)
    expect(third.lease.notedNumber('cluster-2')).toEqual({ epoch: 1, n: 1 })
  })

  it('never goes back to an older number when it returns to a process of before', async () => {
    bench = new Bench()
    const [first, second] = [bench.process(), bench.process()]
    first.acquire()
    await bench.clock.advance(1_000)
    first.lease.noteNumber('cluster-1', { epoch: 1, n: 7 })
    await first.lease.release()
    second.acquire()
    await bench.clock.advance(1_000)
    second.lease.noteNumber('cluster-1', { epoch: 2, n: 1 })
    await second.lease.release()
    first.acquire()
    await bench.clock.advance(5_000)
    expect(first.lease.notedNumber('cluster-1')).toEqual({ epoch: 2, n: 1 })
  })

  describe('that is changed by somebody else', () => {
    const cases: Record<string, { readonly away: number; readonly lost: boolean; readonly past: boolean }> = {
      'stays its holder’s when it was labelled by hand': { away: 0, past: false, lost: false },
      'is lost when its cluster was put back, though it names the same holder': { away: 0, past: true, lost: true },
      'is lost so after the cluster was away for long, too': { away: 60_000, past: true, lost: true },
    }
    it.each(Object.entries(cases))('%s', async (_, { away, past, lost }) => {
      bench = new Bench()
      let told = 0
      const { client, process } = bench.processWithClient(() => {
        told++
      })
      process.acquire()
      await bench.clock.advance(10_000)
      const before = (await client.get(KEY))!
      await bench.clock.advance(30_000)
      process.wire.cut = away > 0
      await bench.clock.advance(away)
      const now = (await client.get(KEY))!
      const { resourceVersion } = now.metadata
      const labels = { touched: 'true' }
      await client.replace(
        past
          ? { ...before, metadata: { ...before.metadata, resourceVersion: resourceVersion! } }
          : { ...now, metadata: { ...now.metadata, labels } },
      )
      process.wire.cut = false
      if (away > 0) process.acquire()
      await bench.clock.advance(15_000)
      expect([process.lease.held(), told]).toEqual([!lost, lost ? 1 : 0])
    })
  })
})
