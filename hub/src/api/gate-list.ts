import type { CompiledRule } from '@flotilla/core/gates/compile-rule'
import { inScope } from '@flotilla/core/gates/compile-scope'
import { HORIZON_MS } from '@flotilla/core/gates/rule-group'
import type { FreezeRule, WindowRule } from '@flotilla/core/gates/rules'
import { TimeZone } from '@flotilla/core/gates/time-zone'
import type { JsonObject } from '@flotilla/core/json/json'
import type { Declared, Fleet } from '@flotilla/core/model/fleet'
import type { MadeGateRow } from '@flotilla/core/ports/store'
import { type EpochMs, isoTime } from '@flotilla/core/time/epoch-ms'
import { z } from 'zod'
import type { RulesNow } from '../gate-desk/rule-keeper.ts'

const time = z.iso.datetime()
const anyObject = z.record(z.string(), z.unknown())

export const GATE_STATES = ['active', 'scheduled', 'indeterminate', 'over', 'ended'] as const
export type GateState = (typeof GATE_STATES)[number]

export const gateSchema = z
  .strictObject({
    name: z.string(),
    kind: z.enum(['FreezePeriod', 'SyncWindow']),
    rule: z.string().meta({ description: 'As blockers name it.' }),
    state: z.enum(GATE_STATES),
    readOnly: z.boolean().meta({ description: 'It is declared in a config source, and changed there.' }),
    owner: z.string().nullable(),
    level: z.string().meta({ description: 'Of a freeze: hard or soft; of a window: allow or deny.' }),
    reason: z.string(),
    timeZone: z.string(),
    intervals: z.array(z.strictObject({ from: time, until: time })).meta({
      description: 'When it is active next, the time that runs included, in the zone that is shown; at most five.',
    }),
    mistakes: z.array(z.string()),
    origin: z.strictObject({
      kind: z.enum(['git', 'api']),
      source: z.string().nullable(),
      file: z.string().nullable(),
      line: z.int().nullable(),
      madeBy: z.string().nullable(),
      madeAt: time.nullable(),
      changedBy: z.string().nullable(),
      changedAt: time.nullable(),
    }),
    revision: z.int().nullable().meta({ description: 'For If-Match, in quotes.' }),
    ended: z.strictObject({ by: z.string(), at: time, reason: z.string() }).nullable(),
    document: anyObject.meta({ description: 'As a config repository has it.' }),
  })
  .meta({ id: 'Gate' })

export type GateJson = z.input<typeof gateSchema>

const MOST_INTERVALS = 5
/** One that recurs is looked at so far ahead. */
const AHEAD_MS = 62 * 86_400_000

/** Every freeze, wherever it comes from: what config sources declare, and what people made. */
export function freezesOf(
  rules: RulesNow,
  fleet: Fleet,
  made: readonly MadeGateRow[],
  now: EpochMs,
): readonly GateJson[] {
  const lookup = byName(rules)
  const declared = (fleet.freezePeriods ?? []).map(freeze => {
    const compiled = lookup.get(freeze.spec.name)
    return gateJson(freezeHead(freeze.spec, compiled), compiled, now, gitOrigin(freeze), freeze.document)
  })
  return [...declared, ...made.map(row => madeJson(row, lookup, now))].sort(byStateAndTime)
}

/** Every window: those of Projects too. */
export function windowsOf(
  rules: RulesNow,
  fleet: Fleet,
  made: readonly MadeGateRow[],
  now: EpochMs,
): readonly GateJson[] {
  const lookup = byName(rules)
  const own = new Set((fleet.syncWindows ?? []).map(({ spec }) => spec.name))
  const ofProjects = rules.written.windows
    // What was made here is told by its row.
    .filter(({ name, rhythm }) => !own.has(name) && rhythm === undefined)
    .map(window => {
      const compiled = lookup.get(window.name)
      const project = fleet.projects.find(({ name }) => window.name.startsWith(`Project/${name} `))
      const origin = project === undefined ? NO_ORIGIN : gitOrigin(project)
      return gateJson(windowHead(window, compiled), compiled, now, origin, window as unknown as JsonObject)
    })
  const declared = (fleet.syncWindows ?? []).map(window => {
    const compiled = lookup.get(window.spec.name)
    return gateJson(windowHead(window.spec, compiled), compiled, now, gitOrigin(window), window.document)
  })
  return [...ofProjects, ...declared, ...made.map(row => madeJson(row, lookup, now))].sort(byStateAndTime)
}

/** How many Applications a rule concerns, and in how many clusters. */
export function concernedBy(rule: string, { compiled, targets }: RulesNow): { applications: number; clusters: number } {
  const found = compiled.rules.find(({ name }) => name === rule)
  if (found === undefined) return { applications: 0, clusters: 0 }
  const concerned = targets.filter(target => inScope(found.scope, target))
  const clusters = new Set(concerned.map(({ cluster, destination }) => cluster?.name ?? destination.name))
  return { applications: concerned.length, clusters: clusters.size }
}

interface Head {
  readonly name: string
  readonly kind: GateJson['kind']
  readonly rule: string
  readonly owner: string | null
  readonly level: string
  readonly reason: string
  readonly timeZone: string
}

function freezeHead(rule: FreezeRule, compiled: CompiledRule | undefined): Head {
  return {
    ...{ name: rule.name.replace(/^FreezePeriod\//, ''), kind: 'FreezePeriod', rule: rule.name },
    ...{ owner: rule.owner ?? null, level: rule.freeze, reason: compiled?.reason ?? rule.reason },
    timeZone: rule.timeZone ?? 'UTC',
  }
}

function windowHead(rule: WindowRule, compiled: CompiledRule | undefined): Head {
  return {
    ...{ name: rule.name.replace(/^SyncWindow\//, ''), kind: 'SyncWindow', rule: rule.name },
    ...{ owner: rule.owner ?? null, level: rule.kind, reason: compiled?.reason ?? rule.description ?? '' },
    timeZone: rule.timeZone ?? 'UTC',
  }
}

const NO_ORIGIN: GateJson['origin'] = {
  ...{ kind: 'git', source: null, file: null, line: null },
  ...{ madeBy: null, madeAt: null, changedBy: null, changedAt: null },
}

function gitOrigin({ source, position }: Declared<unknown>): GateJson['origin'] {
  return { ...NO_ORIGIN, source, file: position.file, line: position.line }
}

function madeJson(row: MadeGateRow, lookup: ReadonlyMap<string, CompiledRule>, now: EpochMs): GateJson {
  const { document, ended, revision } = row
  const spec = (document['spec'] ?? {}) as JsonObject
  const metadata = (document['metadata'] ?? {}) as JsonObject
  const rule = `${row.kind}/${row.name}`
  // A config source that declares the same name has it: the rule of the API goes by its id then.
  const compiled = ended === undefined ? (lookup.get(`${rule} (${row.id})`) ?? lookup.get(rule)) : undefined
  const origin: GateJson['origin'] = {
    ...{ kind: 'api', source: null, file: null, line: null, madeBy: row.madeBy, madeAt: isoTime(row.madeAt) },
    ...{ changedBy: row.changedBy ?? null, changedAt: row.changedAt === undefined ? null : isoTime(row.changedAt) },
  }
  const head: Head = {
    ...{ name: row.name, kind: row.kind, rule: compiled?.name ?? rule },
    owner: typeof metadata['owner'] === 'string' ? metadata['owner'] : null,
    level: String(spec[row.kind === 'FreezePeriod' ? 'level' : 'kind'] ?? ''),
    reason: compiled?.reason ?? String(spec['reason'] ?? spec['description'] ?? ''),
    timeZone: typeof spec['timeZone'] === 'string' ? spec['timeZone'] : 'UTC',
  }
  const made = gateJson(head, compiled, now, origin, document)
  return {
    ...made,
    ...{ readOnly: false, revision, ended: ended === undefined ? null : { ...ended, at: isoTime(ended.at) } },
    ...(ended !== undefined && { state: 'ended' as const }),
  }
}

function gateJson(
  head: Head,
  compiled: CompiledRule | undefined,
  now: EpochMs,
  origin: GateJson['origin'],
  document: JsonObject,
): GateJson {
  const intervals = compiled === undefined ? [] : nextIntervals(compiled, now)
  const indeterminate = compiled !== undefined && compiled.mistakes.length > 0
  const active = intervals[0] !== undefined && intervals[0].from <= now
  return {
    ...head,
    state: indeterminate ? 'indeterminate' : active ? 'active' : intervals.length > 0 ? 'scheduled' : 'over',
    readOnly: true,
    intervals: indeterminate ? [] : intervals.map(({ from, to }) => ({ from: isoTime(from), until: isoTime(to) })),
    mistakes: compiled?.mistakes.map(({ message }) => message) ?? [],
    ...{ origin, revision: null, ended: null, document: { ...document } },
  }
}

/** By the clocks of the rule's own zone; in the time of the cluster, by those of UTC. */
function nextIntervals({ timing, zone }: CompiledRule, now: EpochMs) {
  const of = (aheadMs: number) => {
    // What runs is shown from its beginning, so it is looked for in the past as well.
    const list = timing(zone === 'cluster' ? TimeZone.utc : zone, now - LOOK_BACK_MS, now + aheadMs)
    return list.filter(({ to }) => to > now).slice(0, MOST_INTERVALS)
  }
  const soon = of(AHEAD_MS)
  // One that is cut by the end of the stretch has to be looked at in a longer one.
  const whole = soon.length > 0 && soon.every(({ to }) => to < now + AHEAD_MS)
  return whole ? soon : of(HORIZON_MS)
}

const LOOK_BACK_MS = 62 * 86_400_000

function byName({ compiled }: RulesNow): ReadonlyMap<string, CompiledRule> {
  return new Map(compiled.rules.map(rule => [rule.name, rule]))
}

function byStateAndTime(a: GateJson, b: GateJson): number {
  const order = GATE_STATES.indexOf(a.state) - GATE_STATES.indexOf(b.state)
  const [left, right] = [a.intervals[0]?.from ?? '', b.intervals[0]?.from ?? '']
  if (order !== 0) return order
  return left < right ? -1 : left > right ? 1 : a.rule < b.rule ? -1 : a.rule > b.rule ? 1 : 0
}
