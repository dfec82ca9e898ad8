import { readGateDocument } from '@flotilla/config/gate-document'
import { compileFreeze } from '@flotilla/core/gates/compile-rule'
import { isFreezeActive, loosenings } from '@flotilla/core/gates/override-edit'
import { namesTicket } from '@flotilla/core/gates/override-request'
import type { FreezeRule } from '@flotilla/core/gates/rules'
import { uuidV7 } from '@flotilla/core/identity/uuid'
import { isJsonObject, type Json, type JsonObject } from '@flotilla/core/json/json'
import type { MadeGateRow, OverrideRow, StoreWriter } from '@flotilla/core/ports/store'
import { type EpochMs, isoTime } from '@flotilla/core/time/epoch-ms'
import { keepGateEvent } from '../activity/record-gate-events.ts'
import { bumpRulesVersion } from '../gates/rules-version.ts'
import type { Actor, DeskServices, EditAnswer, Refusal } from './desk.ts'
import { refused, UNKNOWN } from './desk.ts'
import { editContextOf, timeMistakes } from './freeze-checks.ts'
import type { GateEvent } from './gate-events.ts'
import { freezeRuleOf } from './made-rules.ts'

/** How an active freeze is changed so that it holds less: the request waits so long for its approvals. */
const EDIT_WAITS_MS = 4 * 3_600_000

export interface FreezeEditWish {
  /** RFC 7396: what is to be different of metadata and spec; undefined ends it. */
  readonly patch?: JsonObject
  readonly reason: string
  /** The revision that was looked at; another one by then is refused. */
  readonly revision?: number
}

/** Freezes that people make: one that holds already is made to hold less only with the approvals of break-glass. */
export class FreezeDesk {
  readonly #services: DeskServices

  constructor(services: DeskServices) {
    this.#services = services
  }

  /** @param now Of the request, where the document was made from it: what begins with it is not in the past. */
  async create(document: JsonObject, by: Actor, now = this.#services.clock.now()): Promise<EditAnswer<MadeGateRow>> {
    const { store, random, keeper, events } = this.#services
    const read = readGateDocument(document)
    if (read.kind !== 'freeze') return invalid(read)
    const mistakes = timeMistakes(read.rule, editContextOf(keeper.now(), now))
    if (mistakes.length > 0) return refused('GATE_INVALID', 'The freeze cannot be made so.', mistakes)
    const declared = this.#declared(read.name)
    if (declared !== undefined) return declared
    const row: MadeGateRow = {
      id: uuidV7(now, random.bytes(10)),
      kind: 'FreezePeriod',
      name: read.name,
      document: read.document,
      revision: 1,
      madeBy: by.name,
      madeAt: now,
    }
    let news: GateEvent | undefined
    const answer = await store.write(async (rows): Promise<EditAnswer<MadeGateRow>> => {
      const standing = await standingFreeze(rows, row.name)
      if (standing !== undefined) {
        return refused('GATE_EXISTS', `There is a FreezePeriod "${row.name}", made by ${standing.madeBy}.`)
      }
      await rows.putMadeGate(row)
      await bumpRulesVersion(rows)
      const { version } = keeper.now()
      await rows.appendAudit({
        ...{ at: now, actor: by.name, action: 'freeze.create', subject: `FreezePeriod/${row.name}` },
        ...{ detail: { reason: read.rule.reason }, after: row.document, policyVersion: version },
      })
      const message = `${by.name} made a freeze: ${read.rule.reason}`
      const subject = `FreezePeriod/${row.name}`
      news = await keepGateEvent(rows, { kind: 'freeze.made', subject, at: now, by: by.name, message })
      return { kind: 'done', value: row }
    })
    if (answer.kind !== 'done') return answer
    await keeper.changed()
    if (news) events.emit(news)
    return answer
  }

  /** Changes it, ends it, or writes the wish down for those who have to approve. */
  async edit(name: string, wish: FreezeEditWish, by: Actor): Promise<EditAnswer<MadeGateRow>> {
    const { store, clock, keeper, events } = this.#services
    const now = clock.now()
    let news: GateEvent | undefined
    const answer = await store.write(async (rows): Promise<EditAnswer<MadeGateRow>> => {
      news = undefined
      const row = await standingFreeze(rows, name)
      if (row === undefined) return this.#declared(name) ?? (await endedBefore(rows, name))
      if (wish.revision !== undefined && wish.revision !== row.revision) {
        return refused('GATE_CHANGED', `It is at revision ${row.revision} by now.`)
      }
      const before = freezeRuleOf(row)
      const context = editContextOf(keeper.now(), now)
      const next = wish.patch === undefined ? undefined : this.#patched(row, wish.patch)
      if (next?.kind === 'refused') return next
      if (next !== undefined) {
        const mistakes = timeMistakes(next.rule, context, before.when)
        if (mistakes.length > 0) return refused('GATE_INVALID', 'The freeze cannot be changed so.', mistakes)
      }
      if (isFreezeActive(before, context)) {
        const because = loosenings(before, next?.rule, context)
        if (because.length > 0) {
          const asked = await this.#ask(rows, { row, before, wish, because, by, now }, next?.document)
          if (asked.kind === 'waits') news = await keepGateEvent(rows, wishNews(asked, by.name, now, wish.reason))
          return asked
        }
      }
      const value = await this.#apply(rows, row, next?.document, by.name, now, wish.reason)
      news = await keepGateEvent(rows, editNews(value, by.name, now))
      return { kind: 'done', value }
    })
    if (answer.kind === 'done') await keeper.changed()
    if (news) events.emit(news)
    return answer
  }

  /**
   * Does what was approved, in the transaction of the last approval; refused when the freeze is another one by now.
   *
   * @param by Whoever approved last.
   * @returns What is to be emitted once it is so.
   */
  async applyApproved(rows: StoreWriter, request: OverrideRow, by: string, now: EpochMs): Promise<GateEvent | Refusal> {
    const edit = request.edit!
    const row = (await rows.freezes()).find(({ id }) => id === edit.freeze)
    if (row === undefined || row.ended !== undefined || row.revision !== edit.revision) {
      return refused('GATE_CHANGED', `FreezePeriod "${edit.name}" is another one by now: ask anew.`)
    }
    const applied = await this.#apply(rows, row, edit.document, request.requestedBy, now, request.reason, request)
    return await keepGateEvent(rows, editNews(applied, by, now))
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
      ...{ at: now, actor: by, action: document === undefined ? 'freeze.end' : 'freeze.edit' },
      subject: `FreezePeriod/${row.name}`,
      detail: { reason, revision: next.revision, ...(request && { request: request.id, approvals: approvals! }) },
      before: row.document,
      ...(document !== undefined && { after: document }),
      policyVersion: this.#services.keeper.now().version,
    })
    return next
  }

  /** An edit that makes an active freeze hold less is break-glass: others have to approve it first. */
  async #ask(
    rows: StoreWriter,
    asked: {
      readonly row: MadeGateRow
      readonly before: FreezeRule
      readonly wish: FreezeEditWish
      readonly because: readonly string[]
      readonly by: Actor
      readonly now: EpochMs
    },
    document: JsonObject | undefined,
  ): Promise<EditAnswer<MadeGateRow>> {
    const { row, before, wish, because, by, now } = asked
    const { effect, id } = compileFreeze(before, undefined)
    const breakGlass = effect.kind === 'freeze' ? effect.breakGlass : undefined
    if (breakGlass?.allowed !== true) {
      const what = `${because.join('; ')}: that is break-glass, and this freeze allows none. It ends by itself.`
      return refused('FREEZE_LOCKED', what)
    }
    const pattern = before.breakGlass?.ticketPattern
    const mistakes = [
      ...(wish.reason.trim() === ''
        ? [{ path: ['reason'], message: 'must not be empty: whoever approves reads it' }]
        : []),
      ...(pattern !== undefined && !namesTicket(pattern, wish.reason)
        ? [{ path: ['reason'], message: `wants a ticket: a word that matches ${pattern}` }]
        : []),
    ]
    if (mistakes.length > 0) {
      return refused('OVERRIDE_REFUSED', `It holds now, so this is break-glass: ${because.join('; ')}.`, mistakes)
    }
    const request: OverrideRow = {
      id: uuidV7(now, this.#services.random.bytes(10)),
      ...{ scope: before.scope, covers: ['freeze'], actions: ['edit-spec'], from: now, until: now + EDIT_WAITS_MS },
      ...{ maxUses: 1, reason: wish.reason, requestedBy: by.name, requestedAt: now },
      ...(by.madeBy !== undefined && { requesterMadeBy: by.madeBy }),
      approvalsNeeded: Math.max(1, breakGlass.approvals),
      rules: [
        { name: before.name, id, kind: 'FreezePeriod', ...(before.owner !== undefined && { owner: before.owner }) },
      ],
      ...{ approvals: [], useCount: 0, uses: [] },
      edit: { freeze: row.id, name: row.name, revision: row.revision, ...(document !== undefined && { document }) },
    }
    await rows.putOverride(request)
    await rows.appendAudit({
      ...{ at: now, actor: by.name, action: 'freeze.request-edit', subject: `FreezePeriod/${row.name}` },
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
  ): { readonly kind: 'read'; readonly document: JsonObject; readonly rule: FreezeRule } | Refusal {
    const document = mergePatch(row.document, patch) as JsonObject
    const read = readGateDocument(document)
    if (read.kind !== 'freeze') return invalid(read)
    if (read.name !== row.name) {
      const mistake = { path: ['metadata', 'name'], message: 'cannot change: make another freeze' }
      return refused('GATE_INVALID', 'The freeze cannot be changed so.', [mistake])
    }
    return { kind: 'read', document: read.document, rule: read.rule }
  }

  #declared(name: string): Refusal | undefined {
    const found = this.#services.fleet().freezePeriods?.find(freeze => freeze.name === name)
    if (found === undefined) return undefined
    const { file, line } = found.position
    return refused(
      'GATE_FROM_GIT',
      `FreezePeriod "${name}" is declared in ${found.source}, ${file}:${line}: change it there.`,
    )
  }
}

function invalid(read: ReturnType<typeof readGateDocument>): Refusal {
  const mistakes = read.kind === 'mistakes' ? read.mistakes : [{ path: ['kind'], message: 'is not FreezePeriod' }]
  return refused('GATE_INVALID', 'This is no FreezePeriod that could be in force.', mistakes)
}

async function standingFreeze(rows: StoreWriter, name: string): Promise<MadeGateRow | undefined> {
  return (await rows.freezes()).find(row => row.name === name && row.ended === undefined)
}

async function endedBefore(rows: StoreWriter, name: string): Promise<EditAnswer<never>> {
  const ended = (await rows.freezes()).findLast(row => row.name === name)?.ended
  return ended === undefined ? UNKNOWN : refused('GATE_ENDED', `${ended.by} has ended it at ${isoTime(ended.at)}.`)
}

/** RFC 7396: members of the patch replace those of the target, null takes one out. */
function mergePatch(target: Json | undefined, patch: Json): Json {
  if (!isJsonObject(patch)) return patch
  const result: Record<string, Json> = Object.create(null) as Record<string, Json>
  for (const [key, value] of Object.entries(isJsonObject(target) ? target : {}))
    if (value !== undefined) result[key] = value
  for (const [key, value] of Object.entries(patch)) {
    if (value === undefined) continue
    if (value === null) delete result[key]
    else result[key] = mergePatch(result[key], value)
  }
  return { ...result }
}

function editNews({ name, ended }: MadeGateRow, by: string, at: EpochMs): GateEvent {
  const message = ended === undefined ? `${by} changed it` : `${by} ended it: ${ended.reason}`
  return {
    kind: ended === undefined ? 'freeze.edited' : 'freeze.ended',
    subject: `FreezePeriod/${name}`,
    at,
    by,
    message,
  }
}

function wishNews(
  { request, because }: { readonly request: OverrideRow; readonly because: readonly string[] },
  by: string,
  at: EpochMs,
  reason: string,
): GateEvent {
  const message = `${by} wants to change an active freeze: ${because.join('; ')}: ${reason}`
  const owners = request.rules.flatMap(({ owner }) => owner ?? [])
  return { kind: 'override.requested', subject: `Override/${request.id}`, at, by, message, owners }
}
