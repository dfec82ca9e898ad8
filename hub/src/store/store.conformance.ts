import { CHAIN_START, hashOfEntry } from '@flotilla/core/audit/audit-entry'
import { type Store, StoreError, type StoreWriter } from '@flotilla/core/ports/store'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import * as sample from './sample-rows.ts'

export interface StoreUnderTest {
  /** A fresh, empty store. */
  open(): Promise<Store>
  /** Cases that cannot hold for this implementation, each with its reason. */
  readonly skip?: { readonly [sentence: string]: string }
}

/** What every Store keeps to, the fake included. Call it inside a test file of the implementation. */
export function storeConformance(name: string, subject: StoreUnderTest): void {
  describe(`${name} keeps the Store port's promises`, () => {
    let store: Store
    beforeEach(async () => {
      store = await subject.open()
    })
    afterEach(async () => {
      await store.close()
    })

    const rule = (sentence: string, check: () => Promise<void>): void => {
      const reason = subject.skip?.[sentence]
      if (reason !== undefined) it(`does not apply here: ${sentence}: ${reason}`, () => expect(reason).not.toBe(''))
      else it(sentence, check)
    }
    const withCluster = (work: (rows: StoreWriter) => Promise<void>): Promise<void> =>
      store.write(async rows => {
        await rows.putCluster(sample.sampleCluster())
        await work(rows)
      })

    rule('a write whose work throws leaves nothing behind', async () => {
      await store.write(rows => rows.putSource(sample.sampleSource()))
      const before = store.counters
      const failed = store.write(async rows => {
        await rows.putSource(sample.sampleSource({ revision: 'other' }))
        await rows.putSet(sample.sampleSet())
        await rows.appendAudit({ at: 1, actor: 'ana', action: 'sync', subject: 'shop', detail: {} })
        throw new Error('no')
      })
      await expect(failed).rejects.toThrow('no')
      await store.read(async rows => {
        expect(await rows.sources()).toEqual([sample.sampleSource()])
        expect(await rows.sets()).toEqual([])
        expect(await rows.audit({ limit: 10 })).toEqual([])
      })
      expect(store.counters).toEqual(before)
    })

    rule('a write sees its own changes; others see them when it has resolved', async () => {
      let release = (): void => undefined
      const held = new Promise<void>(resolve => {
        release = resolve
      })
      const writing = store.write(async rows => {
        await rows.putSource(sample.sampleSource())
        expect(await rows.sources()).toHaveLength(1)
        await held
      })
      await store.read(async rows => expect(await rows.sources()).toEqual([]))
      release()
      await writing
      await store.read(async rows => expect(await rows.sources()).toHaveLength(1))
    })

    rule('a read keeps what it saw although a write commits meanwhile', async () => {
      await store.write(rows => rows.putApplication(sample.sampleApplication()))
      await store.read(async rows => {
        expect(await rows.applications()).toHaveLength(1)
        await store.write(async writer => {
          await writer.deleteApplication('app-1')
          await writer.putApplication(sample.sampleApplication({ id: 'app-2', name: 'other' }))
        })
        expect((await rows.applications()).map(row => row.id)).toEqual(['app-1'])
        expect(await rows.application('app-2')).toBeUndefined()
        await store.read(async later => expect((await later.applications()).map(row => row.id)).toEqual(['app-2']))
      })
    })

    rule('reads may be nested and many at once', async () => {
      await store.write(rows => rows.putSource(sample.sampleSource()))
      const nested = (depth: number): Promise<number> =>
        store.read(async rows => (depth === 0 ? (await rows.sources()).length : await nested(depth - 1)))
      expect(await Promise.all(Array.from({ length: 20 }, () => nested(5)))).toEqual(Array(20).fill(1))
    })

    rule('writes run one after the other, in the order of asking', async () => {
      const order: number[] = []
      await Promise.all(
        [1, 2, 3].map(number =>
          store.write(async rows => {
            await rows.putSetting('last', { number })
            await Promise.resolve()
            order.push(number)
          }),
        ),
      )
      expect(order).toEqual([1, 2, 3])
      expect(await store.read(rows => rows.setting('last'))).toEqual({ number: 3 })
    })

    rule('a transaction cannot be used after its work', async () => {
      const kept = await store.read(async rows => rows)
      await expect(kept.sources()).rejects.toThrow('after its work had ended')
    })

    rule('rows that are equal are not written again', async () => {
      await store.write(rows => rows.putApplication(sample.sampleApplication({ labels: { a: '1', b: '2' } })))
      const before = store.counters.rowsWritten
      await store.write(rows => rows.putApplication(sample.sampleApplication({ labels: { b: '2', a: '1' } })))
      expect(store.counters.rowsWritten).toBe(before)
      await store.write(rows => rows.putApplication(sample.sampleApplication({ labels: { a: '1' } })))
      expect(store.counters.rowsWritten).toBe(before + 1)
    })

    rule('a row comes back as it went in: absent members absent, odd keys and large integers kept', async () => {
      const document = JSON.parse(
        '{"__proto__":{"x":1},"constructor":"c","list":[null,true,0.5,"\\u0000é\\ud83d\\ude00"]}',
      )
      const row = sample.sampleApplication({ document: { ...document, big: 12345678901234567890n } })
      await store.write(rows => rows.putApplication({ ...row, set: undefined, digest: undefined }))
      const back = await store.read(rows => rows.application('app-1'))
      expect(back?.document['big']).toBe(12345678901234567890n)
      expect(Object.hasOwn(back!, 'set')).toBe(false)
      expect(back).toEqual(row)
    })

    rule('settings are values by key', async () => {
      await store.write(rows => rows.putSetting('hub', { id: 'h' }))
      expect(await store.read(rows => rows.setting('hub'))).toEqual({ id: 'h' })
      expect(await store.read(rows => rows.setting('other'))).toBeUndefined()
    })

    rule('sources and sets are kept by name, listed in order and deleted', async () => {
      await store.write(async rows => {
        for (const name of ['b', 'a', 'B']) await rows.putSource(sample.sampleSource({ name }))
        for (const key of ['s/2', 's/1']) await rows.putSet(sample.sampleSet({ key }))
        await rows.deleteSource('b')
        await rows.deleteSource('never there')
        await rows.deleteSet('s/2')
      })
      await store.read(async rows => {
        expect((await rows.sources()).map(row => row.name)).toEqual(['B', 'a'])
        expect((await rows.sets()).map(row => row.key)).toEqual(['s/1'])
        expect(await rows.set('s/1')).toEqual(sample.sampleSet({ key: 's/1' }))
        expect(await rows.set('s/2')).toBeUndefined()
      })
    })

    rule("putSourceDocuments replaces one source's documents and writes only what differs", async () => {
      const [one, two] = [sample.sampleSourceDocument(), sample.sampleSourceDocument({ index: 1 })]
      const other = sample.sampleSourceDocument({ source: 'team' })
      await store.write(async rows => {
        await rows.putSourceDocuments('platform', [two, one])
        await rows.putSourceDocuments('team', [other])
      })
      expect(await store.read(rows => rows.sourceDocuments('platform'))).toEqual([one, two])
      const before = store.counters.rowsWritten
      const moved = sample.sampleSourceDocument({ file: 'a.yaml' })
      await store.write(rows => rows.putSourceDocuments('platform', [one, moved]))
      expect(store.counters.rowsWritten - before).toBe(2)
      expect(await store.read(rows => rows.sourceDocuments('platform'))).toEqual([moved, one])
      expect(await store.read(rows => rows.sourceDocuments('team'))).toEqual([other])
    })

    rule("putSourceDocuments refuses another source's row and the same place twice", async () => {
      const row = sample.sampleSourceDocument()
      await expect(store.write(rows => rows.putSourceDocuments('team', [row]))).rejects.toThrow()
      await expect(store.write(rows => rows.putSourceDocuments('platform', [row, row]))).rejects.toThrow()
    })

    rule('applications are filtered by cluster, set and source, and listed by name', async () => {
      await store.write(async rows => {
        await rows.putApplication(sample.sampleApplication({ id: '1', name: 'c', clusterId: 'k', set: 'shop' }))
        await rows.putApplication(sample.sampleApplication({ id: '2', name: 'a', clusterId: 'k', source: 'team' }))
        await rows.putApplication(sample.sampleApplication({ id: '3', name: 'b', clusterId: 'l', set: 'shop' }))
      })
      await store.read(async rows => {
        const ids = async (filter?: Parameters<typeof rows.applications>[0]): Promise<string[]> =>
          (await rows.applications(filter)).map(row => row.id)
        expect(await ids()).toEqual(['2', '3', '1'])
        expect(await ids({ clusterId: 'k' })).toEqual(['2', '1'])
        expect(await ids({ set: 'shop' })).toEqual(['3', '1'])
        expect(await ids({ source: 'team' })).toEqual(['2'])
        expect(await ids({ set: 'shop', clusterId: 'k' })).toEqual(['1'])
        expect(await ids({ set: 'shop', source: 'team' })).toEqual([])
      })
    })

    rule('a name means the active Application that came first, else the latest', async () => {
      const put = (id: string, state: 'active' | 'withdrawn', createdAt: number) =>
        store.write(rows => rows.putApplication(sample.sampleApplication({ id, state, createdAt })))
      const named = async () => (await store.read(rows => rows.applicationByName('shop-eu-1')))?.id
      expect(await named()).toBeUndefined()
      await put('old', 'withdrawn', 1)
      await put('older', 'withdrawn', 0)
      expect(await named()).toBe('old')
      await put('claimant', 'active', 3)
      await put('incumbent', 'active', 2)
      expect(await named()).toBe('incumbent')
    })

    rule('an Application can move between clusters and sets', async () => {
      await store.write(rows => rows.putApplication(sample.sampleApplication({ clusterId: 'k', set: 'shop' })))
      await store.write(rows => rows.putApplication(sample.sampleApplication({ clusterId: 'l' })))
      await store.read(async rows => {
        expect(await rows.applications({ clusterId: 'k' })).toEqual([])
        expect(await rows.applications({ set: 'shop' })).toEqual([])
        expect(await rows.applications({ clusterId: 'l' })).toHaveLength(1)
      })
    })

    rule('a cluster is found by id and by name; a name has one id', async () => {
      await store.write(rows => rows.putCluster(sample.sampleCluster()))
      await store.read(async rows => {
        expect(await rows.cluster('cluster-1')).toEqual(sample.sampleCluster())
        expect(await rows.clusterByName('eu-1')).toEqual(sample.sampleCluster())
        expect(await rows.clusterByName('eu-2')).toBeUndefined()
        expect(await rows.clusters()).toHaveLength(1)
      })
      await expect(store.write(rows => rows.putCluster(sample.sampleCluster({ id: 'other' })))).rejects.toThrow()
    })

    rule('a deleted cluster gives its name up; one that has documents is not deleted', async () => {
      await store.write(async rows => {
        await rows.putCluster(sample.sampleCluster())
        await rows.putDocument(sample.sampleDocument({ clusterId: 'cluster-1', key: 'calendar' }))
      })
      await expect(store.write(rows => rows.deleteCluster('cluster-1'))).rejects.toThrow()
      await store.write(rows => rows.deleteDocument('cluster-1', 'calendar'))
      await store.write(async rows => {
        await rows.deleteCluster('cluster-1')
        await rows.putCluster(sample.sampleCluster({ id: 'other' }))
      })
      await store.read(async rows => {
        expect(await rows.cluster('cluster-1')).toBeUndefined()
        expect((await rows.clusterByName('eu-1'))?.id).toBe('other')
      })
    })

    rule(
      'document numbers rise by one, also beside a stale putCluster, and are taken back with a failed write',
      async () => {
        await store.write(rows => rows.putCluster(sample.sampleCluster()))
        const next = () => store.write(rows => rows.nextNumber('cluster-1'))
        expect(await next()).toEqual({ epoch: 1, n: 1 })
        await store.write(rows => rows.putCluster(sample.sampleCluster({ uid: 'u' })))
        expect((await store.read(rows => rows.cluster('cluster-1')))?.lastNumber).toBe(1)
        expect((await store.read(rows => rows.cluster('cluster-1')))?.uid).toBe('u')
        await expect(
          store.write(async rows => {
            await rows.nextNumber('cluster-1')
            throw new Error('no')
          }),
        ).rejects.toThrow('no')
        expect(await next()).toEqual({ epoch: 1, n: 2 })
        await store.write(rows => rows.putCluster(sample.sampleCluster({ epoch: 5, lastNumber: 0 })))
        expect(await next()).toEqual({ epoch: 5, n: 1 })
        await expect(store.write(rows => rows.nextNumber('unknown'))).rejects.toThrow()
      },
    )

    rule('join tokens and API tokens are kept by id and listed by age', async () => {
      await store.write(async rows => {
        await rows.putJoinToken(sample.sampleJoinToken({ id: 'b', createdAt: 1 }))
        await rows.putJoinToken(sample.sampleJoinToken({ id: 'a', createdAt: 2 }))
        await rows.putJoinToken(sample.sampleJoinToken({ id: 'b', createdAt: 1, usedAt: 3, usedBy: 'key' }))
        await rows.putToken(sample.sampleToken({ id: 'y', createdAt: 1 }))
        await rows.putToken(sample.sampleToken({ id: 'x', createdAt: 1 }))
        await rows.putToken(sample.sampleToken({ id: 'gone' }))
        await rows.deleteToken('gone')
      })
      await store.read(async rows => {
        expect((await rows.joinTokens()).map(row => row.id)).toEqual(['b', 'a'])
        expect((await rows.joinToken('b'))?.usedBy).toBe('key')
        expect(await rows.joinToken('c')).toBeUndefined()
        expect((await rows.tokens()).map(row => row.id)).toEqual(['x', 'y'])
        expect(await rows.token('gone')).toBeUndefined()
        expect((await rows.token('x'))?.role).toBe('admin')
      })
    })

    rule('sessions are kept by id and listed by age, all or those of one owner', async () => {
      await store.write(async rows => {
        await rows.putSession(sample.sampleSession({ id: 'b', createdAt: 1 }))
        await rows.putSession(sample.sampleSession({ id: 'a', createdAt: 2, owner: 'provider 1' }))
        await rows.putSession(sample.sampleSession({ id: 'c', createdAt: 3 }))
        await rows.putSession(sample.sampleSession({ id: 'b', createdAt: 1, lastUsedAt: 5 }))
        await rows.putSession(sample.sampleSession({ id: 'gone' }))
        await rows.deleteSession('gone')
      })
      await store.read(async rows => {
        expect((await rows.sessions()).map(row => row.id)).toEqual(['b', 'a', 'c'])
        expect((await rows.sessions('account ana')).map(row => row.id)).toEqual(['b', 'c'])
        expect(await rows.sessions('account')).toEqual([])
        expect((await rows.session('b'))?.lastUsedAt).toBe(5)
        expect(await rows.session('gone')).toBeUndefined()
      })
    })

    rule('people who signed in, and what was given back before its time', async () => {
      const [one, two] = [sample.digestOf('one'), sample.digestOf('two')]
      await store.write(async rows => {
        await rows.putPerson(sample.samplePerson())
        await rows.putPerson(sample.samplePerson({ signedOutAt: 7 }))
        await rows.putSignedOut({ id: one, until: 5 })
        await rows.putSignedOut({ id: two, until: 6 })
      })
      expect(await store.write(rows => rows.deleteSignedOut(6))).toBe(1)
      await store.read(async rows => {
        expect((await rows.person('account ana'))?.signedOutAt).toBe(7)
        expect(await rows.person('account')).toBeUndefined()
        expect(await rows.signedOut(one)).toBeUndefined()
        expect((await rows.signedOut(two))?.until).toBe(6)
      })
    })

    rule(
      'alerts, incidents and messages are kept by id, messages by state too, and go when they are deleted',
      async () => {
        await store.write(async rows => {
          for (const id of ['b', 'a', 'c']) await rows.putAlert(sample.sampleAlert({ id }))
          for (const id of ['b', 'a', 'c']) await rows.putIncident(sample.sampleIncident({ id }))
          for (const id of ['b', 'a', 'c']) await rows.putMessage(sample.sampleMessage({ id }))
          await rows.putAlert(sample.sampleAlert({ id: 'a', incident: 'i' }))
          await rows.putIncident(sample.sampleIncident({ id: 'a', total: 2 }))
          await rows.putMessage(sample.sampleMessage({ id: 'a', state: 'sent', sentAt: 2 }))
          await rows.deleteAlert('c')
          await rows.deleteIncident('c')
          await rows.deleteMessage('c')
        })
        await store.read(async rows => {
          expect((await rows.alerts()).map(({ id, incident }) => [id, incident])).toEqual([
            ['a', 'i'],
            ['b', undefined],
          ])
          expect((await rows.incidents()).map(({ id, total }) => [id, total])).toEqual([
            ['a', 2],
            ['b', 1],
          ])
          expect((await rows.messages()).map(({ id }) => id)).toEqual(['a', 'b'])
          expect((await rows.messages('waiting')).map(({ id }) => id)).toEqual(['b'])
          expect((await rows.messages('sent')).map(({ id }) => id)).toEqual(['a'])
          expect(await rows.messages('dead')).toEqual([])
          expect((await rows.message('a'))?.sentAt).toBe(2)
          expect(await rows.message('c')).toBeUndefined()
        })
      },
    )

    rule('agents that ask to be admitted are kept by id and listed by age, all or those of a token', async () => {
      await store.write(async rows => {
        await rows.putEnrolment(sample.sampleEnrolment({ id: 'b', requestedAt: 1 }))
        await rows.putEnrolment(sample.sampleEnrolment({ id: 'a', requestedAt: 2, tokenId: 'join-2' }))
        await rows.putEnrolment(sample.sampleEnrolment({ id: 'c', requestedAt: 3 }))
        await rows.putEnrolment(sample.sampleEnrolment({ id: 'b', requestedAt: 1, state: 'rejected' }))
        await rows.putEnrolment(sample.sampleEnrolment({ id: 'gone' }))
        await rows.deleteEnrolment('gone')
      })
      await store.read(async rows => {
        expect((await rows.enrolments()).map(row => row.id)).toEqual(['b', 'a', 'c'])
        expect((await rows.enrolments('join-1')).map(row => row.id)).toEqual(['b', 'c'])
        expect(await rows.enrolments('join-3')).toEqual([])
        expect((await rows.enrolment('b'))?.state).toBe('rejected')
        expect(await rows.enrolment('gone')).toBeUndefined()
      })
    })

    rule("a cluster's documents come in order of number, those after a number alone, one for each key", async () => {
      await withCluster(async rows => {
        await rows.putCluster(sample.sampleCluster({ id: 'cluster-2', name: 'eu-2' }))
        const put = (key: string, epoch: number, n: number) =>
          rows.putDocument(sample.sampleDocument({ key, number: { epoch, n } }))
        await put('application/b', 1, 10)
        await put('application/a', 2, 1)
        await put('calendar', 1, 9)
        await put('application/b', 1, 11)
        await rows.putDocument(sample.sampleDocument({ clusterId: 'cluster-2' }))
      })
      await store.read(async rows => {
        const keys = async (after?: { epoch: number; n: number }) =>
          (await rows.documents('cluster-1', after)).map(row => `${row.key} ${row.number.n}`)
        expect(await keys()).toEqual(['calendar 9', 'application/b 11', 'application/a 1'])
        expect(await keys({ epoch: 1, n: 9 })).toEqual(['application/b 11', 'application/a 1'])
        expect(await keys({ epoch: 1, n: 11 })).toEqual(['application/a 1'])
        expect(await keys({ epoch: 2, n: 1 })).toEqual([])
        expect((await rows.document('cluster-1', 'calendar'))?.number.n).toBe(9)
        expect(await rows.document('cluster-2', 'calendar')).toBeUndefined()
      })
      await store.write(rows => rows.deleteDocument('cluster-1', 'calendar'))
      expect(await store.read(rows => rows.document('cluster-1', 'calendar'))).toBeUndefined()
    })

    rule("a document's number never goes back, and its cluster exists", async () => {
      await withCluster(rows => rows.putDocument(sample.sampleDocument({ number: { epoch: 2, n: 5 } })))
      for (const number of [
        { epoch: 2, n: 4 },
        { epoch: 1, n: 9 },
      ]) {
        await expect(store.write(rows => rows.putDocument(sample.sampleDocument({ number })))).rejects.toThrow()
      }
      await expect(
        store.write(rows => rows.putDocument(sample.sampleDocument({ clusterId: 'unknown' }))),
      ).rejects.toThrow()
      await expect(store.write(rows => rows.putGrant(sample.sampleGrant({ clusterId: 'unknown' })))).rejects.toThrow()
    })

    rule('what was offered to a cluster it may fetch until it is admitted again or the Bundle is swept', async () => {
      await withCluster(rows => rows.putDocument(sample.sampleDocument()))
      const offers = (cluster: string) => store.read(rows => rows.offersDigest(cluster, sample.digestOf('bundle')))
      expect(await offers('cluster-1')).toBe(true)
      expect(await offers('cluster-2')).toBe(false)
      await store.write(rows =>
        rows.putDocument(sample.sampleDocument({ number: { epoch: 1, n: 2 }, digest: sample.digestOf('newer') })),
      )
      expect(await offers('cluster-1'), 'its last success may be that').toBe(true)
      await store.write(rows => rows.deleteDocument('cluster-1', 'application/app-1'))
      expect(await offers('cluster-1')).toBe(true)
      await store.write(rows => rows.deleteBundle(sample.digestOf('bundle')))
      expect(await offers('cluster-1')).toBe(false)
      await store.write(rows =>
        rows.putDocument(sample.sampleDocument({ number: { epoch: 1, n: 3 }, digest: sample.digestOf('newer') })),
      )
      await store.write(rows => rows.putCluster(sample.sampleCluster({ uid: 'of the same admission' })))
      const newer = () => store.read(rows => rows.offersDigest('cluster-1', sample.digestOf('newer')))
      expect(await newer()).toBe(true)
      await store.write(rows => rows.putCluster(sample.sampleCluster({ admission: 2 })))
      expect(await newer()).toBe(false)
    })

    rule('open commands are those without an answer, and answered ones can be swept by age', async () => {
      await withCluster(async rows => {
        await rows.putCommand(sample.sampleCommand({ id: 'b', createdAt: 1 }))
        await rows.putCommand(sample.sampleCommand({ id: 'a', createdAt: 2 }))
        await rows.putCommand(sample.sampleCommand({ id: 'c', createdAt: 0, state: 'done', message: 'scaled' }))
      })
      const open = async () => (await store.read(rows => rows.openCommands('cluster-1'))).map(({ id }) => id)
      expect(await open()).toEqual(['b', 'a'])
      expect(await store.read(rows => rows.openCommands('cluster-2'))).toEqual([])
      await store.write(rows => rows.putCommand(sample.sampleCommand({ id: 'b', createdAt: 1, state: 'failed' })))
      expect(await open()).toEqual(['a'])
      expect(await store.write(rows => rows.deleteCommands(2))).toBe(2)
      expect(await store.read(rows => rows.command('b'))).toBeUndefined()
      expect((await store.read(rows => rows.command('a')))?.state).toBe('open')
    })

    rule('an answer is kept for one principal and key, and swept when its time is over', async () => {
      await store.write(async rows => {
        await rows.putKeptAnswer(sample.sampleKeptAnswer())
        await rows.putKeptAnswer(sample.sampleKeptAnswer({ principal: 'token-2', expiresAt: 3_000 }))
        await rows.putKeptAnswer(sample.sampleKeptAnswer({ key: 'key-2' }))
      })
      const kept = (principal: string, key: string) => store.read(rows => rows.keptAnswer(principal, key))
      expect(await kept('token-1', 'key-1')).toEqual(sample.sampleKeptAnswer())
      expect(await kept('token-3', 'key-1')).toBeUndefined()
      await store.write(rows => rows.deleteKeptAnswer('token-1', 'key-2'))
      expect(await kept('token-1', 'key-2')).toBeUndefined()
      expect(await store.write(rows => rows.deleteKeptAnswers(2_001))).toBe(1)
      expect(await kept('token-1', 'key-1')).toBeUndefined()
      expect((await kept('token-2', 'key-1'))?.expiresAt).toBe(3_000)
    })

    rule('what was asked of many is kept by id, and forgotten when it is old', async () => {
      await store.write(async rows => {
        await rows.putBulkOperation(sample.sampleBulkOperation())
        await rows.putBulkOperation(sample.sampleBulkOperation({ id: 'bulk-2', madeAt: 2_000.5 }))
      })
      expect(await store.read(rows => rows.bulkOperation('bulk-1'))).toEqual(sample.sampleBulkOperation())
      expect(await store.read(rows => rows.bulkOperation('bulk-3'))).toBeUndefined()
      expect(await store.write(rows => rows.deleteBulkOperations(2_000))).toBe(1)
      expect(await store.read(rows => rows.bulkOperation('bulk-1'))).toBeUndefined()
      expect((await store.read(rows => rows.bulkOperation('bulk-2')))?.madeAt).toBe(2_000.5)
    })

    rule('what was asked of many is open until it has an end, with what was decided so far', async () => {
      const { endedAt: _, ...open } = sample.sampleBulkOperation()
      const places = async () => (await store.read(rows => rows.bulkItems('bulk-1'))).map(({ place }) => place)
      const ids = async () => (await store.read(rows => rows.openBulkOperations())).map(({ id }) => id)
      await store.write(async rows => {
        for (const id of ['bulk-2', 'bulk-1']) await rows.putBulkOperation({ ...open, id })
        for (const place of [10, 9, 9]) await rows.putBulkItem(sample.sampleBulkItem({ place }))
        await rows.putBulkItem(sample.sampleBulkItem({ bulk: 'bulk-2' }))
      })
      expect(await ids()).toEqual(['bulk-1', 'bulk-2'])
      expect(await places()).toEqual([9, 10])
      expect((await store.read(rows => rows.bulkItems('bulk-2')))[0]).toEqual(sample.sampleBulkItem({ bulk: 'bulk-2' }))
      await store.write(rows => rows.putBulkOperation(sample.sampleBulkOperation()))
      expect(await ids()).toEqual(['bulk-2'])
      expect(await places()).toEqual([])
    })

    rule('Grants after an id are told in the order of their ids, whatever became of them', async () => {
      await withCluster(async rows => {
        await rows.putGrant(sample.sampleGrant({ id: 'c', state: 'void' }))
        await rows.putGrant(sample.sampleGrant({ id: 'b' }))
        await rows.putGrant(sample.sampleGrant({ id: 'a', state: 'started' }))
      })
      const told = async (id: string) =>
        (await store.read(rows => rows.grantsAfter('cluster-1', id))).map(row => row.id)
      expect(await told('')).toEqual(['a', 'b', 'c'])
      expect(await told('a')).toEqual(['b', 'c'])
      expect(await told('c')).toEqual([])
      expect(await store.read(rows => rows.grantsAfter('cluster-2', ''))).toEqual([])
    })

    rule('when an operation was first heard of does not change', async () => {
      await withCluster(rows => rows.putOperation(sample.sampleOperation({ firstHeardAt: 5 })))
      await store.write(rows => rows.putOperation(sample.sampleOperation({ firstHeardAt: 9 }, { message: 'later' })))
      const stored = await store.read(rows => rows.operation('cluster-1', 'grant-1'))
      expect([stored?.firstHeardAt, stored?.operation.message, stored?.sequence]).toEqual([5, 'later', 1])
      expect(await store.read(rows => rows.operation('cluster-2', 'grant-1'))).toBeUndefined()
    })

    rule('open Grants are those not yet started or ended', async () => {
      await withCluster(async rows => {
        await rows.putGrant(sample.sampleGrant({ id: 'b', createdAt: 1 }))
        await rows.putGrant(sample.sampleGrant({ id: 'a', createdAt: 2 }))
        await rows.putGrant(sample.sampleGrant({ id: 'c', state: 'refused', reason: 'closed' }))
      })
      const open = async () => (await store.read(rows => rows.openGrants('cluster-1'))).map(row => row.id)
      expect(await open()).toEqual(['b', 'a'])
      await store.write(rows => rows.putGrant(sample.sampleGrant({ id: 'b', createdAt: 1, state: 'started' })))
      expect(await open()).toEqual(['a'])
      expect((await store.read(rows => rows.grant('c')))?.reason).toBe('closed')
    })

    rule('the newest report wins by (admission, inc, n); a repeat is not newer', async () => {
      const put = (admission: number, inc: number, n: number) =>
        store.write(rows => rows.putReport(sample.sampleReport({ admission }, { inc, n })))
      expect(await put(1, 1, 5)).toBe(true)
      expect(await put(1, 1, 5)).toBe(false)
      expect(await put(1, 1, 4)).toBe(false)
      expect(await put(1, 2, 1)).toBe(true)
      expect(await put(1, 1, 9)).toBe(false)
      expect(await put(2, 1, 1)).toBe(true)
      const row = await store.read(rows => rows.report('app-1'))
      expect([row?.admission, row?.entry.inc, row?.entry.n]).toEqual([2, 1, 1])
    })

    rule('reports are listed for one cluster or for all, and deleted', async () => {
      await store.write(async rows => {
        await rows.putReport(sample.sampleReport({ applicationId: 'b' }))
        await rows.putReport(sample.sampleReport({ applicationId: 'a', clusterId: 'cluster-2' }))
      })
      await store.read(async rows => {
        expect((await rows.reports()).map(row => row.applicationId)).toEqual(['a', 'b'])
        expect((await rows.reports('cluster-2')).map(row => row.applicationId)).toEqual(['a'])
      })
      await store.write(rows => rows.deleteReport('a'))
      expect(await store.read(rows => rows.report('a'))).toBeUndefined()
    })

    rule('operations keep their first sequence number and are paged from the newest', async () => {
      await store.write(async rows => {
        for (const id of ['1', '2', '3']) await rows.putOperation(sample.sampleOperation({ id }, { phase: 'Running' }))
        await rows.putOperation(sample.sampleOperation({ id: '1' }))
        await rows.putOperation(sample.sampleOperation({ id: 'x', applicationId: 'app-2' }))
        await rows.putOperation(sample.sampleOperation({ id: '1', clusterId: 'cluster-2', applicationId: 'app-3' }))
      })
      await store.read(async rows => {
        const all = await rows.operations('app-1', { limit: 10 })
        expect(all.map(row => row.id)).toEqual(['3', '2', '1'])
        expect(all[2]?.operation.phase).toBe('Succeeded')
        const page = await rows.operations('app-1', { limit: 1, before: all[0]!.sequence })
        expect(page.map(row => row.id)).toEqual(['2'])
        expect(await rows.operations('app-3', { limit: 10 })).toHaveLength(1)
        const oldest = await rows.operationsAfter('app-1', { limit: 10, after: 0 })
        expect(oldest).toEqual(all.toReversed())
        expect(await rows.operationsAfter('app-1', { limit: 1, after: oldest[0]!.sequence })).toEqual([oldest[1]])
        expect([await rows.countOperations('app-1'), await rows.countOperations('none')]).toEqual([all.length, 0])
      })
      const before = store.counters.rowsWritten
      await store.write(rows => rows.putOperation(sample.sampleOperation({ id: '1' })))
      expect(store.counters.rowsWritten).toBe(before)
    })

    rule('deleting a Bundle forgets the renders that led to it', async () => {
      const digest = sample.digestOf('bundle')
      await store.write(async rows => {
        await rows.putBundle(sample.sampleBundle())
        await rows.putRenderMemo('k1', digest)
        await rows.putRenderMemo('k2', sample.digestOf('other'))
      })
      expect(await store.read(rows => rows.renderMemo('k1'))).toBe(digest)
      expect(await store.read(rows => rows.bundle(digest))).toEqual(sample.sampleBundle())
      await store.write(rows => rows.deleteBundle(digest))
      await store.read(async rows => {
        expect(await rows.bundle(digest)).toBeUndefined()
        expect(await rows.renderMemo('k1')).toBeUndefined()
        expect(await rows.renderMemo('k2')).toBeDefined()
      })
    })

    rule(
      'referenced digests are those of documents, Applications, reports and the last twenty of history',
      async () => {
        const named = Object.fromEntries(
          ['document', 'application', 'held', 'succeeded', 'running', 'gone'].map(
            text => [text, sample.digestOf(text)] as const,
          ),
        )
        await withCluster(async rows => {
          await rows.putDocument(sample.sampleDocument({ digest: named['document'] }))
          await rows.putApplication(sample.sampleApplication({ digest: named['application'] }))
          const { operation } = sample.sampleOperation({}, { phase: 'Running', digest: named['running'] })
          const entry = { held: named['held'], lastSucceeded: named['succeeded'], operation }
          await rows.putReport(sample.sampleReport({}, entry))
          await rows.putBundle(sample.sampleBundle({ digest: named['gone'] }))
          for (let index = 0; index < 25; index += 1) {
            await rows.putOperation(sample.sampleOperation({ id: `${index}` }, { digest: sample.digestOf(`${index}`) }))
          }
          for (let index = 0; index < 30; index += 1) {
            await rows.putOperation(sample.sampleOperation({ id: `heal-${index}` }, { digest: sample.digestOf('24') }))
          }
        })
        const digests = await store.read(rows => rows.referencedDigests())
        const history = Array.from({ length: 20 }, (_, index) => sample.digestOf(`${index + 5}`))
        const { gone: _, ...referenced } = named
        expect([...digests].sort()).toEqual([...Object.values(referenced), ...history].sort())
      },
    )

    rule('the audit log is numbered and paged from the newest', async () => {
      await store.write(async rows => {
        for (const subject of ['a', 'b', 'c']) {
          await rows.appendAudit({ at: 1, actor: 'ana', action: 'sync', subject, detail: { subject } })
        }
      })
      await store.read(async rows => {
        const all = await rows.audit({ limit: 2 })
        expect(all.map(row => row.subject)).toEqual(['c', 'b'])
        expect((await rows.audit({ limit: 9, before: all[1]!.sequence })).map(row => row.subject)).toEqual(['a'])
      })
    })

    rule('the audit log is a chain that goes on from its head', async () => {
      expect(await store.read(rows => rows.auditHead())).toEqual({ sequence: 0, hash: CHAIN_START })
      for (const subject of ['a', 'b', 'c']) {
        await store.write(rows => rows.appendAudit({ at: 1, actor: 'ana', action: 'sync', subject, detail: { n: 1 } }))
      }
      await store.read(async rows => {
        const entries = await rows.auditAfter({ limit: 9, after: 0 })
        expect(entries.map(({ sequence, subject }) => [sequence, subject])).toEqual([
          [1, 'a'],
          [2, 'b'],
          [3, 'c'],
        ])
        for (const [index, entry] of entries.entries()) {
          expect(entry.previous).toBe(entries[index - 1]?.hash ?? CHAIN_START)
          expect(entry.hash).toBe(hashOfEntry(entry))
        }
        expect(await rows.auditHead()).toEqual({ sequence: 3, hash: entries[2]!.hash })
        expect((await rows.auditAfter({ limit: 1, after: 1 })).map(row => row.subject)).toEqual(['b'])
      })
    })

    rule('the feed is newest first; what has one key is one entry; the oldest go', async () => {
      const note = (name: string, at: number, key?: string) => ({
        ...({ at, kind: 'commit', event: 'commit', subject: name, by: 'ana', message: name, detail: {} } as const),
        applications: [{ name, project: 'shop', cluster: 'eu-1' }],
        applicationsCut: 0,
        ...(key !== undefined && { key }),
      })
      await store.write(async rows => {
        await rows.appendActivity(note('a', 1, 'commit/1'))
        await rows.appendActivity(note('b', 2))
        await rows.appendActivity(note('c', 3, 'commit/1'))
      })
      const listed = await store.read(rows => rows.activity({ limit: 9 }))
      expect(listed.map(({ subject, sequence }) => [subject, sequence])).toEqual([
        ['b', 2],
        ['a', 1],
      ])
      expect(listed[1]).toMatchObject({ at: 1, message: 'c', applications: [{ name: 'a' }, { name: 'c' }] })
      expect(await store.read(rows => rows.activity({ limit: 9, before: 2 }))).toEqual([listed[1]])
      expect(await store.read(rows => rows.activityAfter({ limit: 9, after: 0 }))).toEqual(listed.toReversed())
      expect(await store.read(rows => rows.activityAfter({ limit: 1, after: 1 }))).toEqual([listed[0]].slice(-1))
      expect(await store.write(rows => rows.trimActivity({ keep: 5, since: 2 }))).toBe(1)
      await store.write(rows => rows.appendActivity(note('d', 9)))
      expect(await store.write(rows => rows.trimActivity({ keep: 1, since: 0 }))).toBe(1)
      expect((await store.read(rows => rows.activity({ limit: 9 }))).map(({ sequence }) => sequence)).toEqual([3])
    })

    rule('history of late names its Bundles, however many there are', async () => {
      await withCluster(async rows => {
        for (let index = 0; index < 30; index++) {
          const digest = sample.digestOf(`d${index}`)
          const id = `op-${String(index).padStart(2, '0')}`
          await rows.putOperation(sample.sampleOperation({ id, firstHeardAt: index }, { digest }))
        }
      })
      await store.read(async rows => {
        const named = async (since?: number) => (await rows.referencedDigests(since)).size
        expect(await named()).toBe(20)
        expect(await named(5)).toBe(25)
      })
    })

    rule('a write that fails leaves the chain as it was', async () => {
      const note = { at: 1, actor: 'ana', action: 'sync', subject: 'shop', detail: {} }
      await store.write(rows => rows.appendAudit(note))
      const failed = store.write(async rows => {
        await rows.appendAudit(note)
        throw new Error('no')
      })
      await expect(failed).rejects.toThrow('no')
      await store.write(rows => rows.appendAudit(note))
      const entries = await store.read(rows => rows.auditAfter({ limit: 9, after: 0 }))
      expect(entries.map(({ sequence }) => sequence)).toEqual([1, 2])
      expect(entries[1]!.previous).toBe(entries[0]!.hash)
    })

    rule('gates made through the API are kept by kind, in order of making', async () => {
      const window = sample.sampleMadeGate({ id: 'w', kind: 'SyncWindow', name: 'nights' })
      const [later, earlier] = [
        sample.sampleMadeGate({ id: 'a', madeAt: 2 }),
        sample.sampleMadeGate({ id: 'b', madeAt: 1 }),
      ]
      await store.write(async rows => {
        for (const row of [later, window, earlier]) await rows.putMadeGate(row)
      })
      await store.read(async rows => {
        expect(await rows.freezes()).toEqual([earlier, later])
        expect(await rows.windows()).toEqual([window])
      })
      const ended = { ...later, revision: 2, ended: { by: 'ben', at: 9, reason: 'done' } }
      await store.write(rows => rows.putMadeGate(ended))
      expect(await store.read(rows => rows.freezes())).toEqual([earlier, ended])
    })

    rule('overrides and calendars are kept', async () => {
      const override = sample.sampleOverride({ approvals: [{ by: 'ben', at: 2 }], useCount: 1 })
      const calendar = sample.sampleCalendar({
        snapshot: { text: 'BEGIN:VCALENDAR', hash: sample.digestOf('ics'), fetchedAt: 1, events: 0 },
      })
      await store.write(async rows => {
        await rows.putOverride(override)
        await rows.putCalendar(calendar)
        await rows.putCalendar(sample.sampleCalendar({ name: 'a' }))
      })
      await store.read(async rows => {
        expect([await rows.overrides(), await rows.override('override-1')]).toEqual([[override], override])
        expect(await rows.override('none')).toBeUndefined()
        expect((await rows.calendars()).map(({ name }) => name)).toEqual(['a', 'bank-holidays-de'])
      })
      await store.write(rows => rows.deleteCalendar('a'))
      expect(await store.read(rows => rows.calendars())).toEqual([calendar])
    })

    rule('removals that wait are kept by id, oldest first, and deleted', async () => {
      await store.write(async rows => {
        await rows.putDeletionPlan(sample.samplePlan({ id: 'b', since: 2 }))
        await rows.putDeletionPlan(sample.samplePlan({ id: 'c', since: 1 }))
        await rows.putDeletionPlan(sample.samplePlan({ id: 'a', since: 2 }))
        await rows.putDeletionPlan(sample.samplePlan({ id: 'd', since: 3 }))
        await rows.deleteDeletionPlan('d')
        await rows.deleteDeletionPlan('never there')
      })
      const decision = { by: 'ana', at: 5, reason: 'yes' }
      await store.write(rows =>
        rows.putDeletionPlan(sample.samplePlan({ id: 'c', since: 1, state: 'approved', decision })),
      )
      await store.read(async rows => {
        expect((await rows.deletionPlans()).map(({ id }) => id)).toEqual(['c', 'a', 'b'])
        expect(await rows.deletionPlan('c')).toEqual(
          sample.samplePlan({ id: 'c', since: 1, state: 'approved', decision }),
        )
        expect(await rows.deletionPlan('d')).toBeUndefined()
      })
    })

    rule('counters tell transactions and rows really changed', async () => {
      await store.write(async rows => {
        await rows.putSource(sample.sampleSource())
        await rows.putSource(sample.sampleSource())
        await rows.deleteSource('never there')
      })
      expect(store.counters).toEqual({ rowsWritten: 1, transactions: 1 })
    })

    rule('a closed store refuses with STORE_UNAVAILABLE', async () => {
      await store.close()
      await store.close()
      for (const use of [store.read(rows => rows.sources()), store.write(rows => rows.sources())]) {
        const error = await use.then(
          () => undefined,
          (cause: unknown) => cause,
        )
        expect(error).toBeInstanceOf(StoreError)
        expect((error as StoreError).code).toBe('STORE_UNAVAILABLE')
      }
    })
  })
}
