import { compileFreeze, compileWindow } from '@flotilla/core/gates/compile-rule'
import { namesTicket } from '@flotilla/core/gates/override-request'
import type { FreezeRule, WindowRule } from '@flotilla/core/gates/rules'
import { uuidV7 } from '@flotilla/core/identity/uuid'
import type { JsonObject } from '@flotilla/core/json/json'
import type { MadeGateRow, OverrideRow, StoreReader, StoreWriter } from '@flotilla/core/ports/store'
import { type EpochMs, isoTime } from '@flotilla/core/time/epoch-ms'
import { keepGateEvent } from '../activity/record-gate-events.ts'
import { bumpRulesVersion } from '../gates/rules-version.ts'
import type { Actor, DeskServices, EditAnswer, Refusal } from './desk.ts'
import { refused, requesterOf, UNKNOWN } from './desk.ts'
import { editContextOf } from './freeze-checks.ts'
import type { GateEvent } from './gate-events.ts'
import type { MadeKind } from './made-kind.ts'
import { mergePatch } from './merge-patch.ts'

/** How what holds now is changed so that it holds less: the request waits so long for its approvals. */
const EDIT_WAITS_MS = 4 * 3_600_000

export interface GateEditWish {
  /** RFC 7396: what is to be different of metadata and spec; undefined ends it. */
  readonly patch?: JsonObject
  readonly reason: string
  /** The revision that was looked at; another one by then is refused. */
  readonly revision?: number
}

/**
 * Freezes and windows that people make: one that holds already is made to hold less only with the approvals of
 * break-glass, or the edit would be the way around it.
 */
export class MadeGateDesk<Rule extends FreezeRule | WindowRule> {
  readonly #services: DeskServices
  readonly #of: MadeKind<Rule>

  constructor(services: DeskServices, of: MadeKind<Rule>) {
    this.#services = services
    this.#of = of
  }

  /** @param now Of the request, where the document was made from it: what begins with it is not in the past. */
  async create(document: JsonObject, by: Actor, now = this.#services.clock.now()): Promise<EditAnswer<MadeGateRow>> {
    const { store, random, keeper, events } = this.#services
    const { kind, word } = this.#of
    const read = this.#of.read(document)
    if (read.kind === 'mistakes') return this.#invalid(read.mistakes)
    const mistakes = this.#of.mistakes(read.rule, editContextOf(keeper.now(), now))
    if (mistakes.length > 0) return refused('GATE_INVALID', `The ${word} cannot be made so.`, mistakes)
    const declared = this.#declared(read.name)
    if (declared !== undefined) return declared
    const row: MadeGateRow = {
      id: uuidV7(now, random.bytes(10)),
      ...{ kind, name: read.name, document: read.document, revision: 1, madeBy: by.name, madeAt: now },
    }
    const subject = `${kind}/${row.name}`
    const reason = this.#of.reasonOf(read.rule)
    let news: GateEvent | undefined
    const answer = await store.write(async (rows): Promise<EditAnswer<MadeGateRow>> => {
      const standing = await this.#standing(rows, row.name)
      if (standing !== undefined) {
        return refused('GATE_EXISTS', `There is a ${kind} "${row.name}", made by ${standing.madeBy}.`)
      }
      await rows.putMadeGate(row)
      await bumpRulesVersion(rows)
      const { version } = keeper.now()
      await rows.appendAudit({
        ...{ at: now, actor: by.name, action: `${word}.create`, subject },
        ...{ detail: { reason }, after: row.document, policyVersion: version },
      })
      const message = `${by.name} made a ${word}: ${reason}`
      news = await keepGateEvent(rows, { kind: this.#of.events.made, subject, at: now, by: by.name, message })
      return { kind: 'done', value: row }
    })
    if (answer.kind !== 'done') return answer
    await keeper.changed()
    if (news) events.emit(news)
    return answer
  }

  /** Changes it, ends it, or writes the wish down for those who have to approve. */
  async edit(name: string, wish: GateEditWish, by: Actor): Promise<EditAnswer<MadeGateRow>> {
    const { store, clock, keeper, events } = this.#services
    const now = clock.now()
    let news: GateEvent | undefined
    const answer = await store.write(async (rows): Promise<EditAnswer<MadeGateRow>> => {
      news = undefined
      const row = await this.#standing(rows, name)
      if (row === undefined) return this.#declared(name) ?? (await this.#endedBefore(rows, name))
      if (wish.revision !== undefined && wish.revision !== row.revision) {
        return refused('GATE_CHANGED', `It is at revision ${row.revision} by now.`)
      }
      const before = this.#of.ruleOf(row)
      const context = editContextOf(keeper.now(), now)
      const next = wish.patch === undefined ? undefined : this.#patched(row, wish.patch)
      if (next?.kind === 'refused') return next
      if (next !== undefined) {
        const mistakes = this.#of.mistakes(next.rule, context, before)
        if (mistakes.length > 0) return refused('GATE_INVALID', `The ${this.#of.word} cannot be changed so.`, mistakes)
      }
      if (this.#of.holds(before, context)) {
        const because = this.#of.loosenings(before, next?.rule, context)
        if (because.length > 0) {
          const asked = await this.#ask(rows, { row, before, wish, because, by, now }, next?.document)
          if (asked.kind === 'waits') news = await keepGateEvent(rows, this.#wishNews(asked, by.name, now, wish.reason))
          return asked
        }
      }
      const value = await this.#apply(rows, row, next?.document, by.name, now, wish.reason)
      news = await keepGateEvent(rows, this.#editNews(value, by.name, now))
      return { kind: 'done', value }
    })
    if (answer.kind === 'done') await keeper.changed()
    if (news) events.emit(news)
    return answer
  }

  /**
   * Does what was approved, in the transaction of the last approval; refused when the gate is another one by now.
   *
   * @param by Whoever approved last.
   * @returns What is to be emitted once it is so.
   */
  async applyApproved(rows: StoreWriter, request: OverrideRow, by: string, now: EpochMs): Promise<GateEvent | Refusal> {
    const edit = request.edit!
    const row = (await this.#of.rows(rows)).find(({ id }) => id === edit.freeze)
    if (row === undefined || row.ended !== undefined || row.revision !== edit.revision) {
      return refused('GATE_CHANGED', `${this.#of.kind} "${edit.name}" is another one by now: ask anew.`)
    }
    const applied = await this.#apply(rows, row, edit.document, request.requestedBy, now, request.reason, request)
    return await keepGateEvent(rows, this.#editNews(applied, by, now))
  }

  async #apply(
    rows: StoreWriter,
    row: MadeGateRow,
    document: JsonObject | undefined,
    by: string,
    now: EpochMs,
    reason: string,
    request?: OverrideRow,
  ): Promise<MadeGateRow> {
    const { kind, word } = this.#of
    const next: MadeGateRow = {
      ...row,
      revision: row.revision + 1,
      changedBy: by,
      changedAt: now,
      ...(document === undefined ? { ended: { by, at: now, reason } } : { document }),
    }
    await rows.putMadeGate(next)
    await bumpRulesVersion(rows)
    const approvals = request?.approvals.map(each => ({ by: each.by, at: isoTime(each.at) }))
    await rows.appendAudit({
      ...{ at: now, actor: by, action: `${word}.${document === undefined ? 'end' : 'edit'}` },
      subject: `${kind}/${row.name}`,
      detail: { reason, revision: next.revision, ...(request && { request: request.id, approvals: approvals! }) },
      before: row.document,
      ...(document !== undefined && { after: document }),
      policyVersion: this.#services.keeper.now().version,
    })
    return next
  }

  /** An edit that makes what holds now hold less is break-glass: others have to approve it first. */
  async #ask(
    rows: StoreWriter,
    asked: {
      readonly row: MadeGateRow
      readonly before: Rule
      readonly wish: GateEditWish
      readonly because: readonly string[]
      readonly by: Actor
      readonly now: EpochMs
    },
    document: JsonObject | undefined,
  ): Promise<EditAnswer<MadeGateRow>> {
    const { row, before, wish, because, by, now } = asked
    const { kind, word } = this.#of
    const breakGlass = this.#of.breakGlass(before)
    if (!breakGlass.allowed) {
      const what = `${because.join('; ')}: that is break-glass, and this ${word} allows none. It ends by itself.`
      return refused('FREEZE_LOCKED', what)
    }
    const mistakes = reasonMistakes(wish.reason, breakGlass.ticketPattern)
    if (mistakes.length > 0) {
      return refused('OVERRIDE_REFUSED', `It holds now, so this is break-glass: ${because.join('; ')}.`, mistakes)
    }
    const request: OverrideRow = {
      id: uuidV7(now, this.#services.random.bytes(10)),
      ...{
        scope: this.#of.scopeOf(before),
        covers: [word],
        actions: ['edit-spec'],
        from: now,
        until: now + EDIT_WAITS_MS,
      },
      ...{ maxUses: 1, reason: wish.reason, requestedBy: by.name, requestedAt: now },
      ...requesterOf(by),
      approvalsNeeded: Math.max(1, breakGlass.approvals),
      rules: [{ name: before.name, id: ruleIdOf(before), kind, ...(before.owner && { owner: before.owner }) }],
      ...{ approvals: [], useCount: 0, uses: [] },
      edit: {
        ...(kind === 'SyncWindow' && { kind }),
        ...{ freeze: row.id, name: row.name, revision: row.revision },
        ...(document !== undefined && { document }),
      },
    }
    await rows.putOverride(request)
    await rows.appendAudit({
      ...{ at: now, actor: by.name, action: `${word}.request-edit`, subject: `${kind}/${row.name}` },
      detail: { request: request.id, reason: wish.reason, because: [...because], approvals: request.approvalsNeeded },
      before: row.document,
      ...(document !== undefined && { after: document }),
      policyVersion: this.#services.keeper.now().version,
    })
    return { kind: 'waits', request, because }
  }

  #patched(
    row: MadeGateRow,
    patch: JsonObject,
  ): { readonly kind: 'read'; readonly document: JsonObject; readonly rule: Rule } | Refusal {
    const read = this.#of.read(mergePatch(row.document, patch) as JsonObject)
    if (read.kind === 'mistakes') return this.#invalid(read.mistakes)
    if (read.name !== row.name) {
      const mistake = { path: ['metadata', 'name'], message: `cannot change: make another ${this.#of.word}` }
      return refused('GATE_INVALID', `The ${this.#of.word} cannot be changed so.`, [mistake])
    }
    return read
  }

  #invalid(mistakes: Refusal['mistakes'] & object): Refusal {
    return refused('GATE_INVALID', `This is no ${this.#of.kind} that could be in force.`, mistakes)
  }

  #declared(name: string): Refusal | undefined {
    const found = this.#of.declared(this.#services.fleet()).find(gate => gate.name === name)
    if (found === undefined) return undefined
    const { file, line } = found.position
    const where = `${found.source}, ${file}:${line}`
    return refused('GATE_FROM_GIT', `${this.#of.kind} "${name}" is declared in ${where}: change it there.`)
  }

  async #standing(rows: StoreReader, name: string): Promise<MadeGateRow | undefined> {
    return (await this.#of.rows(rows)).find(row => row.name === name && row.ended === undefined)
  }

  async #endedBefore(rows: StoreReader, name: string): Promise<EditAnswer<never>> {
    const ended = (await this.#of.rows(rows)).findLast(row => row.name === name)?.ended
    return ended === undefined ? UNKNOWN : refused('GATE_ENDED', `${ended.by} has ended it at ${isoTime(ended.at)}.`)
  }

  #editNews({ name, ended }: MadeGateRow, by: string, at: EpochMs): GateEvent {
    const { kind, events } = this.#of
    const message = ended === undefined ? `${by} changed it` : `${by} ended it: ${ended.reason}`
    return { kind: ended === undefined ? events.edited : events.ended, subject: `${kind}/${name}`, at, by, message }
  }

  #wishNews(
    { request, because }: { readonly request: OverrideRow; readonly because: readonly string[] },
    by: string,
    at: EpochMs,
    reason: string,
  ): GateEvent {
    const message = `${by} wants to change an active ${this.#of.word}: ${because.join('; ')}: ${reason}`
    const owners = request.rules.flatMap(({ owner }) => owner ?? [])
    return { kind: 'override.requested', subject: `Override/${request.id}`, at, by, message, owners }
  }
}

function ruleIdOf(rule: FreezeRule | WindowRule): string {
  return 'freeze' in rule ? compileFreeze(rule, undefined).id : compileWindow(rule).id
}

function reasonMistakes(reason: string, ticketPattern: string | undefined): Refusal['mistakes'] & object {
  return [
    ...(reason.trim() === '' ? [{ path: ['reason'], message: 'must not be empty: whoever approves reads it' }] : []),
    ...(ticketPattern !== undefined && !namesTicket(ticketPattern, reason)
      ? [{ path: ['reason'], message: `wants a ticket: a word that matches ${ticketPattern}` }]
      : []),
  ]
}
