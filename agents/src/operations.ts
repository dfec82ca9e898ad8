import { canonicalJson, type Digest } from '@flotilla/core/json/canonical-json'
import type { Json } from '@flotilla/core/json/json'
import type { Clock } from '@flotilla/core/ports/clock'
import { compareNumbers, type OfferPayload } from '@flotilla/core/protocol/documents'
import { WritingForbidden } from './apply.ts'
import type { KubernetesClient } from './kubernetes/client.ts'
import { isKubernetesError } from './kubernetes/kubernetes-error.ts'
import {
  decodeOperation,
  encodeOperation,
  isFinished,
  isTerminating,
  isWhole,
  type OperationRecord,
} from './operation-record.ts'
import { RECORD_LABEL, recordKey, recordName } from './records.ts'

/** Finished records that are kept for each Application, besides its last success. */
const KEPT = 5
/** A record is kept this long after its Grant lapsed, so that the same Grant can never start twice. */
const GRACE_MS = 24 * 60 * 60 * 1000

export interface LastOutcome {
  /** Of the last sync that succeeded under a Grant. */
  readonly lastSucceeded: Digest | undefined
  readonly lastSucceededRevision: string
  /** Terms of that sync's Offer. */
  readonly lastSucceededTerms: Digest | undefined
  /** A later sync under a Grant stands failed. */
  readonly laterFailed: boolean
}

/**
 * Operations under Grants, kept in the cluster. A record is created, named by the Grant, before the first write: that
 * it exists means the Grant is used up, and after a restart the operation goes on from it. One that finds nothing to
 * do is stored once, with its end: a process that dies before has done nothing, and its Grant may be used again.
 */
export class OperationStore {
  readonly #client: KubernetesClient
  readonly #namespace: string
  readonly #clock: Clock
  readonly #mayWrite: () => boolean
  readonly #records = new Map<string, OperationRecord>()
  /** Have begun and are not stored yet: nothing was written for them. */
  readonly #begun = new Map<string, OperationRecord>()

  constructor(client: KubernetesClient, namespace: string, clock: Clock, mayWrite: () => boolean) {
    this.#mayWrite = mayWrite
    this.#client = client
    this.#namespace = namespace
    this.#clock = clock
  }

  /** Reads all records of the cluster. @throws KubernetesError */
  async load(): Promise<void> {
    this.#records.clear()
    this.#begun.clear()
    const pages = this.#client.list('', 'ConfigMap', {
      namespace: this.#namespace,
      labelSelector: `${RECORD_LABEL}=operation`,
    })
    for await (const { objects } of pages) {
      for (const object of objects) {
        const record = decodeOperation(object)
        if (record) this.#records.set(record.grant.id, record)
      }
    }
  }

  get(grantId: string): OperationRecord | undefined {
    return this.#records.get(grantId) ?? this.#begun.get(grantId)
  }

  /** Whether its record is in the cluster. */
  isStored(grantId: string): boolean {
    return this.#records.has(grantId)
  }

  /** The operation that is under way, if any. */
  running(applicationId: string): OperationRecord | undefined {
    for (const record of this.#begun.values()) if (record.application.id === applicationId) return record
    return this.of(applicationId).find(record => !isFinished(record))
  }

  /** Those that are stored, newest first. */
  of(applicationId: string): readonly OperationRecord[] {
    return [...this.#records.values()].filter(({ application }) => application.id === applicationId).sort(newestFirst)
  }

  lastOutcome(applicationId: string): LastOutcome {
    const records = this.of(applicationId)
    // A removal has begun to take away what an earlier sync put there: that one's success is over.
    const removal = records.findIndex(({ kind }) => kind === 'removal')
    const standing = removal < 0 ? records : records.slice(0, removal)
    const syncs = standing.filter(({ kind, grant }) => kind === 'sync' && isWhole(grant))
    const finished = syncs.filter(isFinished)
    const success = finished.find(({ report }) => report.phase === 'Succeeded')
    return {
      lastSucceeded: success?.report.digest,
      lastSucceededRevision: success?.report.revision ?? '',
      lastSucceededTerms: success?.terms,
      laterFailed: finished[0] !== undefined && finished[0] !== success,
    }
  }

  /** Begins an operation that only looks so far: it is stored by its first {@link update}, before it writes anything. */
  begin(record: OperationRecord): void {
    this.#begun.set(record.grant.id, record)
  }

  /** Stores a new record. `exists`: somebody started under this Grant before. @throws KubernetesError, WritingForbidden */
  async create(record: OperationRecord): Promise<'created' | 'exists'> {
    if (!this.#mayWrite()) throw new WritingForbidden()
    try {
      await this.#client.create(encodeOperation(record, this.#namespace))
      this.#records.set(record.grant.id, record)
      return 'created'
    } catch (error) {
      if (!isKubernetesError(error, 'ALREADY_EXISTS')) throw error
      const key = recordKey(this.#namespace, recordName('flotilla-operation', record.grant.id))
      const stored = await this.#client.get(key)
      const known = stored && decodeOperation(stored)
      if (known) this.#records.set(record.grant.id, known)
      return 'exists'
    }
  }

  /**
   * Stores how far it has come.
   *
   * @throws KubernetesError, `ALREADY_EXISTS` for one that has only begun here while its Grant was used elsewhere: what
   * is stored counts from then on. WritingForbidden while another process may be the agent.
   */
  async update(given: OperationRecord): Promise<void> {
    if (!this.#mayWrite()) throw new WritingForbidden()
    if (this.#begun.has(given.grant.id)) return await this.#storeBegun(given)
    const record = stillTerminating(given, this.#records.get(given.grant.id))
    await this.#client.replace(encodeOperation(record, this.#namespace))
    this.#records.set(record.grant.id, record)
  }

  /**
   * Asks a running operation to end, for good: it stands in its record, so that a restart ends it too.
   * `not-running`: there is none with this id, or it has ended. @throws KubernetesError, WritingForbidden
   */
  async terminate(applicationId: string, operationId: string, by: string): Promise<'asked' | 'not-running'> {
    const record = this.get(operationId)
    if (!record || record.application.id !== applicationId || isFinished(record)) return 'not-running'
    if (isTerminating(record)) return 'asked'
    const report = { ...record.report, phase: 'Terminating' as const, message: `terminated by ${by}` }
    await this.update({ ...record, report })
    return 'asked'
  }

  /** Bundles that operations still need: of what has not ended, and of each Application's last success. */
  digestsInUse(): ReadonlySet<Digest> {
    const digests = new Set<Digest>()
    const applications = new Set<string>()
    for (const { report } of this.#begun.values()) digests.add(report.digest)
    for (const record of this.#records.values()) {
      applications.add(record.application.id)
      if (!isFinished(record)) digests.add(record.report.digest)
    }
    for (const id of applications) {
      const { lastSucceeded } = this.lastOutcome(id)
      if (lastSucceeded) digests.add(lastSucceeded)
    }
    return digests
  }

  /** Removes what nobody needs any more: neither the last success, nor one of the last few, nor an open Grant's. */
  async sweep(applicationId: string): Promise<void> {
    const finished = this.of(applicationId).filter(isFinished)
    const success = finished.find(({ report, kind }) => report.phase === 'Succeeded' && kind === 'sync')
    const now = this.#clock.now()
    for (const record of finished.slice(KEPT)) {
      if (record === success || now < record.grant.startBefore + GRACE_MS) continue
      await this.#remove(record)
    }
  }

  /** At a start: sweeps everything; of Applications that are held no more, only what a Grant may still name stays. */
  async sweepAll(held: ReadonlySet<string>): Promise<void> {
    const applications = new Set([...this.#records.values()].map(({ application }) => application.id))
    for (const id of applications) {
      if (held.has(id)) {
        await this.sweep(id)
        continue
      }
      // Its last success says whose its objects are, should another hub offer them: that one's keys may be lost.
      const last = this.#standingSuccess(id)
      for (const record of this.of(id)) {
        if (record !== last && this.#clock.now() >= record.grant.startBefore + GRACE_MS) await this.#remove(record)
      }
    }
  }

  /**
   * The ids under which an Application of that name was deployed here before, by another hub, or by this one under
   * another identity: with its keys lost it cannot tell them itself (protocol.md 5.7). Or by this one under this
   * identity, where the end of it was never heard of here: a copy of the cluster spoke for it, or etcd was restored.
   */
  formerIds({ application: { id, name }, cluster, number }: OfferPayload): readonly string[] {
    const former = [...this.#records.values()].filter(({ application, grant }) => {
      if (application.name !== name || application.id === id) return false
      if (grant.cluster !== cluster) return true
      return compareNumbers(grant.document, number) < 0 && this.#standingSuccess(application.id) !== undefined
    })
    return [...new Set(former.map(({ application }) => application.id))].sort()
  }

  /** The last sync that succeeded, unless a removal has begun since. */
  #standingSuccess(applicationId: string): OperationRecord | undefined {
    const records = this.of(applicationId)
    const success = records.find(({ kind, report }) => kind === 'sync' && report.phase === 'Succeeded')
    return records[0]?.kind === 'removal' ? undefined : success
  }

  async #storeBegun(record: OperationRecord): Promise<void> {
    const wanted = encodeOperation(record, this.#namespace)
    try {
      await this.#client.create(wanted)
      this.#records.set(record.grant.id, record)
    } catch (error) {
      if (!isKubernetesError(error, 'ALREADY_EXISTS')) throw error
      const stored = await this.#client.get(
        recordKey(this.#namespace, recordName('flotilla-operation', record.grant.id)),
      )
      const known = stored && decodeOperation(stored)
      if (!known) throw error
      this.#records.set(record.grant.id, known)
      // Ours, when only the answer to an earlier request was lost.
      if (canonicalJson(stored['data'] as Json) !== canonicalJson(wanted['data'] as Json)) {
        this.#begun.delete(record.grant.id)
        throw error
      }
    }
    this.#begun.delete(record.grant.id)
  }

  async #remove(record: OperationRecord): Promise<void> {
    // Old records do no harm until the next sweep.
    if (!this.#mayWrite()) return
    const key = recordKey(this.#namespace, recordName('flotilla-operation', record.grant.id))
    await this.#client.delete(key, { propagation: 'background' })
    this.#records.delete(record.grant.id)
  }
}

/** Progress that was read before somebody asked it to end must not undo that; its end does. */
function stillTerminating(given: OperationRecord, stored: OperationRecord | undefined): OperationRecord {
  if (!stored || !isTerminating(stored) || isFinished(given)) return given
  const { phase, message } = stored.report
  return { ...given, report: { ...given.report, phase, message } }
}

/**
 * By document, then by when the hub gave the Grant: the order in which operations can start. This machine's clock does
 * not count: after it was set back, an old success would be the newest and would be healed to.
 */
function newestFirst(a: OperationRecord, b: OperationRecord): number {
  return (
    compareNumbers(b.grant.document, a.grant.document) ||
    b.grant.iat - a.grant.iat ||
    (a.grant.id < b.grant.id ? 1 : -1)
  )
}
