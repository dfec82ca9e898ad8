import { canonicalJson, sha256 } from '../json/canonical-json.ts'
import type { Json } from '../json/json.ts'
import type { CalendarPayload, ClosedInterval, GrantTrigger } from '../protocol/documents.ts'
import type { EpochMs } from '../time/epoch-ms.ts'
import type { CompiledRules } from './compile-rules.ts'
import { type Intervals, subtract } from './intervals.ts'
import { type GroupMember, isAllow, type RuleGroup } from './rule-group.ts'
import type { GateTarget } from './rules.ts'

/** An Application of the cluster that a calendar is for. */
export interface CalendarSubject {
  readonly id: string
  readonly target: GateTarget
}

export type CalendarContent = Required<Pick<CalendarPayload, 'intervals' | 'groups'>>

/** One rule as it closes Applications that are alike: what an agent is told, and what a Grant may pass. */
export interface Closure {
  /** Changes with the rule's content. */
  readonly rule: string
  readonly layer: 'freeze' | 'window'
  readonly triggers: readonly GrantTrigger[]
  readonly blocks: readonly ('sync' | 'prune' | 'heal')[]
  readonly inFlight: ClosedInterval['inFlight']
  readonly gracePeriodMs: number
  /** Whether healing to what is in force goes on. */
  readonly selfHeal: boolean
  readonly times: Intervals
  /** The rules behind it: one, or all allow windows of a rhythm together. */
  readonly members: readonly GroupMember[]
}

const EVERYBODY: readonly GrantTrigger[] = ['automated', 'manual', 'override', 'delete']
const BY_ITSELF: readonly GrantTrigger[] = ['automated', 'delete']
const BY_HAND: readonly GrantTrigger[] = ['manual', 'override']
/** A window with `syncOverrun` lets run whatever was allowed to start, for as long as that takes. */
const WITHOUT_END_MS = 3660 * 86_400_000

/**
 * What one cluster's agent is told about [from, until): each rule with its own times, so that a Grant can pass one and
 * not another, and each Application named once. Where nothing here is closed for a trigger, the hub's own decision is
 * open for it, and the other way round.
 */
export function calendarContent(
  rules: CompiledRules,
  subjects: readonly CalendarSubject[],
  from: EpochMs,
  until: EpochMs,
): CalendarContent {
  if (rules.rules.length === 0) return { intervals: [], groups: {} }
  const closures = new Map<string, { readonly closure: Closure; readonly groups: string[] }>()
  const groups: { [name: string]: readonly string[] } = {}
  const alike = groupAlike(rules, subjects)
  for (const { sync, remove, ids } of alike) {
    const found = closuresOf(sync, remove, from, until).filter(({ times }) => times.length > 0)
    if (found.length === 0) continue
    const name = `g${Object.keys(groups).length + 1}`
    groups[name] = ids
    for (const closure of found) {
      const { members: _, ...content } = closure
      const key = JSON.stringify(content)
      const same = closures.get(key)
      if (same) same.groups.push(name)
      else closures.set(key, { closure, groups: [name] })
    }
  }
  const intervals = [...closures.values()].flatMap(({ closure, groups: names }) => told(closure, names, from))
  return { intervals: [...intervals].sort(byBeginning), groups }
}

/** What stands in the way of an Application within [from, until), rule by rule. */
export function closuresFor(
  rules: CompiledRules,
  target: GateTarget,
  from: EpochMs,
  until: EpochMs,
): readonly Closure[] {
  return closuresOf(rules.groupOf(target, 'sync'), rules.groupOf(target, 'delete-app'), from, until)
}

interface Alike {
  readonly sync: RuleGroup
  readonly remove: RuleGroup
  readonly ids: string[]
}

function groupAlike(rules: CompiledRules, subjects: readonly CalendarSubject[]): readonly Alike[] {
  const found = new Map<RuleGroup, Map<RuleGroup, Alike>>()
  const list: Alike[] = []
  // By id: the same Applications make the same document, in whatever order they are known.
  for (const { id, target } of [...subjects].sort((a, b) => (a.id < b.id ? -1 : 1))) {
    const sync = rules.groupOf(target, 'sync')
    const remove = rules.groupOf(target, 'delete-app')
    const ofSync = found.get(sync) ?? new Map<RuleGroup, Alike>()
    found.set(sync, ofSync)
    const alike = ofSync.get(remove)
    if (alike) alike.ids.push(id)
    else {
      const made = { sync, remove, ids: [id] }
      ofSync.set(remove, made)
      list.push(made)
    }
  }
  return list
}

function closuresOf(sync: RuleGroup, remove: RuleGroup, from: EpochMs, until: EpochMs): readonly Closure[] {
  const closures: Closure[] = []
  const seen = new Set<string>()
  for (const group of [sync, remove]) {
    for (const member of group.members) {
      const key = `${member.rule.id} ${member.exemptUntil}`
      if (seen.has(key) || isAllow(member.rule)) continue
      seen.add(key)
      const same = ({ rule, exemptUntil }: GroupMember) => rule === member.rule && exemptUntil === member.exemptUntil
      closures.push(...closureOf(group, member, sync.members.some(same), remove.members.some(same), from, until))
    }
  }
  return [
    ...closures,
    ...sync.rhythms.flatMap(rhythm => notOpenOf(sync, rhythm, ['sync', 'heal'], from, until)),
    ...remove.rhythms.flatMap(rhythm => notOpenOf(remove, rhythm, ['prune'], from, until)),
  ]
}

function closureOf(
  group: RuleGroup,
  member: GroupMember,
  sync: boolean,
  remove: boolean,
  from: EpochMs,
  until: EpochMs,
): readonly Closure[] {
  const { rule } = member
  const { effect } = rule
  const paused = sync && (effect.kind === 'window' || effect.selfHeal === 'pause')
  const common = {
    rule: rule.id,
    blocks: [...(sync ? (['sync'] as const) : []), ...(remove ? (['prune'] as const) : []), ...(paused ? HEAL : [])],
    selfHeal: !paused,
    times: group.activeOf(member, from, until),
    members: [member],
  }
  if (effect.kind === 'window') {
    const window = { ...common, layer: 'window' as const, ...overrun(effect.syncOverrun) }
    if (!effect.manualSync) return [{ ...window, triggers: EVERYBODY }]
    // While another deny holds people up, this one has its say about what they have started: may it finish?
    const alone = subtract(window.times, group.strictlyDenied(member, from, until))
    return [
      { ...window, triggers: BY_ITSELF, times: alone },
      { ...window, triggers: EVERYBODY, times: subtract(window.times, alone) },
    ]
  }
  const { freeze, inFlight, gracePeriodMs } = effect
  return [
    {
      ...common,
      layer: 'freeze',
      triggers: freeze === 'hard' ? EVERYBODY : BY_ITSELF,
      inFlight: inFlight === 'terminate' ? 'abort' : inFlight,
      gracePeriodMs: inFlight === 'finish' ? gracePeriodMs : 0,
      times: beganAt(group, member, from, until, inFlight === 'finish' ? gracePeriodMs : 0),
    },
  ]
}

const HEAL = ['heal'] as const

/** A freeze that began before the calendar keeps the beginning from which its grace period counts. */
function beganAt(group: RuleGroup, member: GroupMember, from: EpochMs, until: EpochMs, graceMs: number): Intervals {
  const active = group.activeOf(member, from - graceMs, until)
  return active.filter(({ to }) => to > from)
}

function notOpenOf(
  group: RuleGroup,
  rhythm: readonly GroupMember[],
  blocks: Closure['blocks'],
  from: EpochMs,
  until: EpochMs,
): readonly Closure[] {
  const members = rhythm.filter(({ rule }) => isAllow(rule))
  if (members.length === 0) return []
  const common = {
    rule: idOfAllows(members),
    layer: 'window' as const,
    blocks,
    selfHeal: !blocks.includes('heal'),
    members,
    ...overrun(members.every(({ rule: { effect } }) => effect.kind === 'window' && effect.syncOverrun)),
  }
  const byItself = group.notOpen(rhythm, true, from, until)
  const byHand = group.notOpen(rhythm, false, from, until)
  const alone = subtract(byItself, byHand)
  const both = subtract(byItself, alone)
  return [
    { ...common, triggers: EVERYBODY, times: both },
    { ...common, triggers: BY_ITSELF, times: alone },
    { ...common, triggers: BY_HAND, times: subtract(byHand, both) },
  ].filter(({ times }) => times.length > 0)
}

function overrun(syncOverrun: boolean): Pick<Closure, 'inFlight' | 'gracePeriodMs'> {
  return syncOverrun
    ? { inFlight: 'finish', gracePeriodMs: WITHOUT_END_MS }
    : { inFlight: 'pauseAtWave', gracePeriodMs: 0 }
}

/** Closed is what lies outside of all of them: they are one rule, which is another as soon as one of them is. */
function idOfAllows(members: readonly GroupMember[]): string {
  const [first] = members
  if (members.length === 1 && first) return first.rule.id
  const content = members.map(({ rule, exemptUntil }) => [rule.id, String(exemptUntil)])
  return `SyncWindow/${members.length} windows@${sha256(canonicalJson(content as unknown as Json)).slice(-12)}`
}

/**
 * An agent's hub time is behind by a message's way. A freeze that is made now holds for it as soon as it reads of it, and
 * not those seconds later: it is told as one that began a little before.
 */
const LAG_MS = 60_000

function told(closure: Closure, groups: readonly string[], issuedAt: EpochMs): readonly ClosedInterval[] {
  const [first, ...later] = closure.times
  const early = first!.from <= issuedAt ? first!.from - (issuedAt - LAG_MS) : 0
  if (early <= 0) return [intervalOf(closure, groups)]
  const { inFlight, gracePeriodMs } = closure
  const now: Closure = {
    ...closure,
    times: [{ from: first!.from - early, to: first!.to }],
    gracePeriodMs: inFlight === 'finish' ? gracePeriodMs + early : gracePeriodMs,
  }
  return [intervalOf(now, groups), ...(later.length > 0 ? [intervalOf({ ...closure, times: later }, groups)] : [])]
}

function intervalOf({ members: _, times, ...content }: Closure, groups: readonly string[]): ClosedInterval {
  const [first, ...again] = times
  return {
    ...content,
    applications: [],
    groups,
    from: first!.from,
    to: first!.to,
    ...(again.length > 0 && { again: again.map(({ from, to }): readonly [EpochMs, EpochMs] => [from, to]) }),
  }
}

function byBeginning(a: ClosedInterval, b: ClosedInterval): number {
  return a.from - b.from || (a.rule < b.rule ? -1 : a.rule > b.rule ? 1 : a.triggers.length - b.triggers.length)
}
