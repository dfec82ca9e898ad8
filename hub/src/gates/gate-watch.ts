import type { CompiledRule } from '@flotilla/core/gates/compile-rule'
import type { CompiledRules } from '@flotilla/core/gates/compile-rules'
import { inScope } from '@flotilla/core/gates/compile-scope'
import type { GateTarget } from '@flotilla/core/gates/rules'
import type { TimeZone } from '@flotilla/core/gates/time-zone'
import type { Hold } from '@flotilla/core/model/hold'
import type { Clock, Timer } from '@flotilla/core/ports/clock'
import type { ApplicationRow } from '@flotilla/core/ports/store'
import { type EpochMs, isoTime } from '@flotilla/core/time/epoch-ms'
import type { GateEvent, GateEvents } from '../gate-desk/gate-events.ts'
import { type GateMark, type MissedBoundary, missedBoundaries } from './gate-mark.ts'
import type { GateNews, OverrideUseNews } from './gate-news.ts'
import type { RulesChange } from './gates.ts'

/** What is counted of gates since the start. */
export interface GateCounters {
  /** Starts that were held up, by layer. */
  readonly blocked: { readonly freeze: number; readonly window: number }
  readonly overridesUsed: number
  readonly missed: number
}

export interface GateWatchParts {
  readonly clock: Clock
  readonly events: GateEvents
  readonly rules: () => CompiledRules
  /** Those that a rule may concern. */
  readonly targets: () => readonly GateTarget[]
  /** The scheduler looks for what it may have missed. */
  readonly wake: () => void
  /** Teams that own one of these rules. */
  readonly ownersOf: (rules: readonly string[]) => readonly string[]
  /** Whether a config source declares it: edits through the API are told by those who take them. */
  readonly isDeclared: (rule: string) => boolean
  /** Up to here everything was told: what is kept of it says after a restart what was missed. */
  readonly marked?: (mark: GateMark) => void
}

/** Teams are told so long before a window opens or closes. */
const AHEAD_MS = 15 * 60_000
/** Rules of the far future are looked for no further; later ones are found in time. */
const FAR_MS = 40 * 86_400_000
/** A clock that is set moves no timer: so often it is looked whether something is due. */
const LOOK_MS = 60_000

interface State {
  active: boolean
  /** The next time at which it is another; undefined: not within {@link FAR_MS}. */
  next: EpochMs | undefined
  /** What was said of that time already. */
  announced: boolean
}

/** Follows the rules through time: says when each begins and ends, and counts what gates do. */
export class GateWatch implements GateNews {
  readonly #parts: GateWatchParts
  readonly #states = new Map<CompiledRule, State>()
  readonly #counted = { blocked: { freeze: 0, window: 0 }, overridesUsed: 0, missed: 0 }
  readonly #measures: ((lateMs: number) => void)[] = []
  /** Freezes of config sources as they were at the last change. */
  #declared: ReadonlySet<string> = new Set()
  #timer: Timer | undefined
  #stopped = false
  /** Before it is known what an earlier process told, nothing is told ahead, nor how far this one has got. */
  #following: boolean
  #toldBefore: ReadonlySet<string> = new Set()

  constructor(parts: GateWatchParts) {
    this.#parts = parts
    this.#following = parts.marked === undefined
  }

  get counters(): GateCounters {
    return this.#counted
  }

  /** Whether each rule is active now, for anybody. */
  active(): readonly { readonly rule: CompiledRule; readonly active: boolean }[] {
    return [...this.#states].map(([rule, { active }]) => ({ rule, active }))
  }

  /** Tells how late, in milliseconds, a boundary was acted on. */
  measureLateness(measure: (lateMs: number) => void): void {
    this.#measures.push(measure)
  }

  start(): void {
    this.look()
  }

  /** What began and ended after the mark of an earlier process, while nobody looked: with its true instant. */
  missedSince(mark: GateMark): readonly GateEvent[] {
    const { rules, clock } = this.#parts
    const missed = missedBoundaries(rules().rules, rule => this.#zonesOf(rule), mark, clock.now())
    return missed.map(({ rule, at, active, before }) => {
      const more = before === 0 ? '' : `, and ${before} times before it`
      const message = `${rule.reason} (while the hub was not running${more})`
      return { kind: kindOf(rule, active), subject: rule.name, at, by: 'hub', message }
    })
  }

  /** From now on it is said how far this process has got. @param mark What an earlier one has said. */
  follow(mark: GateMark | undefined): void {
    this.#following = true
    this.#toldBefore = new Set(mark?.ahead ?? [])
  }

  /** How far this process has got. */
  mark(): GateMark {
    const ahead = [...this.#states].flatMap(([rule, { announced, next }]) =>
      announced && next !== undefined ? aheadKey(rule, next) : [],
    )
    return { at: this.#parts.clock.now(), rules: this.#parts.rules().rules.map(({ id }) => id), ahead }
  }

  stop(): void {
    this.#stopped = true
    this.#timer?.cancel()
  }

  rulesChanged({ before, rules }: RulesChange): void {
    const inForce = this.#parts.rules().rules
    this.#tellEdits(before.rules.rules, inForce)
    this.#declared = new Set(inForce.flatMap(({ name }) => (this.#parts.isDeclared(name) ? name : [])))
    for (const rule of rules) {
      if (rule.mistakes.length === 0 || !inForce.includes(rule)) continue
      const why = rule.mistakes.map(({ message }) => message).join('; ')
      this.#emit('rule.indeterminate', rule.name, `it cannot be evaluated and closes its scope: ${why}`)
    }
    this.look()
    this.#marked()
  }

  blocked(row: ApplicationRow, hold: Hold): void {
    const kinds = new Set((hold.blockers ?? []).map(({ kind }) => kind))
    if (kinds.has('FreezePeriod')) this.#counted.blocked.freeze++
    if (kinds.has('SyncWindow')) this.#counted.blocked.window++
    this.#emit('sync.blocked', `Application/${row.name}`, hold.reason)
  }

  opened(_row: ApplicationRow, lateMs: number): void {
    for (const measure of this.#measures) measure(lateMs)
  }

  missed(row: ApplicationRow): void {
    this.#counted.missed++
    this.#emit('window.missed', `Application/${row.name}`, 'an opening came and went while the hub did not look')
  }

  overridesUsed(names: readonly string[], { application, by, rules }: OverrideUseNews): void {
    this.#counted.overridesUsed += names.length
    const owners = this.#parts.ownersOf(rules)
    for (const name of names) {
      this.#emit('override.used', name, `used for ${application}, past ${rules.join(', ')}`, { by, owners })
    }
  }

  /** Looks what has begun or ended, and sets the timer for what comes next. */
  look(): void {
    if (this.#stopped) return
    const now = this.#parts.clock.now()
    const { rules } = this.#parts.rules()
    const known = new Set(rules)
    for (const rule of this.#states.keys()) if (!known.has(rule)) this.#states.delete(rule)
    let next = now + LOOK_MS
    let changed = false
    let announced = false
    for (const rule of rules) {
      const state = this.#stateOf(rule, now)
      const before = state.announced
      changed = this.#advance(rule, state, now) || changed
      announced ||= state.announced && !before
      if (state.next === undefined) continue
      next = Math.min(next, state.announced ? state.next : Math.max(now + 1, state.next - AHEAD_MS), state.next)
    }
    if (changed) this.#parts.wake()
    if (changed || announced) this.#marked()
    this.#timer?.cancel()
    this.#timer = this.#parts.clock.setTimer(Math.max(1, next - now), () => this.look())
  }

  /** An edit is no end and no beginning, unless it makes one; what a commit takes away while it holds has ended. */
  #tellEdits(before: readonly CompiledRule[], inForce: readonly CompiledRule[]): void {
    const now = this.#parts.clock.now()
    const current = new Set(inForce)
    const byName = new Map(inForce.map(rule => [rule.name, rule]))
    for (const old of before) {
      if (current.has(old) || old.kind !== 'FreezePeriod') continue
      const wasActive = this.#states.get(old)?.active === true
      const next = byName.get(old.name)
      if (next === undefined) {
        if (wasActive && this.#declared.has(old.name)) {
          this.#emit('freeze.ended', old.name, 'it was taken out of its config source')
        }
        continue
      }
      const state: State = { ...this.#timesOf(next, now), announced: false }
      this.#states.set(next, state)
      if (this.#parts.isDeclared(next.name)) {
        this.#emit('freeze.edited', next.name, `its config source has changed it: ${next.reason}`)
      }
      if (wasActive !== state.active) this.#tell(next, state.active)
    }
  }

  #stateOf(rule: CompiledRule, now: EpochMs): State {
    const known = this.#states.get(rule)
    if (known !== undefined) return known
    const state: State = { ...this.#timesOf(rule, now), announced: false }
    this.#states.set(rule, state)
    // One that is made while its time has come begins now; at a start of the hub it merely goes on.
    if (state.active && rule.effect.kind === 'freeze' && !rule.effect.indeterminate && this.#timer !== undefined) {
      this.#emit('freeze.started', rule.name, rule.reason)
    }
    return state
  }

  #advance(rule: CompiledRule, state: State, now: EpochMs): boolean {
    if (state.next === undefined) {
      Object.assign(state, this.#timesOf(rule, now))
      return false
    }
    if (now < state.next) {
      if (!state.announced && this.#following && now >= state.next - AHEAD_MS) {
        state.announced = true
        if (!this.#toldBefore.has(aheadKey(rule, state.next))) this.#tellAhead(rule, state)
      }
      return false
    }
    // A machine that slept has slept through more than one of them.
    const since = { at: state.next - 1, rules: [rule.id], ahead: [] }
    const due: readonly MissedBoundary[] = missedBoundaries([rule], each => this.#zonesOf(each), since, now)
    Object.assign(state, this.#timesOf(rule, now), { announced: false })
    for (const { at, active } of due) this.#tell(rule, active, at)
    return true
  }

  /** Active for anybody: a rule by the clocks of clusters is so from the first to the last of them. */
  #timesOf(rule: CompiledRule, now: EpochMs): Pick<State, 'active' | 'next'> {
    let active = false
    let next: EpochMs | undefined
    for (const zone of this.#zonesOf(rule)) {
      const [first] = rule.timing(zone, now, now + FAR_MS)
      if (first === undefined) continue
      const isNow = first.from <= now
      active ||= isNow
      const edge = isNow ? first.to : first.from
      if (edge < now + FAR_MS) next = Math.min(next ?? edge, edge)
    }
    return { active, next }
  }

  #zonesOf(rule: CompiledRule): ReadonlySet<TimeZone> {
    if (rule.zone !== 'cluster') return new Set([rule.zone])
    const rules = this.#parts.rules()
    const concerned = this.#parts.targets().filter(target => inScope(rule.scope, target))
    const zones = new Set(concerned.map(target => rules.zoneOf(target)))
    return zones.size > 0 ? zones : new Set([rules.defaultZone])
  }

  #tell(rule: CompiledRule, active: boolean, at?: EpochMs): void {
    this.#emit(kindOf(rule, active), rule.name, rule.reason, at === undefined ? {} : { at })
  }

  /** Of freezes people are told as their documents say (`announce`). */
  #tellAhead(rule: CompiledRule, { active, next }: State): void {
    if (rule.effect.kind !== 'window' || next === undefined) return
    const opens = rule.effect.effect === 'allow' ? !active : active
    this.#emit(opens ? 'window.opening' : 'window.closing', rule.name, `${rule.reason}: at ${isoTime(next)}`)
  }

  #emit(
    kind: GateEvent['kind'],
    subject: string,
    message: string,
    more: Partial<Pick<GateEvent, 'at' | 'by' | 'owners'>> = {},
  ): void {
    this.#parts.events.emit({ kind, subject, at: this.#parts.clock.now(), by: 'hub', message, ...more })
  }

  #marked(): void {
    if (this.#following) this.#parts.marked?.(this.mark())
  }
}

function kindOf({ effect }: CompiledRule, active: boolean): GateEvent['kind'] {
  if (effect.kind === 'freeze') return active ? 'freeze.started' : 'freeze.ended'
  const opens = effect.effect === 'allow' ? active : !active
  return opens ? 'window.opened' : 'window.closed'
}

function aheadKey({ id }: CompiledRule, next: EpochMs): string {
  return `${id} ${next}`
}
