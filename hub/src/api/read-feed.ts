import type { Json } from '@flotilla/core/json/json'
import type { z } from 'zod'
import { decodeNumberCursor, encodeNumberCursor } from './cursor.ts'
import type { HiddenNumbers } from './hidden-numbers.ts'
import { fieldsParameter, type SortOrder, sortParameter, wordsParameter } from './list-parameters.ts'
import { cursorParameter, limitParameter } from './parameters.ts'
import { pickFields } from './pick-fields.ts'
import { feedSchema } from './schemas.ts'

/** Feeds: what is only ever added to, in order of time, one way or the other; read as far as one page needs. */

/** Entries that are looked at for one page; then it is given as it is, with a place to go on from. */
const MOST_LOOKED_AT = 20_000
const PAGE = 500
/** Of rows that are large. */
export const SMALL_PAGE = 50

export interface FeedQuery {
  readonly sort?: SortOrder | undefined
  readonly fields?: readonly string[] | undefined
  readonly limit: number
  readonly cursor?: string | undefined
}

/** One feed: the parameters that it takes, and what it answers. */
export function feedOf(item: z.ZodObject, where: string) {
  return {
    query: {
      sort: sortParameter(['at'], '-at'),
      fields: fieldsParameter(Object.keys(item.shape)),
      q: wordsParameter(where),
      limit: limitParameter,
      cursor: cursorParameter,
    },
    answer: feedSchema(item),
  }
}

export interface FeedReader<Row, Shown extends object> {
  /** Those before a number, the newest first. */
  newest(page: { readonly limit: number; readonly before?: number }): Promise<readonly Row[]>
  /** Those after a number, the oldest first. */
  oldest(page: { readonly limit: number; readonly after: number }): Promise<readonly Row[]>
  /** As it is shown; undefined: it is not on the list. */
  show(row: Row): Shown | undefined | Promise<Shown | undefined>
  /** How many are on the list, on all pages; null where nobody counts them. */
  total(): Promise<number | null>
  readonly pageSize?: number
}

/**
 * A page of a feed, of what passes.
 *
 * @param list The feed's name with its filters: cursors are of the list with these.
 * @param numbers Hides the place in cursors.
 * @throws Problem `CURSOR_INVALID`
 */
export async function readFeed<Row extends { readonly sequence: number }, Shown extends object>(
  reader: FeedReader<Row, Shown>,
  query: FeedQuery,
  list: Json,
  numbers: HiddenNumbers,
): Promise<{ readonly items: readonly object[]; readonly total: number | null; readonly next: string | null }> {
  const isForward = query.sort?.descending === false
  const name: Json = [list, isForward]
  let at = query.cursor === undefined ? undefined : decodeNumberCursor(name, query.cursor, numbers)
  const items: Shown[] = []
  const { pageSize = PAGE } = reader
  const total = await reader.total()
  const answer = (goesOn: boolean) => ({
    items: query.fields === undefined ? items : items.map(item => pickFields(item, query.fields!)),
    total,
    next: goesOn ? encodeNumberCursor(name, at ?? 0, numbers) : null,
  })
  for (let looked = 0; looked < MOST_LOOKED_AT; looked += pageSize) {
    const rows = isForward
      ? await reader.oldest({ limit: pageSize, after: at ?? 0 })
      : await reader.newest({ limit: pageSize, ...(at !== undefined && { before: at }) })
    for (const row of rows) {
      const shown = await reader.show(row)
      // One more than is wanted tells whether there is another page.
      if (shown !== undefined && items.length === query.limit) return answer(true)
      at = row.sequence
      if (shown !== undefined) items.push(shown)
    }
    if (rows.length < pageSize) return answer(false)
  }
  return answer(true)
}
