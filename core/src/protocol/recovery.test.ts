import { describe, expect, test } from 'vitest'
import {
  type AdmittedKey,
  type Adoption,
  decideAdoptions,
  judgeAdmission,
  judgeProof,
  type KnownApplication,
  type KnownLine,
  mayNotRemove,
  type ProofVerdict,
  type ProvedDocument,
  recoveredEpoch,
} from './recovery.ts'

const at = (n: number, epoch = 3) => ({ epoch, n })

describe('an admission with the hub’s own signature, for a key that the store does not name,', () => {
  const known: AdmittedKey = { admission: 2, keyNumber: 1, epoch: 3 }
  const rows: readonly (readonly [string, AdmittedKey, AdmittedKey | undefined, ReturnType<typeof judgeAdmission>])[] =
    [
      ['of a cluster that there is none of', { admission: 1 }, undefined, 'not-issued'],
      ['of an admission before', { admission: 1, keyNumber: 7, epoch: 3 }, known, 'superseded'],
      ['of a key before', { admission: 2, epoch: 3 }, known, 'superseded'],
      ['of as many keys', { admission: 2, keyNumber: 1, epoch: 3 }, known, 'superseded'],
      ['of a later key', { admission: 2, keyNumber: 3, epoch: 3 }, known, 'not-issued'],
      ['of a later admission', { admission: 3, epoch: 3 }, known, 'not-issued'],
      ['of a later key, signed before the last recovery', { admission: 2, keyNumber: 3, epoch: 2 }, known, 'forgotten'],
      ['of a later admission that does not say when', { admission: 3 }, known, 'not-issued'],
      ['of the first key, where the store knows no number', { admission: 2 }, { admission: 2, epoch: 3 }, 'superseded'],
    ]
  test.each(rows)('%s', (_sentence, shown, stored, verdict) => expect(judgeAdmission(shown, stored)).toBe(verdict))

  test.each([
    ['signed before the last recovery', 2, 3, 'forgotten'],
    ['signed since', 3, 3, 'not-issued'],
    ['that does not say when', undefined, 3, 'not-issued'],
    ['where nothing was recovered', 1, undefined, 'not-issued'],
  ] as const)('of a cluster that there is none of, %s', (_sentence, epoch, recovered, verdict) =>
    expect(judgeAdmission({ admission: 1, ...(epoch && { epoch }) }, undefined, recovered)).toBe(verdict),
  )
})

describe('what a document with the hub’s own signature proves', () => {
  const line = (upTo: number, current?: readonly [number, string]): KnownLine => ({
    upTo: at(upTo),
    ...(current && { current: { number: at(current[0]), content: current[1] } }),
  })
  const rows: readonly (readonly [string, number, string, KnownLine, ProofVerdict])[] = [
    ['the current document', 5, 'a', line(9, [5, 'a']), 'issued'],
    ['an older one of the line', 4, 'a', line(9, [5, 'b']), 'possible'],
    ['a line that has ended', 4, 'a', line(9), 'possible'],
    ['a number above all that were given out', 10, 'a', line(9, [5, 'b']), 'not-issued'],
    ['a number above all, of a line that the store has nothing of', 10, 'a', line(9), 'not-issued'],
    ['one number with two contents', 5, 'a', line(9, [5, 'b']), 'not-issued'],
    ['newer than its line, though the cluster has come further since', 7, 'a', line(9, [5, 'b']), 'not-issued'],
  ]
  test.each(rows)('%s', (_sentence, n, content, known, verdict) =>
    expect(judgeProof({ number: at(n), content }, known)).toBe(verdict),
  )
  test('a document of before the last recovery proves nothing new', () => {
    const known = { upTo: at(1, 4), current: { number: at(5), content: 'a' } }
    expect(judgeProof({ number: at(7), content: 'b' }, known)).toBe('possible')
    expect(judgeProof({ number: at(5), content: 'b' }, known)).toBe('possible')
  })
  test('a number of a higher epoch is above every number of a lower one', () =>
    expect(judgeProof({ number: at(1, 4), content: 'a' }, line(900, [900, 'b']))).toBe('not-issued'))
})

describe('the epoch after a recovery', () => {
  const now = Date.UTC(2030, 0, 1)
  const seconds = now / 1000
  test.each([
    ['nothing is known: the time', [], undefined, seconds],
    ['the time is above all', [1, 2], 3, seconds],
    ['one above what was proved, when that is ahead of the clock', [1], seconds + 50, seconds + 51],
    ['one above what the store has, when that is ahead of the clock', [seconds + 70], undefined, seconds + 71],
  ] as const)('%s', (_sentence, stored, proved, expected) => expect(recoveredEpoch(stored, proved, now)).toBe(expected))
  test('all epochs are used up', () => expect(() => recoveredEpoch([999_999_999_999_999], undefined, now)).toThrow())
})

describe('which ids are taken over', () => {
  const offer = (id: string, name = id, n = 1): ProvedDocument => ({
    typ: 'offer',
    number: at(n),
    application: { id, name },
  })
  const tombstone = (id: string, name = id): ProvedDocument => ({ ...offer(id, name), typ: 'tombstone' })
  const rows: readonly (readonly [
    string,
    readonly ProvedDocument[],
    readonly (KnownApplication & { name: string })[],
    readonly Adoption[],
  ])[] = [
    [
      'an id that is known',
      [offer('a')],
      [{ id: 'a', name: 'a', clusterId: 'c', unheld: false }],
      [{ kind: 'known', id: 'a', name: 'a' }],
    ],
    [
      'an id that is known and was never offered',
      [offer('a')],
      [{ id: 'a', name: 'a', unheld: true }],
      [{ kind: 'known', id: 'a', name: 'a' }],
    ],
    ['nothing of that name is declared yet', [offer('a', 'web')], [], [{ kind: 'adopted', id: 'a', name: 'web' }]],
    [
      'the hub has made an id for the name that nobody holds',
      [offer('a', 'web')],
      [{ id: 'new', name: 'web', unheld: true }],
      [{ kind: 'adopted', id: 'a', name: 'web', replaces: 'new' }],
    ],
    [
      'the name is an Application’s that is held',
      [offer('a', 'web')],
      [{ id: 'new', name: 'web', clusterId: 'c', unheld: false }],
      [{ kind: 'refused', id: 'a', name: 'web', reason: 'name-in-use' }],
    ],
    [
      'the agent holds both ids of the name, and the older one’s Offer is newer',
      [offer('a', 'web', 9), offer('new', 'web', 2)],
      [{ id: 'new', name: 'web', clusterId: 'c', unheld: true }],
      [{ kind: 'refused', id: 'a', name: 'web', reason: 'name-in-use' }],
    ],
    [
      'the id is another cluster’s',
      [offer('a')],
      [{ id: 'a', name: 'a', clusterId: 'other', unheld: false }],
      [{ kind: 'refused', id: 'a', name: 'a', reason: 'id-of-another-cluster' }],
    ],
    [
      'what stands under a Tombstone, and returns under the id that its objects bear',
      [tombstone('a', 'web')],
      [{ id: 'new', name: 'web', unheld: true }],
      [{ kind: 'adopted', id: 'a', name: 'web', replaces: 'new' }],
    ],
    [
      'of an Offer and a Tombstone of one name the Offer, though the Tombstone is newer',
      [offer('stays', 'web', 3), { ...tombstone('goes', 'web'), number: at(7) }],
      [],
      [{ kind: 'adopted', id: 'stays', name: 'web' }],
    ],
    [
      'of two Offers of one name the newer',
      [offer('old', 'web', 3), offer('young', 'web', 7)],
      [],
      [{ kind: 'adopted', id: 'young', name: 'web' }],
    ],
  ]
  test.each(rows)('%s', (_sentence, proved, known, expected) => {
    const byId = (id: string) => known.find(one => one.id === id)
    const byName = (name: string) => known.find(one => one.name === name)
    expect(decideAdoptions('c', proved, byId, byName)).toEqual(expected)
    expect(decideAdoptions('c', [...proved].reverse(), byId, byName)).toEqual(expected)
  })
})

test.each([
  [undefined, false, undefined],
  ['unproved', true, 'not-proved'],
  ['proved', false, 'sets-not-fresh'],
  ['proved', true, 'not-reported'],
] as const)('a removal on a cluster that is %s, sets fresh: %s', (stage, fresh, reason) =>
  expect(mayNotRemove(stage, fresh)).toBe(reason),
)
