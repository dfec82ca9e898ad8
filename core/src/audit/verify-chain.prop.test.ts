import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { type AuditEntry, type AuditNote, chainEntry, EMPTY_HEAD, hashOfEntry } from './audit-entry.ts'
import { type ChainExpectation, type ChainReport, ChainVerifier } from './verify-chain.ts'

const note: fc.Arbitrary<AuditNote> = fc.record(
  {
    at: fc.nat(),
    actor: fc.string({ maxLength: 5 }),
    action: fc.constantFrom('freeze.create', 'override.use'),
    subject: fc.string({ maxLength: 5 }),
    detail: fc.dictionary(fc.string({ maxLength: 3 }), fc.oneof(fc.integer(), fc.string({ maxLength: 4 }))),
    outcome: fc.constantFrom('done' as const, 'refused' as const),
    requestId: fc.string({ maxLength: 4 }),
  },
  { requiredKeys: ['at', 'actor', 'action', 'subject', 'detail'] },
)

function chained(notes: readonly AuditNote[]): readonly AuditEntry[] {
  const entries: AuditEntry[] = []
  for (const each of notes) entries.push(chainEntry(entries.at(-1) ?? EMPTY_HEAD, each))
  return entries
}

function verify(entries: readonly unknown[], expected: ChainExpectation = {}): ChainReport {
  const verifier = new ChainVerifier(expected)
  for (const entry of entries) verifier.take(typeof entry === 'string' ? entry : JSON.stringify(entry))
  return verifier.report()
}

const chain = fc.array(note, { minLength: 2, maxLength: 12 }).map(chained)
const place = fc.nat()

describe('the chain of the audit log', () => {
  it('is intact as it was written, and its last entry is the head', () => {
    fc.assert(
      fc.property(chain, entries => {
        const report = verify(entries)
        expect(report.mistakes).toEqual([])
        expect(report).toMatchObject({ intact: true, entries: entries.length, last: { hash: entries.at(-1)!.hash } })
      }),
    )
  })

  it('an edited entry is noticed, whichever member it is', () => {
    fc.assert(
      fc.property(
        chain,
        place,
        fc.constantFrom('actor', 'action', 'subject', 'detail', 'at', 'outcome'),
        (all, at, member) => {
          const index = at % all.length
          const value = { detail: { x: 'not as before' }, at: -1 }[member as 'detail'] ?? 'not as before'
          const edited = all.map((entry, each) => (each === index ? { ...entry, [member]: value } : entry))
          expect(verify(edited).mistakes).toMatchObject([{ kind: 'edited', line: index + 1 }])
        },
      ),
    )
  })

  it('an edited entry whose hash was made anew no longer fits the next one; the last one does not fit a kept head', () => {
    fc.assert(
      fc.property(chain, place, (all, at) => {
        const index = at % all.length
        const changed = { ...all[index]!, actor: `${all[index]!.actor}!` }
        const edited = all.map((entry, each) => (each === index ? { ...changed, hash: hashOfEntry(changed) } : entry))
        const head = all.at(-1)!.hash
        expect(verify(edited, { head }).mistakes.map(({ kind }) => kind)).toEqual([
          index === all.length - 1 ? 'head' : 'spliced',
        ])
      }),
    )
  })

  it('a deleted entry is noticed, but at the end only with a head that was kept', () => {
    fc.assert(
      fc.property(chain, place, (all, at) => {
        const index = at % all.length
        const rest = all.filter((_, each) => each !== index)
        const last = index === all.length - 1
        expect(verify(rest).intact).toBe(last)
        expect(verify(rest, { head: all.at(-1)!.hash }).intact).toBe(false)
        if (!last) expect(verify(rest).mistakes).toMatchObject([{ kind: 'missing', line: index + 1 }])
      }),
    )
  })

  it('exchanged neighbours are noticed', () => {
    fc.assert(
      fc.property(chain, place, (all, at) => {
        const index = at % (all.length - 1)
        const [a, b] = [all[index]!, all[index + 1]!]
        const exchanged = [...all.slice(0, index), b, a, ...all.slice(index + 2)]
        expect(verify(exchanged).mistakes.map(({ kind }) => kind)).toContain('order')
      }),
    )
  })

  it('an entry put in twice, or of another log, is noticed', () => {
    fc.assert(
      fc.property(chain, chain, place, (all, others, at) => {
        const index = at % all.length
        expect(verify([...all.slice(0, index + 1), ...all.slice(index)]).intact).toBe(false)
        const foreign = others[index % others.length]!
        fc.pre(foreign.hash !== all[index]!.hash)
        const replaced = all.map((entry, each) => (each === index ? foreign : entry))
        expect(verify(replaced, { head: all.at(-1)!.hash }).intact).toBe(false)
      }),
    )
  })

  it('a part is what follows an entry that is known; it is not the whole', () => {
    fc.assert(
      fc.property(chain, all => {
        const part = all.slice(1)
        expect(verify(part).mistakes).toMatchObject([
          { kind: 'missing', line: 1, message: 'before it entry 1 is missing' },
        ])
        expect(verify(part, { after: all[0]!.hash }).intact).toBe(true)
        expect(verify(part, { after: 'any' }).intact).toBe(true)
        expect(verify(part, { after: all[1]!.hash }).intact).toBe(false)
      }),
    )
  })

  it('what is cut in the middle of a line, or is no log at all, is said to be so', () => {
    const [a, b] = chained([
      { at: 1, actor: 'ana', action: 'x', subject: 's', detail: {} },
      { at: 2, actor: 'ben', action: 'x', subject: 's', detail: {} },
    ])
    const cut = JSON.stringify(b).slice(0, 40)
    expect(verify([a, cut]).mistakes).toMatchObject([{ kind: 'unreadable', line: 2 }])
    expect(verify(['[]', '{}', '{"sequence":1,"at":1}']).mistakes.map(({ kind }) => kind)).toEqual([
      'unreadable',
      'unreadable',
      'unreadable',
    ])
    expect(verify([]).mistakes).toMatchObject([{ kind: 'empty' }])
    expect(verify(['', JSON.stringify(a), '', JSON.stringify(b), '']).intact).toBe(true)
  })
})
