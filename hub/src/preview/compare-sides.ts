import { withdrawalPolicy } from '@flotilla/core/decide/decide-withdrawal'
import { type FieldChange, jsonChanges } from '@flotilla/core/diff/json-changes'
import { equalJson } from '@flotilla/core/json/json'
import type { RemovalPolicy } from '@flotilla/core/model/deletion-plan'
import type { Hold } from '@flotilla/core/model/hold'
import type { Provenance } from '@flotilla/core/model/provenance'
import type { BundleStore } from '@flotilla/core/ports/bundle-store'
import type { ApplicationRow } from '@flotilla/core/ports/store'
import { isAutomated } from '@flotilla/core/sync/sync-options'
import { applicationOf } from '../loop/world.ts'
import { ManifestDiffs } from './manifest-diffs.ts'
import type {
  ApplicationDiff,
  CreatedApplication,
  DeletedApplication,
  HeldApplication,
  Preview,
  PreviewDiagnostic,
  PreviewedApplication,
  PreviewLimits,
  PreviewNote,
  UpdatedApplication,
} from './preview.ts'
import type { SideState } from './side-state.ts'

export interface CompareOptions {
  readonly bundles: BundleStore
  readonly limits: PreviewLimits
  /** Names of Clusters whose agent has joined. */
  readonly joined: ReadonlySet<string>
  readonly breathe?: (() => Promise<void>) | undefined
}

const PAIRS_A_BREATH = 100

/** Holds that say nothing of the change: they are told as notes, or not at all. */
const QUIET: ReadonlySet<Hold['code']> = new Set(['CLUSTER_NOT_JOINED', 'SYNC_NOT_AUTOMATED'])

/** What became of every Application between two sides. */
export async function compareSides(base: SideState, head: SideState, options: CompareOptions): Promise<Preview> {
  const manifests = new ManifestDiffs(options.bundles, options.limits.maxDiffCharacters)
  const created: CreatedApplication[] = []
  const updated: UpdatedApplication[] = []
  const deleted: DeletedApplication[] = []
  const held: HeldApplication[] = []
  let unchanged = 0
  for (const [index, { before, after }] of pairsOf(base, head).entries()) {
    if (index % PAIRS_A_BREATH === 0) await options.breathe?.()
    if (after === undefined || after.state === 'withdrawn') {
      if (before) deleted.push(await deletedOf(before, after, manifests))
    } else if (before === undefined) {
      const diff = await manifests.between(undefined, after)
      const whole: ApplicationDiff = { fields: [], manifests: diff }
      if (holdOf(after)) held.push(heldOf(after, 'create', holdOf(after)!, whole))
      else created.push({ ...aboutOf(after), diff: whole, notes: notesOf(after, options.joined) })
    } else {
      const outcome = await follow(before, after, manifests)
      if (outcome === undefined) unchanged++
      else if (outcome.kind === 'held')
        held.push(heldOf(after, outcome.change, outcome.hold, outcome.diff, head.waiting.get(after.id)))
      else updated.push({ ...aboutOf(after), diff: outcome.diff, notes: notesOf(after, options.joined) })
    }
  }
  const known = new Set(base.diagnostics.map(meaningOf))
  return {
    created,
    updated,
    deleted,
    held,
    unchanged,
    diagnostics: head.diagnostics.map((one): PreviewDiagnostic => ({ ...one, isNew: !known.has(meaningOf(one)) })),
    ...(manifests.cut > 0 && { cut: `the differences of ${manifests.cut} objects are left out: there are too many` }),
  }
}

interface Pair {
  readonly before: ApplicationRow | undefined
  readonly after: ApplicationRow | undefined
}

/** By name, then by cluster; what was on its way out before is nobody's change. */
function pairsOf(base: SideState, head: SideState): readonly Pair[] {
  const pairs: Pair[] = []
  for (const [id, before] of base.applications) {
    if (before.state !== 'withdrawn') pairs.push({ before, after: head.applications.get(id) })
  }
  for (const [id, after] of head.applications) {
    const before = base.applications.get(id)
    if (before === undefined) pairs.push({ before, after })
    // What was being withdrawn and is wanted again.
    else if (before.state === 'withdrawn' && after.state !== 'withdrawn') pairs.push({ before: undefined, after })
  }
  const keyOf = ({ before, after }: Pair): string => {
    const row = (after ?? before)!
    return `${row.name}\0${row.clusterName}`
  }
  return pairs.sort((a, b) => (keyOf(a) < keyOf(b) ? -1 : keyOf(a) > keyOf(b) ? 1 : 0))
}

type Outcome =
  | { readonly kind: 'updated'; readonly diff: ApplicationDiff }
  | {
      readonly kind: 'held'
      readonly change: HeldApplication['change']
      readonly hold: Hold
      readonly diff: ApplicationDiff
    }

async function follow(
  before: ApplicationRow,
  after: ApplicationRow,
  manifests: ManifestDiffs,
): Promise<Outcome | undefined> {
  const hold = holdOf(after)
  const diff = { fields: fieldsBetween(before, after), manifests: await manifests.between(before, after) }
  const isNew = hold !== undefined && !sameHold(hold, holdOf(before))
  if (after.state === 'orphaned') {
    return before.state === 'active' && hold ? { kind: 'held', change: 'move', hold, diff: NO_DIFF } : undefined
  }
  if (isNew) {
    const goes = diff.fields.length + diff.manifests.length === 0 && DELETION_HOLDS.has(hold.code)
    return { kind: 'held', change: goes ? 'delete' : 'update', hold, diff }
  }
  const changed = diff.fields.length > 0 || diff.manifests.length > 0
  // Held before and after for one reason: whatever else changed waits with it.
  if (hold) return changed ? { kind: 'held', change: 'update', hold, diff } : undefined
  return changed || holdOf(before) || before.state === 'orphaned' ? { kind: 'updated', diff } : undefined
}

const NO_DIFF: ApplicationDiff = { fields: [], manifests: [] }
const DELETION_HOLDS: ReadonlySet<string> = new Set([
  'DELETION_BUDGET',
  'SOURCE_REMOVED',
  'CLUSTER_REMOVED',
  'SET_REMOVED',
])

function holdOf(row: ApplicationRow): Hold | undefined {
  return row.hold && !QUIET.has(row.hold.code) ? row.hold : undefined
}

function sameHold(a: Hold, b: Hold | undefined): boolean {
  return a.code === b?.code && a.reason === b.reason
}

function fieldsBetween(before: ApplicationRow, after: ApplicationRow): readonly FieldChange[] {
  const fields = equalJson(before.document, after.document) ? [] : jsonChanges(before.document, after.document)
  if (before.set === after.set && before.source === after.source) return fields
  const [left, right] = [originOf(before), originOf(after)]
  return left === right ? fields : [{ path: 'set', before: left, after: right }, ...fields]
}

function originOf({ set }: ApplicationRow): string {
  return set ?? ''
}

async function deletedOf(
  row: ApplicationRow,
  after: ApplicationRow | undefined,
  manifests: ManifestDiffs,
): Promise<DeletedApplication> {
  const applied = row.clusterId !== undefined
  return {
    ...aboutOf(row),
    objects: after?.removal?.policy ?? withdrawalPolicy(applicationOf(row)),
    manifests: applied ? await manifests.namesOf(row) : [],
  }
}

function heldOf(
  row: ApplicationRow,
  change: HeldApplication['change'],
  { code, reason, at }: Hold,
  diff: ApplicationDiff,
  objects?: RemovalPolicy,
): HeldApplication {
  return { ...aboutOf(row), change, code, reason, ...(at ? { at } : {}), ...(objects ? { objects } : {}), diff }
}

function aboutOf(row: ApplicationRow): PreviewedApplication {
  return {
    name: row.name,
    project: row.project,
    cluster: row.clusterName,
    namespace: row.namespace,
    ...(row.set === undefined ? {} : { set: row.set }),
    provenance: row.provenance as unknown as Provenance,
  }
}

function notesOf(row: ApplicationRow, joined: ReadonlySet<string>): readonly PreviewNote[] {
  const notes: PreviewNote[] = []
  if (!joined.has(row.clusterName)) {
    notes.push({ code: 'CLUSTER_NOT_JOINED', message: `waits for an agent to join as "${row.clusterName}"` })
  }
  if (!isAutomated(applicationOf(row))) {
    notes.push({ code: 'SYNC_NOT_AUTOMATED', message: 'waits for a person to sync it' })
  }
  return notes
}

/** Lines move with every edit above them: what a mistake says is what it is. */
function meaningOf({
  file,
  code,
  message,
}: {
  readonly file: string
  readonly code: string
  readonly message: string
}) {
  return JSON.stringify([file, code, message])
}
