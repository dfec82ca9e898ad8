import { BoundedMemo } from '../source/bounded-memo.ts'
import { type ApplicationPage, type ApplicationQuery, type Position, passing, sliceOf } from './application-query.ts'
import { entityTag } from './entity-tag.ts'
import type { ListedApplication } from './listed-application.ts'
import { EVERYTHING_VISIBLE, type VisibleSet } from './visible-set.ts'

/** Rows of lists that are kept filtered and sorted while nothing changes: each is a reference. */
const MOST_ROWS_KEPT = 500_000
const MOST_BYTES_KEPT = 32 * 1024 * 1024

/** A page as it is sent. */
export interface WrittenPage {
  readonly bytes: Uint8Array
  readonly tag: string
}

/** What pages are made of. */
export interface Rows {
  /** By name and id. */
  readonly ordered: () => readonly ListedApplication[]
  /** Another one whenever any row is another. */
  readonly rowsStamp: () => number
  /** Another one whenever any row would be written otherwise, the time its agent was heard included. */
  readonly writtenStamp: () => string
}

/**
 * Pages of Applications. Fifty people who look at the same lists again and again cost what one costs: as long as no row
 * changes, a list is filtered once, and a page is written once. Tags are over what is on the page alone: they do not
 * tell of changes that the caller may not see.
 */
export class ApplicationPages {
  readonly #rows: Rows
  #lists = keptLists()
  #pages = keptPages()
  #listsOf = -1
  #pagesOf = ''

  constructor(rows: Rows) {
    this.#rows = rows
  }

  page(query: ApplicationQuery, visible: VisibleSet = EVERYTHING_VISIBLE): ApplicationPage {
    const list = passing(this.#rows.ordered(), query, visible)
    const { items, next } = sliceOf(list, query)
    return { items: items.map(row => row.present()), total: list.length, ...(next !== undefined && { next }) }
  }

  /**
   * The page as JSON text.
   *
   * @param list Name of the list: everything of the query that decides which rows pass, and in which order.
   * @param cursorOf The cursor of a position.
   */
  written(
    query: ApplicationQuery,
    visible: VisibleSet,
    list: string,
    cursorOf: (position: Position) => string,
    reader: string,
  ): WrittenPage {
    const stamp = this.#rows.writtenStamp()
    if (stamp !== this.#pagesOf) {
      this.#pages = keptPages()
      this.#pagesOf = stamp
    }
    const key = JSON.stringify([list, visible.key, reader, query.limit, query.after ?? null])
    const kept = this.#pages.get(key)
    if (kept !== undefined) return kept
    const rows = this.#list(query, visible, list)
    const { items, next } = sliceOf(rows, query)
    const cursor = next === undefined ? null : cursorOf(next)
    const written = items.map(row => row.written())
    const end = `],"total":${rows.length},"next":${JSON.stringify(cursor)}}`
    const bytes = Buffer.from(`{"items":[${written.map(({ text }) => text).join(',')}${end}`)
    const page = { bytes, tag: entityTag(`${written.map(({ tag }) => tag).join('')}${end}`) }
    this.#pages.set(key, page)
    return page
  }

  #list(query: ApplicationQuery, visible: VisibleSet, list: string): readonly ListedApplication[] {
    const stamp = this.#rows.rowsStamp()
    if (stamp !== this.#listsOf) {
      this.#lists = keptLists()
      this.#listsOf = stamp
    }
    const key = JSON.stringify([list, visible.key])
    const kept = this.#lists.get(key)
    if (kept !== undefined) return kept
    const rows = passing(this.#rows.ordered(), query, visible)
    this.#lists.set(key, rows)
    return rows
  }
}

function keptLists(): BoundedMemo<readonly ListedApplication[]> {
  return new BoundedMemo(MOST_ROWS_KEPT, rows => rows.length + 100)
}

function keptPages(): BoundedMemo<WrittenPage> {
  return new BoundedMemo(MOST_BYTES_KEPT, ({ bytes }) => bytes.length + 1_000)
}
