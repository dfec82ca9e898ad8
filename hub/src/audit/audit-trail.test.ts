import { seededRandom } from '@flotilla/core/ports/create-random'
import type { AuditNote } from '@flotilla/core/ports/store'
import { afterEach, describe, expect, it } from 'vitest'
import { TestClock } from '../api/test-api.ts'
import { MemoryStore } from '../store/memory-store.ts'
import { silentLog } from '../store/test-store.ts'
import { type AuditSettings, openAuditTrail } from './audit-trail.ts'
import { auditedStore, runAsked } from './audited-store.ts'

const opened: { close(): Promise<void> }[] = []
afterEach(async () => {
  for (const trail of opened.splice(0)) await trail.close()
})

function open(settings: AuditSettings = {}) {
  const clock = new TestClock()
  const plain = new MemoryStore()
  const store = auditedStore(plain)
  const trail = openAuditTrail({ store, clock, random: seededRandom(3), log: silentLog }, settings)
  opened.push(trail)
  const entries = () => plain.read(rows => rows.auditAfter({ after: 0, limit: 10_000 }))
  const note = (more: Partial<AuditNote> = {}): AuditNote => {
    const about = { actor: 'ana', action: 'read.listApplications', subject: '/api/v1/applications' }
    return { at: clock.now(), ...about, detail: { status: 200 }, ...more }
  }
  const read = (more: { reader?: string; route?: string; sensitive?: boolean; note?: Partial<AuditNote> } = {}) => {
    const { reader = 'ana', route = 'listApplications', sensitive = false } = more
    return trail.reads.record({ reader, route, sensitive, note: () => note(more.note) })
  }
  const countWrites = () => store.counters.transactions
  return { clock, plain, trail, entries, read, note, countWrites }
}

describe('ordinary reads', () => {
  it('of each principal and route the first is an entry, and no answer waits for it', async () => {
    const { read, trail, entries } = open()
    for (const reader of ['ana', 'ben', 'ana'])
      for (const route of ['a', 'b']) expect(read({ reader, route })).toBe(undefined)
    expect(await entries()).toEqual([])
    await trail.queue.flush()
    expect(await entries()).toHaveLength(4)
  })

  it('then one in so many, drawn by chance, and each says of how many it is one', async () => {
    const { read, trail, entries } = open({ reads: { oneIn: 10, byRoute: new Map() } })
    for (let index = 0; index < 5_000; index += 1) {
      await read()
      if (index % 500 === 0) await trail.queue.flush()
    }
    await trail.queue.flush()
    const found = await entries()
    expect(found.length).toBeGreaterThan(400)
    expect(found.length).toBeLessThan(600)
    expect(new Set(found.map(({ detail }) => detail['oneIn']))).toEqual(new Set([10]))
  })

  it('a route may have another rate, all or none', async () => {
    const { read, trail, entries } = open({ reads: { oneIn: 0, byRoute: new Map([['getTree', 1]]) } })
    for (let index = 0; index < 20; index += 1) {
      await read()
      await read({ route: 'getTree', note: { action: 'read.getTree' } })
    }
    await trail.queue.flush()
    expect((await entries()).map(({ action }) => action)).toEqual(Array.from({ length: 20 }, () => 'read.getTree'))
  })

  it('many are one write, after some seconds', async () => {
    const { read, clock, entries, trail, countWrites } = open({ reads: { oneIn: 1, byRoute: new Map() } })
    const before = countWrites()
    for (let index = 0; index < 500; index += 1) await read()
    clock.move(5_000)
    await trail.queue.flush()
    expect([(await entries()).length, countWrites() - before]).toEqual([500, 1])
  })

  it('what finds no room is counted, and told of', async () => {
    const { read, entries, trail } = open({ reads: { oneIn: 1, byRoute: new Map() } })
    for (let index = 0; index < 1_025; index += 1) await read()
    await trail.queue.flush()
    expect((await entries()).at(-1)).toMatchObject({ actor: 'hub', action: 'audit.left-out', detail: { count: 25 } })
  })
})

describe('sensitive reads', () => {
  const logs = { route: 'getLogs', sensitive: true, note: { action: 'read.getLogs', subject: '/logs' } }

  it('are written before they are answered, whatever the rate', async () => {
    const { read, entries } = open({ reads: { oneIn: 0, byRoute: new Map() } })
    await read(logs)
    expect(await entries()).toHaveLength(1)
  })

  it('the same again within a minute is counted, and told when the minute is over', async () => {
    const { read, entries, clock, trail } = open()
    for (let index = 0; index < 60; index += 1) await read(logs)
    await read({ ...logs, note: { ...logs.note, detail: { status: 200, query: 'pod=web' } } })
    expect(await entries()).toHaveLength(2)
    clock.move(60_000)
    await trail.queue.flush()
    expect((await entries()).map(({ detail }) => detail)).toEqual([
      { status: 200 },
      { status: 200, query: 'pod=web' },
      { status: 200, times: 59 },
    ])
  })

  it('a store that takes nothing keeps nobody from reading, and has them once it does', async () => {
    const { read, plain, entries, trail } = open()
    const write = plain.write.bind(plain)
    plain.write = async () => {
      throw new Error('the disk is full')
    }
    await read(logs)
    await read({ ...logs, reader: 'ben' })
    plain.write = write
    await trail.queue.flush()
    expect(await entries()).toHaveLength(2)
  })

  it('an entry that is written in the course of another request is none of that one', async () => {
    const { read, trail, entries } = open()
    await read()
    const stamp = { actor: 'ben', from: '10.0.0.2', requestId: 'other', entries: 0, denials: [] }
    await runAsked(stamp, () => trail.queue.flush())
    expect((await entries())[0]).not.toHaveProperty('requestId')
    expect(stamp.entries).toBe(0)
  })
})

describe('denials', () => {
  const denied = { principal: 'ana', actor: 'ana', route: 'syncApplication', from: '10.0.0.1' }

  it('so many of a principal in a minute are entries; the rest is one that says how many, of what, from where', async () => {
    const { trail, clock, entries } = open({ denialsPerMinute: 5 })
    expect(trail.denials.admit(denied, 3)).toBe(3)
    expect(trail.denials.admit(denied, 10)).toBe(2)
    trail.denials.leaveOut({ ...denied, route: 'listAudit' })
    expect(trail.denials.admit({ ...denied, principal: 'ben', actor: 'ben' })).toBe(1)
    clock.move(60_000)
    await trail.queue.flush()
    expect(await entries()).toMatchObject([
      {
        ...{ actor: 'ana', action: 'denials.left-out', subject: 'ana', outcome: 'refused' },
        detail: { count: 9, written: 5, routes: { syncApplication: 8, listAudit: 1 }, addresses: ['10.0.0.1'] },
      },
    ])
    expect(trail.denials.admit(denied)).toBe(1)
  })

  it('a hub that stops tells what was left out until then', async () => {
    const { trail, entries } = open({ denialsPerMinute: 1 })
    trail.denials.admit(denied, 2)
    await trail.close()
    expect(await entries()).toMatchObject([{ action: 'denials.left-out', detail: { count: 1 } }])
  })

  it('what looks as if it were not there is an entry that nobody waits for, within the same limit', async () => {
    const { trail, note, entries } = open({ denialsPerMinute: 2 })
    const miss = (path: string) => {
      const make = () => note({ subject: path, outcome: 'refused' })
      const admit = () => trail.denials.admit(denied) > 0
      trail.reads.missed({ reader: 'ana', route: 'getApplication', sensitive: false, note: make }, admit)
    }
    for (const path of ['/a', '/a', '/b', '/c']) miss(path)
    await trail.queue.flush()
    expect((await entries()).map(({ subject }) => subject)).toEqual(['/a', '/b'])
    await trail.close()
    const told = (await entries()).slice(2).map(({ action, detail }) => [action, detail['times'] ?? detail['count']])
    expect(told.sort()).toEqual([
      ['denials.left-out', 1],
      ['read.listApplications', 1],
    ])
  })
})
