import type { FieldChange } from '@flotilla/core/diff/json-changes'
import type { RemovalPolicy } from '@flotilla/core/model/deletion-plan'
import type { Diagnostic } from '@flotilla/core/model/diagnostic'
import type { Provenance } from '@flotilla/core/model/provenance'

/** What a change of the config repository would do to the fleet. Every list is sorted by name. */
export interface Preview {
  readonly created: readonly CreatedApplication[]
  readonly updated: readonly UpdatedApplication[]
  readonly deleted: readonly DeletedApplication[]
  /** What the hub would not do, or not yet: the Application stays as it is, for this reason. */
  readonly held: readonly HeldApplication[]
  /** How many Applications nothing happens to. */
  readonly unchanged: number
  /** Every mistake in what would be in force. */
  readonly diagnostics: readonly PreviewDiagnostic[]
  /** Present when manifests were left out because there are too many. */
  readonly cut?: string
}

export interface PreviewDiagnostic extends Diagnostic {
  /** Whether the change brings it: it is not there before. */
  readonly isNew: boolean
}

/** An Application, and where it comes from. */
export interface PreviewedApplication {
  readonly name: string
  readonly project: string
  /** Name of the Cluster; empty while the destination is unknown. */
  readonly cluster: string
  readonly namespace: string
  readonly set?: string
  readonly provenance: Provenance
}

export interface CreatedApplication extends PreviewedApplication {
  readonly diff: ApplicationDiff
  /** What it waits for although nothing holds it. */
  readonly notes: readonly PreviewNote[]
}

export interface UpdatedApplication extends PreviewedApplication {
  readonly diff: ApplicationDiff
  readonly notes: readonly PreviewNote[]
}

export interface DeletedApplication extends PreviewedApplication {
  /** `prune`: its objects are removed from the cluster. `detach`: they stay and nobody keeps them. */
  readonly objects: RemovalPolicy
  /** The objects that this concerns, as `apps/Deployment shop/web`; empty when it was never applied. */
  readonly manifests: readonly string[]
}

export interface HeldApplication extends PreviewedApplication {
  /** What is held back; `move`: to another cluster, while the Application there is new. */
  readonly change: 'create' | 'update' | 'delete' | 'move'
  /** Code of docs/holds.md. */
  readonly code: string
  readonly reason: string
  readonly at?: { readonly file: string; readonly line: number; readonly column: number }
  /** Of a removal that waits for approval: what becomes of its objects when it is approved. */
  readonly objects?: RemovalPolicy
  readonly diff: ApplicationDiff
}

export interface PreviewNote {
  readonly code: 'SYNC_NOT_AUTOMATED' | 'CLUSTER_NOT_JOINED'
  readonly message: string
}

export interface ApplicationDiff {
  /** Of the Application document; `set` when it comes from another set. */
  readonly fields: readonly FieldChange[]
  readonly manifests: readonly ManifestChange[]
}

/** One object that is rendered otherwise. */
export interface ManifestChange {
  /** `apps/Deployment shop/web`. */
  readonly object: string
  readonly change: 'created' | 'updated' | 'removed'
  /** Of a removed one: whether a sync takes it out of the cluster. */
  readonly pruned?: boolean
  /** Hunks as `diff -u` prints them, values of Secrets masked; empty when it was cut. */
  readonly diff: string
}

export interface PreviewLimits {
  readonly maxApplications: number
  /** Characters of manifest differences, over all Applications. */
  readonly maxDiffCharacters: number
  /** Of wall time. */
  readonly maxMs: number
}

export const PREVIEW_LIMITS: PreviewLimits = {
  maxApplications: 200_000,
  maxDiffCharacters: 16 * 1024 * 1024,
  maxMs: 10 * 60_000,
}

export type PreviewErrorCode =
  | 'PREVIEW_TOO_LARGE'
  | 'PREVIEW_TOO_SLOW'
  | 'PREVIEW_BUSY'
  | 'PREVIEW_FAILED'
  | 'CONFIG_UNREADABLE'
  | 'SOURCE_UNKNOWN'
  | 'REVISION_UNKNOWN'

/** Why there is no preview. */
export class PreviewError extends Error {
  readonly code: PreviewErrorCode
  readonly subject: string
  readonly retry: boolean
  constructor(code: PreviewErrorCode, subject: string, message: string, options: { cause?: unknown } = {}) {
    super(`${subject}: ${message} (${code})`, options)
    this.name = 'PreviewError'
    this.code = code
    this.subject = subject
    this.retry = code === 'PREVIEW_TOO_SLOW' || code === 'PREVIEW_BUSY'
  }
}
