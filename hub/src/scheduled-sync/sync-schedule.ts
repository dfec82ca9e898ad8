import { decide, type GateDecision } from '@flotilla/core/gates/decide'
import { uuidV7 } from '@flotilla/core/identity/uuid'
import type { JsonObject } from '@flotilla/core/json/json'
import type { Clock, Timer } from '@flotilla/core/ports/clock'
import type { Log } from '@flotilla/core/ports/log'
import type { Random } from '@flotilla/core/ports/random'
import type { Identity, Store, StoreWriter, TokenScope } from '@flotilla/core/ports/store'
import { type EpochMs, isoTime } from '@flotilla/core/time/epoch-ms'
import type { RuleKeeper } from '../gate-desk/rule-keeper.ts'
import type { OperationDesk } from '../operations/operation-desk.ts'
import { MOST_WAITING, putScheduledSync, type ScheduledSync, scheduledSyncs } from './scheduled-sync.ts'

export interface ScheduleParts {
  readonly store: Store
  readonly clock: Clock
  readonly random: Random
  readonly log: Log
  readonly keeper: RuleKeeper
  /** Does what a sync by hand does. */
  readonly sync: OperationDesk['sync']
}

export interface ScheduleWish {
  readonly application: string
  readonly notBefore: EpochMs
  readonly expires: EpochMs
  readonly prune: boolean
  readonly reason: string
}

/** Who asks: what they may not do any more when it is time is not done. */
export interface ScheduleAsker {
  readonly name: string
  readonly tokenId: string
  readonly makers?: readonly Identity[]
  readonly scopes?: readonly TokenScope[]
}

export type ScheduleAnswer =
  | { readonly kind: 'done'; readonly value: ScheduledSync }
  | { readonly kind: 'unknown' }
  | { readonly kind: 'too-many' }
  /** It waits no longer. */
  | { readonly kind: 'too-late'; readonly value: ScheduledSync }

/** What waits for a gate, an agent or another operation is looked at again so soon. */
const LOOK_MS = 60_000

/** Syncs that are to come: "at 02:00", when every gate is open. What it starts is a sync by hand of whoever asked. */
export class SyncSchedule {
  readonly #parts: ScheduleParts
  #timer: Timer | undefined
  #judge: ((each: ScheduledSync) => Promise<boolean>) | undefined
  #stopped = false
  #looking: Promise<void> = Promise.resolve()

  constructor(parts: ScheduleParts) {
    this.#parts = parts
  }

  start(): void {
    this.#looking = this.#turn()
  }

  async stop(): Promise<void> {
    this.#stopped = true
    this.#timer?.cancel()
    await this.#looking
  }

  list(): Promise<readonly ScheduledSync[]> {
    return this.#parts.store.read(scheduledSyncs)
  }

  /** Who says whether somebody still may what they asked for; without it, an administrator's token that stands. */
  judgeBy(judge: (each: ScheduledSync) => Promise<boolean>): void {
    this.#judge = judge
  }

  async schedule(wish: ScheduleWish, by: ScheduleAsker): Promise<ScheduleAnswer> {
    const { store, clock, random } = this.#parts
    const now = clock.now()
    const value: ScheduledSync = {
      ...{ id: uuidV7(now, random.bytes(10)), ...wish, by: by.name, tokenId: by.tokenId, madeAt: now },
      ...(by.makers !== undefined && { makers: by.makers }),
      ...(by.scopes !== undefined && { scopes: by.scopes }),
      ...{ state: 'waiting', message: `waits for ${isoTime(wish.notBefore)}` },
    }
    const answer = await store.write(async (rows): Promise<ScheduleAnswer> => {
      if ((await rows.applicationByName(wish.application)) === undefined) return { kind: 'unknown' }
      const waiting = (await scheduledSyncs(rows)).filter(({ state }) => state === 'waiting')
      if (waiting.length >= MOST_WAITING) return { kind: 'too-many' }
      await this.#put(rows, value, 'sync.schedule', by.name)
      return { kind: 'done', value }
    })
    if (answer.kind === 'done') this.#wake()
    return answer
  }

  async cancel(id: string, by: string, reason: string): Promise<ScheduleAnswer> {
    const now = this.#parts.clock.now()
    return await this.#parts.store.write(async (rows): Promise<ScheduleAnswer> => {
      const found = (await scheduledSyncs(rows)).find(each => each.id === id)
      if (found === undefined) return { kind: 'unknown' }
      if (found.state !== 'waiting') return { kind: 'too-late', value: found }
      const message = `cancelled by ${by}${reason === '' ? '' : `: ${reason}`}`
      const value: ScheduledSync = { ...found, state: 'cancelled', message, endedAt: now }
      await this.#put(rows, value, 'sync.cancel', by)
      return { kind: 'done', value }
    })
  }

  /** Looks now at what is due. */
  async look(): Promise<void> {
    for (const each of await this.list()) if (each.state === 'waiting') await this.#lookAt(each)
  }

  async #mayStill(each: ScheduledSync, now: EpochMs): Promise<boolean> {
    if (this.#judge !== undefined) return await this.#judge(each)
    const token = await this.#parts.store.read(rows => rows.token(each.tokenId))
    return token?.role === 'admin' && (token.expiresAt === undefined || now < token.expiresAt)
  }

  #wake(): void {
    this.#timer?.cancel()
    this.#looking = this.#looking.then(() => this.#turn())
  }

  async #turn(): Promise<void> {
    const { clock, log } = this.#parts
    if (this.#stopped) return
    let next = clock.now() + LOOK_MS
    try {
      await this.look()
      const waiting = (await this.list()).filter(({ state }) => state === 'waiting')
      const now = clock.now()
      for (const each of waiting) {
        const { notBefore, expires } = each
        const opens = notBefore > now ? notBefore : (this.#decision(each, now)?.nextChange ?? next)
        next = Math.min(next, opens, expires)
      }
    } catch (error) {
      if (!this.#stopped) log.error('what was scheduled could not be looked at; it is tried again', { error })
    }
    if (this.#stopped) return
    this.#timer?.cancel()
    this.#timer = clock.setTimer(Math.max(1_000, next - clock.now()), () => {
      this.#looking = this.#turn()
    })
  }

  async #lookAt(each: ScheduledSync): Promise<void> {
    const { store, clock, sync } = this.#parts
    const now = clock.now()
    if (now >= each.expires) return await this.#end(each, 'expired', `its time was over: it ${each.message}`)
    if (now < each.notBefore) return
    if (!(await this.#mayStill(each, now)))
      return await this.#end(each, 'cancelled', `${each.by} may not do this any more`)
    const decision = this.#decision(each, now)
    if (decision !== undefined && !decision.allowed) {
      const rules = decision.layers.filter(({ allowed }) => !allowed).flatMap(({ blockers }) => blockers)
      return await this.#waits(each, `waits for ${rules.map(({ rule }) => rule).join(', ')}`)
    }
    const { by, reason, prune } = each
    const answer = await sync(each.application, { by, reason, prune, dryRun: false, resources: [] })
    if (answer.kind === 'accepted') {
      const value: ScheduledSync = { ...each, state: 'started', message: 'started', operation: answer.id, endedAt: now }
      await store.write(rows => this.#put(rows, value, 'sync.scheduled-start', by))
    } else if (answer.kind === 'refused' && answer.code === 'UNKNOWN') await this.#end(each, 'failed', answer.message)
    else if (answer.kind === 'refused') await this.#waits(each, `waits: ${answer.message}`)
  }

  /** What holds it, if anything does: removing objects with it has to be open, too. */
  #decision({ application, prune }: ScheduledSync, now: EpochMs): GateDecision | undefined {
    const { compiled, targets } = this.#parts.keeper.now()
    const target = targets.find(({ name }) => name === application)
    if (target === undefined) return undefined
    const sync = decide(compiled, target, now, { trigger: 'manual' })
    return sync.allowed && prune ? decide(compiled, target, now, { trigger: 'manual', action: 'prune' }) : sync
  }

  async #waits(each: ScheduledSync, message: string): Promise<void> {
    if (message === each.message) return
    await this.#parts.store.write(async rows => {
      const current = (await scheduledSyncs(rows)).find(({ id }) => id === each.id)
      if (current?.state === 'waiting') await putScheduledSync(rows, { ...current, message })
    })
  }

  async #end(each: ScheduledSync, state: 'expired' | 'cancelled' | 'failed', message: string): Promise<void> {
    const value: ScheduledSync = { ...each, state, message, endedAt: this.#parts.clock.now() }
    await this.#parts.store.write(rows => this.#put(rows, value, `sync.scheduled-${state}`, 'hub'))
  }

  async #put(rows: StoreWriter, value: ScheduledSync, action: string, actor: string): Promise<void> {
    const before = (await scheduledSyncs(rows)).find(({ id }) => id === value.id)
    await putScheduledSync(rows, value)
    const { id, application, notBefore, expires, prune, reason, by, message, operation } = value
    const detail: JsonObject = {
      ...{ id, notBefore: isoTime(notBefore), expires: isoTime(expires), prune, reason, requestedBy: by, message },
      ...(operation !== undefined && { operation }),
    }
    const at = this.#parts.clock.now()
    const change = { ...(before && { before: { state: before.state } }), after: { state: value.state } }
    await rows.appendAudit({ at, actor, action, subject: `Application/${application}`, detail, ...change })
  }
}
