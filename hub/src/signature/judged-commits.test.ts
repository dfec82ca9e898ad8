import { describe, expect, it } from 'vitest'
import { type Judged, JudgedCommits } from './judged-commits.ts'

const id = (number: number) => number.toString(16).padStart(40, '0')
const good = (parents: readonly string[] = [id(0)]): Judged => {
  return { kind: 'good', goodUntil: 1, seal: false, parents: parents as never }
}
const refused = (message: string): Judged => {
  return { kind: 'refused', lasting: true, problemFor: () => ({ code: 'SIGNATURE_REFUSED', message }) }
}
const kept = (known: JudgedCommits, count: number) =>
  Array.from({ length: count }, (_, at) => known.verdict(id(at) as never, 'a')).filter(Boolean).length

describe('what was found of commits', () => {
  it('of a history as long as one look may check there is room for each', () => {
    const known = new JudgedCommits()
    for (let at = 0; at < 20_000; at += 1) known.keep(id(at) as never, 'a', good([id(at + 1), id(at + 2)]))
    expect(kept(known, 20_000)).toBe(20_000)
  })

  it('takes a few megabytes at most: many parents and long refusals count as what they are', () => {
    const parents = new JudgedCommits(1_000_000)
    for (let at = 0; at < 1_000; at += 1)
      parents.keep(id(at) as never, 'a', good(Array.from({ length: 100 }, () => id(1))))
    expect(kept(parents, 1_000)).toBeLessThan(160)
    const refusals = new JudgedCommits(1_000_000)
    for (let at = 0; at < 1_000; at += 1) refusals.keep(id(at) as never, 'a', refused('x'.repeat(5_000)))
    expect(kept(refusals, 1_000)).toBeLessThan(100)
    expect(refusals.verdict(id(999) as never, 'a')).toBeDefined()
  })

  it('of one set of keys is nothing of another, and a set has one name', () => {
    const known = new JudgedCommits()
    const [a, b] = [known.nameOf('sha256 of a'), known.nameOf('sha256 of b')]
    known.keep(id(1) as never, a, good())
    known.keepHistory(id(1) as never, a, 7)
    expect([known.verdict(id(1) as never, b), known.historyGoodUntil(id(1) as never, b)]).toEqual([
      undefined,
      undefined,
    ])
    expect([known.nameOf('sha256 of a'), known.historyGoodUntil(id(1) as never, a)]).toEqual([a, 7])
  })
})
