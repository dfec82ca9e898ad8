import { decodeOperation, isFinished, type OperationRecord } from '@flotilla/agents/operation-record'
import type { Digest } from '@flotilla/core/json/canonical-json'
import { equalJson, type Json } from '@flotilla/core/json/json'
import { type KubernetesObject, keyOf, objectKeyText } from '@flotilla/core/model/kubernetes-object'
import { trackedBy } from '@flotilla/core/plan/tracking'
import type { Clock } from '@flotilla/core/ports/clock'
import type { ClusterRequest } from '@flotilla/core/ports/cluster-transport'
import {
  type CalendarPayload,
  type ClosedInterval,
  compareNumbers,
  type GrantPayload,
  numberText,
  type OfferPayload,
  type TombstonePayload,
} from '@flotilla/core/protocol/documents'
import type { BundleContents } from './bundle-contents.ts'
import { NAMESPACE, placed } from './declared-fleet.ts'
import type { HubTime } from './hub-time.ts'

type Held = OfferPayload | TombstonePayload

/** What the agent that asks holds of an Application, and for how long. */
type HeldSince = (application: string) => { readonly document: Held | undefined; readonly heldForMs: number }

/** How far an agent's hub time may lag behind the hub's, and how long a request may be under way. */
const LAG_MS = 15_000
/** A wave that was permitted is written to its end: so long, with a slow API server that fails now and then. */
const WAVE_MS = 45_000

/**
 * Nothing starts that no Grant allowed, nor twice under one, nor while its calendar is closed; and what is written
 * between operations is what last succeeded. Watched where an agent reaches its API server.
 */
export class StartLaw {
  readonly #clock: Clock
  readonly #hubTime: HubTime
  readonly #contents: BundleContents
  readonly #breach: (sentence: string) => void
  readonly #given = new Map<string, GrantPayload>()
  /** By cluster: the records as the API server last took them. */
  readonly #records = new Map<string, Map<string, OperationRecord>>()
  readonly #calendars = new Map<string, { readonly calendar: CalendarPayload; readonly since: number }>()

  constructor(options: {
    readonly clock: Clock
    readonly contents: BundleContents
    readonly hubTime: HubTime
    readonly breach: (sentence: string) => void
  }) {
    this.#hubTime = options.hubTime
    this.#clock = options.clock
    this.#contents = options.contents
    this.#breach = options.breach
  }

  /** From now on there are two clusters with the same objects. */
  cloned(cluster: string, copy: string): void {
    this.#records.set(copy, new Map(this.#records.get(cluster)))
  }

  /** The hub has committed a Grant. */
  given(grant: GrantPayload): void {
    this.#given.set(grant.id, grant)
  }

  /** An agent's calendar may have changed. */
  calendar(cluster: string, calendar: CalendarPayload | undefined): void {
    const before = this.#calendars.get(cluster)
    if (!calendar || before?.calendar === calendar) return
    // A hub that has forgotten a cluster admits it under another id, whose numbers begin anew.
    const sameLine = before?.calendar.cluster === calendar.cluster
    if (before && sameLine && compareNumbers(calendar.number, before.calendar.number) < 0) {
      this.#breach(`${cluster} holds calendar ${numberText(calendar.number)} after a newer one`)
    }
    this.#calendars.set(cluster, { calendar, since: this.#clock.monotonicMs() })
  }

  /** An agent is about to write. */
  async asked(cluster: string, held: HeldSince, request: ClusterRequest, live?: KubernetesObject) {
    if (request.path.includes('dryRun=')) return
    const record = recordOf(request)
    if (record)
      return request.method === 'POST' ? this.#starts(cluster, held, record) : this.#continues(cluster, record)
    if (!request.path.includes(`/namespaces/${NAMESPACE}/`)) return
    const object = request.method === 'DELETE' ? live : writtenBy(request).object
    if (!object || object.metadata.namespace !== NAMESPACE) return
    const owner = trackedBy(object)
    if (owner !== undefined) await this.#writes(cluster, owner, object, request.method)
  }

  /** The API server has answered. */
  answered(cluster: string, request: ClusterRequest, status: number): void {
    const record = status < 300 ? recordOf(request) : undefined
    if (!record) return
    const records = this.#records.get(cluster) ?? new Map<string, OperationRecord>()
    this.#records.set(cluster, records.set(record.grant.id, record))
  }

  #starts(cluster: string, held: HeldSince, { grant, application, kind }: OperationRecord): void {
    const what = `${cluster} starts ${kind} of ${application.name} under Grant ${grant.id}`
    const now = this.#hubTime.earliest
    const given = this.#given.get(grant.id)
    if (!given || !equalJson(given as unknown as Json, grant as unknown as Json)) {
      this.#breach(`${what}, which the hub never gave`)
      return
    }
    if (this.#records.get(cluster)?.has(grant.id)) this.#breach(`${what}, which was started before`)
    if (now >= grant.startBefore + LAG_MS) this.#breach(`${what}, ${now - grant.startBefore} ms too late`)
    const { document, heldForMs } = held(grant.application)
    if (!document) {
      this.#breach(`${what}, whose document it does not hold`)
      return
    }
    // What it has held for a moment only may have come while the record was on its way.
    const order = compareNumbers(document.number, grant.document)
    if (order < 0 || (order > 0 && heldForMs > LAG_MS)) {
      this.#breach(`${what} for document ${numberText(grant.document)}, but holds ${numberText(document.number)}`)
    }
    if (order === 0 && (document.typ === 'tombstone') !== (kind === 'removal'))
      this.#breach(`${what}, which holds ${document.typ}`)
    const known = this.#calendars.get(cluster)
    if (!known || compareNumbers(known.calendar.number, grant.cal) < 0) {
      this.#breach(`${what}, without the calendar that it was given with`)
    }
    if (known?.calendar.void.includes(grant.id)) this.#breach(`${what}, which its calendar voids`)
    const closing = this.#closed(cluster, grant.application, LAG_MS).find(
      interval =>
        interval.triggers.includes(grant.trigger) &&
        interval.blocks.includes(kind === 'removal' ? 'prune' : 'sync') &&
        !passes(grant, interval, now - LAG_MS),
    )
    if (closing && !grant.options.dryRun) this.#breach(`${what}, while rule ${closing.rule} is closed`)
  }

  #continues(cluster: string, record: OperationRecord): void {
    const before = this.#records.get(cluster)?.get(record.grant.id)
    if (before && isFinished(before) && !isFinished(record)) {
      this.#breach(`${cluster} goes on with ended operation ${record.grant.id} of ${record.application.name}`)
    }
  }

  async #writes(cluster: string, owner: string, object: KubernetesObject, method: string): Promise<void> {
    const what = `${cluster} ${method === 'DELETE' ? 'deletes' : 'writes'} ${objectKeyText(keyOf(object))}`
    const records = [...(this.#records.get(cluster)?.values() ?? [])].filter(
      ({ application }) => application.id === owner,
    )
    const running = records.find(record => !isFinished(record))
    if (running) {
      const { grant, kind } = running
      const closing = this.#closed(cluster, owner, WAVE_MS).find(
        interval =>
          interval.inFlight === 'pauseAtWave' &&
          interval.triggers.includes(grant.trigger) &&
          interval.blocks.includes(kind === 'removal' ? 'prune' : 'sync') &&
          !passes(grant, interval, this.#hubTime.earliest - WAVE_MS),
      )
      if (closing) this.#breach(`${what} in an operation that rule ${closing.rule} has paused`)
      if (method !== 'DELETE') await this.#isOf(what, running.report.digest, object)
      return
    }
    if (method === 'DELETE') return this.#breach(`${what} without an operation under a Grant`)
    const closing = this.#closed(cluster, owner, WAVE_MS).find(
      interval => interval.triggers.includes('automated') && (interval.blocks.includes('heal') || !interval.selfHeal),
    )
    if (closing) this.#breach(`${what} on its own, while rule ${closing.rule} is closed`)
    const last = lastSuccess(records)
    if (!last) return this.#breach(`${what} on its own, and nothing has succeeded under a Grant`)
    await this.#isOf(what, last.report.digest, object)
  }

  async #isOf(what: string, digest: Digest, object: KubernetesObject): Promise<void> {
    const objects = await this.#contents.objectsOf(digest)
    if (!objects) return
    const key = objectKeyText(placed(object))
    const meant = objects.find(each => objectKeyText(placed(each)) === key)
    if (!meant || !equalJson((meant['data'] ?? null) as Json, (object['data'] ?? null) as Json)) {
      this.#breach(`${what}, which is not of the Bundle ${digest.slice(7, 15)} that may be written`)
    }
  }

  /** Intervals that have been closed, as the agent knows, for so long already. */
  #closed(cluster: string, application: string, forMs: number): readonly ClosedInterval[] {
    const known = this.#calendars.get(cluster)
    if (!known || this.#clock.monotonicMs() - known.since < forMs) return []
    const { earliest, latest } = this.#hubTime
    return known.calendar.intervals.filter(
      ({ applications, from, to }) =>
        (applications === 'all' || applications.includes(application)) && from <= earliest - forMs && latest < to,
    )
  }
}

function passes(grant: GrantPayload, { rule }: ClosedInterval, at: number): boolean {
  return grant.passes.some(pass => pass.rule === rule && at < pass.until)
}

/** The newest sync, when it succeeded and no removal came after it. */
function lastSuccess(records: readonly OperationRecord[]): OperationRecord | undefined {
  const [last] = records
    .filter(({ grant }) => !grant.options.dryRun)
    .sort((a, b) => compareNumbers(b.grant.document, a.grant.document) || b.grant.iat - a.grant.iat)
  return last?.kind === 'sync' && last.report.phase === 'Succeeded' ? last : undefined
}

function recordOf(request: ClusterRequest): OperationRecord | undefined {
  return writtenBy(request).record
}

interface Written {
  readonly object?: KubernetesObject | undefined
  /** Where the object is the record of an operation. */
  readonly record?: OperationRecord | undefined
}

const NOTHING: Written = {}
/** Several laws look at a request, before and after it was answered. */
const read = new WeakMap<ClusterRequest, Written>()

/** What a request brings to the API server. */
export function writtenBy(request: ClusterRequest): Written {
  const { method, path, body } = request
  // A Lease says nothing of Applications, and is what is written most.
  if (body === undefined || path.includes('/leases/')) return NOTHING
  const known = read.get(request)
  if (known) return known
  const object = objectOf(body)
  const place = (method === 'POST' || method === 'PUT') && path.includes('/namespaces/flotilla-system/configmaps')
  const isRecord = place && object?.metadata.name?.startsWith('flotilla-operation')
  const written = { object, record: object !== undefined && isRecord ? decodeOperation(object) : undefined }
  read.set(request, written)
  return written
}

export function objectOf(body: string | undefined): KubernetesObject | undefined {
  if (body === undefined || !body.startsWith('{')) return undefined
  const value = JSON.parse(body) as KubernetesObject
  return value.metadata === undefined ? undefined : value
}
