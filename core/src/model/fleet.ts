import type { FreezeRule, WindowRule } from '../gates/rules.ts'
import type { JsonObject } from '../json/json.ts'
import type { NotificationRouteSpec } from '../notify/route.ts'
import type { DestinationServiceAccount } from '../project/service-account.ts'
import type { SignatureMode, SigningKeys, SourceIntegrityFields } from '../project/source-integrity.ts'
import type { ApiGroup, ApplicationSpec } from './application.ts'
import type { Diagnostic, Position } from './diagnostic.ts'
import type { ResourceCustomizations } from './resource-customizations.ts'

/** What a config source may declare (decision 18). */
export type Trust = { readonly kind: 'all' } | { readonly kind: 'projects'; readonly projects: readonly string[] }

/** One document of the config repo, read, checked and still knowing where each of its nodes stands. */
export interface Declared<Spec> {
  readonly group: ApiGroup
  readonly apiVersion: string
  readonly kind: string
  readonly name: string
  readonly namespace?: string
  readonly labels: { readonly [key: string]: string }
  readonly annotations: { readonly [key: string]: string }
  readonly finalizers: readonly string[]
  readonly spec: Spec
  /** The whole document as read, for templates and display. */
  readonly document: JsonObject
  /** Name of the config source; empty offline. */
  readonly source: string
  readonly trust: Trust
  /** Index of the document in its file, from 0. */
  readonly index: number
  /** Digest of the document's canonical form: equal content, equal digest, wherever it stands. */
  readonly contentDigest: string
  /** Where the document begins. */
  readonly position: Position
  /** Where the node at `path` stands; the nearest existing ancestor's position for a path that is not there. */
  positionOf(path: readonly (string | number)[]): Position
  /** Where a line and column of the text at `path` stand in the file; the text's own place where that cannot be told. */
  placeWithin?(path: readonly (string | number)[], within: { readonly line: number; readonly column: number }): Position
}

/** Argo CD's ApplicationSet spec, as written. Generators are raw: each is read by the generator named by its key. */
export interface ApplicationSetSpec {
  readonly goTemplate?: boolean
  readonly goTemplateOptions?: readonly string[]
  readonly generators: readonly JsonObject[]
  readonly template: JsonObject
  readonly templatePatch?: string
  readonly syncPolicy?: { readonly preserveResourcesOnDeletion?: boolean; readonly applicationsSync?: string }
  readonly strategy?: JsonObject
  readonly preservedFields?: JsonObject
  readonly ignoreApplicationDifferences?: readonly JsonObject[]
  readonly [field: string]: unknown
}

export interface ClusterSpec {
  readonly environment?: string
  /** IANA name; `UTC` when the document has none. */
  readonly timeZone: string
  /** URLs that Argo documents may name as `destination.server`. */
  readonly servers: readonly string[]
  readonly local: boolean
  /** The Project that alone may use the cluster (Argo CD's project-scoped clusters); absent: every one that names it. */
  readonly project?: string
}

export interface GroupKindRule {
  readonly group: string
  readonly kind: string
  /** Glob over the object's name, for cluster-scoped kinds; absent: every name. */
  readonly name?: string
}

export interface ProjectDestination {
  readonly name?: string
  readonly server?: string
  readonly namespace?: string
}

/** What a group of Applications may use (Argo CD's AppProject; absent lists mean what they mean there). */
export interface ProjectSpec extends SourceIntegrityFields {
  readonly description?: string
  readonly sourceRepos: readonly string[]
  readonly destinations: readonly ProjectDestination[]
  readonly clusterResourceWhitelist: readonly GroupKindRule[]
  readonly clusterResourceBlacklist: readonly GroupKindRule[]
  /** Absent: every namespaced kind. */
  readonly namespaceResourceWhitelist?: readonly GroupKindRule[]
  readonly namespaceResourceBlacklist: readonly GroupKindRule[]
  /** Whom Applications are applied as, by destination; the first entry that matches. */
  readonly destinationServiceAccounts?: readonly DestinationServiceAccount[]
  /** Nothing is applied with the agent's own rights. */
  readonly impersonation?: 'required'
  /** Globs of labels and annotations that `managedNamespaceMetadata` may set although they decide about more. */
  readonly allowedNamespaceMetadata?: readonly string[]
  /** Everything else of the document; a field that no step reads yet is named in a warning. */
  readonly [field: string]: unknown
}

export interface RepositorySpec {
  readonly url: string
  /** Name of a credential in hub.yaml; never the credential itself. */
  readonly credentials?: string
  /** What has to be signed, whatever Project reads it. */
  readonly signatures?: { readonly mode: 'none' | SignatureMode; readonly keys: readonly string[] }
  /** Milliseconds; default from hub.yaml. */
  readonly pollIntervalMs?: number
}

/** Everything declared at one revision of the config sources. Lists are sorted by (source, file, document). */
export interface Fleet {
  readonly applicationSets: readonly Declared<ApplicationSetSpec>[]
  readonly applications: readonly Declared<ApplicationSpec>[]
  readonly projects: readonly Declared<ProjectSpec>[]
  readonly clusters: readonly Declared<ClusterSpec>[]
  readonly repositories: readonly Declared<RepositorySpec>[]
  readonly syncWindows?: readonly Declared<WindowRule>[]
  readonly freezePeriods?: readonly Declared<FreezeRule>[]
  readonly resourceCustomizations?: readonly Declared<ResourceCustomizations>[]
  /** Who may do what; `accessOfFleet` of config reads their specs. */
  readonly accessPolicies?: readonly Declared<unknown>[]
  readonly teams?: readonly Declared<unknown>[]
  readonly notificationRoutes?: readonly Declared<NotificationRouteSpec>[]
  /** Public keys that signatures of commits are checked with. */
  readonly signingKeys?: readonly Declared<SigningKeys>[]
}

export interface LoadResult {
  readonly fleet: Fleet
  readonly diagnostics: readonly Diagnostic[]
}
