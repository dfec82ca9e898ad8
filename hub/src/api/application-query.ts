import { HEALTH_STATUSES } from '@flotilla/core/model/status'
import type { ApplicationView } from '@flotilla/core/view/application-view'
import { imageMatcher } from './image-filter.ts'
import { type LabelSelector, matchesLabels } from './label-selector.ts'
import type { VisibleSet } from './visible-set.ts'

export const FILTERS = ['project', 'cluster', 'environment', 'set', 'namespace', 'sync', 'health', 'state'] as const
export type Filter = (typeof FILTERS)[number]

export const SORTS = ['name', 'project', 'cluster', 'namespace', 'sync', 'health', 'changedAt'] as const
export type SortField = (typeof SORTS)[number]

/** Where a page ended: the sort key, name and id of its last row. Rows that come and go do not move it. */
export type Position = readonly [key: string | number, name: string, id: string]

export interface ApplicationQuery {
  /** A row passes when its value is one of the given; filters that are not given pass everything. */
  readonly filters: { readonly [Name in Filter]?: ReadonlySet<string> }
  /** Words that all have to occur, in lower case. */
  readonly words: readonly string[]
  readonly labels: LabelSelector
  /** Images of which a row has to run one. */
  readonly images?: readonly string[]
  readonly sort: SortField
  readonly descending: boolean
  readonly limit: number
  readonly after?: Position
}

/** Every Application, by name, on one page. */
export const EVERY_APPLICATION: ApplicationQuery = {
  filters: {},
  words: [],
  labels: [],
  sort: 'name',
  descending: false,
  limit: Number.POSITIVE_INFINITY,
}

export interface ApplicationPage {
  readonly items: readonly ApplicationView[]
  /** How many pass, on all pages. */
  readonly total: number
  /** Where the next page begins; absent on the last one. */
  readonly next?: Position
}

/** A row with the text that `q` looks into. */
export interface Listed {
  readonly view: ApplicationView
  readonly search: string
}

/**
 * Every row that passes, in order.
 *
 * @param ordered Every row, by name and id.
 */
export function passing<Row extends Listed>(
  ordered: readonly Row[],
  query: ApplicationQuery,
  visible: VisibleSet,
): readonly Row[] {
  const passes = filterOf(query)
  const rows = ordered.filter(row => visible.sees(row.view) && passes(row))
  // By name they are in order already; the sort is stable, so equal keys stay in order of name.
  if (query.sort === 'name' && !query.descending) return rows
  const order = orderOf(query)
  return rows.sort((a, b) => order(a.view, b.view))
}

/** The page of a list that the query asks for. */
export function sliceOf<Row extends Listed>(
  rows: readonly Row[],
  query: ApplicationQuery,
): { readonly items: readonly Row[]; readonly next?: Position } {
  let start = 0
  if (query.after !== undefined) {
    const { after } = query
    start = firstAfter(rows, ({ view }) => comparePositions(positionOf(view, query), after, query.descending) > 0)
  }
  const items = rows.slice(start, start + query.limit)
  const last = items.at(-1)
  const more = start + items.length < rows.length
  return { items, ...(more && last !== undefined && { next: positionOf(last.view, query) }) }
}

/** What `q` looks into: name, project, cluster, namespace, set, source, images and labels. */
export function searchText(view: ApplicationView): string {
  const source = view.source ?? {}
  return [
    view.name,
    view.project,
    view.cluster,
    view.namespace,
    view.set ?? '',
    source['repoURL'],
    source['path'],
    source['chart'],
    ...view.images,
    ...Object.entries(view.labels).map(([key, value]) => `${key}=${value}`),
  ]
    .join('\n')
    .toLowerCase()
}

function filterOf(query: ApplicationQuery): (listed: Listed) => boolean {
  const filters = Object.entries(query.filters) as [Filter, ReadonlySet<string>][]
  const { words, labels } = query
  const runs = imageMatcher(query.images)
  return listed => {
    const { view } = listed
    return (
      filters.every(([name, wanted]) => wanted.has(filterValue(view, name))) &&
      (words.length === 0 || words.every(word => listed.search.includes(word))) &&
      matchesLabels(labels, view.labels) &&
      runs(view.images)
    )
  }
}

function filterValue(view: ApplicationView, name: Filter): string {
  if (name === 'sync' || name === 'health') return view[name].status
  return view[name] ?? ''
}

function sortKey(view: ApplicationView, field: SortField): string | number {
  if (field === 'health') return HEALTH_STATUSES.indexOf(view.health.status)
  if (field === 'sync') return view.sync.status
  return view[field]
}

function positionOf(view: ApplicationView, query: ApplicationQuery): Position {
  return [sortKey(view, query.sort), view.name, view.id]
}

function orderOf(query: ApplicationQuery): (a: ApplicationView, b: ApplicationView) => number {
  return (a, b) => comparePositions(positionOf(a, query), positionOf(b, query), query.descending)
}

/** Only the key is turned round by `descending`: equal keys are in order of name either way, unless the key is it. */
function comparePositions(a: Position, b: Position, descending: boolean): number {
  const key = compare(a[0], b[0])
  if (key !== 0) return descending ? -key : key
  return compare(a[1], b[1]) || compare(a[2], b[2])
}

function compare(a: string | number, b: string | number): number {
  return a < b ? -1 : a > b ? 1 : 0
}

function firstAfter<T>(sorted: readonly T[], isAfter: (value: T) => boolean): number {
  let [low, high] = [0, sorted.length]
  while (low < high) {
    const middle = (low + high) >> 1
    if (isAfter(sorted[middle]!)) high = middle
    else low = middle + 1
  }
  return low
}
