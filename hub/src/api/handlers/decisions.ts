import { decide } from '@flotilla/core/gates/decide'
import { GATE_ACTIONS, type GateAction, type GateTarget } from '@flotilla/core/gates/rules'
import type { JsonObject } from '@flotilla/core/json/json'
import { type EpochMs, isoTime } from '@flotilla/core/time/epoch-ms'
import { z } from 'zod'
import { targetObject } from '../../access/objects.ts'
import { rightsOf } from '../../access/rights-of.ts'
import { each, one } from '../../access/route-access.ts'
import type { RulesNow } from '../../gate-desk/rule-keeper.ts'
import { MOST_INTERVALS, type SharedTimeline, sharedTimelines } from '../../gate-desk/shared-timelines.ts'
import { simulateChange } from '../../gate-desk/simulate-gates.ts'
import { documentSchema, gatesOf, instantOf, refuse, timeSchema } from '../gate-input.ts'
import { decisionJson, decisionSchema } from '../gate-json.ts'
import { anyOf, nameParameter } from '../parameters.ts'
import { Problem } from '../problem.ts'
import { type Context, json, type Reply, type Route, route } from '../route.ts'
import type { Caller } from '../tokens.ts'
import { EVERYTHING_VISIBLE } from '../visible-set.ts'

const asking = {
  at: timeSchema.default('now'),
  trigger: z.enum(['automated', 'manual', 'self-heal']).default('manual'),
  action: z.enum(GATE_ACTIONS as unknown as [string, ...string[]]).default('sync'),
  bundle: z.string().max(100).optional().meta({ description: 'Digest of what is to be synced, for overrides.' }),
  operationStart: timeSchema.optional().meta({ description: 'Of an operation that is running.' }),
}

/** As long as anybody looks at; few enough to answer for a whole fleet. */
const LONGEST_DAYS = 800
const DAY_MS = 86_400_000
const time = z.iso.datetime()

const intervalSchema = z.strictObject({
  from: time,
  to: time,
  automated: z.enum(['open', 'closed']),
  manual: z.enum(['open', 'closed']),
  rules: z.array(z.string()).meta({ description: 'What holds the hub at its beginning.' }),
})
const timelineSchema = z
  .strictObject({
    from: time,
    to: time,
    rulesVersion: z.string(),
    timelines: z.array(
      z.strictObject({
        applications: z.array(z.string()).meta({ description: 'All of these have the same times.' }),
        timeZone: z.string(),
        intervals: z.array(intervalSchema),
      }),
    ),
  })
  .meta({ id: 'Timeline' })

const changedTimes = z.array(z.strictObject({ from: time, to: time }))
const simulationSchema = z
  .strictObject({
    from: time,
    to: time,
    blockedNow: z.strictObject({ applications: z.int(), clusters: z.int() }),
    message: z.string(),
    total: z.int().meta({ description: 'Applications for which anything changes; the list has the first thousand.' }),
    changes: z.array(
      z.strictObject({
        application: z.string(),
        automated: z.strictObject({ closes: changedTimes, opens: changedTimes }),
        manual: z.strictObject({ closes: changedTimes, opens: changedTimes }),
      }),
    ),
  })
  .meta({ id: 'Simulation' })
const MOST_CHANGES = 1_000
const MOST_TIMES = 100

export const decisionRoutes: readonly Route[] = [
  route({
    method: 'get',
    path: '/api/v1/decisions',
    id: 'decide',
    tag: 'gates',
    summary: 'Whether an Application may start something at a time, and everything that holds it',
    access: one('applications', 'get'),
    query: z.strictObject({ application: nameParameter, ...asking }),
    answers: { 200: { description: 'The decision.', schema: decisionSchema } },
    problems: ['NOT_FOUND'],
    handle: ({ query }, caller, context) => decided(query.application, query, caller, context),
  }),
  route({
    method: 'get',
    path: '/api/v1/applications/{name}/decision',
    id: 'getApplicationDecision',
    tag: 'applications',
    summary: 'Whether the Application may start something at a time, and everything that holds it',
    access: one('applications', 'get'),
    parameters: z.strictObject({ name: nameParameter }),
    query: z.strictObject(asking),
    answers: { 200: { description: 'The decision.', schema: decisionSchema } },
    handle: ({ path, query }, caller, context) => decided(path.name, query, caller, context),
  }),
  route({
    method: 'get',
    path: '/api/v1/timeline',
    id: 'timeline',
    tag: 'gates',
    summary: 'When Applications are open and closed; those with equal times are told together',
    access: each('applications', 'get'),
    query: z.strictObject({
      from: timeSchema,
      to: timeSchema,
      application: anyOf('Only these Applications'),
      project: anyOf('Only of these Projects'),
      cluster: anyOf('Only for these clusters'),
    }),
    answers: { 200: { description: 'The times.', schema: timelineSchema } },
    problems: ['NOT_FOUND'],
    handle({ query }, caller, context) {
      const rules = gatesOf(context).keeper.now()
      const { from, to } = stretch(query.from, query.to, context.now)
      const seen = targetsSeen(rules, caller, context)
      const { application, project, cluster } = query
      const wanted = seen.filter(
        target =>
          (application === undefined || application.includes(target.name)) &&
          (project === undefined || project.includes(target.project)) &&
          (cluster === undefined || cluster.includes(target.cluster?.name ?? target.destination.name ?? '')),
      )
      if (application !== undefined && wanted.length === 0) throw new Problem('NOT_FOUND')
      const body = { from: isoTime(from), to: isoTime(to), rulesVersion: rules.version }
      const lines = sharedTimelines(rules.compiled, wanted, from, to)
      if (lines === undefined) {
        const message = `more than ${MOST_INTERVALS} intervals: ask for less time, a project or a cluster`
        throw new Problem('REQUEST_INVALID', { errors: [{ pointer: '/query/to', message }] })
      }
      return json(200, { ...body, timelines: lines.map(timelineJson) })
    },
  }),
  route({
    method: 'post',
    path: '/api/v1/gates/simulate',
    id: 'simulateGates',
    tag: 'gates',
    summary: 'What a change of rules would block, before it is saved',
    access: each('applications', 'get'),
    readsOnly: true,
    body: z
      .strictObject({
        put: z.array(documentSchema).max(200).default([]).meta({ description: 'FreezePeriods and SyncWindows.' }),
        madeHere: z.boolean().default(false).meta({
          description:
            'They would be made through the API, and not be declared in Git: windows then close besides those of Git.',
        }),
        remove: z
          .array(z.string().max(300))
          .max(200)
          .default([])
          .meta({ description: 'Rules, as blockers name them.' }),
        from: timeSchema.default('now'),
        to: timeSchema.default('+2160h'),
      })
      .meta({ id: 'RuleChange' }),
    answers: { 200: { description: 'Who would be closed or opened, and when.', schema: simulationSchema } },
    problems: ['GATE_INVALID'],
    handle({ body }, caller, context) {
      const rules = gatesOf(context).keeper.now()
      const { from, to } = stretch(body.from, body.to, context.now, '/body')
      const seen = targetsSeen(rules, caller, context)
      const { madeHere, remove } = body
      const answer = simulateChange({ put: body.put as JsonObject[], madeHere, remove }, rules, seen, from, to)
      if (answer.kind === 'mistakes') {
        return refuse({ kind: 'refused', code: 'GATE_INVALID', mistakes: answer.mistakes })
      }
      const { changes, blockedNow } = answer.simulation
      const times = (list: readonly { readonly from: EpochMs; readonly to: EpochMs }[]) =>
        list.slice(0, MOST_TIMES).map(each => ({ from: isoTime(each.from), to: isoTime(each.to) }))
      return json(200, {
        ...{ from: isoTime(from), to: isoTime(to), blockedNow, total: changes.length },
        message: blockedText(blockedNow),
        changes: changes.slice(0, MOST_CHANGES).map(({ application, automated, manual }) => ({
          application: application.name,
          automated: { closes: times(automated.closes), opens: times(automated.opens) },
          manual: { closes: times(manual.closes), opens: times(manual.opens) },
        })),
      })
    },
  }),
]

/** `this blocks 214 Applications in 3 clusters now`. */
function blockedText({ applications, clusters }: { readonly applications: number; readonly clusters: number }): string {
  if (applications === 0) return 'this blocks nothing now'
  const of = (count: number, what: string) => `${count} ${what}${count === 1 ? '' : 's'}`
  return `this blocks ${of(applications, 'Application')} in ${of(clusters, 'cluster')} now`
}

/** What somebody may not see is not there. */
export function targetsSeen(rules: RulesNow, caller: Caller, context: Context): readonly GateTarget[] {
  const rights = rightsOf(caller, context)
  return rights.visible.key === EVERYTHING_VISIBLE.key
    ? rules.targets
    : rules.targets.filter(target => rights.sees(targetObject(target)))
}

interface Asked {
  readonly at: string
  readonly trigger: 'automated' | 'manual' | 'self-heal'
  readonly action: string
  readonly bundle?: string | undefined
  readonly operationStart?: string | undefined
}

/** An Application that one may not see and one that is not there get the same bytes. */
function decided(name: string, asked: Asked, caller: Caller, context: Context): Reply {
  const rules = gatesOf(context).keeper.now()
  const target = rules.targets.find(one => one.name === name)
  const rights = rightsOf(caller, context)
  rights.require('get', target === undefined ? { resource: 'applications', name } : targetObject(target))
  if (target === undefined) throw new Problem('NOT_FOUND')
  const { bundle, operationStart } = asked
  const start = operationStart === undefined ? undefined : instantOf(operationStart, context.now)
  const decision = decide(rules.compiled, target, instantOf(asked.at, context.now)!, {
    ...{ trigger: asked.trigger, action: asked.action as GateAction },
    ...(bundle !== undefined && { bundle }),
    ...(start !== undefined && { operationStart: start }),
  })
  return json(200, decisionJson(decision, rules.version, rules.compiled.zoneOf(target).name))
}

/** @throws Problem `REQUEST_INVALID` */
function stretch(fromText: string, toText: string, now: EpochMs, at = '/query'): { from: EpochMs; to: EpochMs } {
  const [from, to] = [instantOf(fromText, now)!, instantOf(toText, now)!]
  const wrong =
    to <= from ? 'is not after from' : to - from > LONGEST_DAYS * DAY_MS ? `at most ${LONGEST_DAYS} days` : ''
  if (wrong === '') return { from, to }
  throw new Problem('REQUEST_INVALID', { errors: [{ pointer: `${at}/to`, message: wrong }] })
}

function timelineJson({
  applications,
  timeZone,
  intervals,
}: SharedTimeline): z.input<typeof timelineSchema>['timelines'][number] {
  return {
    applications: [...applications],
    timeZone,
    intervals: intervals.map(({ from, to, automated, manual, rules }) => ({
      ...{ from: isoTime(from), to: isoTime(to), automated, manual, rules: [...rules] },
    })),
  }
}
