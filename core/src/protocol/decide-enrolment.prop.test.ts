import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { ClusterRow, EnrolmentRow, JoinTokenRow } from '../ports/store.ts'
import { decideApproval, decideEnrolment, type EnrolmentFacts, underNextAdmission } from './decide-enrolment.ts'

const key = fc.constantFrom('key-1', 'key-2')
const uid = fc.constantFrom('uid-1', 'uid-2')
const time = fc.integer({ min: 0, max: 10 })
const maybe = <T>(arbitrary: fc.Arbitrary<T>) => fc.option(arbitrary, { nil: undefined, freq: 1 })
/** Members that are undefined are left out, as rows are stored. */
const whole = <T extends object>(row: object): T =>
  Object.fromEntries(Object.entries(row).filter(([, value]) => value !== undefined)) as T

const cluster: fc.Arbitrary<ClusterRow> = fc
  .record({ agentKey: maybe(key), uid: maybe(uid), revokedAt: maybe(time), cloned: maybe(fc.constant({ at: 1 })) })
  .map(facts =>
    whole<ClusterRow>({
      ...{ id: 'c1', name: 'eu-1', admission: 3, incarnation: 5, epoch: 1, lastNumber: 7, versions: {} },
      ...facts,
    }),
  )

const token: fc.Arbitrary<JoinTokenRow> = fc
  .record({ pending: fc.boolean(), expiresAt: time, usedBy: maybe(key), revokedAt: maybe(time) })
  .map(({ pending, ...facts }) =>
    whole<JoinTokenRow>({
      ...{ id: 't1', secretHash: 'sha256:00', createdAt: 0 },
      ...facts,
      ...(pending ? { pending: { labels: {}, max: 3 } } : { clusterName: 'eu-1' }),
    }),
  )

const enrolment: fc.Arbitrary<EnrolmentRow> = fc
  .record({ key, uid, state: fc.constantFrom('waiting', 'approved', 'rejected'), clusterId: maybe(fc.constant('c1')) })
  .map(facts =>
    whole<EnrolmentRow>({
      ...{ id: 'e1', tokenId: 't1', kind: 'pending', versions: {}, proposedLabels: {}, address: '192.0.2.1' },
      ...{ requestedAt: 0, askedAt: 0 },
      ...facts,
    }),
  )

const facts: fc.Arbitrary<EnrolmentFacts> = fc.record({
  now: time,
  key,
  uid,
  token: maybe(token),
  cluster: maybe(cluster),
  enrolment: maybe(enrolment),
  revokedKey: fc.boolean(),
  keyElsewhere: fc.boolean(),
  ofToken: fc.nat(4),
  ofAddress: fc.constantFrom(0, 199, 200),
})

describe('a request to be admitted', () => {
  test('admits only a good key, by an unused token of one name that is neither revoked nor over', () => {
    fc.assert(
      fc.property(facts, asked => {
        if (decideEnrolment(asked).kind !== 'admit') return
        const { token: given, now, revokedKey, keyElsewhere } = asked
        expect(given?.pending ?? given?.revokedAt ?? given?.usedBy).toBeUndefined()
        expect(now).toBeLessThan(given!.expiresAt)
        expect(revokedKey || keyElsewhere).toBe(false)
      }),
      { numRuns: 2000 },
    )
  })

  test('never takes a name from a living agent with another key, nor lets a clone pass for the original', () => {
    fc.assert(
      fc.property(facts, asked => {
        const decision = decideEnrolment(asked)
        const { cluster: known, token: given } = asked
        if (!known?.agentKey || known.revokedAt !== undefined || !given || given.pending) return
        if (known.agentKey !== asked.key) expect(['admit', 'again']).not.toContain(decision.kind)
        if (known.cloned) expect(['admit', 'again']).not.toContain(decision.kind)
      }),
      { numRuns: 2000 },
    )
  })

  test('that admitted is answered the same for ever, and the token is used up for every other key', () => {
    fc.assert(
      fc.property(facts, fc.nat(1_000_000), (asked, laterMs) => {
        if (decideEnrolment(asked).kind !== 'admit' || !asked.token) return
        const after: EnrolmentFacts = {
          ...asked,
          now: asked.now + laterMs,
          token: { ...asked.token, usedBy: asked.key },
          cluster: whole<ClusterRow>({
            ...{ id: 'c1', name: 'eu-1', admission: 4, incarnation: 0, epoch: 1, lastNumber: 7, versions: {} },
            ...{ agentKey: asked.key, uid: asked.uid },
          }),
        }
        expect(decideEnrolment(after)).toEqual({ kind: 'again' })
        expect(decideEnrolment({ ...after, key: 'key-3' })).toEqual({ kind: 'refused' })
      }),
      { numRuns: 2000 },
    )
  })
})

describe('an approval', () => {
  test('ends a living agent only when that was asked for in so many words', () => {
    fc.assert(
      fc.property(enrolment, maybe(cluster), fc.boolean(), (waiting, known, replace) => {
        const decision = decideApproval({ enrolment: waiting, cluster: known, replace })
        if (decision.kind !== 'admit') return
        expect(waiting.state).toBe('waiting')
        const lives = known?.agentKey !== undefined && known.revokedAt === undefined
        expect(decision.as).toBe(lives ? 'replacement' : 'new')
        if (lives) expect(replace).toBe(true)
      }),
    )
  })

  test('keeps id and numbers of a Cluster, and nothing of who was its agent', () => {
    fc.assert(
      fc.property(cluster, before => {
        const after = underNextAdmission(before, { key: 'new', uid: 'u', versions: {}, hubKid: 'k' }, 9)
        const { id, name, epoch, lastNumber } = before
        expect(after).toMatchObject({ id, name, epoch, lastNumber, admission: before.admission + 1, agentKey: 'new' })
        expect(after.cloned ?? after.revokedAt ?? after.previousKey).toBeUndefined()
        expect(after.incarnation).toBe(0)
      }),
    )
  })
})
