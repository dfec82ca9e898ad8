import type { OperationRow } from '@flotilla/core/ports/store'
import type { OperationReport } from '@flotilla/core/protocol/report'
import type { ApplicationView } from '@flotilla/core/view/application-view'
import { viewOperation } from '@flotilla/core/view/application-view'
import { withShortLogs } from '@flotilla/core/view/failed-hooks'
import { wordsOf } from '../list-parameters.ts'
import { type FeedQuery, feedOf, readFeed, SMALL_PAGE } from '../read-feed.ts'
import { type Context, json, type Reply } from '../route.ts'
import { historyEntrySchema } from '../schemas.ts'

/** The history of an Application: its parameters and its answer. */
export const history = feedOf(historyEntrySchema, 'id, revision, phase, trigger, who asked or message')

/** Entries that are looked at to count those with words; without words the store knows. */
const MOST_COUNTED = 2_000

/** A page of what was done to an Application, all of which whoever sees it may see. @throws Problem `CURSOR_INVALID` */
export async function historyOf(
  { id }: Pick<ApplicationView, 'id'>,
  query: FeedQuery & { readonly q?: string | undefined },
  { services, totals }: Context,
): Promise<Reply> {
  const { view, store } = services
  const words = wordsOf(query.q)
  const list = words.length === 0 ? ['history', id] : ['history', id, words]
  const passes = ({ operation }: OperationRow) => words.length === 0 || hasWords(operation, words)
  return await store.read(async rows => {
    const oldest = (page: { readonly limit: number; readonly after: number }) => rows.operationsAfter(id, page)
    const reader = {
      pageSize: SMALL_PAGE,
      oldest,
      newest: (page: { readonly limit: number; readonly before?: number }) => rows.operations(id, page),
      total: () =>
        words.length === 0
          ? rows.countOperations(id)
          : totals.total(JSON.stringify(list), { oldest, passes }, MOST_COUNTED),
      show: async (row: OperationRow) => {
        if (!passes(row)) return undefined
        const { operation } = row
        const bundle = await rows.bundle(operation.digest)
        return {
          ...viewOperation(operation),
          digest: view.shownDigest(operation.digest, bundle?.holdsSecrets),
          durationMs: durationOf(operation),
          results: withShortLogs(operation.results),
          resultsCut: operation.resultsCut,
        }
      },
    }
    return json(200, await readFeed(reader, query, list, view.numbers))
  })
}

function durationOf({ startedAt, finishedAt }: OperationReport): number | null {
  return finishedAt === undefined ? null : Math.max(0, Math.round(finishedAt - startedAt))
}

function hasWords(operation: OperationReport, words: readonly string[]): boolean {
  const { id, revision, phase, trigger, by, message } = viewOperation(operation)
  const text = [id, revision, phase, trigger, by, message].join('\n').toLowerCase()
  return words.every(word => text.includes(word))
}
