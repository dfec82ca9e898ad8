import { decodeBundle } from '@flotilla/core/bundle/decode-bundle'
import { encodeBundle } from '@flotilla/core/bundle/encode-bundle'
import type { JsonObject } from '@flotilla/core/json/json'
import type { Bundle } from '@flotilla/core/model/bundle'
import type { KubernetesObject } from '@flotilla/core/model/kubernetes-object'
import type {
  CalendarPayload,
  GrantPayload,
  OfferPayload,
  SyncOptions,
  TombstonePayload,
} from '@flotilla/core/protocol/documents'
import { SAMPLE_OPTIONS } from '@flotilla/core/protocol/samples'
import { DEFAULT_RUN } from '@flotilla/core/sync/run-options'
import type { EpochMs } from '@flotilla/core/time/epoch-ms'
import { MemoryLink } from '../link/memory-link.ts'

/** Documents as a hub would send them, for tests of the engine and for its benchmark. */
export const SHOP = { id: '0199c2f0-0000-7000-8000-000000000001', name: 'shop', project: 'default' }

const CLUSTER = { cluster: '0199c2f0-0000-7000-8000-0000000000aa', adm: 1, must: [] }
const DAY_MS = 24 * 60 * 60 * 1000

export const OPTIONS: SyncOptions = { ...SAMPLE_OPTIONS, respectIgnoreDifferences: true }

export function bundleOf(...objects: readonly KubernetesObject[]): Bundle {
  const { bytes, digest } = encodeBundle(objects)
  return decodeBundle(bytes, digest)
}

export function object(apiVersion: string, kind: string, name: string, rest: JsonObject = {}): KubernetesObject {
  const { metadata, ...others } = rest
  return { ...others, apiVersion, kind, metadata: { ...(metadata as JsonObject | undefined), name } }
}

export function configMap(
  name: string,
  data: { readonly [key: string]: string } = { a: '1' },
  metadata: JsonObject = {},
) {
  return object('v1', 'ConfigMap', name, { data, metadata })
}

export function deployment(name: string, image = 'registry.example/web:1', replicas = 1, metadata: JsonObject = {}) {
  const labels = { app: name }
  const template = { metadata: { labels }, spec: { containers: [{ name: 'web', image }] } }
  return object('apps/v1', 'Deployment', name, {
    metadata,
    spec: { replicas, selector: { matchLabels: labels }, template },
  })
}

/** A hub that offers, grants and withdraws on demand; every number it gives is higher than the last. */
export class TestHub {
  readonly link: MemoryLink
  readonly #now: () => EpochMs
  #n = 0

  constructor(now: () => EpochMs) {
    this.#now = now
    this.link = new MemoryLink(now)
    this.calendar()
  }

  calendar(changes: Partial<CalendarPayload> = {}): void {
    const number = { epoch: 1, n: ++this.#n }
    const now = this.#now()
    this.link.currentCalendar = {
      ...CLUSTER,
      typ: 'calendar',
      iat: now,
      number,
      from: now,
      until: now + 30 * DAY_MS,
      intervals: [],
      void: [],
      ...changes,
    }
  }

  offer(bundle: Bundle, changes: Partial<OfferPayload> = {}): OfferPayload {
    const offer: OfferPayload = {
      ...CLUSTER,
      typ: 'offer',
      iat: this.#now(),
      number: { epoch: 1, n: ++this.#n },
      cal: { epoch: 1, n: 1 },
      application: SHOP,
      digest: bundle.digest,
      size: 1,
      revision: 'a'.repeat(40),
      namespace: 'shop',
      options: OPTIONS,
      ceiling: {
        clusterKindsAllowed: [{ group: '*', kind: '*' }],
        clusterKindsDenied: [],
        namespacedKindsDenied: [],
        namespaces: ['*'],
      },
      ignoreDifferences: [],
      // What fails has failed; tests of retries say so.
      run: { retry: { ...DEFAULT_RUN.retry, limit: 0 } },
      ...changes,
    }
    this.link.bundles.set(bundle.digest, bundle)
    this.link.documents.set(offer.application.id, offer)
    return offer
  }

  tombstone(changes: Partial<TombstonePayload> = {}): TombstonePayload {
    const tombstone: TombstonePayload = {
      ...CLUSTER,
      typ: 'tombstone',
      iat: this.#now(),
      number: { epoch: 1, n: ++this.#n },
      application: SHOP,
      policy: 'prune',
      reason: 'left its set',
      ...changes,
    }
    this.link.documents.set(tombstone.application.id, tombstone)
    return tombstone
  }

  grant(document: OfferPayload | TombstonePayload, changes: Partial<GrantPayload> = {}): GrantPayload {
    const now = this.#now()
    const removes = document.typ === 'tombstone'
    const grant: GrantPayload = {
      ...CLUSTER,
      typ: 'grant',
      iat: now,
      // Of the Application and a count: no two of a cluster are alike, though hubs are made anew.
      id: `grant-${document.application.id.slice(-12)}-${++this.#n}`,
      application: document.application.id,
      document: document.number,
      cal: { epoch: 1, n: 1 },
      trigger: removes ? 'delete' : 'automated',
      by: 'hub',
      options: { dryRun: false, prune: removes || document.options.prune, revision: 'a'.repeat(40) },
      startBefore: now + 10 * 60 * 1000,
      passes: [],
      ...changes,
    }
    this.link.openGrants.push(grant)
    return grant
  }

  /** Offers a Bundle, grants its sync and says so. */
  sync(bundle: Bundle, changes: Partial<OfferPayload> = {}): GrantPayload {
    const grant = this.grant(this.offer(bundle, changes))
    this.link.changed()
    return grant
  }
}
