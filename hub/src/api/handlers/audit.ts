import type { AuditEntry } from '@flotilla/core/audit/audit-entry'
import { canonicalJson } from '@flotilla/core/json/canonical-json'
import type { Json } from '@flotilla/core/json/json'
import type { EpochMs } from '@flotilla/core/time/epoch-ms'
import { z } from 'zod'
import { rightsOf } from '../../access/rights-of.ts'
import { all, each } from '../../access/route-access.ts'
import { seesEntry, seesWholeLog } from '../../access/seen-audit.ts'
import { instantOf, timeSchema } from '../gate-input.ts'
import { wordsOf } from '../list-parameters.ts'
import { anyOf, anyOfEnum } from '../parameters.ts'
import { feedOf, readFeed } from '../read-feed.ts'
import { readerOf } from '../reader.ts'
import { json, type Route, route } from '../route.ts'
import { feedSchema } from '../schemas.ts'

const digest = z.string().regex(/^sha256:[0-9a-f]{64}$/)
const anyObject = z.record(z.string(), z.unknown())

export const auditEntrySchema = z
  .strictObject({
    sequence: z.int(),
    at: z.number().meta({ description: 'Milliseconds since 1970, UTC.' }),
    actor: z.string(),
    action: z.string(),
    subject: z.string(),
    detail: anyObject,
    outcome: z.enum(['done', 'refused', 'failed']).optional(),
    before: anyObject.optional(),
    after: anyObject.optional(),
    from: z.string().optional(),
    requestId: z.string().optional(),
    policyVersion: z.string().optional(),
    previous: digest,
    hash: digest,
  })
  .meta({ id: 'AuditEntry', description: 'As it is hashed: nothing of it may be changed before it is verified.' })

const headSchema = z.strictObject({ sequence: z.int(), hash: digest }).meta({ id: 'AuditHead' })

/** Lines of one export; whoever wants more asks for what comes after. */
const MOST_LINES = 10_000

const filters = {
  actor: anyOf('Only by these'),
  action: anyOf('Only these actions; `override.` is all that begin so'),
  subject: anyOf('Only about these'),
  outcome: anyOfEnum('Only what came to this', ['done', 'refused', 'failed']),
  reads: z.enum(['only', 'without']).optional().meta({
    description: 'Only entries of reads (`read.listAudit` …), or none of them; all entries without it.',
  }),
  since: timeSchema.optional(),
  until: timeSchema.optional(),
}

const listQuery = z.strictObject({ ...filters, ...feedOf(auditEntrySchema, 'the entry').query })

export const auditRoutes: readonly Route[] = [
  route({
    method: 'get',
    path: '/api/v1/audit',
    id: 'listAudit',
    tag: 'audit',
    summary: 'Who did what, newest first; and the head of the chain, to be kept elsewhere',
    sensitive: true,
    access: each('audit', 'get'),
    query: listQuery,
    answers: {
      200: {
        description: 'A page. With filters it may be shorter than wanted and still have a next one.',
        schema: feedSchema(auditEntrySchema, {
          head: headSchema.nullable().meta({ description: 'For whoever sees the whole log.' }),
        }),
      },
    },
    problems: ['CURSOR_INVALID'],
    async handle({ query }, caller, context) {
      const { services, now } = context
      const rights = rightsOf(caller, context)
      if (!rights.mayEver('get', 'audit')) throw rights.refusal()
      const everything = seesWholeLog(rights)
      const { limit: _, cursor: __, sort: ___, fields: ____, ...filtered } = query
      const list = ['audit', filtered] as unknown as Json
      const asked = filterOf(query, now)
      const show = (entry: AuditEntry): AuditEntry | undefined =>
        asked(entry) && (everything || seesEntry(entry, rights, services.view)) ? entry : undefined
      const isWhole = everything && Object.values(filtered).every(value => value === undefined)
      const key = JSON.stringify([list, readerOf(caller)])
      return await services.store.read(async rows => {
        const total = async (): Promise<number | null> => {
          // There are no gaps. Of whoever sees a part nobody counts it: how far he would have to look tells of the rest.
          if (isWhole) return (await rows.auditHead()).sequence
          if (!everything) return null
          return await context.totals.total(key, { oldest: page => rows.auditAfter(page), passes: asked })
        }
        const reader = {
          total,
          newest: (page: Parameters<typeof rows.audit>[0]) => rows.audit(page),
          oldest: (page: Parameters<typeof rows.auditAfter>[0]) => rows.auditAfter(page),
          show,
        }
        const page = await readFeed(reader, query, list, services.view.numbers)
        return json(200, { ...page, head: everything ? await rows.auditHead() : null })
      })
    },
  }),
  route({
    method: 'get',
    path: '/api/v1/audit/export',
    id: 'exportAudit',
    tag: 'audit',
    summary: 'The log as JSON lines, oldest first, to be verified with `flotilla audit verify`',
    sensitive: true,
    access: all('audit', 'get'),
    query: z.strictObject({
      after: z
        .string()
        .regex(/^\d{1,15}$/, 'the number of an entry')
        .transform(Number)
        .default(0)
        .meta({ description: 'Only entries after this one.', override: { type: 'integer', minimum: 0, default: 0 } }),
      limit: z
        .string()
        .regex(/^\d{1,5}$/, `a whole number from 1 to ${MOST_LINES}`)
        .transform(Number)
        .refine(limit => limit >= 1 && limit <= MOST_LINES, `a whole number from 1 to ${MOST_LINES}`)
        .default(MOST_LINES)
        .meta({ override: { type: 'integer', minimum: 1, maximum: MOST_LINES, default: MOST_LINES } }),
    }),
    answers: {
      200: { description: 'One entry a line. `Flotilla-Audit-Head` has the head.', contentType: 'application/jsonl' },
    },
    async handle({ query }, _caller, { services }) {
      const { entries, head } = await services.store.read(async rows => ({
        entries: await rows.auditAfter({ after: query.after, limit: query.limit }),
        head: await rows.auditHead(),
      }))
      const body = entries.map(entry => `${canonicalJson(entry as unknown as Json)}\n`).join('')
      const headers = { 'Flotilla-Audit-Head': `${head.sequence} ${head.hash}` }
      return { kind: 'text', status: 200, contentType: 'application/jsonl', body, headers }
    },
  }),
]

type Wants = (entry: AuditEntry) => boolean

interface Filters {
  readonly actor?: readonly string[] | undefined
  readonly action?: readonly string[] | undefined
  readonly subject?: readonly string[] | undefined
  readonly since?: string | undefined
  readonly until?: string | undefined
  readonly outcome?: readonly string[] | undefined
  readonly reads?: 'only' | 'without' | undefined
  readonly q?: string | undefined
}

function filterOf({ actor, action, subject, since, until, outcome, reads, q }: Filters, now: EpochMs): Wants {
  const words = wordsOf(q)
  const from = since === undefined ? Number.NEGATIVE_INFINITY : instantOf(since, now)!
  const to = until === undefined ? Number.POSITIVE_INFINITY : instantOf(until, now)!
  return entry =>
    entry.at >= from &&
    entry.at < to &&
    (actor === undefined || actor.includes(entry.actor)) &&
    (action === undefined ||
      action.some(each => (each.endsWith('.') ? entry.action.startsWith(each) : entry.action === each))) &&
    (reads === undefined || entry.action.startsWith('read.') === (reads === 'only')) &&
    (subject === undefined || subject.includes(entry.subject)) &&
    (outcome === undefined || outcome.includes(entry.outcome ?? 'done')) &&
    (words.length === 0 || hasWords(entry, words))
}

function hasWords({ previous: _, hash: __, ...entry }: AuditEntry, words: readonly string[]): boolean {
  const text = canonicalJson(entry as unknown as Json).toLowerCase()
  return words.every(word => text.includes(word))
}
