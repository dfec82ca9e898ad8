import { describe, expect, it } from 'vitest'
import type { PlannedRemoval } from '../model/deletion-plan.ts'
import {
  DEFAULT_DELETION_BUDGET,
  DELETION_BUDGET_ANNOTATION,
  DELETION_GRACE_ANNOTATION,
  judgeRemoval,
  readDeletionBudget,
  removalDigest,
} from './deletion-guard.ts'

describe('judgeRemoval', () => {
  it.each([
    ['none is within', 0, 0, undefined],
    ['one of three is one at a time', 1, 3, undefined],
    ['one of two as well', 1, 2, undefined],
    ['the last one leaves nothing', 1, 1, 'zero'],
    ['all of four leave nothing', 4, 4, 'zero'],
    ['two of three are more than a fifth', 2, 3, 'share'],
    ['two of ten are a fifth', 2, 10, undefined],
    ['three of ten are more', 3, 10, 'share'],
    ['ten of a thousand are ten', 10, 1000, undefined],
    ['eleven of a thousand are more', 11, 1000, 'count'],
    ['a thousand of a thousand', 1000, 1000, 'zero'],
  ] as const)('%s', (_sentence, removed, total, rule) => {
    const expected = rule === undefined ? { kind: 'within' } : { kind: 'over', rule }
    expect(judgeRemoval({ removed, total })).toEqual(expected)
  })

  it.each([
    ['a count of nought asks even for one', { count: 0, share: 1 }, 1, 100, 'count'],
    ['a share of nought leaves one at a time', { count: 10, share: 0 }, 1, 100, undefined],
    ['and asks for two', { count: 10, share: 0 }, 2, 100, 'share'],
    ['a wide budget still asks before nothing is left', { count: 1000, share: 1 }, 5, 5, 'zero'],
    ['and lets the rest go', { count: 1000, share: 1 }, 4, 5, undefined],
  ] as const)('%s', (_sentence, budget, removed, total, rule) => {
    const expected = rule === undefined ? { kind: 'within' } : { kind: 'over', rule }
    expect(judgeRemoval({ removed, total }, budget)).toEqual(expected)
  })

  it('lets what is written by hand end with its last one', () => {
    expect(judgeRemoval({ removed: 1, total: 1 }, DEFAULT_DELETION_BUDGET, true)).toEqual({ kind: 'within' })
  })
})

describe('readDeletionBudget', () => {
  const annotated = (text: string, grace?: string) => ({
    [DELETION_BUDGET_ANNOTATION]: text,
    ...(grace === undefined ? {} : { [DELETION_GRACE_ANNOTATION]: grace }),
  })
  it.each([
    ['nothing said is the default', {}, {}, { count: 10, share: 0.2 }],
    ['a count alone', { deletionBudget: { count: 3 } }, {}, { count: 3, share: 0.2 }],
    ['a share alone', { deletionBudget: { percent: 50 } }, {}, { count: 10, share: 0.5 }],
    ['nought', { deletionBudget: { count: 0, percent: 0 } }, {}, { count: 0, share: 0 }],
    ['a grace', { deletionBudget: { grace: '1h30m' } }, {}, { count: 10, share: 0.2, graceMs: 5_400_000 }],
    ['an annotation with both', {}, annotated('5, 10%'), { count: 5, share: 0.1 }],
    ['an annotation with a share', {}, annotated('10 %'), { count: 10, share: 0.1 }],
    ['an annotation with a grace', {}, annotated('5', '0s'), { count: 5, share: 0.2, graceMs: 0 }],
    ['the spec before the annotation', { deletionBudget: { count: 1 } }, annotated('5'), { count: 1, share: 0.2 }],
  ])('%s', (_sentence, spec, annotations, budget) => {
    expect(readDeletionBudget(spec, annotations)).toEqual({ budget, mistakes: [] })
  })

  it.each([
    ['a negative count', { deletionBudget: { count: -1 } }, {}],
    ['a share over a hundred', { deletionBudget: { percent: 101 } }, {}],
    ['half a percent', { deletionBudget: { percent: 0.5 } }, {}],
    ['a grace without a unit', { deletionBudget: { grace: '30' } }, {}],
    ['a grace of a year', { deletionBudget: { grace: '365d' } }, {}],
    ['words in an annotation', {}, annotated('many')],
    ['two counts in an annotation', {}, annotated('5, 6')],
    ['an annotation whose share is too large', {}, annotated('500%')],
    ['an annotation with no grace', {}, annotated('10', 'soon')],
  ])('%s is a mistake, and the default stays in force', (_sentence, spec, annotations) => {
    const { budget, mistakes } = readDeletionBudget(spec, annotations)
    expect(mistakes).toHaveLength(1)
    expect(judgeRemoval({ removed: 11, total: 1000 }, budget)).toMatchObject({ kind: 'over' })
  })
})

describe('removalDigest', () => {
  const one = (id: string, change: Partial<PlannedRemoval> = {}): PlannedRemoval => ({
    id,
    name: id,
    project: 'shop',
    cluster: 'eu-1',
    namespace: 'shop',
    policy: 'prune',
    ...change,
  })
  const digest = removalDigest('shrink', [one('a'), one('b')])

  it('is of the list, in whatever order', () => {
    expect(removalDigest('shrink', [one('b'), one('a')])).toBe(digest)
  })

  it.each([
    ['one more', removalDigest('shrink', [one('a'), one('b'), one('c')])],
    ['one less', removalDigest('shrink', [one('a')])],
    ['another of that name', removalDigest('shrink', [one('a'), one('c', { name: 'b' })])],
    ['another fate', removalDigest('shrink', [one('a'), one('b', { policy: 'detach' })])],
    ['another cause', removalDigest('set-removed', [one('a'), one('b')])],
  ])('differs for %s', (_sentence, other) => {
    expect(other).not.toBe(digest)
  })
})
