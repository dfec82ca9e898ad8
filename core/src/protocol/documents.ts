import type { RetryPolicy } from '../decide/retry-delay.ts'
import type { CustomRuleSource } from '../health/custom/custom-rules.ts'
import type { Digest } from '../json/canonical-json.ts'
import type { JsonObject } from '../json/json.ts'
import type { GroupKindRule } from '../model/fleet.ts'
import type { ObjectKey } from '../model/kubernetes-object.ts'
import type { OrphanRules } from '../orphans/orphan-rules.ts'
import type { DeliveryTool } from '../plan/tracking.ts'
import type { RunOptions } from '../sync/run-options.ts'
import type { EpochMs } from '../time/epoch-ms.ts'

/**
 * The signed documents of protocol.md 5, as payloads. Each travels as a compact JWS (EdDSA) whose header names its
 * `typ` and the hub key (`kid`). Numbers are compared as pairs; the epoch rises only by `hub recover`.
 */
export interface DocumentNumber {
  readonly epoch: number
  readonly n: number
}

export interface DocumentBase {
  /** The cluster id (UUIDv7) that the document is for. */
  readonly cluster: string
  /** The admission it was issued under. */
  readonly adm: number
  readonly iat: EpochMs
  /** Fields the reader has to understand; an unknown one refuses the document. */
  readonly must: readonly string[]
}

export interface ApplicationReference {
  readonly id: string
  readonly name: string
  readonly project: string
}

/** What the Project allows inside the cluster; enforced at the hub when permitting and at the agent when applying. */
export interface Ceiling {
  readonly clusterKindsAllowed: readonly GroupKindRule[]
  readonly clusterKindsDenied: readonly GroupKindRule[]
  /** Absent: every namespaced kind. */
  readonly namespacedKindsAllowed?: readonly GroupKindRule[]
  readonly namespacedKindsDenied: readonly GroupKindRule[]
  /** Globs; `*` for all. */
  readonly namespaces: readonly string[]
  /** Impersonated when applying; absent: the agent's own rights. */
  readonly serviceAccount?: string
}

/** Argo CD's sync options and policies, read once at the hub into our own words. */
export interface SyncOptions {
  readonly createNamespace: boolean
  readonly namespaceLabels?: { readonly [key: string]: string }
  readonly namespaceAnnotations?: { readonly [key: string]: string }
  readonly prune: boolean
  /** For objects that do not say themselves: never, or only once somebody has confirmed it. Absent: as `prune` says. */
  readonly pruneDefault?: 'no' | 'confirm'
  readonly selfHeal: boolean
  readonly allowEmpty: boolean
  readonly pruneLast: boolean
  readonly prunePropagation: 'foreground' | 'background' | 'orphan'
  readonly applyOutOfSyncOnly: boolean
  readonly failOnSharedResource: boolean
  readonly respectIgnoreDifferences: boolean
  readonly validate: boolean
  readonly replace: boolean
  /** A field that may not change is no obstacle: the object is deleted and created again. */
  readonly force?: boolean
  /** `fail`: a field that another manager owns fails the object; absent: it is taken. */
  readonly conflicts?: 'fail'
  /** False: what kubectl set stays kubectl's. */
  readonly takeOverKubectl?: boolean
  readonly adopt: 'Force' | 'IfUnowned' | 'Never'
  /** How many prunes a sync may do unasked, in place of half of ten or more. */
  readonly maxPrune?: { readonly count: number } | { readonly percent: number }
  /** Tools whose objects may be taken over, by somebody's approval. */
  readonly adoptFrom?: readonly DeliveryTool[]
}

export interface OfferPayload extends DocumentBase {
  readonly typ: 'offer'
  readonly number: DocumentNumber
  /** The newest calendar when it was issued; an older one at the agent is fetched first. */
  readonly cal: DocumentNumber
  readonly application: ApplicationReference
  readonly digest: Digest
  /** Bytes of the Bundle, before compression. */
  readonly size: number
  /** The commit it was rendered from, for display. */
  readonly revision: string
  readonly namespace: string
  readonly options: SyncOptions
  readonly ceiling: Ceiling
  readonly ignoreDifferences: readonly JsonObject[]
  /** Health rules of the installation for kinds of this Bundle. */
  readonly healthRules?: readonly CustomRuleSource[]
  /** How an operation is run; what is left out is as {@link DEFAULT_RUN} says. */
  readonly run?: Partial<RunOptions>
  /** The Project wants to know of objects in the namespace that no Application declares; absent: it does not. */
  readonly orphans?: OrphanRules
}

export interface TombstonePayload extends DocumentBase {
  readonly typ: 'tombstone'
  readonly number: DocumentNumber
  readonly application: ApplicationReference
  readonly policy: 'prune' | 'detach'
  readonly reason: string
  /** For objects that do not say themselves: they stay, or wait until somebody has approved it. Absent: they go. */
  readonly deletion?: 'no' | 'confirm'
  readonly approvedBy?: string
  /** Impersonated when removing, as the Project says now; absent: the agent's own rights. */
  readonly serviceAccount?: string
  /** What was approved: deletions with this digest, and no others; absent: all. */
  readonly confirms?: Digest
}

export type GrantTrigger = 'automated' | 'manual' | 'override' | 'delete'

export interface GrantOptions {
  /** Nothing is written; the operation says what would be. */
  readonly dryRun: boolean
  readonly prune: boolean
  readonly revision: string
  /** Only these objects; absent: all. Such a sync is no success of the whole, and runs no hooks. */
  readonly resources?: readonly ObjectKey[]
  /** Somebody confirmed exactly the prunes with this digest; other ones wait on. */
  readonly confirms?: Digest
  /** How often it is tried again when it fails, as who asked for it wished; absent: as the Offer says. */
  readonly retry?: RetryPolicy
  /** As {@link SyncOptions.force} for this once: an object that refuses a change for good is deleted and made again. */
  readonly force?: true
  /** No hooks are run: what went before is put back, and hooks go forwards. */
  readonly skipHooks?: true
}

export interface GrantPayload extends DocumentBase {
  readonly typ: 'grant'
  readonly id: string
  /** The Application's id. */
  readonly application: string
  /** The Offer's or Tombstone's number; the Grant is void once a newer one is held. */
  readonly document: DocumentNumber
  readonly cal: DocumentNumber
  readonly trigger: GrantTrigger
  readonly by: string
  readonly options: GrantOptions
  readonly startBefore: EpochMs
  /** Closing rules that this Grant may pass, and until when. */
  readonly passes: readonly { readonly rule: string; readonly until: EpochMs }[]
}

export interface ClosedInterval {
  /** Application ids, or all of the cluster. */
  readonly applications: readonly string[] | 'all'
  /** Names in the calendar's `groups`: their Applications are meant too. */
  readonly groups?: readonly string[]
  readonly from: EpochMs
  readonly to: EpochMs
  /** The same again later, as pairs of from and to: what recurs names its Applications once. */
  readonly again?: readonly (readonly [EpochMs, EpochMs])[]
  /** The rule's id; it changes with the rule's content. */
  readonly rule: string
  readonly layer: string
  readonly triggers: readonly GrantTrigger[]
  readonly blocks: readonly ('sync' | 'prune' | 'heal')[]
  readonly inFlight: 'finish' | 'pauseAtWave' | 'abort'
  /** With `finish`: so long after its beginning; then as `pauseAtWave`. */
  readonly gracePeriodMs: number
  readonly selfHeal: boolean
}

export interface CalendarPayload extends DocumentBase {
  readonly typ: 'calendar'
  readonly number: DocumentNumber
  readonly from: EpochMs
  readonly until: EpochMs
  readonly intervals: readonly ClosedInterval[]
  /** Application ids by name, for the intervals that concern them: each id stands here once. */
  readonly groups?: { readonly [name: string]: readonly string[] }
  /** Ids of Grants that must not start any more. */
  readonly void: readonly string[]
}

/** Pods' logs as far as a command asks for them. */
export interface LogsRequest {
  /** The container; absent: the first, or the pod's default. */
  readonly container?: string
  readonly tailLines?: number
  readonly sinceSeconds?: number
  /** Goes on until the asker leaves or the command expires. */
  readonly follow: boolean
  /** Of the container that ran before. */
  readonly previous: boolean
}

/** What a command does, and to what. */
export type CommandAction =
  /** Ends a running operation, by its id. */
  | { readonly verb: 'terminate'; readonly operation: string }
  /** Says what an object is now: its UID above all, which a deletion has to name. */
  | { readonly verb: 'inspect'; readonly object: ObjectKey }
  /** Deletes the very object with this UID, and no other of its name. */
  | { readonly verb: 'delete'; readonly object: ObjectKey; readonly uid: string }
  /** To so many, not by so many: done twice it is the same. */
  | { readonly verb: 'scale'; readonly object: ObjectKey; readonly replicas: number }
  /** Writes the command's id into the pod template: done twice it is one restart. */
  | { readonly verb: 'restart' | 'suspend' | 'resume'; readonly object: ObjectKey }
  /** Streams to the hub by an upload under the command's id. */
  | ({ readonly verb: 'logs'; readonly object: ObjectKey } & LogsRequest)
  /** Events about the Application's objects, or about one. */
  | { readonly verb: 'events'; readonly object?: ObjectKey }
  /** Streams what the Application's objects have made, as it is now: ReplicaSets, Jobs, Pods. */
  | { readonly verb: 'children' }

export type CommandVerb = CommandAction['verb']

/** A person's word to one agent: done once, by the id; no number, like a Grant. */
export interface CommandPayload extends DocumentBase {
  readonly typ: 'command'
  readonly id: string
  /** The Application's id; only what it tracks is touched. */
  readonly application: string
  readonly action: CommandAction
  readonly by: string
  /** Not begun at or after this, hub time. */
  readonly expires: EpochMs
}

/**
 * What became of a command. `unknown`: it was begun, and the process ended before it could tell; it may or may not have
 * been done, and is not done again.
 */
export type CommandOutcome = 'done' | 'failed' | 'refused' | 'lapsed' | 'unknown'

export interface PulsePayload {
  readonly typ: 'pulse'
  readonly cluster: string
  readonly nonce: string
  readonly now: EpochMs
}

/** One link of the hub's key chain; signed by its predecessor (the first by itself). */
export interface HubKeysPayload {
  readonly typ: 'hub-keys'
  readonly hubId: string
  readonly kid: string
  /** Raw Ed25519 public key, base64url. */
  readonly key: string
  readonly previous?: string
  readonly iat: EpochMs
}

/** The answer to an enrolment, signed by the key that the join token names. */
export interface AdmissionPayload {
  readonly typ: 'admission'
  readonly cluster: string
  readonly clusterName: string
  readonly adm: number
  /** The agent's public key it is for, base64url. */
  readonly agentKey: string
  /** How many keys this one followed under the same admission. Default: 0. */
  readonly keyNumber?: number
  /** Of the cluster's numbers, when this was signed; absent in what hubs of before have signed. */
  readonly epoch?: number
  readonly hubId: string
  readonly hubKeys: readonly string[]
  readonly iat: EpochMs
}

export type SignedDocument = OfferPayload | TombstonePayload | GrantPayload | CalendarPayload | CommandPayload
export type NumberedDocument = OfferPayload | TombstonePayload | CalendarPayload

export function compareNumbers(a: DocumentNumber, b: DocumentNumber): number {
  return a.epoch - b.epoch || a.n - b.n
}

/** `3.41`: epoch, then n. */
export function numberText(number: DocumentNumber): string {
  return `${number.epoch}.${number.n}`
}
