import { strict as assert } from 'node:assert'
import { timeOfUuid, uuidV7 } from '@flotilla/core/identity/uuid'
import { canonicalJson, type Digest, sha256 } from '@flotilla/core/json/canonical-json'
import { isJsonObject, type JsonObject } from '@flotilla/core/json/json'
import type { Clock } from '@flotilla/core/ports/clock'
import type { Random } from '@flotilla/core/ports/random'
import type { ClusterRow, DocumentRow, StoreReader, StoreWriter } from '@flotilla/core/ports/store'
import {
  type CalendarPayload,
  compareNumbers,
  type DocumentNumber,
  type GrantPayload,
  type NumberedDocument,
  type OfferPayload,
  type TombstonePayload,
} from '@flotilla/core/protocol/documents'
import { readJws } from '@flotilla/core/protocol/jws'
import { applicationLine, CALENDAR_LINE } from '@flotilla/core/protocol/take-document'
import type { EpochMs } from '@flotilla/core/time/epoch-ms'
import { rulesVersion } from '../gates/rules-version.ts'
import type { HubKeys } from './hub-keys.ts'

/** What the caller decides; number, cluster, admission and time are added here. */
type Content<P extends NumberedDocument> = Omit<P, 'typ' | 'cluster' | 'adm' | 'iat' | 'must' | 'number' | 'cal'>
export type OfferContent = Content<OfferPayload>
export type TombstoneContent = Content<TombstonePayload>
export interface CalendarContent {
  readonly intervals: CalendarPayload['intervals']
  readonly groups?: CalendarPayload['groups']
  readonly void: CalendarPayload['void']
  /** When it begins; now without it. */
  readonly from?: EpochMs
  /** How far it reaches, milliseconds; it is issued again when half of that has passed. */
  readonly horizonMs: number
  /** It is issued whatever is current: that was compared already, over the time that it reaches. */
  readonly renew?: true
}

/** `unchanged`: what is current already means the same, and nothing was written. */
export interface Issued {
  readonly kind: 'issued' | 'unchanged'
  readonly number: DocumentNumber
}

/** No number was ever given out below this. */
const NO_NUMBER: DocumentNumber = { epoch: 0, n: 0 }
const DEFAULT_START_WITHIN_MS = 15 * 60_000

/**
 * Makes the current document of an Application an Offer with this content. To be called inside the transaction that
 * decided it: the number is taken there, and nothing of it may leave before the commit.
 */
export async function issueOffer(
  writer: StoreWriter,
  keys: HubKeys,
  clock: Clock,
  clusterId: string,
  content: OfferContent,
): Promise<Issued> {
  const cluster = await clusterOf(writer, clusterId)
  const cal = (await currentNumber(writer, clusterId, CALENDAR_LINE)) ?? NO_NUMBER
  const payload = { typ: 'offer', ...content } as const
  // Who does not know it would prune what is to stay.
  const careful = content.options.pruneDefault === undefined ? [] : ['options.pruneDefault']
  return await issue(writer, keys, clock, cluster, payload, { cal, must: ['options', 'ceiling', ...careful] })
}

/** Makes the current document of an Application a Tombstone. */
export async function issueTombstone(
  writer: StoreWriter,
  keys: HubKeys,
  clock: Clock,
  clusterId: string,
  content: TombstoneContent,
): Promise<Issued> {
  const cluster = await clusterOf(writer, clusterId)
  // Who does not know these would delete what is to stay, or with rights that nobody gave.
  const careful = (['deletion', 'confirms', 'serviceAccount'] as const).filter(field => content[field] !== undefined)
  const must = ['policy', ...careful]
  return await issue(writer, keys, clock, cluster, { typ: 'tombstone', ...content }, { must })
}

/**
 * Makes a cluster's calendar; the same intervals are issued again only when half of the horizon has passed.
 *
 * @param cluster Its id, or its row as it was read in this transaction.
 */
export async function issueCalendar(
  writer: StoreWriter,
  keys: HubKeys,
  clock: Clock,
  cluster: string | ClusterRow,
  content: CalendarContent,
): Promise<Issued> {
  const row = typeof cluster === 'string' ? await clusterOf(writer, cluster) : cluster
  const now = Math.floor(clock.now())
  const { from = now, horizonMs, renew: wanted, ...meaning } = content
  const window = { from, until: from + horizonMs, must: calendarMust(content) }
  const renew = wanted ?? (await currentEnd(writer, row.id)) - now < horizonMs / 2
  return await issue(writer, keys, clock, row, { typ: 'calendar', ...meaning }, window, renew)
}

/** Whether a calendar that was issued says this, whatever time it is for. */
export function saysCalendar(
  document: DocumentRow,
  admission: number,
  content: Pick<CalendarContent, 'intervals' | 'groups' | 'void'>,
): boolean {
  return document.meaning === hashOf({ typ: 'calendar', ...content }, admission)
}

/** Whoever does not understand how Applications are named, or that a rule comes again, must not take it for open. */
function calendarMust({ intervals, groups = {} }: CalendarContent): readonly string[] {
  const grouped = Object.keys(groups).length > 0 ? ['groups', 'intervals.groups'] : []
  const recurs = intervals.some(({ again }) => again !== undefined) ? ['intervals.again'] : []
  return ['intervals', 'void', ...grouped, ...recurs]
}

export interface GrantContent {
  readonly applicationId: string
  readonly trigger: GrantPayload['trigger']
  readonly by: string
  readonly options: GrantPayload['options']
  /** Default: fifteen minutes from now. */
  readonly startBefore?: EpochMs
  readonly passes: GrantPayload['passes']
  /** The calendar that the decision was made with; another one now makes it `stale`. */
  readonly decidedWith?: DocumentNumber
  /** The version of the rules that it was decided on; another one now makes it `stale`, too. */
  readonly rulesVersion?: number
}

export type GrantIssued =
  | { readonly kind: 'issued'; readonly grant: GrantPayload }
  /** The rules changed since it was decided: decide again. */
  | { readonly kind: 'stale' }
  /** Nothing is offered there. */
  | { readonly kind: 'nothing-offered' }
  /** Two agents speak for the cluster. */
  | { readonly kind: 'cloned' }

/** Stores an open Grant for the current document of an Application, in the transaction that decided it. */
export async function issueGrant(
  writer: StoreWriter,
  keys: HubKeys,
  clock: Clock,
  random: Random,
  clusterId: string,
  content: GrantContent,
): Promise<GrantIssued> {
  const cluster = await clusterOf(writer, clusterId)
  const document = await currentNumber(writer, clusterId, applicationLine(content.applicationId))
  if (document?.epoch !== cluster.epoch) return { kind: 'nothing-offered' }
  if (cluster.cloned) return { kind: 'cloned' }
  const cal = (await currentNumber(writer, clusterId, CALENDAR_LINE)) ?? NO_NUMBER
  if (content.decidedWith && compareNumbers(content.decidedWith, cal) !== 0) return { kind: 'stale' }
  if (content.rulesVersion !== undefined && content.rulesVersion !== (await rulesVersion(writer))) {
    return { kind: 'stale' }
  }
  const now = Math.floor(clock.now())
  const iat = Math.max(now, 1 + (await newestGrantAt(writer, clusterId, content.applicationId, now)))
  const grant: GrantPayload = {
    typ: 'grant',
    cluster: cluster.id,
    adm: cluster.admission,
    iat,
    must: ['startBefore', 'passes', 'options', ...choicesMust(content.options)],
    id: uuidV7(iat, random.bytes(10)),
    application: content.applicationId,
    document,
    cal,
    trigger: content.trigger,
    by: content.by,
    options: content.options,
    startBefore: content.startBefore ?? now + DEFAULT_START_WITHIN_MS,
    passes: content.passes,
  }
  await writer.putGrant({
    id: grant.id,
    clusterId,
    applicationId: content.applicationId,
    payload: grant,
    jws: keys.sign('grant', grant),
    state: 'open',
    createdAt: now,
  })
  return { kind: 'issued', grant }
}

/** Who does not know these would do something else than was asked for. */
function choicesMust(options: GrantPayload['options']): readonly string[] {
  return (['skipHooks', 'force'] as const).filter(choice => options[choice]).map(choice => `options.${choice}`)
}

/** Operations are looked at from the newest that was heard of; a late one is not further down than this. */
const RECENT_OPERATIONS = 20
/** The first id of a millisecond. */
const NO_CHANCE = new Uint8Array(10)

/**
 * When the newest Grant of an Application was given, as its id says, if that is later than now. Operations count in this
 * order, at the hub and at agents: a hub whose clock was set back would otherwise take an older end for the newest, and
 * agents heal to it. A Grant that was taken back counts, too: its agent may have begun it before it heard of that.
 */
async function newestGrantAt(
  reader: StoreReader,
  clusterId: string,
  applicationId: string,
  now: EpochMs,
): Promise<EpochMs> {
  const later = await reader.grantsAfter(clusterId, uuidV7(now, NO_CHANCE))
  const given = later.filter(grant => grant.applicationId === applicationId)
  // A store that was restored has not the Grants that came after its backup; agents report what they did with them.
  const heard = await reader.operations(applicationId, { limit: RECENT_OPERATIONS })
  const granted = heard.filter(({ operation }) => operation.trigger !== 'heal')
  return Math.max(0, ...[...given, ...granted].map(({ id }) => timeOfUuid(id) ?? 0))
}

type Meaning = { readonly typ: NumberedDocument['typ'] } & object

async function issue(
  writer: StoreWriter,
  keys: HubKeys,
  clock: Clock,
  cluster: ClusterRow,
  meaning: Meaning,
  rest: object,
  renew = false,
): Promise<Issued> {
  const { application, digest } = meaning as Partial<OfferPayload>
  const key = application ? applicationLine(application.id) : CALENDAR_LINE
  const hash = hashOf(meaning, cluster.admission)
  // A freeze of the fleet renews a thousand calendars in one transaction: nothing is read that decides nothing.
  const current = renew ? undefined : await writer.document(cluster.id, key)
  // What an earlier epoch said is void, and is said again (protocol.md 5.7).
  const stands = current?.number.epoch === cluster.epoch
  if (stands && current.meaning === hash) return { kind: 'unchanged', number: current.number }
  const number = await writer.nextNumber(cluster.id)
  const issuedAt = Math.floor(clock.now())
  const payload = { ...meaning, ...rest, number, cluster: cluster.id, adm: cluster.admission, iat: issuedAt }
  await writer.putDocument({
    clusterId: cluster.id,
    key,
    typ: meaning.typ,
    number,
    ...(application && { applicationId: application.id }),
    ...(digest && { digest }),
    meaning: hash,
    jws: keys.sign(meaning.typ, payload),
    issuedAt,
  })
  return { kind: 'issued', number }
}

/** Number, time and calendar are left out: a newer calendar alone re-signs no Offer. */
function hashOf(meaning: Meaning, admission: number): Digest {
  return sha256(canonicalJson({ ...meaning, adm: admission } as unknown as JsonObject))
}

async function clusterOf(reader: StoreReader, clusterId: string): Promise<ClusterRow> {
  const cluster = await reader.cluster(clusterId)
  assert(cluster !== undefined, `documents are issued for known clusters, and ${clusterId} is none`)
  return cluster
}

async function currentNumber(reader: StoreReader, clusterId: string, key: string): Promise<DocumentNumber | undefined> {
  return (await reader.document(clusterId, key))?.number
}

/** When the cluster's calendar ends; it was signed here, so its signature is not asked again. */
async function currentEnd(reader: StoreReader, clusterId: string): Promise<EpochMs> {
  const current = await reader.document(clusterId, CALENDAR_LINE)
  if (current === undefined) return 0
  const read = readJws(current.jws)
  const until = read.kind === 'unverified' && isJsonObject(read.payload) ? read.payload['until'] : undefined
  return typeof until === 'number' ? until : 0
}
