import { ACTIVITY_KINDS } from '@flotilla/core/activity/activity-entry'
import type { Json } from '@flotilla/core/json/json'
import type { ActivityEntry } from '@flotilla/core/ports/store'
import { z } from 'zod'
import { rightsOf } from '../../access/rights-of.ts'
import { each } from '../../access/route-access.ts'
import { type ActivityView, seenActivity } from '../../access/seen-activity.ts'
import { instantOf, timeSchema } from '../gate-input.ts'
import { wordsOf } from '../list-parameters.ts'
import { anyOf, anyOfEnum } from '../parameters.ts'
import { feedOf, readFeed } from '../read-feed.ts'
import { readerOf } from '../reader.ts'
import { type Context, json, type Reply, type Route, route } from '../route.ts'
import type { Caller } from '../tokens.ts'

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

const feed = feedOf(activitySchema, 'event, subject, who did it, message or Applications')

const filters = {
  event: anyOf('Only these events; `override.` is all that begin so'),
  application: anyOf('Only about these Applications'),
  project: anyOf('Only about Applications of these Projects'),
  cluster: anyOf('Only about Applications of these clusters'),
  since: timeSchema.optional(),
  until: timeSchema.optional(),
  ...feed.query,
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
    answers: { 200: { description: PAGE_ANSWER, schema: feed.answer } },
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
    answers: { 200: { description: PAGE_ANSWER, schema: feed.answer } },
    problems: ['CURSOR_INVALID'],
    handle: ({ query }, caller, context) => pageOf(['events'], query, () => true, caller, context),
  }),
]

const filterSchema = z.strictObject(filters)
type Query = z.output<typeof filterSchema>

/** A page of what the caller may see of the feed. @throws Problem `CURSOR_INVALID` */
async function pageOf(
  name: readonly Json[],
  query: Query,
  wants: (entry: ActivityView) => boolean,
  caller: Caller,
  context: Context,
): Promise<Reply> {
  const { services, now } = context
  const rights = rightsOf(caller, context)
  const { event, application, project, cluster, since, until } = query
  const words = wordsOf(query.q)
  const asked = [event, application, project, cluster].map(list => (list === undefined ? null : [...list].sort()))
  const list: Json = [...name, ...asked, since ?? null, until ?? null, words]
  const from = since === undefined ? Number.NEGATIVE_INFINITY : instantOf(since, now)!
  const to = until === undefined ? Number.POSITIVE_INFINITY : instantOf(until, now)!
  const show = (entry: ActivityEntry): ActivityView | undefined => {
    if (entry.at < from || entry.at >= to) return undefined
    if (event && !event.some(each => entry.event === each || (each.endsWith('.') && entry.event.startsWith(each)))) {
      return undefined
    }
    const seen = seenActivity(entry, rights, services.view)
    if (!seen || !wants(seen)) return undefined
    // Filters and words look at what is seen alone: what passes must not tell of the rest.
    const of = (wanted: readonly string[] | undefined, field: 'name' | 'project' | 'cluster') =>
      wanted === undefined || seen.applications.some(each => wanted.includes(each[field]))
    const passes = of(application, 'name') && of(project, 'project') && of(cluster, 'cluster')
    return passes && hasWords(seen, words) ? seen : undefined
  }
  const passes = (entry: ActivityEntry) => show(entry) !== undefined
  return await services.store.read(async rows => {
    const key = JSON.stringify([list, readerOf(caller), rights.visible.key])
    const counted = { oldest: (page: Parameters<typeof rows.activityAfter>[0]) => rows.activityAfter(page), passes }
    const reader = {
      total: () => context.totals.total(key, counted),
      newest: (page: Parameters<typeof rows.activity>[0]) => rows.activity(page),
      oldest: (page: Parameters<typeof rows.activityAfter>[0]) => rows.activityAfter(page),
      show,
    }
    return json(200, await readFeed(reader, query, list, services.view.numbers))
  })
}

function hasWords({ event, subject, by, message, applications }: ActivityView, words: readonly string[]): boolean {
  if (words.length === 0) return true
  const named = applications.flatMap(({ name, project, cluster }) => [name, project, cluster])
  const text = [event, subject, by, message, ...named].join('\n').toLowerCase()
  return words.every(word => text.includes(word))
}
