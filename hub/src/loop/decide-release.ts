import { gateOver } from '@flotilla/config/declared-gate'
import { decodeBundle } from '@flotilla/core/bundle/decode-bundle'
import { encodeBundle } from '@flotilla/core/bundle/encode-bundle'
import { CANONICAL_FORMAT, type Digest } from '@flotilla/core/json/canonical-json'
import type { Application, ApplicationSource } from '@flotilla/core/model/application'
import type { ProjectSpec } from '@flotilla/core/model/fleet'
import type { Hold, HoldCode } from '@flotilla/core/model/hold'
import type { KubernetesObject } from '@flotilla/core/model/kubernetes-object'
import { pauseInForce } from '@flotilla/core/model/pause'
import { type Pin, pinInForce } from '@flotilla/core/model/pin'
import { customizationsFor, type ResourceCustomizations } from '@flotilla/core/model/resource-customizations'
import { type OrphanRules, orphanRulesOf } from '@flotilla/core/orphans/orphan-rules'
import { BundleStoreError } from '@flotilla/core/ports/bundle-store'
import type { ObjectId } from '@flotilla/core/ports/git'
import type { RenderProblem } from '@flotilla/core/ports/renderer'
import type { ApplicationRow, BundleRow } from '@flotilla/core/ports/store'
import { DEFAULT_PROJECT, DEFAULT_PROJECT_SPEC } from '@flotilla/core/project/default-project'
import { permit, sourcesOf } from '@flotilla/core/project/permit'
import type { Ceiling, SyncOptions } from '@flotilla/core/protocol/documents'
import type { RunOptions } from '@flotilla/core/sync/run-options'
import { readSyncOptions } from '@flotilla/core/sync/sync-options'
import { nearest } from '@flotilla/core/text/nearest'
import { isFleetDocument, levelOf, MOST_LEVELS, partObjects } from './brought-documents.ts'
import { provedSource } from './check-signatures.ts'
import type { DeclaredCluster } from './fleet-index.ts'
import { type LocatedSource, locateSource, revisionOf } from './locate-source.ts'
import { firstKindRefused, groupKindOf } from './permit-rendered.ts'
import { keptBundle, pinnedApplication, unavailableText } from './pinned.ts'
import type { LoopServices } from './services.ts'
import { applicationOf, type GroupKind, type World } from './world.ts'

/** What an Application may become: a Bundle, with everything that its Offer says besides. */
export interface Release {
  readonly bundle: BundleRow
  /** Whether the Bundle's row is new to the store. */
  readonly rendered: boolean
  readonly revision: ObjectId
  readonly renderKey: string
  readonly ceiling: Ceiling
  readonly options: SyncOptions
  /** What its Project wants to know of objects that nobody declares; undefined: nothing. */
  readonly orphans: OrphanRules | undefined
  /** How its operations are run, as far as that is not as usual. */
  readonly run: Partial<RunOptions>
  readonly cluster: DeclaredCluster
  /** Of the installation's rules, those for what this renders. */
  readonly customizations: ResourceCustomizations
  /** What the source renders for the fleet and not for the cluster (brought-documents.ts). */
  readonly documents: readonly KubernetesObject[]
}

export type ReleaseDecision =
  | { readonly kind: 'release'; readonly release: Release }
  | { readonly kind: 'hold'; readonly hold: Hold }
  /** Its repository cannot be read for now: what is offered stays as it is, and it is looked at after the next fetch. */
  | { readonly kind: 'keep' }

/**
 * Permit, then render, then permit what was rendered: one Application's way to a Bundle, or the first reason why not.
 * Reads a snapshot, stores nothing but the Bundle itself (which is named by its content), returns a value.
 */
export async function decideRelease(
  row: ApplicationRow,
  world: World,
  services: LoopServices,
): Promise<ReleaseDecision> {
  const pin = pinInForce(row, services.clock.now())
  const application = pinnedApplication(applicationOf(row), pin)
  if (application.metadata.annotations?.[SKIP_RECONCILE] === 'true') {
    const reason = `it is annotated ${SKIP_RECONCILE}: remove the annotation and it goes on`
    return held('SKIP_RECONCILE', reason, application)
  }
  const project = findProject(row.project, world)
  if (project.kind === 'none') return held(project.code, project.reason, application)
  const destination = world.fleet.destination(application.spec.destination)
  if (destination.kind === 'unknown') {
    const code = row.clusterName !== '' ? 'CLUSTER_REMOVED' : 'CLUSTER_UNKNOWN'
    return held(code, `${destination.reason}; ${destination.hint}`, application)
  }
  const { cluster } = destination
  const used = { ...cluster, project: cluster.document.spec.project }
  const permission = permit({ name: row.project, spec: project.spec }, application, used)
  if (permission.kind === 'refused')
    return held(permission.code, `${permission.reason}; ${permission.hint}`, application)
  const gate = gateOver(world.fleet.unsupportedGates, row.project)
  if (gate) {
    const reason = `${gate.what} restricts what this may be, which is not built yet: nothing starts under it`
    return { kind: 'hold', hold: { code: 'UNSUPPORTED_GATE', reason, at: gate.position } }
  }
  const { options: asked, problems, run } = readSyncOptions(application)
  const adoptFrom = world.adoptions.toolsFor(row)
  const options: SyncOptions = {
    ...asked,
    selfHeal: asked.selfHeal && pauseInForce(row, services.clock.now()) === undefined,
    ...(adoptFrom.length > 0 && { adoptFrom }),
  }
  const blocking = problems.filter(problem => problem.kind === 'hold')
  if (blocking.length > 0) {
    const reason = blocking.map(({ message, hint }) => (hint ? `${message} (${hint})` : message)).join('; ')
    return held('UNSUPPORTED_OPTION', reason, application)
  }
  const sources = sourcesOf(application)
  const source = sources[0]
  if (!source || sources.length > 1) {
    const reason = source ? 'several sources are not built yet' : 'the Application names no source'
    return held('UNSUPPORTED_SOURCE', reason, application)
  }
  const proved = await provedSource(row, project.spec, application, source, world, services)
  if (proved !== undefined && proved.kind !== 'located') return orWaits(proved, row, pin, application)
  // For the local cluster the Bundle alone does not say what was brought to the fleet with it.
  const kept = pin && !cluster.local ? await keptBundle(pin, services) : undefined
  let rendered = kept ?? (await render(row, source, proved, world, services, 'remember'))
  if (rendered.kind !== 'rendered') return orWaits(rendered, row, pin, application)
  let kinds = await kindsOf(rendered.bundle.digest, world, services)
  if (!kinds) {
    // Its file is lost or damaged: what it was made from makes it again.
    rendered = await render(row, source, proved, world, services, 'again')
    if (rendered.kind !== 'rendered') return rendered
    kinds = await kindsOf(rendered.bundle.digest, world, services)
    if (!kinds) throw new Error(`Bundle ${rendered.bundle.digest} was stored a moment ago and cannot be read`)
  }
  const documents: KubernetesObject[] = []
  if (cluster.local && kinds.some(isFleetDocument)) {
    if (levelOf(row, world) >= MOST_LEVELS) {
      const reason = `it renders Applications, and was itself brought by the last of ${MOST_LEVELS} that brought one another; declare them higher up`
      return held('BROUGHT_TOO_DEEP', reason, application)
    }
    const parted = await partBundle(row, rendered, services)
    documents.push(...parted.documents)
    kinds = kinds.filter(kind => !isFleetDocument(kind))
    rendered = parted.rendered
  }
  const { bundle } = rendered
  if (pin?.digest !== undefined && bundle.digest !== pin.digest) {
    return held('PIN_UNAVAILABLE', unavailableText(pin), application)
  }
  if (bundle.objectCount === 0 && documents.length === 0 && !options.allowEmpty) {
    return held(
      'EMPTY_BUNDLE',
      'the source renders to no object; set syncPolicy.automated.allowEmpty to allow it',
      application,
    )
  }
  const refusal = firstKindRefused(kinds, permission.ceiling, row.project, application.spec.destination.namespace ?? '')
  if (refusal) return held('KIND_FORBIDDEN', refusal, application)
  const customizations = customizationsFor(world.fleet.customizations, kinds)
  const { ceiling } = permission
  const orphans = orphanRulesOf(project.spec)
  const revision = pin?.revision ?? rendered.revision
  return {
    kind: 'release',
    release: { ...rendered, revision, ceiling, options, orphans, run, cluster, documents, customizations },
  }
}

/** What is offered may stay as it is, but not in place of another revision that it is to be held to. */
function orWaits(
  decision: Exclude<ReleaseDecision, { kind: 'release' }>,
  { digest }: ApplicationRow,
  pin: Pin | undefined,
  application: Application,
): ReleaseDecision {
  if (decision.kind !== 'keep' || pin?.digest === undefined || pin.digest === digest) return decision
  const { repoURL } = application.spec.source ?? {}
  const reason = `repository ${repoURL} cannot be read now, which revision ${pin.revision.slice(0, 12)} has to be checked in or rendered from`
  return held('REPOSITORY_UNAVAILABLE', reason, application)
}

/** Argo CD's way to have an Application left alone. */
const SKIP_RECONCILE = 'argocd.argoproj.io/skip-reconcile'

type FoundProject =
  | { readonly kind: 'project'; readonly spec: ProjectSpec }
  | { readonly kind: 'none'; readonly code: HoldCode; readonly reason: string }

function findProject(name: string, world: World): FoundProject {
  const declared = world.fleet.projects.get(name)
  if (declared) return { kind: 'project', spec: declared.spec }
  if (world.projectsLastSeen.has(name)) {
    const reason = `project "${name}" left its config source; it stays in force as last seen and nothing new starts under it: declare it again, or choose another Project`
    return { kind: 'none', code: 'PROJECT_REMOVED', reason }
  }
  if (name === DEFAULT_PROJECT) return { kind: 'project', spec: DEFAULT_PROJECT_SPEC }
  const meant = nearest(name, [...world.fleet.projects.keys()])
  const mend = meant === undefined ? 'declare it' : `declare it; or did you mean "${meant}"?`
  return { kind: 'none', code: 'PROJECT_MISSING', reason: `no Project is named "${name}"; ${mend}` }
}

type Rendered =
  | {
      readonly kind: 'rendered'
      readonly bundle: BundleRow
      readonly rendered: boolean
      readonly revision: ObjectId
      readonly renderKey: string
    }
  | { readonly kind: 'hold'; readonly hold: Hold }
  | { readonly kind: 'keep' }

/** @param proved The one commit that may be rendered, where signatures are asked for: the source may have moved since. */
async function render(
  row: ApplicationRow,
  source: ApplicationSource,
  proved: LocatedSource | undefined,
  world: World,
  services: LoopServices,
  how: 'remember' | 'again',
): Promise<Rendered> {
  const { renderer, store, bundles, clock } = services
  const application = applicationOf(row)
  const located = proved ?? (await locateSource(row, source, world, services))
  if (located.kind !== 'located') return located
  const { repository, commit } = located
  const input = { source, repository, commit }
  const key = await renderer.inputKey(input)
  if (key.kind === 'failed') return heldByProblems(key.problems, application)
  const known = row.renderKey === key.key ? row.digest : await store.read(rows => rows.renderMemo(key.key))
  const remembered = known && (await store.read(rows => rows.bundle(known)))
  // Nothing an Application reads has changed: it stays at the revision that last did.
  if (how === 'remember' && remembered && (await bundles.has(remembered.digest))) {
    const revision = row.digest === remembered.digest && row.revision ? row.revision : commit
    return { kind: 'rendered', bundle: remembered, rendered: false, revision, renderKey: key.key }
  }
  const result = await renderer.render(input)
  if (result.kind === 'failed') return heldByProblems(result.problems, application)
  const { digest, bytes, objectCount, holdsSecrets, images } = result.bundle
  await bundles.put(digest, bytes)
  const bundle = {
    digest,
    format: CANONICAL_FORMAT,
    size: bytes.length,
    objectCount,
    holdsSecrets,
    images,
    createdAt: clock.now(),
  }
  const revision = row.digest === digest && row.revision ? row.revision : commit
  return { kind: 'rendered', bundle, rendered: true, revision, renderKey: key.key }
}

/**
 * The same without the fleet's documents, under a key of its own: elsewhere the same source may render for a cluster
 * that is not the local one, and keep them.
 */
async function partBundle(
  row: ApplicationRow,
  whole: Extract<Rendered, { kind: 'rendered' }>,
  { bundles, store, clock }: LoopServices,
): Promise<{ readonly documents: readonly KubernetesObject[]; readonly rendered: typeof whole }> {
  const bytes = await bundles.get(whole.bundle.digest)
  if (!bytes) throw new Error(`Bundle ${whole.bundle.digest} was read a moment ago and cannot be read now`)
  const { documents, objects } = partObjects(decodeBundle(bytes, whole.bundle.digest).objects, row.name)
  if (whole.rendered) {
    await store.write(async writer => {
      await writer.putBundle(whole.bundle)
      await writer.putRenderMemo(whole.renderKey, whole.bundle.digest)
    })
  }
  const encoded = encodeBundle(objects)
  const { digest, objectCount, holdsSecrets, images } = encoded
  const renderKey = `${whole.renderKey} for the local cluster`
  const remembered = await store.read(rows => rows.bundle(digest))
  const known = remembered !== undefined && (await bundles.has(digest))
  if (!known) await bundles.put(digest, encoded.bytes)
  const bundle = known
    ? remembered
    : {
        digest,
        format: CANONICAL_FORMAT,
        size: encoded.bytes.length,
        objectCount,
        holdsSecrets,
        images,
        createdAt: clock.now(),
      }
  const revision = row.renderKey === renderKey && row.revision ? row.revision : whole.revision
  return { documents, rendered: { kind: 'rendered', bundle, rendered: !known, revision, renderKey } }
}

/** The folders that an Application renders. */
export function readBy(application: Application) {
  return sourcesOf(application).map(source => ({
    repository: source.repoURL,
    revision: revisionOf(source),
    path: source.path ?? '',
  }))
}

/** Undefined when the Bundle's file is lost or damaged. */
async function kindsOf(
  digest: Digest,
  world: World,
  { bundles, log }: LoopServices,
): Promise<readonly GroupKind[] | undefined> {
  const known = world.kinds.get(digest)
  if (known) return known
  let bytes: Uint8Array | undefined
  try {
    bytes = await bundles.get(digest)
  } catch (error) {
    if (!(error instanceof BundleStoreError) || error.code !== 'BUNDLE_CORRUPT') throw error
    log.warn('a stored Bundle is damaged and is made again', { digest, error })
  }
  if (!bytes) return undefined
  const kinds = decodeBundle(bytes, digest).objects.map(groupKindOf)
  world.kinds.set(digest, kinds)
  return kinds
}

function held(
  code: HoldCode,
  reason: string,
  application: Application,
): { readonly kind: 'hold'; readonly hold: Hold } {
  const { file, line, column } = application.provenance
  return { kind: 'hold', hold: { code, reason, at: { file, line, column } } }
}

function heldByProblems(
  problems: readonly RenderProblem[],
  application: Application,
): { readonly kind: 'hold'; readonly hold: Hold } {
  const first = problems[0]
  if (!first) throw new Error('a render failed without saying why')
  const text = ({ file, line, column, message, hint }: RenderProblem): string =>
    `${file ? `${[file, line, column].filter(part => part !== undefined).join(':')} ` : ''}${message}${hint ? ` (${hint})` : ''}`
  const shown = problems.slice(0, 5).map(text)
  if (problems.length > shown.length) shown.push(`and ${problems.length - shown.length} more`)
  const hold = held(first.code, shown.join('; '), application)
  const { file, line = 1, column = 1 } = first
  return file === undefined ? hold : { kind: 'hold', hold: { ...hold.hold, at: { file, line, column } } }
}
