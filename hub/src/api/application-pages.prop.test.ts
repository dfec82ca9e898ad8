import fc from 'fast-check'
import { expect, it } from 'vitest'
import { sampleApplication } from '../store/sample-rows.ts'
import type { Position } from './application-query.ts'
import { FleetView } from './fleet-view.ts'
import type { VisibleSet } from './visible-set.ts'

const SORTS = ['name', 'project', 'changedAt', 'health'] as const
const NOW = 1_000

const row = (index: number, over: object = {}) =>
  sampleApplication({ id: `id-${index}`, name: `name-${index % 7}-${index}`, project: `p-${index % 3}`, ...over })

it('whoever reads page by page gets each Application once that was there all the time, whatever comes and goes', () => {
  const step = fc.oneof(
    fc.record({ kind: fc.constant('put' as const), index: fc.nat(60) }),
    fc.record({ kind: fc.constant('remove' as const), index: fc.nat(60) }),
  )
  fc.assert(
    fc.property(
      fc.uniqueArray(fc.nat(40), { minLength: 1 }),
      fc.array(fc.array(step, { maxLength: 4 }), { maxLength: 12 }),
      fc.integer({ min: 1, max: 5 }),
      fc.constantFrom(...SORTS),
      fc.boolean(),
      (first, changes, limit, sort, descending) => {
        const view = new FleetView({ run: 'pages', now: NOW })
        view.apply({ applications: first.map(index => row(index)) }, NOW)
        const query = { filters: {}, words: [], labels: [], sort, descending, limit }
        const stayed = new Set(first.map(index => `id-${index}`))
        const seen: string[] = []
        let after: Position | undefined
        for (let page = 0; ; page += 1) {
          const { items, next } = view.applications(after === undefined ? query : { ...query, after }, NOW)
          seen.push(...items.map(({ id }) => id))
          if (next === undefined) break
          after = next
          for (const { kind, index } of changes[page] ?? []) {
            const id = `id-${index}`
            if (kind === 'put') {
              // One that is there is left as it is: what moves in the order is another question.
              if (!stayed.has(id)) view.apply({ applications: [row(index)] }, NOW)
            } else {
              stayed.delete(id)
              view.apply({ removedApplications: [id] }, NOW)
            }
          }
        }
        expect(seen.filter((id, index) => seen.indexOf(id) !== index)).toEqual([])
        for (const id of stayed) expect(seen).toContain(id)
      },
    ),
    { numRuns: 200 },
  )
})

it('a kept page is what would be written now, and its tag changes with what is on it and with nothing else', () => {
  fc.assert(
    fc.property(fc.array(fc.tuple(fc.nat(12), fc.nat(3)), { maxLength: 30 }), steps => {
      const view = new FleetView({ run: 'pages', now: NOW })
      const query = { filters: {}, words: [], labels: [], sort: 'name', descending: false, limit: 5 } as const
      const visible: VisibleSet = { key: 'of p-1', sees: ({ project }) => project === 'p-1' }
      let before = { text: '', tag: '' }
      for (const [index, namespace] of steps) {
        view.apply({ applications: [row(index, { namespace: `n-${namespace}` })] }, NOW)
        const { bytes, tag } = view.applicationsText(query, NOW, visible, 'list', String, 'me')
        const { items, total, next } = view.applications(query, NOW, visible)
        const text = Buffer.from(bytes).toString('utf8')
        expect(JSON.parse(text)).toEqual(
          JSON.parse(JSON.stringify({ items, total, next: next === undefined ? null : String(next) })),
        )
        expect(items.every(({ project }) => project === 'p-1')).toBe(true)
        expect(tag === before.tag).toBe(text === before.text)
        before = { text, tag }
      }
    }),
    { numRuns: 50 },
  )
})
