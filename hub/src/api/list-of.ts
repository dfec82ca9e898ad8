import type { Json } from '@flotilla/core/json/json'
import { z } from 'zod'
import { decodeCursor, encodeCursor } from './cursor.ts'
import { type LabelSelector, matchesLabels } from './label-selector.ts'
import { fieldsParameter, orderOf, type SortOrder, sortParameter, wordsOf, wordsParameter } from './list-parameters.ts'
import { cursorParameter, limitParameter } from './parameters.ts'
import { pickFields } from './pick-fields.ts'
import { listSchema } from './schemas.ts'

type Text = string | null | undefined

/** What one list is: of which rows, in which orders, and what of them words are looked for in. */
export interface ListShape<Row> {
  /** Cursors of one list are none of another. */
  readonly name: string
  /** How a row is shown: `fields` names its parts. */
  readonly item: z.ZodType
  /** By what it may be sorted; all values of one field are of one type. */
  readonly sorts: { readonly [field: string]: (row: Row) => string | number }
  /** The order without `sort`: `name`, `-since`. */
  readonly sort: string
  /** What no two rows share: rows that are equal otherwise are in its order, and pages go on after it. */
  readonly idOf: (row: Row) => string
  /** What `q` looks into, and how that is called. */
  readonly words: readonly [where: string, of: (row: Row) => readonly Text[]]
  /** Of lists that take a selector. */
  readonly labels?: (row: Row) => { readonly [key: string]: string }
}

/** What {@link ListOf.query} makes of a request. */
export interface ListQuery {
  readonly sort?: SortOrder | undefined
  readonly fields?: readonly string[] | undefined
  readonly q?: string | undefined
  readonly labels?: { readonly text: string; readonly selector: LabelSelector } | undefined
  readonly limit: number
  readonly cursor?: string | undefined
}

export interface Selected<Row> {
  readonly rows: readonly Row[]
  readonly total: number
  readonly next: string | null
}

/** One list: the parameters that it takes, what it answers, and its pages. */
export interface ListOf<Row> {
  /** Beside the list's own filters. */
  readonly query: {
    readonly sort: ReturnType<typeof sortParameter<string>>
    readonly fields: ReturnType<typeof fieldsParameter>
    readonly q: ReturnType<typeof wordsParameter>
    readonly limit: typeof limitParameter
    readonly cursor: typeof cursorParameter
  }
  readonly answer: ReturnType<typeof listSchema>
  /**
   * The rows of a page, of those that the caller may see: nothing of others is counted or shows in a cursor.
   *
   * @param filters What else decides which rows there are: a cursor is of the list with these.
   * @throws Problem `CURSOR_INVALID`
   */
  select(seen: readonly Row[], query: ListQuery, filters?: Json): Selected<Row>
  /** The answer's body, of rows as they are shown. */
  body(page: Omit<Selected<Row>, 'rows'>, shown: readonly object[], query: ListQuery): ListBody
  /** Both, where rows are shown as they are. @throws Problem `CURSOR_INVALID` */
  page(seen: readonly (Row & object)[], query: ListQuery, filters?: Json): ListBody
}

export interface ListBody {
  readonly items: readonly object[]
  readonly total: number
  readonly next: string | null
}

type Place = readonly [key: string | number, id: string]
const place = z.tuple([z.union([z.string(), z.number()]), z.string()])
/** Of long texts so much decides; a cursor has to hold it. */
const MOST_OF_A_KEY = 300

/**
 * A list of things that are at hand. All lists are sorted, searched, cut and paged here, so that they are all alike:
 * the place in a list is the sort key and the id of the last row shown, which rows that come and go do not move.
 */
export function listOf<Row>(shape: ListShape<Row>): ListOf<Row> {
  const { name, item, sorts, idOf, labels: labelsOf } = shape
  const inherent = orderOf(shape.sort)
  const [where, textsOf] = shape.words
  const select = (seen: readonly Row[], query: ListQuery, filters: Json = null): Selected<Row> => {
    const { field, descending } = query.sort ?? inherent
    const keyOf = sorts[field]
    if (keyOf === undefined) throw new Error(`${name} cannot be sorted by ${field}`)
    const words = wordsOf(query.q)
    const list: Json = [name, filters, words, query.labels?.text ?? null, field, descending]
    const passes = (row: Row): boolean =>
      (words.length === 0 || hasWords(textsOf(row), words)) &&
      (query.labels === undefined || matchesLabels(query.labels.selector, labelsOf?.(row) ?? {}))
    const placed = seen.filter(passes).map(row => ({ row, at: [cut(keyOf(row)), cut(idOf(row))] as const }))
    placed.sort((a, b) => compare(a.at, b.at, descending))
    let start = 0
    if (query.cursor !== undefined) {
      const after = decodeCursor(list, query.cursor, place) as Place
      const found = placed.findIndex(({ at }) => compare(at, after, descending) > 0)
      start = found < 0 ? placed.length : found
    }
    const page = placed.slice(start, start + query.limit)
    const last = page.at(-1)
    const more = start + page.length < placed.length && last !== undefined
    return { rows: page.map(({ row }) => row), total: placed.length, next: more ? encodeCursor(list, last.at) : null }
  }
  const body: ListOf<Row>['body'] = ({ total, next }, shown, { fields }) => {
    return { items: fields === undefined ? shown : shown.map(row => pickFields(row, fields)), total, next }
  }
  return {
    query: {
      sort: sortParameter(Object.keys(sorts), shape.sort),
      fields: fieldsParameter(fieldsOf(item)),
      q: wordsParameter(where),
      limit: limitParameter,
      cursor: cursorParameter,
    },
    answer: listSchema(item),
    select,
    body,
    page(seen, query, filters) {
      const selected = select(seen, query, filters)
      return body(selected, selected.rows as readonly object[], query)
    },
  }
}

/** The parts of a row; of rows of several kinds those of each. */
function fieldsOf(item: z.ZodType): readonly string[] {
  if (item instanceof z.ZodObject) return Object.keys(item.shape)
  if (item instanceof z.ZodUnion) return [...new Set(item.options.flatMap(each => fieldsOf(each as z.ZodType)))]
  throw new Error('rows of a list are objects')
}

function hasWords(texts: readonly Text[], words: readonly string[]): boolean {
  const text = texts.join('\n').toLowerCase()
  return words.every(word => text.includes(word))
}

function cut<Key extends string | number>(key: Key): Key {
  return (typeof key === 'string' ? key.slice(0, MOST_OF_A_KEY) : key) as Key
}

/** Only the key is turned round: equal keys are in order of id either way. */
function compare(a: Place, b: Place, descending: boolean): number {
  const key = order(a[0], b[0])
  if (key !== 0) return descending ? -key : key
  return order(a[1], b[1])
}

function order(a: string | number, b: string | number): number {
  return a < b ? -1 : a > b ? 1 : 0
}
