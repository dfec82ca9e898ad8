import { ACTIVITY_KINDS } from '@flotilla/core/activity/activity-entry'
import type { Json } from '@flotilla/core/json/json'
import type { ActivityEntry } from '@flotilla/core/ports/store'
import { z } from 'zod'
import { rightsOf } from '../../access/rights-of.ts'
import { each } from '../../access/route-access.ts'
import { type ActivityView, seenActivity } from '../../access/seen-activity.ts'
import { decodeCursor, encodeCursor } from '../cursor.ts'
import { timeSchema } from '../gate-input.ts'
import { anyOf, anyOfEnum, cursorParameter, limitParameter } from '../parameters.ts'
import { type Context, json, type Reply, type Route, route } from '../route.ts'
import type { Caller } from '../tokens.ts'

/** Entries that are looked at for one page; then it is given as it is, with a place to go on from. */
const MOST_LOOKED_AT = 20_000
const PAGE = 500

export const activitySchema = z
  .strictObject({
    id: z.string(),
    at: z.iso.datetime(),
    kind: z.enum(ACTIVITY_KINDS).nullable().meta({ description: 'null: an event that changed nothing.' }),
    event: z.string().meta({ description: '`sync.failed`, `freeze.started`, `cluster.approve` …' }),
    subject: z.string(),
    by: z.string(),
    message: z.string(),
    applications: z
      .array(z.strictObject({ name: z.string(), project: z.string(), cluster: z.string() }))
      .meta({ description: 'Those that the caller may see.' }),
    applicationsCut: z.int().meta({ description: 'How many more it was about than are named.' }),
    detail: z.record(z.string(), z.unknown()),
  })
  .meta({ id: 'Activity', description: 'Something that happened; kept for 90 days, at most 20,000 of them.' })

const pageSchema = z.strictObject({ items: z.array(activitySchema), next: z.string().nullable() })

const filters = {
  event: anyOf('Only these events; `override.` is all that begin so'),
  application: anyOf('Only about these Applications'),
  project: anyOf('Only about Applications of these Projects'),
  cluster: anyOf('Only about Applications of these clusters'),
  since: timeSchema.optional(),
  until: timeSchema.optional(),
  limit: limitParameter,
  cursor: cursorParameter,
}

const PAGE_ANSWER = 'A page, newest first. With filters it may be shorter than wanted and still have a next one.'

export const activityRoutes: readonly Route[] = [
  route({
    method: 'get',
    path: '/api/v1/activity',
    id: 'listActivity',
    tag: 'activity',
    summary:
      'What happened to the fleet: syncs, failures, prunes, commits, freezes, overrides, admissions, interventions',
    access: each('applications', 'get', 'of what is about none: the thing itself, get'),
    query: z.strictObject({ kind: anyOfEnum('Only of these kinds', ACTIVITY_KINDS), ...filters }),
    answers: { 200: { description: PAGE_ANSWER, schema: pageSchema } },
    problems: ['CURSOR_INVALID'],
    async handle({ query }, caller, context) {
      const kinds = query.kind && new Set<string>(query.kind)
      const wants = (entry: ActivityView) => entry.kind !== null && (kinds === undefined || kinds.has(entry.kind))
      return await pageOf(['activity', query.kind ?? null], query, wants, caller, context)
    },
  }),
  route({
    method: 'get',
    path: '/api/v1/events',
    id: 'listEvents',
    tag: 'activity',
    summary: 'All events: the activity, and what changed nothing: windows that open soon, syncs that are held up',
    access: each('applications', 'get', 'of what is about none: the thing itself, get'),
    query: z.strictObject(filters),
    answers: { 200: { description: PAGE_ANSWER, schema: pageSchema } },
    problems: ['CURSOR_INVALID'],
    handle: ({ query }, caller, context) => pageOf(['events'], query, () => true, caller, context),
  }),
]

interface Query {
  readonly event?: readonly string[] | undefined
  readonly application?: readonly string[] | undefined
  readonly project?: readonly string[] | undefined
  readonly cluster?: readonly string[] | undefined
  readonly since?: string | undefined
  readonly until?: string | undefined
  readonly limit: number
  readonly cursor?: string | undefined
}

/** A page of what the caller may see of the feed. @throws Problem `CURSOR_INVALID` */
export async function pageOf(
  name: readonly Json[],
  query: Query,
  wants: (entry: ActivityView) => boolean,
  caller: Caller,
  context: Context,
): Promise<Reply> {
  const { services } = context
  const rights = rightsOf(caller, context)
  const { event, application, project, cluster, since, until } = query
  const asked = [event, application, project, cluster].map(list => (list === undefined ? null : [...list].sort()))
  const list: Json = [...name, ...asked, since ?? null, until ?? null]
  const [after] = query.cursor === undefined ? [] : decodeCursor(list, query.cursor, z.tuple([z.int()]))
  const from = since === undefined ? Number.NEGATIVE_INFINITY : Date.parse(since)
  const to = until === undefined ? Number.POSITIVE_INFINITY : Date.parse(until)
  const passes = (entry: ActivityEntry): ActivityView | undefined => {
    if (entry.at < from || entry.at >= to) return undefined
    if (event && !event.some(each => entry.event === each || (each.endsWith('.') && entry.event.startsWith(each)))) {
      return undefined
    }
    const seen = seenActivity(entry, rights, services.view)
    if (!seen || !wants(seen)) return undefined
    // Filters look at what is seen alone: what passes must not tell of the rest.
    const of = (wanted: readonly string[] | undefined, field: 'name' | 'project' | 'cluster') =>
      wanted === undefined || seen.applications.some(each => wanted.includes(each[field]))
    return of(application, 'name') && of(project, 'project') && of(cluster, 'cluster') ? seen : undefined
  }
  return await services.store.read(async rows => {
    const items: ActivityView[] = []
    let before = after === undefined ? undefined : Number(after)
    for (let looked = 0; looked < MOST_LOOKED_AT; looked += PAGE) {
      const page = await rows.activity({ limit: PAGE, ...(before !== undefined && { before }) })
      for (const entry of page) {
        if (items.length === query.limit) return json(200, { items, next: encodeCursor(list, [before ?? 0]) })
        before = entry.sequence
        const seen = passes(entry)
        if (seen) items.push(seen)
      }
      const isLast = page.length < PAGE || (page.at(-1)?.at ?? from) < from
      if (isLast) return json(200, { items, next: null })
    }
    return json(200, { items, next: encodeCursor(list, [before ?? 0]) })
  })
}
