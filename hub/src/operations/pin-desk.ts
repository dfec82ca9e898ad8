import { uuidV7 } from '@flotilla/core/identity/uuid'
import type { JsonObject } from '@flotilla/core/json/json'
import type { Pin } from '@flotilla/core/model/pin'
import type { Clock } from '@flotilla/core/ports/clock'
import type { Random } from '@flotilla/core/ports/random'
import type { ApplicationRow, OperationRow, Store, StoreWriter } from '@flotilla/core/ports/store'
import { type EpochMs, isoTime } from '@flotilla/core/time/epoch-ms'
import { withoutCredentials } from '@flotilla/core/view/shown-url'
import type { Interventions, LayOver } from '../loop/intervene.ts'
import { HubBehind } from '../recovery/hub-behind.ts'
import { auditIntervention } from './audit-intervention.ts'
import { findHistory, findPrevious, wasWhole } from './find-history.ts'
import type { Asker, DeskAnswer, DeskRefusal, OperationDesk, SyncWish } from './operation-desk.ts'

/** What an Application is to be held to: one of its operations by id, a revision of its source, or what it is now. */
export type PinTarget =
  | { readonly kind: 'operation'; readonly id: string }
  | { readonly kind: 'revision'; readonly revision: string }
  | { readonly kind: 'now' }
  /** What was in force before what is wanted now. */
  | { readonly kind: 'previous' }

export interface PinWish extends Asker {
  readonly target: PinTarget
  /** Ends by itself then. */
  readonly until?: EpochMs
}

export interface RollbackWish extends PinWish {
  /** Deletes what it did not have then. */
  readonly prune: boolean
}

export interface PinDeskServices {
  readonly store: Store
  readonly clock: Clock
  readonly random: Random
  readonly desk: OperationDesk
  readonly interventions: Pick<Interventions, 'set' | 'commitOf'>
}

/** What people may ask of it. */
export type PinActs = Pick<PinDesk, 'rollback' | 'planRollback' | 'pin' | 'unpin' | 'syncRevision'>

export type PinAnswer = DeskAnswer | { readonly kind: 'done' }

/** What a rollback would be, asked for at this moment. */
export interface RollbackPlan {
  readonly kind: 'planned'
  /** The Application as it would be held: its Bundle is there, and nothing of the rest is stored. */
  readonly row: ApplicationRow
  /** What was asked for would be answered so: a gate that is closed, an operation that runs. */
  readonly answer: PinAnswer
}

/**
 * What people hold Applications to. A pin, what is offered by it and the Grant to sync it are one transaction: a gate
 * that is closed, a Project that does not permit it any more, an operation that runs leave nothing behind.
 */
export class PinDesk {
  readonly #services: PinDeskServices

  constructor(services: PinDeskServices) {
    this.#services = services
  }

  /** Puts back what was in force before, runs no hooks, and holds it there until it is unpinned. */
  async rollback(name: string, wish: RollbackWish): Promise<PinAnswer> {
    return await this.#hold(name, 'rollback', wish, rollbackSync(wish))
  }

  /** What {@link rollback} would come to now; nothing is stored but the Bundle, which its content names. */
  async planRollback(name: string, wish: RollbackWish): Promise<RollbackPlan | Refused> {
    let planned: RollbackPlan | undefined
    const answer = await this.#hold(name, 'rollback', wish, rollbackSync(wish), (row, would) => {
      planned = { kind: 'planned', row, answer: would }
      return refused('HELD', 'it was only looked at')
    })
    return planned ?? (answer.kind === 'refused' ? answer : refused('NO_TARGET', 'there is nothing to go back to'))
  }

  /** Syncs another revision of the source than Git says now, and holds it there until it is unpinned. */
  async syncRevision(name: string, revision: string, wish: SyncWish): Promise<PinAnswer> {
    if (wish.dryRun || wish.resources.length > 0) {
      return refused('NO_TARGET', 'another revision is synced as a whole: pin it first for a dry run or a part')
    }
    const { by, reason } = wish
    return await this.#hold(name, 'sync', { by, reason, target: { kind: 'revision', revision } }, wish)
  }

  /** Holds it to a revision, and starts nothing. */
  async pin(name: string, wish: PinWish): Promise<PinAnswer> {
    return await this.#hold(name, 'pin', wish, undefined)
  }

  /** What Git says is wanted again; an automated sync follows by itself. */
  async unpin(name: string, asker: Asker): Promise<PinAnswer> {
    const row = await this.#services.store.read(rows => rows.applicationByName(name))
    if (!row) return unknown(name)
    if (!row.pin) return refused('IDLE', `${name} is not pinned`)
    const { pin } = row
    return await this.#set(row, undefined, async writer => {
      const detail = { pin: pin.id, revision: pin.revision }
      const at = this.#services.clock.now()
      await auditIntervention(writer, row, at, 'application.unpin', asker, detail, { before: pin })
      return { kind: 'done' }
    })
  }

  /** @param seen Is shown what would be stored, at the end of the transaction; its refusal undoes that. */
  async #hold(
    name: string,
    origin: Pin['origin'],
    wish: PinWish,
    sync: SyncWish | undefined,
    seen: (row: ApplicationRow, answer: PinAnswer) => PinAnswer = (_, answer) => answer,
  ): Promise<PinAnswer> {
    const { store, desk, clock } = this.#services
    const row = await store.read(rows => rows.applicationByName(name))
    if (!row) return unknown(name)
    if (row.state !== 'active') return refused('HELD', `${name} is ${row.state}`)
    if (wish.until !== undefined && wish.until <= clock.now())
      return refused('NO_TARGET', 'it would have ended already')
    const target = await this.#targetOf(row, wish.target)
    if (target.kind === 'refused') return target
    const pin = this.#pin(origin, wish, target.what)
    return await this.#set(row, pin, async writer => {
      const now = await writer.application(row.id)
      // What cannot be released is not held to: it would be offered later, when nobody looks.
      const blocked =
        sync === undefined && pin.digest === undefined && now?.digest === undefined ? now?.hold : undefined
      const unavailable = now?.hold?.code === 'PIN_UNAVAILABLE' ? now.hold : blocked
      if (unavailable) return seen(now ?? row, refused('HELD', unavailable.reason))
      const until = pin.until === undefined ? {} : { until: isoTime(pin.until) }
      const detail = { pin: pin.id, revision: pin.revision, digest: now?.pin?.digest ?? pin.digest ?? '', ...until }
      await auditIntervention(
        writer,
        row,
        this.#services.clock.now(),
        `application.${origin === 'sync' ? 'pin' : origin}`,
        wish,
        detail,
        { before: row.pin, after: now?.pin ?? pin },
      )
      return seen(now ?? row, sync ? await desk.syncWithin(writer, name, sync) : { kind: 'done' })
    })
  }

  #pin(origin: Pin['origin'], { by, reason, until }: PinWish, what: Pick<Pin, 'revision'> & Partial<Pin>): Pin {
    const { clock, random } = this.#services
    const at = Math.floor(clock.now())
    const id = uuidV7(at, random.bytes(10))
    return { id, origin, by, at, reason, ...(until !== undefined && { until: Math.floor(until) }), ...what }
  }

  async #targetOf(row: ApplicationRow, target: PinTarget): Promise<Target> {
    const { store, interventions } = this.#services
    if (target.kind === 'now') {
      const { digest, revision, pin } = row
      if (digest === undefined || revision === undefined) return refused('NO_TARGET', `${row.name} has no revision yet`)
      const source = pin?.source ?? sourceOf(row)
      return { kind: 'found', what: { revision, digest, ...(source && { source }) } }
    }
    if (target.kind === 'revision') {
      const commit = await interventions.commitOf(row.id, target.revision)
      if (commit === undefined) {
        return refused('NO_TARGET', `the source of ${row.name} has no revision "${target.revision}"`)
      }
      const source = sourceOf(row)
      const asked = target.revision === commit ? {} : { asked: target.revision }
      return { kind: 'found', what: { revision: commit, ...asked, ...(source && { source }) } }
    }
    const found = await store.read(async rows =>
      target.kind === 'operation'
        ? await findHistory(rows, row.id, ({ id }) => id === target.id)
        : await findPrevious(rows, row.id, row.digest),
    )
    if (!found) {
      const what = target.kind === 'operation' ? `no operation ${target.id}` : 'nothing before it that succeeded'
      return refused('NO_TARGET', `${row.name} has ${what}`)
    }
    if (!(await store.read(rows => wasWhole(rows, found)))) {
      return refused('NO_TARGET', `operation ${found.id} did not put the whole of its revision in force`)
    }
    return { kind: 'found', what: targetOfHistory(found) }
  }

  async #set(
    row: ApplicationRow,
    pin: Pin | undefined,
    work: (writer: StoreWriter) => Promise<PinAnswer>,
  ): Promise<PinAnswer> {
    try {
      return await this.#services.interventions.set(row.id, withPin(pin), async writer => {
        const done = await work(writer)
        if (done.kind === 'refused') throw new Undone(done)
        return done
      })
    } catch (error) {
      if (error instanceof Undone) return error.answer
      if (error instanceof HubBehind) return refused('HELD', error.message)
      throw error
    }
  }
}

function rollbackSync({ by, reason, prune }: RollbackWish): SyncWish {
  return { by, reason, prune, dryRun: false, resources: [], skipHooks: true }
}

function withPin(pin: Pin | undefined): LayOver {
  return ({ pin: _, ...unpinned }) => (pin ? { ...unpinned, pin } : unpinned)
}

type Refused = Extract<DeskAnswer, { kind: 'refused' }>
type Target = { readonly kind: 'found'; readonly what: Pick<Pin, 'revision' | 'digest' | 'source' | 'asked'> } | Refused

function targetOfHistory({ operation, source }: OperationRow): Pick<Pin, 'revision' | 'digest' | 'source'> {
  const { revision, digest } = operation
  return { revision, digest, ...(source && { source }) }
}

/** The one source as the document has it; what has several is rendered by its Bundle alone. */
function sourceOf({ document }: ApplicationRow): JsonObject | undefined {
  const spec = document['spec'] as JsonObject | undefined
  const sources = spec?.['sources'] as readonly JsonObject[] | undefined
  return (spec?.['source'] as JsonObject | undefined) ?? (sources?.length === 1 ? sources[0] : undefined)
}

/** Thrown to have a transaction leave nothing behind. */
class Undone extends Error {
  readonly answer: Refused
  constructor(answer: Refused) {
    super('nothing is to be stored')
    this.answer = answer
  }
}

function refused(code: DeskRefusal, message: string): Refused {
  return { kind: 'refused', code, message }
}

function unknown(name: string): Refused {
  return refused('UNKNOWN', `there is no Application "${name}"`)
}

/** What a source looks like to people. */
export function shownSource(source: JsonObject): JsonObject {
  const url = source['repoURL']
  return typeof url === 'string' ? { ...source, repoURL: withoutCredentials(url) } : source
}
