import { z } from 'zod'
import { decodeCursor, encodeCursor } from './cursor.ts'

/** One page of a short list that is in order of a text key. */
export function pageOfList<Item>(
  list: string,
  items: readonly Item[],
  keyOf: (item: Item) => string,
  query: { readonly limit: number; readonly cursor?: string | undefined },
): { readonly items: readonly Item[]; readonly total: number; readonly next: string | null } {
  let start = 0
  if (query.cursor !== undefined) {
    const [after] = decodeCursor(list, query.cursor, z.tuple([z.string()]))
    const found = items.findIndex(item => keyOf(item) > String(after))
    start = found < 0 ? items.length : found
  }
  const page = items.slice(start, start + query.limit)
  const last = page.at(-1)
  const more = start + page.length < items.length && last !== undefined
  return { items: page, total: items.length, next: more ? encodeCursor(list, [keyOf(last)]) : null }
}
