import type { Digest } from '@flotilla/core/json/canonical-json'
import { type KubernetesObject, keyOf, objectKeyText } from '@flotilla/core/model/kubernetes-object'
import { APPLICATION_LABEL, trackedBy } from '@flotilla/core/plan/tracking'
import type { BundleStore } from '@flotilla/core/ports/bundle-store'
import type { Clock } from '@flotilla/core/ports/clock'
import { type ClusterRequest, ClusterUnreachable } from '@flotilla/core/ports/cluster-transport'
import type { Store } from '@flotilla/core/ports/store'
import {
  compareNumbers,
  type DocumentNumber,
  type GrantPayload,
  numberText,
  type OfferPayload,
  type TombstonePayload,
} from '@flotilla/core/protocol/documents'
import type { SimulatedCluster } from '@flotilla/sim'
import { AcknowledgedLaw } from './acknowledged-law.ts'
import { BundleContents } from './bundle-contents.ts'
import { type DeclaredFleet, NAMESPACE, placedText } from './declared-fleet.ts'
import { HubTime } from './hub-time.ts'
import { StartLaw, writtenBy } from './start-law.ts'

type Held = OfferPayload | TombstonePayload

/** More requests of one agent at one instant are a loop that waits for nothing. */
const MOST_AT_ONCE = 20_000

/** A wave that began before a newer document came may still end its requests. */
const WAVE_MS = 2_000

/**
 * What must never happen, whatever is lost, doubled, delayed, cut off or killed. Each is watched from outside, at the
 * ports, while the fleet runs; a breach is kept as a sentence.
 */
export class Laws {
  readonly breaches: string[] = []
  readonly acknowledged: AcknowledgedLaw
  /** How many clusters were cloned: before the first, nobody may be taken for a clone. */
  clones = 0
  /** How often the hub's store went back: what was made since and has left Git again belongs to nobody. */
  restores = 0
  /** Of those, the ones that nobody told the hub of. */
  unannounced = 0
  /** How often the hub began with an empty store: it knows of nothing that Git does not declare. */
  losses = 0
  /** Of those, the times that `hub.key` was lost as well: nobody is believed who has not got another token. */
  lostKeys = 0
  /** How wrong the hub's clock was. */
  readonly hubTime: HubTime
  /** What operations may begin, and what they may write. */
  readonly starts: StartLaw
  #askedAt = { monotonicMs: 0, count: 0 }
  readonly #clock: Clock
  /** What Bundles hold, for whoever compares. */
  readonly contents: BundleContents
  readonly #removalGraceMs: number
  /** `cluster key` of every object that any revision has let go, and when one last did. */
  readonly #withdrawn = new Map<string, number>()
  #wanted = new Set<string>()
  /** By cluster and Application id: the document held, and since when. */
  readonly #held = new Map<string, { readonly document: Held; readonly since: number }>()
  /** Keys that may not speak any more, since when. */
  readonly #revoked = new Map<string, number>()
  readonly #issued = new Map<string, DocumentNumber>()
  /** The hub has been told that its store went back or was lost, and nobody has recovered it. */
  #behind = false
  /** By Application and document: ids of the Grants given, oldest first. */
  readonly #granted = new Map<string, readonly string[]>()
  /** What was last looked at, and how much had been committed to it. */
  #looked: { readonly store: Store; readonly transactions: number } | undefined
  readonly #reports = new Map<string, readonly [admission: number, inc: number, n: number]>()

  constructor(options: { readonly clock: Clock; readonly bundles: BundleStore; readonly removalGraceMs: number }) {
    this.#clock = options.clock
    this.contents = new BundleContents(options.bundles)
    this.#removalGraceMs = options.removalGraceMs
    this.acknowledged = new AcknowledgedLaw(sentence => this.#breach(sentence))
    this.hubTime = new HubTime(options.clock)
    this.starts = new StartLaw({
      clock: options.clock,
      contents: this.contents,
      hubTime: this.hubTime,
      breach: sentence => this.#breach(sentence),
    })
  }

  /** Something was committed. */
  committed(declared: DeclaredFleet): void {
    const wanted = new Set<string>()
    for (const { cluster, objects } of declared.wanted()) {
      for (const object of objects) wanted.add(`${cluster} ${placedText(object)}`)
    }
    for (const key of this.#wanted) if (!wanted.has(key)) this.#withdrawn.set(key, this.#clock.monotonicMs())
    this.#wanted = wanted
  }

  /** The hub signed something, and the transaction that it did so in was committed. */
  issued(typ: string, payload: object): void {
    if (!['offer', 'tombstone', 'calendar'].includes(typ)) return
    // The calendars of this simulation's own freezes are issued past the hub.
    if (this.#behind && typ !== 'calendar')
      this.#breach(`the hub issued a document while it knew its store to be behind`)
    const { cluster, number } = payload as { readonly cluster: string; readonly number: DocumentNumber }
    const before = this.#issued.get(cluster)
    if (before && compareNumbers(number, before) <= 0) {
      this.#breach(`the hub gave out number ${numberText(number)} after ${numberText(before)}`)
    }
    this.#issued.set(cluster, number)
  }

  /** The hub gave a Grant: one that was started is not given again for the same document, unless it is known to have failed. */
  async granted(store: Store, grant: GrantPayload): Promise<void> {
    this.starts.given(grant)
    const line = `${grant.application} ${numberText(grant.document)}`
    const earlier = this.#granted.get(line) ?? []
    this.#granted.set(line, [...earlier, grant.id])
    // What a copy of the cluster did says nothing of the one that is left.
    if (grant.trigger !== 'automated' || this.clones > 0) return
    const operations = await store.read(rows => rows.operations(grant.application, { limit: 50 }))
    for (const id of earlier) {
      const before = await store.read(rows => rows.grant(id))
      const phase = operations.find(({ operation }) => operation.id === id)?.operation.phase
      const over = phase === 'Failed' || phase === 'Error'
      if (before?.state === 'started' && !over) {
        this.#breach(`Grant ${grant.id} came while ${id}, for the same document, was started and had not failed`)
      }
    }
  }

  /** An agent's documents may have changed. */
  holds(cluster: string, held: ReadonlyMap<string, Held>): void {
    for (const [id, document] of held) {
      const key = `${cluster} ${id}`
      const before = this.#held.get(key)
      // Numbers are a line of their own for each id that a cluster was admitted under.
      const sameLine = before?.document.cluster === document.cluster
      const order = before && sameLine ? compareNumbers(document.number, before.document.number) : 1
      if (order < 0) {
        this.#breach(
          `${cluster} holds ${numberText(document.number)} of ${document.application.name} after a newer one`,
        )
      }
      if (order !== 0) this.#held.set(key, { document, since: this.#clock.monotonicMs() })
    }
  }

  /** A Bundle was given to the agent of a cluster. */
  async fetched(cluster: string, digest: Digest): Promise<void> {
    for (const object of (await this.contents.objectsOf(digest)) ?? []) this.#meantFor(cluster, object, 'was given')
  }

  /** Requests without end at one instant would never let the clock go on: they are failed instead. */
  mustEnd(cluster: string): void {
    const monotonicMs = this.#clock.monotonicMs()
    if (this.#askedAt.monotonicMs !== monotonicMs) this.#askedAt = { monotonicMs, count: 0 }
    if (++this.#askedAt.count < MOST_AT_ONCE) return
    if (this.#askedAt.count === MOST_AT_ONCE) this.#breach(`${cluster} asks its API server without end`)
    throw new ClusterUnreachable('too many requests at one instant')
  }

  /** The agent of a cluster is about to ask its API server. */
  async asked(cluster: SimulatedCluster, agentHolds: ReadonlyMap<string, Held>, request: ClusterRequest) {
    this.mustEnd(cluster.name)
    if (request.method === 'GET') return
    const live = request.method === 'DELETE' ? objectAt(cluster, request.path) : undefined
    if (live) await this.#deletes(cluster.name, live, agentHolds)
    await this.starts.asked(cluster.name, id => this.#heldSince(cluster.name, id, agentHolds), request, live)
    const body = request.method === 'PATCH' || request.method === 'POST' ? writtenBy(request).object : undefined
    if (body?.metadata.labels?.[APPLICATION_LABEL]) this.#meantFor(cluster.name, body, 'applies')
  }

  /** From now on there are two clusters with the same objects, and two agents with one key. */
  cloned(cluster: string, copy: string): void {
    this.clones++
    this.starts.cloned(cluster, copy)
  }

  /** A key may not speak any more, from this moment on. */
  revoked(kid: string): void {
    if (!this.#revoked.has(kid)) this.#revoked.set(kid, this.#clock.monotonicMs())
  }

  /** A request that this key signed was answered with 200; what was being answered at that instant may be. */
  served(cluster: string, kid: string): void {
    const since = this.#revoked.get(kid) ?? Number.POSITIVE_INFINITY
    if (this.#clock.monotonicMs() > since) this.#breach(`${cluster} was served by a key that is revoked`)
  }

  /** The store is as it was at an earlier time: what came after is lost, and whoever restored it knows. */
  restored(announced: boolean): void {
    this.restores++
    if (!announced) this.unannounced++
    this.#behind = announced
    this.acknowledged.restored()
    this.#issued.clear()
    this.#granted.clear()
    this.#reports.clear()
  }

  /** There is an empty store: it remembers nothing, and whoever lost it knows. */
  lost(withKey: boolean): void {
    this.losses++
    if (!withKey) this.lostKeys++
    this.restored(true)
    this.#behind = withKey
  }

  /** Somebody is about to recover the hub. */
  recovered(): void {
    this.#behind = false
  }

  /** Looks at what the hub has stored: no older report replaces a newer one, and none that it said it took is lost. */
  async reports(store: Store): Promise<void> {
    const { transactions } = store.counters
    // Nothing was committed since the last look.
    if (this.#looked?.store === store && this.#looked.transactions === transactions && !this.acknowledged.waits) return
    this.#looked = { store, transactions }
    await this.acknowledged.look(store)
    for (const { applicationId, admission, entry } of await store.read(rows => rows.reports())) {
      const now = [admission, entry.inc, entry.n] as const
      const before = this.#reports.get(applicationId)
      if (before && compareLists(now, before) < 0) this.#breach(`report ${now.join('.')} replaced ${before.join('.')}`)
      this.#reports.set(applicationId, now)
    }
  }

  /** Anything else that must not be. */
  breach(sentence: string): void {
    this.#breach(sentence)
  }

  #heldSince(cluster: string, id: string, held: ReadonlyMap<string, Held>) {
    const document = held.get(id)
    const known = this.#held.get(`${cluster} ${id}`)
    // What was taken a moment ago has not been told of yet: the time that is known is that of the one before.
    const isNew = document && known && compareNumbers(document.number, known.document.number) !== 0
    return { document, heldForMs: isNew ? 0 : this.#clock.monotonicMs() - (known?.since ?? 0) }
  }

  async #deletes(cluster: string, live: KubernetesObject, held: ReadonlyMap<string, Held>): Promise<void> {
    const key = keyOf(live)
    if (key.namespace !== NAMESPACE) return
    const what = `${cluster} deletes ${objectKeyText(key)}`
    const owner = trackedBy(live)
    const withdrawnAt = this.#withdrawn.get(`${originalOf(cluster)} ${objectKeyText(key)}`)
    if (withdrawnAt === undefined) this.#breach(`${what}, which no revision withdrew`)
    if (owner === undefined) return this.#breach(`${what}, which belongs to no Application`)
    const { document, heldForMs } = this.#heldSince(cluster, owner, held)
    if (!document) return this.#breach(`${what} without holding anything for it`)
    if (document.typ === 'tombstone') {
      // The Tombstone may be younger: one is signed anew under a new admission, and after a recovery.
      const ageMs = this.#clock.monotonicMs() - (withdrawnAt ?? 0)
      // The hub goes by its own clock, which may have been stepped meanwhile.
      if (ageMs + this.hubTime.spanMs < this.#removalGraceMs)
        this.#breach(`${what} only ${ageMs} ms after it was withdrawn`)
      return
    }
    if (heldForMs <= WAVE_MS) return
    const objects = (await this.contents.objectsOf(document.digest)) ?? []
    if (objects.some(object => placedText(object) === objectKeyText(key))) {
      this.#breach(`${what}, although it holds an Offer with it for ${heldForMs} ms`)
    }
  }

  #meantFor(cluster: string, object: KubernetesObject, verb: string): void {
    const data = object['data'] as { readonly [key: string]: string } | undefined
    const meant = data?.['cluster'] ?? object.metadata.annotations?.['example.com/cluster']
    if (meant !== undefined && meant !== '*' && meant !== originalOf(cluster)) {
      this.#breach(`${cluster} ${verb} ${objectKeyText(keyOf(object))}, which is meant for ${meant}`)
    }
  }

  #breach(sentence: string): void {
    this.breaches.push(sentence)
  }
}

/** A copy of a cluster is meant for whatever the cluster is meant for. */
function originalOf(cluster: string): string {
  return cluster.split('~')[0] ?? cluster
}

function objectAt(cluster: SimulatedCluster, path: string): KubernetesObject | undefined {
  const [place = ''] = path.split('?')
  const [, group = '', namespace = '', plural = '', name] =
    /^\/(?:api|apis\/([^/]+))\/[^/]+\/namespaces\/([^/]+)\/([^/]+)\/([^/]+)$/.exec(place) ?? []
  const kind = KINDS[plural]
  return kind === undefined || name === undefined ? undefined : cluster.read({ group, kind, namespace, name })
}

const KINDS: Readonly<Record<string, string>> = {
  configmaps: 'ConfigMap',
  deployments: 'Deployment',
  services: 'Service',
}

function compareLists(a: readonly number[], b: readonly number[]): number {
  for (const [index, value] of a.entries()) if (value !== b[index]) return value - (b[index] ?? 0)
  return 0
}
