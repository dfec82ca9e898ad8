import { describe, expect, test } from 'vitest'
import type { ClusterRow, EnrolmentRow, JoinTokenRow } from '../ports/store.ts'
import {
  decideApproval,
  decideEnrolment,
  type EnrolmentFacts,
  enrolmentId,
  underNextAdmission,
} from './decide-enrolment.ts'

const NOW = 1_000_000
const BOUND: JoinTokenRow = {
  id: 't1',
  clusterName: 'eu-1',
  secretHash: 'sha256:00',
  createdAt: 0,
  expiresAt: NOW + 1,
}
const PENDING: JoinTokenRow = { ...BOUND, clusterName: undefined, pending: { labels: { site: 'store' }, max: 3 } }
const FREE: ClusterRow = { id: 'c1', name: 'eu-1', admission: 0, incarnation: 0, epoch: 1, lastNumber: 7, versions: {} }
const JOINED: ClusterRow = { ...FREE, admission: 1, agentKey: 'old', uid: 'u-old' }
const WAITING: EnrolmentRow = {
  id: 'e1',
  tokenId: 't1',
  kind: 'pending',
  key: 'k',
  uid: 'u',
  versions: {},
  proposedLabels: {},
  address: '192.0.2.1',
  requestedAt: NOW - 10,
  askedAt: NOW - 10,
  state: 'waiting',
}
const ASKS: EnrolmentFacts = {
  now: NOW,
  key: 'k',
  uid: 'u',
  token: BOUND,
  cluster: undefined,
  enrolment: undefined,
  revokedKey: false,
  keyElsewhere: false,
  ofToken: 0,
  ofAddress: 0,
}
const refused = { kind: 'refused' }
const clone = { kind: 'new-key', code: 'KEY_CLONED' }

const cases: Record<string, [Partial<EnrolmentFacts>, object]> = {
  'an unknown token, or a wrong secret, is refused': [{ token: undefined }, refused],
  'a revoked token is refused': [{ token: { ...BOUND, revokedAt: 1 } }, refused],
  'an expired token is refused': [{ token: { ...BOUND, expiresAt: NOW } }, refused],
  'a first use admits': [{}, { kind: 'admit', as: 'new' }],
  'a declared Cluster that nobody joined is joined': [{ cluster: FREE }, { kind: 'admit', as: 'new' }],
  'the same token with the same key gets the same answer, also after it expired': [
    { token: { ...BOUND, usedBy: 'k', expiresAt: 1 }, cluster: { ...JOINED, agentKey: 'k' } },
    { kind: 'again' },
  ],
  'the same token with another key is used up': [{ token: { ...BOUND, usedBy: 'thief' }, cluster: JOINED }, refused],
  'the same token after the Cluster was given to another key is used up': [
    { token: { ...BOUND, usedBy: 'k' }, cluster: JOINED },
    refused,
  ],
  'the same token after its Cluster was revoked is refused': [
    { token: { ...BOUND, usedBy: 'k' }, cluster: { ...JOINED, agentKey: 'k', revokedAt: 5 } },
    refused,
  ],
  'another token for an agent that is admitted already changes nothing': [
    { cluster: { ...JOINED, agentKey: 'k', uid: 'u' } },
    { kind: 'admit', as: 'same' },
  ],
  'a name of another key waits for a person': [{ cluster: JOINED }, { kind: 'taken', note: 'new' }],
  'and is written down once': [
    { cluster: JOINED, enrolment: WAITING },
    { kind: 'taken', note: 'nothing' },
  ],
  'and again after an hour': [
    { cluster: JOINED, enrolment: { ...WAITING, askedAt: NOW - 3_600_000 } },
    { kind: 'taken', note: 'asked' },
  ],
  'a rejected replacement is refused': [{ cluster: JOINED, enrolment: { ...WAITING, state: 'rejected' } }, refused],
  'the key of the name in another cluster is a clone’s': [{ cluster: { ...JOINED, agentKey: 'k' } }, clone],
  'the key of a cloned Cluster has to be another one': [
    { cluster: { ...JOINED, agentKey: 'k', uid: 'u', cloned: { since: 1, why: 'overtakings', instances: [] } } },
    clone,
  ],
  'a revoked Cluster is joined again by a token that was made since, under another key': [
    { cluster: { ...JOINED, revokedAt: 5 } },
    { kind: 'admit', as: 'new' },
  ],
  'a revoked key has to be another one': [{ revokedKey: true }, { kind: 'new-key', code: 'KEY_REVOKED' }],
  'a key that another Cluster has is a clone’s': [{ keyElsewhere: true }, clone],
  'a pending token waits': [{ token: PENDING }, { kind: 'wait', note: 'new' }],
  'it goes on waiting after the token expired': [
    { token: { ...PENDING, expiresAt: 1 }, enrolment: WAITING },
    { kind: 'wait', note: 'nothing' },
  ],
  'a pending token that expired admits nobody new': [{ token: { ...PENDING, expiresAt: NOW } }, refused],
  'a pending token is used up by as many as it is for': [{ token: PENDING, ofToken: 3 }, refused],
  'who waits is not told that it is used up': [
    { token: PENDING, ofToken: 3, enrolment: WAITING },
    { kind: 'wait', note: 'nothing' },
  ],
  'too many of one address have to come later': [{ token: PENDING, ofAddress: 200 }, { kind: 'busy' }],
  'a revoked pending token refuses those who wait, too': [
    { token: { ...PENDING, revokedAt: 1 }, enrolment: WAITING },
    refused,
  ],
  'an approved one is admitted, as often as it asks': [
    { token: PENDING, enrolment: { ...WAITING, state: 'approved' }, cluster: { ...JOINED, agentKey: 'k' } },
    { kind: 'again' },
  ],
  'an approved one that was replaced since is refused': [
    { token: PENDING, enrolment: { ...WAITING, state: 'approved' }, cluster: JOINED },
    refused,
  ],
  'a rejected one is refused': [{ token: PENDING, enrolment: { ...WAITING, state: 'rejected' } }, refused],
  'two clusters from one image, with one key, are told apart by their UIDs': [
    { token: PENDING, enrolment: { ...WAITING, uid: 'another' } },
    clone,
  ],
}

describe('an enrolment', () => {
  for (const [sentence, [over, expected]] of Object.entries(cases)) {
    test(sentence, () => expect(decideEnrolment({ ...ASKS, ...over })).toEqual(expected))
  }

  test('of one token and key has one id', () => {
    expect(enrolmentId('t1', 'k')).toBe(enrolmentId('t1', 'k'))
    expect(new Set([enrolmentId('t1', 'k'), enrolmentId('t2', 'k'), enrolmentId('t1', 'l')]).size).toBe(3)
  })
})

describe('an approval', () => {
  const approvals: Record<string, [Parameters<typeof decideApproval>[0], object]> = {
    'admits into a free name': [
      { enrolment: WAITING, cluster: undefined, replace: false },
      { kind: 'admit', as: 'new' },
    ],
    'admits into a revoked name': [
      { enrolment: WAITING, cluster: { ...JOINED, revokedAt: 1 }, replace: false },
      { kind: 'admit', as: 'new' },
    ],
    'of a name that another has shows both UIDs': [
      { enrolment: WAITING, cluster: JOINED, replace: false },
      { kind: 'taken', uid: 'u-old', enrolledUid: 'u' },
    ],
    'that says so replaces': [
      { enrolment: WAITING, cluster: JOINED, replace: true },
      { kind: 'admit', as: 'replacement' },
    ],
    'said twice is said once': [
      { enrolment: { ...WAITING, state: 'approved', clusterId: 'c1' }, cluster: JOINED, replace: false },
      { kind: 'again' },
    ],
    'as a second Cluster is refused': [
      { enrolment: { ...WAITING, state: 'approved', clusterId: 'c2' }, cluster: JOINED, replace: false },
      { kind: 'decided' },
    ],
    'of a rejected one is refused': [
      { enrolment: { ...WAITING, state: 'rejected' }, cluster: undefined, replace: true },
      { kind: 'decided' },
    ],
  }
  for (const [sentence, [facts, expected]] of Object.entries(approvals)) {
    test(sentence, () => expect(decideApproval(facts)).toEqual(expected))
  }

  test('keeps id and numbers, and forgets all that the agent before was', () => {
    const before: ClusterRow = {
      ...JOINED,
      incarnation: 9,
      instance: 'i',
      previousKey: 'older',
      revokedAt: 5,
      keyNumber: 3,
      registered: { labels: { site: 'store' }, at: 1, by: 'ana' },
    }
    expect(underNextAdmission(before, { key: 'k', uid: 'u', versions: {}, hubKid: 'h' }, NOW)).toEqual({
      id: 'c1',
      name: 'eu-1',
      admission: 2,
      agentKey: 'k',
      uid: 'u',
      incarnation: 0,
      epoch: 1,
      lastNumber: 7,
      joinedAt: NOW,
      keySince: NOW,
      versions: {},
      hubKid: 'h',
      registered: { labels: { site: 'store' }, at: 1, by: 'ana' },
    })
  })

  test('of copies has to show what it holds: what was heard may have been of another one', () => {
    const admitted = { key: 'k', uid: 'u', versions: {}, hubKid: 'h' }
    const cloned = { since: 1, why: 'overtakings', instances: [] } as const
    const after = underNextAdmission({ ...JOINED, cloned }, admitted, NOW)
    expect(after.cloned).toBeUndefined()
    expect(after.recovery).toBe('unproved')
    expect(underNextAdmission(JOINED, admitted, NOW).recovery).toBeUndefined()
  })
})
