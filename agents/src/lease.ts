import { randomUUID } from 'node:crypto'
import { isJsonObject } from '@flotilla/core/json/json'
import { textAt } from '@flotilla/core/json/read-json'
import type { KubernetesObject, ObjectKey } from '@flotilla/core/model/kubernetes-object'
import type { Clock, Timer } from '@flotilla/core/ports/clock'
import type { Log } from '@flotilla/core/ports/log'
import { compareNumbers, type DocumentNumber, numberText } from '@flotilla/core/protocol/documents'
import { parseNumberText } from '@flotilla/core/protocol/schema'
import type { KubernetesClient } from './kubernetes/client.ts'
import { isKubernetesError } from './kubernetes/kubernetes-error.ts'
import type { Incarnation, IncarnationNumber } from './link/incarnation.ts'
import { ensureNamespace } from './records.ts'

const TERM_SECONDS = 15
/** Of the term. */
const RENEW_EVERY = 6 / 15
/** Of the term, after one that failed with all its repetitions: there is time for another before nothing is written any more. */
const RENEW_AGAIN = 0.5 / 15
/** Of the term: whoever has a long one has time, too. */
const ASK_EVERY = 2 / 15
const INCARNATION_ANNOTATION = 'flotilla.dev/incarnation'
/** `<cluster id>/3.41`: how far this cluster's agents have come in taking documents (protocol.md 5.1). */
const NUMBER_ANNOTATION = 'flotilla.dev/highest-number'
const NOTE_WITHIN_MS = 200
/** Of a Lease that says that it lasts longer, this is believed. */
const LONGEST_TERM_MS = 10 * 60_000

/** An API server that is away for days acknowledges none of them; one that got there that long ago is of the past. */
const MOST_RENEWALS = 10_000

export interface LeaseOptions {
  readonly client: KubernetesClient
  readonly namespace: string
  readonly clock: Clock
  readonly log: Log
  /** Ends waiting for the Lease. */
  readonly signal?: AbortSignal
  readonly newInstance?: () => string
  /**
   * Whole seconds without a renewal after which another process may take it. A longer term means fewer writes and a
   * later takeover after a crash. Default 15.
   */
  readonly termSeconds?: number
  /** Called once when another process has taken the Lease that was ours, even if it gave it back since. */
  readonly onLost?: () => void
}

/** The Lease as it stood when it last changed, by our own clock. */
interface Seen {
  version: string | undefined
  atMs: number
  /** From when on it counts as abandoned. */
  freeAtMs: number
}

/**
 * The Lease `flotilla-agent`: of two processes that are agents of one cluster, one writes. Its incarnation rises by
 * compare-and-swap at each start, so that the hub can tell the later start from the earlier one.
 *
 * Other machines' clocks are not trusted: a Lease counts as abandoned once *we* have seen it unchanged for its term.
 */
export class AgentLease implements Incarnation {
  readonly #options: LeaseOptions
  readonly #instance: string
  readonly #key: ObjectKey
  readonly #termMs: number
  #renewedAtMs = Number.NEGATIVE_INFINITY
  #renewing: Timer | undefined
  #current: KubernetesObject | undefined
  #released = false
  /** The incarnation of this process; another number in the Lease means that somebody else has been the agent. */
  #taken: number | undefined
  #lost = false
  /** When we have renewed, as the Lease says it: the last time that was acknowledged, and what may have got there since. */
  readonly #renewals = new Set<string>()
  /** What stands in the Lease about numbers, or is to. */
  #note: string | undefined
  /** Whom the log has named: once, not at each look. */
  #waitingFor: string | undefined

  constructor(options: LeaseOptions) {
    this.#options = options
    this.#termMs = (options.termSeconds ?? TERM_SECONDS) * 1000
    this.#instance = (options.newInstance ?? randomUUID)()
    this.#key = { group: 'coordination.k8s.io', kind: 'Lease', namespace: options.namespace, name: 'flotilla-agent' }
  }

  /** After `onLost` it waits until `signal` ends it: what the process remembers is out of date. */
  async acquire(above = 0): Promise<IncarnationNumber> {
    const { clock, log, signal } = this.#options
    const seen: Seen = { version: undefined, atMs: 0, freeAtMs: 0 }
    for (;;) {
      signal?.throwIfAborted()
      try {
        const inc = await this.#try(above, seen)
        if (inc !== undefined) return { inc, inst: this.#instance }
      } catch (error) {
        if (!isKubernetesError(error) || !error.retry) throw error
        log.warn('the lease cannot be asked for', { error: error.message })
      }
      const untilFreeMs = seen.freeAtMs - clock.monotonicMs()
      const askInMs = this.#termMs * ASK_EVERY
      await clock.sleep(untilFreeMs > 0 ? Math.min(askInMs, untilFreeMs) : askInMs, signal)
    }
  }

  /** One attempt. Undefined: it is another's, or somebody was faster. */
  async #try(above: number, seen: Seen): Promise<number | undefined> {
    const { client, namespace, clock, log } = this.#options
    const renewals = [...this.#renewals]
    const lease = await client.get(this.#key)
    if (!lease) await ensureNamespace(client, namespace)
    // What this process remembers of the cluster is of before another one wrote: it ends, and starts anew.
    const mine = this.#taken !== undefined && !this.#released
    if (mine && (incarnationOf(lease) !== this.#taken || this.#isOfPast(lease, renewals))) this.#lose()
    if (this.#lost) return undefined
    const holder = lease ? textAt(lease['spec'], 'holderIdentity') : ''
    const version = lease?.metadata.resourceVersion ?? ''
    if (seen.version !== version) {
      seen.version = version
      seen.atMs = clock.monotonicMs()
    }
    // Its holder may have been told to renew more rarely than we are.
    seen.freeAtMs = seen.atMs + Math.max(this.#termMs, termOf(lease)) + 1
    const abandoned = clock.monotonicMs() >= seen.freeAtMs
    if (!lease || holder === '' || holder === this.#instance || abandoned) return this.#take(lease, above)
    if (holder !== this.#waitingFor) log.info('waiting for the lease of another agent process', { holder })
    this.#waitingFor = holder
    return undefined
  }

  /** A holder that has not renewed by two thirds of the term writes nothing more. */
  held(): boolean {
    const sinceMs = this.#options.clock.monotonicMs() - this.#renewedAtMs
    return !this.#released && !this.#lost && sinceMs < (this.#termMs * 2) / 3
  }

  notedNumber(cluster: string): DocumentNumber | undefined {
    const noted = readNote(this.#note)
    return noted?.cluster === cluster ? noted.number : undefined
  }

  noteNumber(cluster: string, number: DocumentNumber): void {
    const before = this.notedNumber(cluster)
    if (before && compareNumbers(before, number) >= 0) return
    this.#note = `${cluster}/${numberText(number)}`
    if (this.#current && !this.#released && !this.#lost) this.#scheduleRenewal(NOTE_WITHIN_MS)
  }

  /** Lets the next process start at once. */
  async release(): Promise<void> {
    this.#renewing?.cancel()
    const mine = this.#current
    this.#released = true
    this.#current = undefined
    if (!mine) return
    try {
      const metadata = { ...withoutManagers(mine.metadata), annotations: this.#annotations(mine.metadata.annotations) }
      const spec = { ...(mine['spec'] as object), holderIdentity: '' }
      await this.#options.client.replace({ ...mine, metadata, spec })
    } catch (error) {
      // Somebody took it, or the cluster is away: the term ends it.
      if (!isKubernetesError(error)) throw error
      this.#options.log.debug('the lease could not be given back', { error: error.message })
    }
  }

  /** Raises the incarnation in one compare-and-swap. Undefined: somebody was faster. */
  async #take(lease: KubernetesObject | undefined, above: number): Promise<number | undefined> {
    const { client } = this.#options
    const inc = Math.max(incarnationOf(lease), above) + 1
    this.#note = laterNote(this.#note, lease?.metadata.annotations?.[NUMBER_ANNOTATION])
    const startedMs = this.#options.clock.monotonicMs()
    const spec = this.#spec()
    this.#renews(spec.renewTime)
    try {
      const metadata = {
        ...(lease ? withoutManagers(lease.metadata) : { name: this.#key.name, namespace: this.#key.namespace }),
        annotations: this.#annotations({ ...lease?.metadata.annotations, [INCARNATION_ANNOTATION]: String(inc) }),
      }
      const object = { apiVersion: 'coordination.k8s.io/v1', kind: 'Lease', metadata, spec }
      this.#current = lease ? await client.replace(object) : await client.create(object)
      this.#acknowledged(spec.renewTime)
    } catch (error) {
      if (isKubernetesError(error, 'CONFLICT', 'ALREADY_EXISTS')) return undefined
      throw error
    }
    this.#renewedAtMs = startedMs
    this.#released = false
    this.#taken = inc
    this.#scheduleRenewal()
    return inc
  }

  #spec() {
    const now = new Date(this.#options.clock.now()).toISOString().replace('Z', '000Z')
    return {
      holderIdentity: this.#instance,
      leaseDurationSeconds: this.#termMs / 1000,
      acquireTime: now,
      renewTime: now,
    }
  }

  #annotations(present: Readonly<Record<string, string>> | undefined): Readonly<Record<string, string>> {
    return { ...present, ...(this.#note !== undefined && { [NUMBER_ANNOTATION]: this.#note }) }
  }

  #scheduleRenewal(delayMs = this.#termMs * RENEW_EVERY): void {
    this.#renewing?.cancel()
    this.#renewing = this.#options.clock.setTimer(delayMs, () => {
      this.#renew().then(
        () => this.#current && this.#scheduleRenewal(),
        error => {
          this.#options.log.warn('the lease could not be renewed', { error: String(error) })
          // Too late is not later than the next: an API server that is away for long is not asked more often.
          if (this.#current) this.#scheduleRenewal(this.#termMs * (this.held() ? RENEW_AGAIN : RENEW_EVERY))
        },
      )
    })
  }

  async #renew(): Promise<void> {
    const mine = this.#current
    if (!mine) return
    const startedMs = this.#options.clock.monotonicMs()
    try {
      const { renewTime } = this.#spec()
      const spec = { ...(mine['spec'] as object), renewTime }
      this.#renews(renewTime)
      const metadata = { ...withoutManagers(mine.metadata), annotations: this.#annotations(mine.metadata.annotations) }
      const renewed = await this.#options.client.replace({ ...mine, metadata, spec })
      if (this.#current === mine) this.#current = renewed
      this.#acknowledged(renewTime)
      this.#renewedAtMs = startedMs
    } catch (error) {
      if (!isKubernetesError(error, 'CONFLICT', 'NOT_FOUND')) throw error
      if (this.#released) return
      const renewals = [...this.#renewals]
      const present = await this.#options.client.get(this.#key)
      const ours = present && textAt(present['spec'], 'holderIdentity') === this.#instance
      // Changed by hand but still ours: go on from there. Another's, or of before: we are not the agent any more.
      if (ours && !this.#isOfPast(present, renewals)) {
        this.#current = present
      } else {
        this.#lose()
      }
    }
  }

  #renews(renewTime: string): void {
    this.#renewals.add(renewTime)
    const [oldest] = this.#renewals
    if (this.#renewals.size > MOST_RENEWALS && oldest !== undefined) this.#renewals.delete(oldest)
  }

  #acknowledged(renewTime: string): void {
    this.#renewals.clear()
    this.#renewals.add(renewTime)
  }

  /**
   * Nobody but its holder says when a Lease was renewed. One that is ours and names another time than we did is of a
   * cluster that was put back: what this process has seen since is gone, and its watches wait for versions that come
   * only by and by.
   *
   * @param before What may have stood there when it was asked for: since then another renewal may have been acknowledged.
   */
  #isOfPast(lease: KubernetesObject | undefined, before: readonly string[]): boolean {
    if (!lease || textAt(lease['spec'], 'holderIdentity') !== this.#instance) return false
    const renewTime = textAt(lease['spec'], 'renewTime')
    return !this.#renewals.has(renewTime) && !before.includes(renewTime)
  }

  /** For good when somebody ends the process for it; who does not ask to be told has nothing in memory. */
  #lose(): void {
    this.#renewing?.cancel()
    this.#current = undefined
    this.#taken = undefined
    this.#renewedAtMs = Number.NEGATIVE_INFINITY
    this.#options.log.warn('the lease is another process’s, or of before', { mine: this.#instance })
    if (!this.#options.onLost || this.#lost) return
    this.#lost = true
    this.#options.onLost()
  }
}

function readNote(note: string | undefined): { readonly cluster: string; readonly number: DocumentNumber } | undefined {
  const [cluster = '', text = ''] = (note ?? '').split('/')
  const number = parseNumberText(text)
  return number && { cluster, number }
}

/** Another process may have come further meanwhile; what is noted of another cluster id is of before a new admission. */
function laterNote(ours: string | undefined, theirs: string | undefined): string | undefined {
  const [mine, other] = [readNote(ours), readNote(theirs)]
  if (!mine || !other) return mine ? ours : theirs
  return mine.cluster === other.cluster && compareNumbers(other.number, mine.number) > 0 ? theirs : ours
}

/** The server keeps who owns which field, which is most of what it says of a Lease, where nothing is said of it. */
function withoutManagers({
  managedFields: _,
  ...metadata
}: KubernetesObject['metadata']): KubernetesObject['metadata'] {
  return metadata
}

function incarnationOf(lease: KubernetesObject | undefined): number {
  const noted = Number(lease?.metadata.annotations?.[INCARNATION_ANNOTATION] ?? 0)
  return Number.isSafeInteger(noted) && noted >= 0 ? noted : 0
}

/** The term that the holder of a Lease has written into it, within reason. */
function termOf(lease: KubernetesObject | undefined): number {
  const spec = lease?.['spec']
  const seconds = isJsonObject(spec) ? spec['leaseDurationSeconds'] : undefined
  return typeof seconds === 'number' ? Math.min(seconds * 1000, LONGEST_TERM_MS) : 0
}
