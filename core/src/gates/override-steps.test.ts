import { describe, expect, it } from 'vitest'
import type { OverrideRow } from '../ports/gate-rows.ts'
import {
  approveOverride,
  endOverride,
  needsReview,
  type OverrideActor,
  overrideRuleOf,
  recordUse,
  reviewOverride,
  revokeOverride,
  stateOfOverride,
} from './override-steps.ts'

const row: OverrideRow = {
  id: '1',
  scope: { applications: { names: ['checkout'] } },
  covers: ['freeze'],
  actions: ['sync'],
  from: 1_000,
  until: 9_000,
  reason: 'INC-4711 payments fail',
  requestedBy: 'ana',
  requestedAt: 500,
  approvalsNeeded: 1,
  rules: [],
  approvals: [],
  useCount: 0,
  uses: [],
}
const approved: OverrideRow = { ...row, approvals: [{ by: 'ben', at: 900 }] }
const ben: OverrideActor = { name: 'ben', kind: 'person' }
const used = { operation: 'op-1', application: 'checkout', at: 2_000, by: 'ana' }

const APPROVALS: Record<string, [OverrideRow, OverrideActor, number, string]> = {
  'a second person approves': [row, ben, 900, 'done'],
  'whoever asked for it does not': [row, { name: 'ana', kind: 'person' }, 900, 'OVERRIDE_OWN'],
  'nor by another spelling of the name': [row, { name: ' Ana', kind: 'person' }, 900, 'OVERRIDE_OWN'],
  'a program does not': [row, { name: 'ci', kind: 'robot' }, 900, 'OVERRIDE_NEEDS_PERSON'],
  'nor does one whose token the requester has made': [row, { ...ben, madeBy: 'ana' }, 900, 'OVERRIDE_OWN'],
  'nor one who has made the token of the requester': [{ ...row, requesterMadeBy: 'ben' }, ben, 900, 'OVERRIDE_OWN'],
  'nor the same subject by the name that it has today': [
    { ...row, requesterSubjects: ['provider 4711'] },
    { ...ben, makers: [{ kind: 'provider', subject: '4711', claims: {} }] },
    900,
    'OVERRIDE_OWN',
  ],
  'nor one who is behind the program that asked': [
    { ...row, requestedBy: 'ci', requesterSubjects: ['account ben'] },
    { ...ben, name: 'Ben B.', makers: [{ kind: 'account', account: 'ben' }] },
    900,
    'OVERRIDE_OWN',
  ],
  'another subject does': [
    { ...row, requesterSubjects: ['provider 4711'] },
    { ...ben, makers: [{ kind: 'provider', subject: '4712', claims: {} }] },
    900,
    'done',
  ],
  'two with the same role are two': [
    row,
    { ...ben, makers: [{ kind: 'principal', principal: { kind: 'subject', subject: 'role:admin' } }] },
    900,
    'done',
  ],
  'nobody approves twice': [approved, ben, 1_500, 'same'],
  'nor by the name of tomorrow': [
    { ...approved, approvals: [{ by: 'ben', at: 900, subjects: ['provider 4711'] }] },
    { name: 'benjamin', kind: 'person', makers: [{ kind: 'provider', subject: '4711', claims: {} }] },
    1_500,
    'same',
  ],
  'nor through a token that was made for a third': [
    approved,
    { name: 'zoe', kind: 'person', madeBy: 'ben' },
    1_500,
    'same',
  ],
  'a third may approve beside the second': [approved, { name: 'eve', kind: 'person' }, 1_500, 'done'],
  'what has expired is not approved any more': [row, ben, 9_000, 'OVERRIDE_NOT_PENDING'],
  'nor what was revoked': [{ ...row, revoked: { by: 'ana', at: 1, reason: '' } }, ben, 900, 'OVERRIDE_NOT_PENDING'],
}

describe('an override is approved', () => {
  for (const [sentence, [before, by, at, expected]] of Object.entries(APPROVALS)) {
    it(sentence, () => {
      const step = approveOverride(before, by, at)
      expect(step.kind === 'refused' ? step.code : step.kind).toBe(expected)
    })
  }

  it('opens nothing before it has the approvals that it needs', () => {
    const two = { ...approved, approvalsNeeded: 2 }
    expect([stateOfOverride(two, 1_000), overrideRuleOf(two)]).toEqual(['Pending', undefined])
    const step = approveOverride(two, { name: 'eve', kind: 'person' }, 950, 'yes')
    expect(step.kind === 'done' && stateOfOverride(step.row, 1_000)).toBe('Active')
    expect(step.kind === 'done' && overrideRuleOf(step.row)?.approvals).toEqual([
      { by: 'ben', at: 900 },
      { by: 'eve', at: 950 },
    ])
  })
})

describe('an override is used', () => {
  it('an operation counts once, and the last use ends it', () => {
    const one = { ...approved, maxUses: 2 }
    const first = recordUse(one, used)
    if (first.kind !== 'done') throw new Error('refused')
    expect([first.row.useCount, stateOfOverride(first.row, 2_000)]).toEqual([1, 'Active'])
    expect(recordUse(first.row, { ...used, at: 2_500 }).kind).toBe('same')
    const second = recordUse(first.row, { ...used, operation: 'op-2', at: 3_000 })
    if (second.kind !== 'done') throw new Error('refused')
    expect([second.row.useCount, stateOfOverride(second.row, 3_000), second.row.endedAt]).toEqual([2, 'Used', 3_000])
    expect(recordUse(second.row, { ...used, operation: 'op-3' })).toMatchObject({ code: 'OVERRIDE_NOT_ACTIVE' })
  })

  it('is refused before its time, after it, without approval, and when revoked', () => {
    for (const [each, at] of [
      [approved, 999],
      [approved, 9_000],
      [row, 2_000],
      [{ ...approved, revoked: { by: 'eve', at: 1, reason: '' } }, 2_000],
    ] as const) {
      expect(recordUse(each, { ...used, at })).toMatchObject({ kind: 'refused', code: 'OVERRIDE_NOT_ACTIVE' })
    }
  })
})

describe('an override ends', () => {
  it('by its time, written down once', () => {
    expect(endOverride(approved, 8_999)).toBeUndefined()
    const ended = endOverride(approved, 9_500)
    expect(ended?.endedAt).toBe(9_000)
    expect(endOverride(ended!, 9_600)).toBeUndefined()
  })

  it('by being revoked, once', () => {
    const step = revokeOverride(approved, 'eve', 2_000, 'mended')
    if (step.kind !== 'done') throw new Error('refused')
    expect([stateOfOverride(step.row, 2_000), overrideRuleOf(step.row)]).toEqual(['Revoked', undefined])
    expect(revokeOverride(step.row, 'eve', 3_000, '').kind).toBe('same')
    expect(revokeOverride(approved, 'eve', 9_000, '')).toMatchObject({ code: 'OVERRIDE_NOT_ACTIVE' })
  })

  it('and is looked back at by a person, once, if it was ever approved', () => {
    expect([needsReview(approved, 8_000), needsReview(approved, 9_000), needsReview(row, 9_000)]).toEqual([
      false,
      true,
      false,
    ])
    expect(reviewOverride(approved, ben, 8_000, 'x')).toMatchObject({ code: 'OVERRIDE_NOT_ENDED' })
    expect(reviewOverride(approved, { name: 'ci', kind: 'robot' }, 9_000, 'x')).toMatchObject({
      code: 'OVERRIDE_NEEDS_PERSON',
    })
    const step = reviewOverride(approved, ben, 9_500, 'root cause found')
    if (step.kind !== 'done') throw new Error('refused')
    expect(needsReview(step.row, 10_000)).toBe(false)
    expect(reviewOverride(step.row, ben, 10_000, 'again').kind).toBe('same')
  })
})
