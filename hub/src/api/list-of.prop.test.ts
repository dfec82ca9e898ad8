import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { z } from 'zod'
import { parseLabelSelector } from './label-selector.ts'
import { type ListQuery, listOf } from './list-of.ts'
import { listSchema } from './schemas.ts'

interface Row {
  readonly id: string
  readonly name: string
  readonly age: number
  readonly labels: { readonly [key: string]: string }
}

const item = z.strictObject({
  id: z.string(),
  name: z.string(),
  age: z.int(),
  labels: z.record(z.string(), z.string()),
  place: z.strictObject({ file: z.string(), line: z.int() }).optional(),
})
const rows = listOf<Row>({
  name: 'rows',
  item,
  sorts: { name: ({ name }) => name, age: ({ age }) => age },
  sort: 'name',
  idOf: ({ id }) => id,
  words: ['name or labels', ({ name, labels }) => [name, ...Object.entries(labels).map(each => each.join('='))]],
  labels: ({ labels }) => labels,
})
const query = z.strictObject(rows.query)
const read = (given: object): ListQuery => query.parse(given)

const someRows = fc.uniqueArray(
  fc.record({
    id: fc.uuid(),
    name: fc.constantFrom('a', 'b', 'c', 'd', 'long '.repeat(300)),
    age: fc.integer({ min: -3, max: 3 }),
    labels: fc.constantFrom<Row['labels']>({}, { env: 'prod' }, { env: 'test' }),
  }),
  { selector: ({ id }) => id, maxLength: 30 },
)
const someSort = fc.constantFrom('name', '-name', 'age', '-age')

function pages(all: readonly Row[], given: { readonly sort: string; readonly limit: string }): readonly Row[] {
  const seen: Row[] = []
  let cursor: string | undefined
  do {
    const page = rows.page(all, read({ ...given, ...(cursor && { cursor }) }))
    expect(page.total).toBe(all.length)
    seen.push(...(page.items as Row[]))
    cursor = page.next ?? undefined
  } while (cursor !== undefined)
  return seen
}

describe('a list', () => {
  it('gives on its pages together every row once, in its order, however large they are', () => {
    fc.assert(
      fc.property(someRows, someSort, fc.integer({ min: 1, max: 7 }), (all, sort, limit) => {
        const whole = rows.page(all, read({ sort })).items
        expect(pages(all, { sort, limit: String(limit) })).toEqual(whole)
        expect(new Set(whole).size).toBe(all.length)
      }),
    )
  })

  it('shows no row twice and misses none of those that stay, when others come and go between its pages', () => {
    fc.assert(
      fc.property(someRows, someRows, someSort, fc.integer({ min: 1, max: 5 }), (stay, passing, sort, limit) => {
        const ids = new Set(stay.map(({ id }) => id))
        const others = passing.filter(({ id }) => !ids.has(id))
        const seen: string[] = []
        let cursor: string | undefined
        let turn = 0
        do {
          const now = turn++ % 2 === 0 ? [...stay, ...others] : stay
          const page = rows.page(now, read({ sort, limit: String(limit), ...(cursor && { cursor }) }))
          seen.push(...(page.items as Row[]).map(({ id }) => id))
          cursor = page.next ?? undefined
        } while (cursor !== undefined)
        expect(new Set(seen).size).toBe(seen.length)
        for (const { id } of stay) expect(seen).toContain(id)
      }),
    )
  })

  it('does not depend on the order in which its rows come', () => {
    fc.assert(
      fc.property(someRows, someSort, (all, sort) => {
        expect(rows.page(all.toReversed(), read({ sort }))).toEqual(rows.page(all, read({ sort })))
      }),
    )
  })
})

const ROWS: readonly Row[] = [
  { id: '1', name: 'web eu', age: 1, labels: { env: 'prod' } },
  { id: '2', name: 'web us', age: 2, labels: { env: 'test' } },
  { id: '3', name: 'api', age: 3, labels: {} },
]
const idsOf = (given: object, labels?: string) => {
  const parsed = labels === undefined ? undefined : parseLabelSelector(labels)
  const selector = parsed?.kind === 'selector' ? { labels: { text: labels!, selector: parsed.selector } } : {}
  return rows.page(ROWS, { ...read(given), ...selector }).items.map(each => (each as Row).id)
}

describe('what is asked of a list', () => {
  it.each([
    ['words occur all, wherever, in any case', { q: 'EU web' }, undefined, ['1']],
    ['labels are words too', { q: 'env=test' }, undefined, ['2']],
    ['a selector chooses by labels', {}, 'env', ['1', '2']],
    ['the order is turned round', { sort: '-age' }, undefined, ['3', '2', '1']],
  ])('%s', (_, given, labels, ids) => {
    expect(idsOf(given, labels)).toEqual(ids)
  })

  it('picks fields, and parts of them', () => {
    const row = { id: '1', name: 'a', age: 1, labels: {}, place: { file: 'f.yaml', line: 3 } }
    const page = rows.page([row], read({ fields: 'name,place.line' }))
    expect(page.items).toEqual([{ name: 'a', place: { line: 3 } }])
    expect(listSchema(item).safeParse(page).success).toBe(true)
  })

  it.each([
    [{ sort: 'nmae' }, /there is no field "nmae"; did you mean "name"\?; one of name, age, with "-" before it/],
    [{ sort: '-place' }, /there is no field "place"/],
    [{ fields: 'id,naem' }, /there is no field "naem"; did you mean "name"\?/],
    [{ fields: '' }, /there is no field ""/],
    [{ fields: '__proto__' }, /there is no field "__proto__"/],
    [{ fields: Array.from({ length: 51 }, () => 'id').join(',') }, /at most 50 fields/],
    [{ limit: '0' }, /a whole number from 1 to 1000/],
    [{ order: 'name' }, /order/],
  ])('refuses %j', (given, message) => {
    const result = query.safeParse(given)
    expect(result.success).toBe(false)
    expect(JSON.stringify(result.error?.issues.map(issue => issue.message)).replaceAll('\\"', '"')).toMatch(message)
  })

  it('a cursor goes on in the list that it comes from, and in no other', () => {
    const { next } = rows.page(ROWS, read({ limit: '1' }))
    expect(next).toEqual(expect.any(String))
    for (const other of [{ sort: 'age' }, { sort: '-name' }, { q: 'web' }]) {
      expect(() => rows.page(ROWS, read({ ...other, cursor: next }))).toThrow(/CURSOR_INVALID|cursor/i)
    }
    expect(() => rows.page(ROWS, read({ cursor: next }), ['filtered'])).toThrow(/CURSOR_INVALID|cursor/i)
    expect(rows.page(ROWS, read({ cursor: next })).items).toHaveLength(2)
  })
})
