import type { Digest } from '../json/canonical-json.ts'
import type {
  CalendarPayload,
  Ceiling,
  ClosedInterval,
  GrantPayload,
  OfferPayload,
  SyncOptions,
  TombstonePayload,
} from './documents.ts'
import { importPublicKey, type SigningKey, signingKeyFromSeed } from './ed25519.ts'
import type { ReportEntry } from './report.ts'
import type { DocumentContext } from './signed-document.ts'

/** Whole payloads for the tests of this folder and of its users; every field can be given. */

export const SAMPLE_CLUSTER = '01890000-0000-7000-8000-000000000001'
export const SAMPLE_DIGEST: Digest = `sha256:${'ab'.repeat(32)}`

export const SAMPLE_OPTIONS: SyncOptions = {
  createNamespace: true,
  prune: true,
  selfHeal: true,
  allowEmpty: false,
  pruneLast: false,
  prunePropagation: 'foreground',
  applyOutOfSyncOnly: false,
  failOnSharedResource: false,
  respectIgnoreDifferences: false,
  validate: true,
  replace: false,
  adopt: 'IfUnowned',
}

/** Permits every kind in every namespace, and no kind without one. */
export const OPEN_CEILING: Ceiling = {
  clusterKindsAllowed: [],
  clusterKindsDenied: [],
  namespacedKindsDenied: [],
  namespaces: ['*'],
}

export function sampleKey(fill = 1): SigningKey {
  return signingKeyFromSeed(new Uint8Array(32).fill(fill))
}

export function sampleContext(key: SigningKey = sampleKey()): DocumentContext {
  const publicKey = importPublicKey(key.publicKey)
  if (!publicKey) throw new Error('the sample key is broken')
  return { cluster: SAMPLE_CLUSTER, adm: 1, keys: new Map([[key.kid, publicKey]]) }
}

export function sampleOffer(n: number, over: Partial<OfferPayload> = {}): OfferPayload {
  return {
    typ: 'offer',
    cluster: SAMPLE_CLUSTER,
    adm: 1,
    iat: 1000,
    must: ['options', 'ceiling'],
    number: { epoch: 1, n },
    cal: { epoch: 1, n: 1 },
    application: { id: 'app-1', name: 'shop', project: 'shop' },
    digest: SAMPLE_DIGEST,
    size: 100,
    revision: 'abc',
    namespace: 'shop',
    options: SAMPLE_OPTIONS,
    ceiling: OPEN_CEILING,
    ignoreDifferences: [],
    ...over,
  }
}

export function sampleTombstone(n: number, over: Partial<TombstonePayload> = {}): TombstonePayload {
  return {
    typ: 'tombstone',
    cluster: SAMPLE_CLUSTER,
    adm: 1,
    iat: 1000,
    must: ['policy'],
    number: { epoch: 1, n },
    application: { id: 'app-1', name: 'shop', project: 'shop' },
    policy: 'prune',
    reason: 'left its set',
    ...over,
  }
}

export function sampleCalendar(n: number, over: Partial<CalendarPayload> = {}): CalendarPayload {
  return {
    typ: 'calendar',
    cluster: SAMPLE_CLUSTER,
    adm: 1,
    iat: 1000,
    must: ['intervals', 'void'],
    number: { epoch: 1, n },
    from: 0,
    until: 1_000_000,
    intervals: [],
    void: [],
    ...over,
  }
}

export function sampleInterval(over: Partial<ClosedInterval> = {}): ClosedInterval {
  return {
    applications: 'all',
    from: 10_000,
    to: 20_000,
    rule: 'freeze-1',
    layer: 'platform',
    triggers: ['automated', 'manual', 'override', 'delete'],
    blocks: ['sync', 'prune', 'heal'],
    inFlight: 'pauseAtWave',
    gracePeriodMs: 0,
    selfHeal: false,
    ...over,
  }
}

export function sampleGrant(over: Partial<GrantPayload> = {}): GrantPayload {
  return {
    typ: 'grant',
    cluster: SAMPLE_CLUSTER,
    adm: 1,
    iat: 1000,
    must: ['startBefore', 'passes', 'options'],
    id: 'grant-1',
    application: 'app-1',
    document: { epoch: 1, n: 2 },
    cal: { epoch: 1, n: 1 },
    trigger: 'automated',
    by: 'hub',
    options: { dryRun: false, prune: true, revision: 'abc' },
    startBefore: 900_000,
    passes: [],
    ...over,
  }
}

export function sampleReport(over: Partial<ReportEntry> = {}): ReportEntry {
  return {
    application: 'app-1',
    inc: 1,
    n: 1,
    gone: false,
    sync: { status: 'Synced' },
    health: { status: 'Healthy', since: 1000 },
    objects: [],
    objectsCut: 0,
    objectCount: 1,
    images: ['registry.example/shop:1'],
    observedAt: 1000,
    ...over,
  }
}
