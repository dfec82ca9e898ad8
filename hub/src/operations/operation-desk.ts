import { verbsOf } from '@flotilla/core/command/object-action'
import type { RetryPolicy } from '@flotilla/core/decide/retry-delay'
import type { GateAction } from '@flotilla/core/gates/rules'
import type { Digest } from '@flotilla/core/json/canonical-json'
import type { JsonObject } from '@flotilla/core/json/json'
import type { Hold } from '@flotilla/core/model/hold'
import { type ObjectKey, objectKeyText } from '@flotilla/core/model/kubernetes-object'
import type { Clock } from '@flotilla/core/ports/clock'
import type { Random } from '@flotilla/core/ports/random'
import type { ApplicationRow, ClusterRow, GrantRow, Store, StoreWriter } from '@flotilla/core/ports/store'
import type { CommandAction, GrantOptions, GrantPayload, GrantTrigger } from '@flotilla/core/protocol/documents'
import { applicationLine } from '@flotilla/core/protocol/take-document'
import type { EpochMs } from '@flotilla/core/time/epoch-ms'
import { rulesVersion } from '../gates/rules-version.ts'
import type { HubKeys } from '../gateway/hub-keys.ts'
import { issueCommand } from '../gateway/issue-command.ts'
import { issueGrant } from '../gateway/issue-documents.ts'
import { voidGrant } from '../gateway/void-grant.ts'
import { cloneHold } from '../loop/clone-hold.ts'
import { HubBehind } from '../recovery/hub-behind.ts'

/** Who asks, and why; both go into the audit log. */
export interface Asker {
  readonly by: string
  readonly reason: string
}

export interface SyncWish extends Asker {
  readonly dryRun: boolean
  readonly prune: boolean
  /** Only these objects; empty: all. */
  readonly resources: readonly ObjectKey[]
  /** The prunes that were shown: others wait on. */
  readonly confirms?: Digest
  /** How often it is tried again when it fails; absent: as the Application says, or not at all. */
  readonly retry?: RetryPolicy
  /** An object that refuses a change for good is deleted and made again. */
  readonly force?: true
  /** No hooks are run. */
  readonly skipHooks?: true
}

export type DeskRefusal =
  /** There is no such Application. */
  | 'UNKNOWN'
  /** It is held, withdrawn, or nothing is offered: the message says what holds it. */
  | 'HELD'
  /** Another operation is under way, or permitted. */
  | 'BUSY'
  /** There is nothing to end. */
  | 'IDLE'
  /** A soft freeze is passed by hand: the asker has to say why. */
  | 'REASON_REQUIRED'
  /** No agent could be told. */
  | 'NO_AGENT'
  | 'TOO_MANY'
  /** There is nothing to hold it to: the message says why. */
  | 'NO_TARGET'
  /** That kind of object has no such verb. */
  | 'VERB'

export type DeskAnswer =
  /** It is on its way; `id` is what to follow. */
  | { readonly kind: 'accepted'; readonly id: string }
  /** It had not begun, and will not. */
  | { readonly kind: 'cancelled'; readonly id: string }
  | { readonly kind: 'refused'; readonly code: DeskRefusal; readonly message: string }

/** What a person asks the gates for. */
export interface GateWish {
  /** All of them: a sync that removes what is no longer wanted is `sync` and `prune`. */
  readonly actions: readonly GateAction[]
  readonly dryRun: boolean
  readonly by: string
  readonly reason: string
}

/** What gates say to what a person asks for; asked in the transaction that stores its Grant or command. */
export type GateForPeople = (
  writer: StoreWriter,
  row: ApplicationRow,
  wish: GateWish,
) => Promise<
  | {
      readonly kind: 'open'
      readonly trigger: GrantTrigger
      readonly passes: GrantPayload['passes']
      /** The version of the rules that said so. */
      readonly rulesVersion?: number
      /** Counts what this start uses up, in the same transaction; false: it is used up, and nothing must start. */
      readonly use?: (start: { readonly id: string; readonly iat: EpochMs }) => Promise<boolean>
    }
  | { readonly kind: 'closed'; readonly hold: Hold }
  /** It is open, once somebody has said why it has to be now. */
  | { readonly kind: 'reason-required'; readonly message: string }
>

export interface DeskServices {
  readonly store: Store
  readonly keys: HubKeys
  readonly clock: Clock
  readonly random: Random
  /** Without it every gate is open. */
  readonly gate?: GateForPeople
  /** Documents, Grants or commands for these clusters are new. */
  readonly told: (clusterIds: readonly string[]) => void
  /** These Applications are to be looked at, and shown, again. */
  readonly changed: (applicationIds: readonly string[]) => void
}

/** What else is written in the transaction that does it; not called for what is refused. */
export type Within<Answer> = (writer: StoreWriter, answer: Exclude<Answer, { kind: 'refused' }>) => Promise<void>

/** A Grant that a person asked for may be used for so long. */
const START_WITHIN_MS = 15 * 60_000
/** Holds that stop the hub from syncing by itself, and nobody else. */
const NOT_FOR_PEOPLE: ReadonlySet<string> = new Set(['SYNC_NOT_AUTOMATED'])
/** Commands that change nothing of what is deployed, and the one that ends an operation. */
const UNGATED: ReadonlySet<CommandAction['verb']> = new Set(['inspect', 'logs', 'events', 'children', 'terminate'])
/** What gates hold up is decided anew, for the person's own trigger. */
const OF_GATES: ReadonlySet<string> = new Set(['FROZEN', 'WINDOW_CLOSED', 'GATE_INDETERMINATE'])

/**
 * What people do to Applications by hand: each is one transaction that looks, decides, stores the Grant or the command
 * with its entry in the audit log, and only then is sent.
 */
export class OperationDesk {
  readonly #services: DeskServices

  constructor(services: DeskServices) {
    this.#services = services
  }

  /** Permits one sync of what is offered now. */
  async sync(name: string, wish: SyncWish, within?: Within<DeskAnswer>): Promise<DeskAnswer> {
    return await this.#act(name, (writer, { row, cluster }) => this.#sync(writer, row, cluster, wish), within)
  }

  /** {@link sync} as a part of a greater transaction, whose owner undoes it all when this is refused, and tells. */
  async syncWithin(writer: StoreWriter, name: string, wish: SyncWish): Promise<DeskAnswer> {
    const found = await find(writer, name)
    return found.kind === 'refused' ? found : await this.#sync(writer, found.row, found.cluster, wish)
  }

  /** What {@link sync} would answer now; nothing is stored. */
  async wouldSync(name: string, wish: SyncWish): Promise<DeskAnswer> {
    return await this.#plan(name, async (writer, { row, cluster }) => await this.#sync(writer, row, cluster, wish))
  }

  /** Ends the operation of an Application: takes the permission back, or tells the agent to stop. */
  async terminate(name: string, asker: Asker, within?: Within<DeskAnswer>): Promise<DeskAnswer> {
    return await this.#act(name, (writer, found) => this.#terminate(writer, found, asker), within)
  }

  /** What {@link terminate} would answer now; nothing is stored. */
  async wouldTerminate(name: string, asker: Asker): Promise<DeskAnswer> {
    return await this.#plan(name, async (writer, found) => await this.#terminate(writer, found, asker))
  }

  /**
   * Has the agent do something to one object, or look at it.
   *
   * @param given Its id, where who asks waits for what comes under it, and until when it may begin.
   */
  async command(
    name: string,
    action: Exclude<CommandAction, { readonly verb: 'terminate' }>,
    asker: Asker,
    given: { readonly id?: string; readonly expires?: EpochMs } = {},
  ): Promise<DeskAnswer> {
    return await this.#act(name, async (writer, { row, cluster }) => {
      const { verb } = action
      const looks = verb === 'inspect' || verb === 'logs' || verb === 'events' || verb === 'children'
      if (!looks && !verbsOf(action.object).includes(verb)) {
        const verbs = verbsOf(action.object).join(', ')
        return refused('VERB', `${objectKeyText(action.object)} cannot ${verb}; it can: ${verbs}`)
      }
      return await this.#command(writer, row, cluster, action, asker, given)
    })
  }

  async #terminate(writer: StoreWriter, { row, cluster }: Found, asker: Asker): Promise<DeskAnswer> {
    const { keys, clock } = this.#services
    const running = await runningOperation(writer, row, cluster)
    if (running !== undefined) {
      const action: CommandAction = { verb: 'terminate', operation: running }
      return await this.#command(writer, row, cluster, action, asker)
    }
    const [open] = await openGrants(writer, row, cluster, clock.now())
    if (!open) return refused('IDLE', `${row.name} has no operation that could be ended`)
    await voidGrant(writer, keys, clock, open, `cancelled by ${asker.by}`)
    await this.#audit(writer, row, 'application.terminate', asker, { grant: open.id })
    return { kind: 'cancelled', id: open.id }
  }

  /** Does the work in a transaction that leaves nothing behind. */
  async #plan(name: string, work: (writer: StoreWriter, found: Found) => Promise<DeskAnswer>): Promise<DeskAnswer> {
    return await this.#write(async writer => {
      const found = await find(writer, name)
      throw new Undone(found.kind === 'refused' ? found : await work(writer, found))
    })
  }

  /** One transaction, of which a refusal leaves nothing behind: not even what was taken back to make room. */
  async #write(work: (writer: StoreWriter) => Promise<DeskAnswer>): Promise<DeskAnswer> {
    try {
      return await this.#services.store.write(async writer => {
        const answer = await work(writer)
        if (answer.kind === 'refused') throw new Undone(answer)
        return answer
      })
    } catch (error) {
      if (error instanceof Undone) return error.answer
      if (error instanceof HubBehind) return refused('HELD', error.message)
      throw error
    }
  }

  async #sync(writer: StoreWriter, row: ApplicationRow, cluster: ClusterRow, wish: SyncWish): Promise<DeskAnswer> {
    const { keys, clock, random, gate } = this.#services
    const { hold } = row
    if (row.state !== 'active') return refused('HELD', `${row.name} is ${row.state}`)
    if (hold && !NOT_FOR_PEOPLE.has(hold.code) && !OF_GATES.has(hold.code)) return refused('HELD', hold.reason)
    const document = await writer.document(cluster.id, applicationLine(row.id))
    if (document?.typ !== 'offer') return refused('HELD', hold?.reason ?? `nothing of ${row.name} is offered yet`)
    const running = await runningOperation(writer, row, cluster)
    if (running !== undefined) return refused('BUSY', `operation ${running} is under way`)
    const now = clock.now()
    const startBefore = Math.floor(now + START_WITHIN_MS)
    const open = await openGrants(writer, row, cluster, now)
    const [byHand] = open.filter(({ payload }) => payload.trigger !== 'automated')
    if (byHand) return refused('BUSY', `operation ${byHand.id} is permitted and has not begun`)
    const { dryRun, by } = wish
    const actions: readonly GateAction[] = wish.prune ? ['sync', 'prune'] : ['sync']
    const opened = (await gate?.(writer, row, { actions, dryRun, by, reason: wish.reason })) ?? OPEN
    if (opened.kind === 'closed') return refused('HELD', opened.hold.reason)
    if (opened.kind === 'reason-required') return refused('REASON_REQUIRED', opened.message)
    // The hub's own, of the same document: this one takes its place.
    for (const automated of open) await voidGrant(writer, keys, clock, automated, `${by} syncs by hand`)
    const options: GrantOptions = {
      dryRun,
      prune: wish.prune,
      revision: row.revision ?? '',
      ...(wish.resources.length > 0 && { resources: wish.resources }),
      ...(wish.confirms !== undefined && { confirms: wish.confirms }),
      ...(wish.retry !== undefined && { retry: wish.retry }),
      ...(wish.force && { force: wish.force }),
      ...(wish.skipHooks && { skipHooks: wish.skipHooks }),
    }
    const { trigger, passes, rulesVersion } = opened
    const given = await issueGrant(writer, keys, clock, random, cluster.id, {
      applicationId: row.id,
      trigger,
      by,
      options,
      startBefore,
      passes,
      ...(rulesVersion !== undefined && { rulesVersion }),
    })
    if (given.kind === 'cloned')
      return refused('HELD', cloneHold(cluster)?.reason ?? 'two agents speak for its cluster')
    if (given.kind === 'nothing-offered') return refused('HELD', `nothing of ${row.name} is offered yet`)
    if (given.kind !== 'issued') return refused('BUSY', 'the rules changed at this moment; ask again')
    if (opened.use && !(await opened.use(given.grant))) {
      return refused('HELD', 'the override that opened the gates has just been used up')
    }
    const chosen = { dryRun, prune: wish.prune, ...(wish.force && { force: true }) }
    const detail = { grant: given.grant.id, digest: document.digest ?? '', ...chosen, trigger }
    const resources = wish.resources.map(objectKeyText)
    await this.#audit(writer, row, 'application.sync', wish, { ...detail, ...(resources.length > 0 && { resources }) })
    return { kind: 'accepted', id: given.grant.id }
  }

  async #command(
    writer: StoreWriter,
    row: ApplicationRow,
    cluster: ClusterRow,
    action: CommandAction,
    asker: Asker,
    given: { readonly id?: string; readonly expires?: EpochMs } = {},
  ): Promise<DeskAnswer> {
    const { keys, clock, random, gate } = this.#services
    const target = { cluster, applicationId: row.id }
    const wish: GateWish = { actions: ['actions'], dryRun: false, ...asker }
    // Looking changes nothing, and what runs may be ended whatever is closed.
    const opened = (UNGATED.has(action.verb) ? undefined : await gate?.(writer, row, wish)) ?? OPEN
    if (opened.kind === 'closed') return refused('HELD', opened.hold.reason)
    if (opened.kind === 'reason-required') return refused('REASON_REQUIRED', opened.message)
    if (opened.rulesVersion !== undefined && opened.rulesVersion !== (await rulesVersion(writer))) {
      return refused('BUSY', 'the rules changed at this moment; ask again')
    }
    const issued = await issueCommand(writer, keys, clock, random, target, { action, by: asker.by, ...given })
    if (issued.kind === 'too-many') return refused('TOO_MANY', `too many commands to ${row.name} wait for its agent`)
    if (opened.use && !(await opened.use({ id: issued.row.id, iat: Math.floor(clock.now()) }))) {
      return refused('HELD', 'the override that opened the gates has just been used up')
    }
    // Looking changes nothing, and is asked for often.
    if (action.verb !== 'inspect' && action.verb !== 'children') {
      const detail = { command: issued.row.id, ...(action as unknown as JsonObject) }
      await this.#audit(writer, row, `application.${action.verb}`, asker, detail)
    }
    return { kind: 'accepted', id: issued.row.id }
  }

  async #act(
    name: string,
    work: (writer: StoreWriter, found: Found) => Promise<DeskAnswer>,
    within?: Within<DeskAnswer>,
  ): Promise<DeskAnswer> {
    const { told, changed } = this.#services
    let found: Found | undefined
    const answer = await this.#write(async writer => {
      const target = await find(writer, name)
      if (target.kind === 'refused') return target
      found = target
      const decided = await work(writer, target)
      if (decided.kind !== 'refused') await within?.(writer, decided)
      return decided
    })
    if (found && answer.kind !== 'refused') {
      told([found.cluster.id])
      changed([found.row.id])
    }
    return answer
  }

  async #audit(
    writer: StoreWriter,
    row: ApplicationRow,
    action: string,
    { by, reason }: Asker,
    detail: JsonObject,
  ): Promise<void> {
    const subject = `Application/${row.name}`
    const at = this.#services.clock.now()
    const why = reason === '' ? {} : { reason }
    const place = { project: row.project, cluster: row.clusterName }
    await writer.appendAudit({ at, actor: by, action, subject, detail: { ...place, ...why, ...detail } })
  }
}

const OPEN: Awaited<ReturnType<GateForPeople>> = { kind: 'open', trigger: 'manual', passes: [] }

/** Thrown to have a transaction leave nothing behind. */
class Undone extends Error {
  readonly answer: DeskAnswer
  constructor(answer: DeskAnswer) {
    super('nothing is to be stored')
    this.answer = answer
  }
}

interface Found {
  readonly kind: 'found'
  readonly row: ApplicationRow
  readonly cluster: ClusterRow
}

async function find(writer: StoreWriter, name: string): Promise<Found | Extract<DeskAnswer, { kind: 'refused' }>> {
  const row = await writer.applicationByName(name)
  if (!row) return refused('UNKNOWN', `there is no Application "${name}"`)
  const cluster = row.clusterId === undefined ? undefined : await writer.cluster(row.clusterId)
  if (!cluster?.agentKey || cluster.revokedAt !== undefined) {
    return refused('NO_AGENT', row.hold?.reason ?? `no agent has joined as "${row.clusterName}"`)
  }
  return { kind: 'found', row, cluster }
}

/** The operation that the agent says is under way, or that a Grant says it has begun. */
async function runningOperation(
  writer: StoreWriter,
  row: ApplicationRow,
  cluster: ClusterRow,
): Promise<string | undefined> {
  const report = await writer.report(row.id)
  const told = report?.admission === cluster.admission ? report.entry.operation : undefined
  if (told && told.trigger !== 'heal' && told.finishedAt === undefined) return told.id
  const [latest] = await writer.operations(row.id, { limit: 1 })
  if (!latest || latest.id === told?.id || latest.operation.finishedAt !== undefined) return undefined
  // Begun since the agent last reported; what it does not speak of any more is over, whatever became of it.
  const grant = await writer.grant(latest.id)
  const since = report?.receivedAt ?? 0
  return grant?.payload.adm === cluster.admission && grant.createdAt >= since ? latest.id : undefined
}

/** Permissions that may still be used, oldest first. */
async function openGrants(
  writer: StoreWriter,
  row: ApplicationRow,
  cluster: ClusterRow,
  now: EpochMs,
): Promise<readonly GrantRow[]> {
  const open = await writer.openGrants(cluster.id)
  return open.filter(({ applicationId, payload }) => applicationId === row.id && payload.startBefore > now)
}

function refused(code: DeskRefusal, message: string): Extract<DeskAnswer, { kind: 'refused' }> {
  return { kind: 'refused', code, message }
}
