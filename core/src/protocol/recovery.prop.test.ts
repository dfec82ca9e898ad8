import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { compareNumbers, type DocumentNumber } from './documents.ts'
import {
  type AdmittedKey,
  decideAdoptions,
  judgeAdmission,
  judgeProof,
  type KnownApplication,
  type ProvedDocument,
  recoveredEpoch,
} from './recovery.ts'

/** A hub in three lines: each step issues the next number on some line. */
interface Store {
  readonly upTo: DocumentNumber
  readonly lines: ReadonlyMap<string, { readonly number: DocumentNumber; readonly content: string }>
}
const EMPTY: Store = { upTo: { epoch: 1, n: 0 }, lines: new Map() }
const issue = ({ upTo, lines }: Store, line: string, content: string): Store => {
  const number = { epoch: upTo.epoch, n: upTo.n + 1 }
  return {
    upTo: number,
    lines: new Map(lines).set(line, { number, content: `${number.epoch}.${number.n} ${line} ${content}` }),
  }
}
const steps = fc.array(fc.constantFrom('a', 'b', 'calendar'), { maxLength: 20 })
const judge = (store: Store, line: string, proof: { number: DocumentNumber; content: string }) => {
  const current = store.lines.get(line)
  return judgeProof(proof, { upTo: store.upTo, ...(current && { current }) })
}

describe('a hub that is shown its own documents', () => {
  test('never doubts one that it issued, however long ago', () => {
    fc.assert(
      fc.property(steps, list => {
        let store = EMPTY
        const seen: { line: string; number: DocumentNumber; content: string }[] = []
        for (const line of list) {
          store = issue(store, line, 'x')
          seen.push({ line, ...store.lines.get(line)! })
          for (const { line: of, ...proof } of seen) expect(judge(store, of, proof)).not.toBe('not-issued')
        }
      }),
    )
  })

  test('restored from a backup, it is found out by any agent that holds what it issued later, until it recovers', () => {
    fc.assert(
      fc.property(steps, steps, fc.nat(20), (before, after, issuedSince) => {
        const backup = before.reduce((store, line) => issue(store, line, 'x'), EMPTY)
        const lost = after.reduce((store, line) => issue(store, line, 'y'), backup)
        // It goes on before anyone is heard: on lines that the agent does not hold.
        let restored = backup
        for (let n = 0; n < issuedSince; n++) restored = issue(restored, 'another', 'z')
        for (const [line, proof] of lost.lines) {
          const held = backup.lines.get(line)
          const isLater = held?.content !== proof.content
          if (isLater && held) expect(judge(restored, line, proof)).toBe('not-issued')
          if (isLater && !held && compareNumbers(proof.number, restored.upTo) > 0)
            expect(judge(restored, line, proof)).toBe('not-issued')
          if (!isLater) expect(judge(restored, line, proof)).not.toBe('not-issued')
        }
      }),
    )
  })

  test('no epoch is used twice, whatever is restored how often', () => {
    const moment = fc.record({ restore: fc.nat(5), waitMs: fc.integer({ min: 0, max: 5000 }), heard: fc.boolean() })
    fc.assert(
      fc.property(fc.array(moment, { maxLength: 8 }), moments => {
        let now = 1_900_000_000_000
        const backups = [1]
        let newest = 1
        const used = new Set([1])
        for (const { restore, waitMs, heard } of moments) {
          now += waitMs + 1000
          const stored = backups[restore % backups.length]!
          const epoch = recoveredEpoch([stored], heard ? newest : undefined, now)
          expect(used.has(epoch)).toBe(false)
          expect(epoch).toBeGreaterThan(stored)
          used.add(epoch)
          newest = Math.max(newest, epoch)
          backups.push(epoch)
        }
      }),
    )
  })
})

describe('ids that are taken over', () => {
  const ids = fc.constantFrom('i1', 'i2', 'i3', 'i4')
  const names = fc.constantFrom('web', 'api')
  const proved: fc.Arbitrary<readonly ProvedDocument[]> = fc.uniqueArray(
    fc.record({
      typ: fc.constantFrom('offer' as const, 'tombstone' as const),
      number: fc.record({ epoch: fc.constant(1), n: fc.nat(9) }),
      application: fc.record({ id: ids, name: names }),
    }),
    { selector: ({ application }) => application.id, maxLength: 4 },
  )
  const known = fc.uniqueArray(
    fc.record({ id: ids, name: names, clusterId: fc.constantFrom('c', 'other', undefined), unheld: fc.boolean() }),
    { selector: ({ id }) => id, maxLength: 4 },
  )

  test('leave one id a name and one name an id, and take nothing from another cluster', () => {
    fc.assert(
      fc.property(proved, known, (documents, applications) => {
        const rows = applications as readonly (KnownApplication & { readonly name: string })[]
        const byId = (id: string) => rows.find(row => row.id === id)
        const byName = (name: string) => rows.find(row => row.name === name && row.clusterId !== 'other')
        const adopted = decideAdoptions('c', documents, byId, byName).filter(one => one.kind === 'adopted')
        expect(new Set(adopted.map(({ id }) => id)).size).toBe(adopted.length)
        expect(new Set(adopted.map(({ name }) => name)).size).toBe(adopted.length)
        for (const one of adopted) {
          expect(byId(one.id)).toBeUndefined()
          const shown = documents.find(({ application }) => application.id === one.id)
          expect(shown).toBeDefined()
          // A Tombstone says that a name was given up: whoever is still offered it has it.
          const offered = documents.some(({ typ, application }) => typ === 'offer' && application.name === one.name)
          expect(shown?.typ).toBe(offered ? 'offer' : 'tombstone')
          if (one.replaces !== undefined) {
            expect(byId(one.replaces)?.unheld).toBe(true)
            expect(documents.some(({ application }) => application.id === one.replaces)).toBe(false)
          }
        }
        expect(decideAdoptions('c', [...documents].reverse(), byId, byName)).toEqual(
          decideAdoptions('c', documents, byId, byName),
        )
      }),
    )
  })
})

describe('a hub that is shown the admissions of one cluster, of its own signature', () => {
  /** What becomes of a cluster's right to speak: another key, another admission, or a recovery of the hub. */
  const happenings = fc.array(fc.constantFrom('key', 'admission', 'recovery'), { maxLength: 12 })
  const lives = (list: readonly string[]): readonly Required<AdmittedKey>[] => {
    const all = [{ admission: 1, keyNumber: 0, epoch: 1 }]
    for (const happened of list) {
      const last = all.at(-1)!
      if (happened === 'key') all.push({ ...last, keyNumber: last.keyNumber + 1 })
      if (happened === 'admission') all.push({ ...last, admission: last.admission + 1, keyNumber: 0 })
      if (happened === 'recovery') all.push({ ...last, epoch: last.epoch + 5 })
    }
    return all
  }

  test('takes none for a newer one that it has come past, and refuses none that came after what a backup has', () => {
    fc.assert(
      fc.property(happenings, fc.nat(12), fc.nat(12), (list, first, second) => {
        const all = lives(list)
        const [before, after] = [first % all.length, second % all.length].sort((a, b) => a - b) as [number, number]
        const [older, later] = [all[before]!, all[after]!]
        const isSame = older.admission === later.admission && older.keyNumber === later.keyNumber
        expect(judgeAdmission(older, later)).toBe('superseded')
        expect(judgeAdmission(later, older)).toBe(isSame ? 'superseded' : 'not-issued')
      }),
    )
  })

  test('is not found to be behind once more by what was signed before its last recovery', () => {
    fc.assert(
      fc.property(happenings, fc.nat(12), fc.integer({ min: 1, max: 9 }), (list, at, by) => {
        const all = lives(list)
        const highest = Math.max(...all.map(({ epoch }) => epoch))
        const known = { ...all[at % all.length]!, epoch: highest + by }
        for (const shown of all) {
          expect(judgeAdmission(shown, known)).not.toBe('not-issued')
          expect(judgeAdmission(shown, undefined, known.epoch)).not.toBe('not-issued')
          // What joined since begins with the epoch of the recovery.
          expect(judgeAdmission({ ...shown, epoch: known.epoch }, undefined, known.epoch)).toBe('not-issued')
        }
      }),
    )
  })
})
