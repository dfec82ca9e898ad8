import { type CalendarEntry, writeCalendar } from '@flotilla/core/calendar/write-calendar'
import type { CompiledRule } from '@flotilla/core/gates/compile-rule'
import { inScope } from '@flotilla/core/gates/compile-scope'
import type { GateTarget } from '@flotilla/core/gates/rules'
import { type EpochMs, isoTime } from '@flotilla/core/time/epoch-ms'
import { z } from 'zod'
import { all, each } from '../../access/route-access.ts'
import type { RulesNow } from '../../gate-desk/rule-keeper.ts'
import { gatesOf } from '../gate-input.ts'
import { listOf } from '../list-of.ts'
import { anyOf, anyOfEnum, nameParameter } from '../parameters.ts'
import { Problem } from '../problem.ts'
import { json, type Route, route } from '../route.ts'
import { targetsSeen } from './decisions.ts'

const DAY_MS = 86_400_000
const BACK_MS = 31 * DAY_MS
const FREEZES_AHEAD_MS = 400 * DAY_MS
/** Windows are a rhythm: a year of an hourly one would be nine thousand entries. */
const WINDOWS_AHEAD_MS = 35 * DAY_MS
const MOST_ENTRIES_OF_RULE = 500
const MOST_ENTRIES = 10_000

const calendarSchema = z
  .strictObject({
    name: z.string(),
    source: z.string(),
    hash: z.string().nullable(),
    fetchedAt: z.iso.datetime().nullable(),
    events: z.int().nullable(),
    checkedAt: z.iso.datetime(),
    error: z.strictObject({ message: z.string(), since: z.iso.datetime() }).nullable(),
  })
  .meta({ id: 'Calendar', description: 'An imported iCalendar, as it was last had.' })

const calendars = listOf<z.input<typeof calendarSchema>>({
  name: 'calendars',
  item: calendarSchema,
  sorts: {
    name: ({ name }) => name,
    checkedAt: ({ checkedAt }) => checkedAt,
    fetchedAt: ({ fetchedAt }) => fetchedAt ?? '',
  },
  sort: 'name',
  idOf: ({ name }) => name,
  words: ['name, source or error', ({ name, source, error }) => [name, source, error?.message]],
})

export const gateCalendarRoutes: readonly Route[] = [
  route({
    method: 'get',
    path: '/api/v1/calendar.ics',
    id: 'gateCalendar',
    tag: 'gates',
    summary: 'Freezes and windows as a calendar to subscribe to: only those of what the reader may see',
    access: each('applications', 'get'),
    tokenInQuery: true,
    query: z.strictObject({
      token: z
        .string()
        .max(200)
        .optional()
        .meta({ description: 'A read-only API token, for calendars that can send no header.' }),
      kinds: anyOfEnum('Only these', ['freezes', 'windows']),
      project: anyOf('Only what concerns these Projects'),
      cluster: anyOf('Only what concerns these clusters'),
    }),
    answers: { 200: { description: 'iCalendar (RFC 5545), times in UTC.', contentType: 'text/calendar' } },
    handle({ query }, caller, context) {
      const rules = gatesOf(context).keeper.now()
      const { project, cluster, kinds = ['freezes', 'windows'] } = query
      const seen = targetsSeen(rules, caller, context).filter(
        target =>
          (project === undefined || project.includes(target.project)) &&
          (cluster === undefined || cluster.includes(target.cluster?.name ?? target.destination.name ?? '')),
      )
      const wanted = rules.compiled.rules.filter(({ kind, scope }) => {
        if (!kinds.includes(kind === 'FreezePeriod' ? 'freezes' : 'windows')) return false
        return seen.some(target => inScope(scope, target))
      })
      const entries = wanted.flatMap(rule => entriesOf(rule, rules, seen, context.now)).slice(0, MOST_ENTRIES)
      const contentType = 'text/calendar; charset=utf-8'
      return { kind: 'text', status: 200, contentType, body: writeCalendar('Flotilla gates', entries) }
    },
  }),
  route({
    method: 'get',
    path: '/api/v1/calendars',
    id: 'listCalendars',
    tag: 'gates',
    summary: 'Imported iCalendars that freezes may name: when each was last had, and what is wrong',
    access: all('freezes', 'get'),
    query: z.strictObject(calendars.query),
    answers: { 200: { description: 'A page.', schema: calendars.answer } },
    problems: ['CURSOR_INVALID'],
    async handle({ query }, _caller, { services }) {
      const rows = await services.store.read(reader => reader.calendars())
      const items = rows.map(({ name, source, snapshot, checkedAt, error }) => ({
        ...{ name, source, hash: snapshot?.hash ?? null, events: snapshot?.events ?? null },
        fetchedAt: snapshot === undefined ? null : isoTime(snapshot.fetchedAt),
        checkedAt: isoTime(checkedAt),
        error: error === undefined ? null : { message: error.message, since: isoTime(error.since) },
      }))
      return json(200, calendars.page(items, query))
    },
  }),
  route({
    method: 'post',
    path: '/api/v1/calendars/{name}/refresh',
    id: 'refreshCalendar',
    tag: 'gates',
    summary: 'Ask for an imported calendar again',
    access: all('freezes', 'update'),
    parameters: z.strictObject({ name: nameParameter }),
    answers: { 202: { description: 'It was asked for.', schema: z.strictObject({ name: z.string() }) } },
    async handle({ path }, _caller, context) {
      if (!(await gatesOf(context).calendars.refresh(path.name))) throw new Problem('NOT_FOUND')
      return json(202, { name: path.name })
    },
  }),
]

function entriesOf(
  rule: CompiledRule,
  { compiled }: RulesNow,
  seen: readonly GateTarget[],
  now: EpochMs,
): readonly CalendarEntry[] {
  const { kind, name, effect, timing, zone, reason } = rule
  const ahead = kind === 'FreezePeriod' ? FREEZES_AHEAD_MS : WINDOWS_AHEAD_MS
  const indeterminate = effect.kind === 'freeze' && effect.indeterminate
  const concerned = zone === 'cluster' ? seen.filter(target => inScope(rule.scope, target)) : []
  const zones = zone === 'cluster' ? [...new Set(concerned.map(target => compiled.zoneOf(target)))] : [zone]
  return zones.flatMap(each => {
    const place = zones.length > 1 ? ` (${each.name})` : ''
    const title = indeterminate ? `Cannot be evaluated: ${name}` : `${titleOf(rule)}: ${name}${place}`
    const entries = timing(each, now - BACK_MS, now + ahead).slice(0, MOST_ENTRIES_OF_RULE)
    return entries.map(({ from, to }) => ({
      // What cannot be evaluated has no times: it holds from day to day.
      ...{ uid: `${name} ${indeterminate ? 'unreadable' : from} ${each.name}@flotilla`, summary: title },
      from: indeterminate ? now - (now % DAY_MS) : from,
      until: indeterminate ? now - (now % DAY_MS) + DAY_MS : to,
      ...{ description: `${reason}\nTimes of ${each.name}`, category: kind === 'FreezePeriod' ? 'freeze' : 'window' },
    }))
  })
}

function titleOf({ effect }: CompiledRule): string {
  if (effect.kind === 'freeze') return effect.freeze === 'hard' ? 'Freeze' : 'Soft freeze'
  return effect.effect === 'deny' ? 'Closed' : 'Open'
}
