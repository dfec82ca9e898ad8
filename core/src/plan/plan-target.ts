import { respectIgnored } from '../diff/ignore-differences.ts'
import { NO_IGNORE_RULES } from '../diff/ignore-rules.ts'
import { managersToTakeOver } from '../diff/take-over.ts'
import { type KubernetesObject, type ObjectKey, objectKeyText } from '../model/kubernetes-object.ts'
import type { SyncOptions } from '../protocol/documents.ts'
import type { Place } from './plan-order.ts'
import type { Observation, Prediction, SyncIntent, SyncRequest } from './plan-sync.ts'
import type { Target } from './prepare-targets.ts'
import type { HoldAction, PlanProblem, SyncAction, WriteChoices } from './sync-plan.ts'
import { FIELD_MANAGER, type Owner, ownerOf } from './tracking.ts'

/** What is sent for a target that exists: the manifest, with ignored fields as the options want them. */
export function objectToSend(intent: SyncIntent, target: Target, live: KubernetesObject): KubernetesObject {
  const { ignore, request } = intent
  // What is harmless is left alone whatever the options say: no write would end it.
  const rules = request.options.respectIgnoreDifferences ? ignore : NO_IGNORE_RULES
  return respectIgnored(target.object, live, target.key, rules, FIELD_MANAGER)
}

type ObjectPlace = Place & { readonly key: ObjectKey; readonly hoistedFrom?: string }

interface HowToSend {
  readonly validate: boolean
  readonly fieldManager?: string
  readonly choices?: WriteChoices
}

/** What is done to one target: made, changed, kept, or held because somebody has to decide. */
export function planTarget(
  intent: SyncIntent,
  target: Target,
  place: ObjectPlace,
  live: KubernetesObject | undefined,
  observation: Observation,
  owned: ReadonlySet<string>,
  problems: PlanProblem[],
): SyncAction {
  const { request } = intent
  // Two Applications may share a namespace: each sets its own labels under a name of its own.
  const choices = choicesOf(request.options, target)
  const how: HowToSend = {
    validate: target.options.validate ?? request.options.validate,
    ...(target.destinationNamespace ? { fieldManager: `flotilla-namespace-${request.application.id}` } : {}),
    ...(choices === undefined ? {} : { choices }),
  }
  if (!live) return { kind: 'create', ...place, object: target.object, ...how }
  if (live.metadata.deletionTimestamp !== undefined) {
    return { kind: 'create', ...place, object: target.object, ...how, afterDeletionOf: live.metadata.uid ?? '' }
  }
  const name = objectKeyText(target.key)
  const prediction = observation.predictions.get(name) ?? { kind: 'unknown' }
  if (target.destinationNamespace) {
    const { labels, annotations } = target.object.metadata
    if (!labels && !annotations) return { kind: 'keep', ...place }
    return fromPrediction(prediction, place, target.object, [], how)
  }
  const hold = ownershipHold(request, target, place, live, owned.has(name), problems)
  if (hold) return hold
  if (target.options.createOnly) return { kind: 'keep', ...place }
  const kubectl = target.options.takeOverKubectl ?? request.options.takeOverKubectl ?? true
  const takeOver = managersToTakeOver(live, FIELD_MANAGER, { kubectl })
  const object = prediction.kind === 'unknown' ? objectToSend(intent, target, live) : target.object
  return fromPrediction(prediction, place, prediction.sent ?? object, takeOver, how)
}

function fromPrediction(
  prediction: Prediction,
  place: ObjectPlace,
  object: KubernetesObject,
  takeOver: readonly string[],
  how: HowToSend,
): SyncAction {
  switch (prediction.kind) {
    case 'same':
      if (takeOver.length === 0) return { kind: 'keep', ...place }
      return { kind: 'update', ...place, object, ...how, changes: [], takeOver }
    case 'changed': {
      const { changes, takenFrom } = prediction
      return { kind: 'update', ...place, object, ...how, changes, takeOver, ...(takenFrom ? { takenFrom } : {}) }
    }
    case 'unknown':
      return { kind: 'update', ...place, object, ...how, changes: [], takeOver }
    case 'refused':
      if (prediction.immutable && how.choices?.recreate) {
        return { kind: 'update', ...place, object, ...how, changes: [], takeOver, recreates: true }
      }
      return { kind: 'hold', ...place, code: 'PREDICTION_REFUSED', reason: prediction.message }
    case 'unauthorised':
      return { kind: 'hold', ...place, code: 'PREDICTION_UNAUTHORISED', reason: prediction.message }
  }
}

/** Whether somebody else's object is in the way. Refused by default: two owners would overwrite each other for ever. */
function ownershipHold(
  request: SyncRequest,
  target: Target,
  place: ObjectPlace,
  live: KubernetesObject,
  inInventory: boolean,
  problems: PlanProblem[],
): HoldAction | undefined {
  const owner = ownerOf(live, request.application.id, inInventory, request.formerIds)
  if (mayTake(owner, request.options)) return undefined
  const { adopt, failOnSharedResource } = request.options
  const reason =
    owner.kind === 'other' ? `belongs to ${owner.description}` : 'exists already, and adopting is not allowed'
  if (owner.kind === 'other' && owner.tool !== undefined && adopt !== 'Never') {
    return { kind: 'hold', ...place, code: 'ADOPTION_UNAPPROVED', reason, tool: owner.tool }
  }
  if (failOnSharedResource && owner.kind === 'other') {
    problems.push({ severity: 'error', code: 'SHARED_OBJECT', key: target.key, message: reason })
  }
  return { kind: 'hold', ...place, code: 'OWNED_BY_OTHER', reason }
}

/** Whether an Application may write an object with this owner. */
export function mayTake(owner: Owner, { adopt, adoptFrom = [] }: Pick<SyncOptions, 'adopt' | 'adoptFrom'>): boolean {
  switch (owner.kind) {
    case 'ours':
      return true
    case 'nobody':
      return adopt !== 'Never'
    case 'other':
      return adopt === 'Force' || (adopt !== 'Never' && owner.tool !== undefined && adoptFrom.includes(owner.tool))
  }
}

/** Kinds whose deletion takes along what is not ours, or what no backup brings back. */
const NEVER_RECREATED: ReadonlySet<string> = new Set([
  'Namespace',
  'PersistentVolume',
  'PersistentVolumeClaim',
  'apiextensions.k8s.io/CustomResourceDefinition',
])

function choicesOf(
  options: SyncOptions,
  { key, options: own, destinationNamespace }: Target,
): WriteChoices | undefined {
  if (destinationNamespace) return undefined
  const replace = own.replace ?? options.replace
  const force = own.force ?? options.force ?? false
  const kind = key.group === '' ? key.kind : `${key.group}/${key.kind}`
  const recreate = force && (own.recreate === 'allow' || !NEVER_RECREATED.has(kind))
  if (!replace && !recreate && options.conflicts !== 'fail') return undefined
  return {
    ...(options.conflicts === 'fail' ? { conflicts: 'fail' as const } : {}),
    ...(replace ? { replace } : {}),
    ...(recreate ? { recreate } : {}),
  }
}
