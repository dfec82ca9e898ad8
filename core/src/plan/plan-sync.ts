import type { FieldPath } from '../diff/field-path.ts'
import { respectIgnored } from '../diff/ignore-differences.ts'
import { type DiffLanguages, type IgnoreRules, NO_IGNORE_RULES, readIgnoreRules } from '../diff/ignore-rules.ts'
import { managersToTakeOver } from '../diff/take-over.ts'
import type { JsonObject } from '../json/json.ts'
import { type KubernetesObject, type ObjectKey, objectKeyText } from '../model/kubernetes-object.ts'
import { planHooks, type RunningOperation } from './plan-hooks.ts'
import { mirrorWave, orderActions, type Place, type PlacedAction, placesOf } from './plan-order.ts'
import { planPrunes } from './plan-prunes.ts'
import { type PlanRequest, type PreparedTargets, prepareTargets, type Target } from './prepare-targets.ts'
import type { HoldAction, PlanProblem, SyncAction, SyncPlan } from './sync-plan.ts'
import { FIELD_MANAGER, ownerOf } from './tracking.ts'

/** What the server says applying would do to an object that exists. */
export type Prediction =
  | { readonly kind: 'same' }
  | { readonly kind: 'changed'; readonly changes: readonly FieldPath[] }
  /** The server would not take it: an immutable field, a value that is not valid, a webhook that says no. */
  | { readonly kind: 'refused'; readonly message: string }
  | { readonly kind: 'unauthorised'; readonly message: string }
  /** A dry run is not possible here; applying may or may not change something. */
  | { readonly kind: 'unknown' }

export interface SyncRequest extends PlanRequest {
  /** `ignoreDifferences` of the Offer. */
  readonly ignoreDifferences: readonly JsonObject[]
  /** What those rules are written in, as far as they need it. */
  readonly languages?: DiffLanguages
}

/** The cluster as it was observed, by {@link objectKeyText}. */
export interface Observation {
  /** Live objects of the targets and of the Inventory, as far as they exist. */
  readonly live: ReadonlyMap<string, KubernetesObject>
  /** For targets that exist; a missing one counts as `unknown`. */
  readonly predictions: ReadonlyMap<string, Prediction>
  /** Identities that this Application applied before. */
  readonly inventory: readonly ObjectKey[]
  /** Objects of which it cannot be told whether they are there, each with the reason. */
  readonly unknown?: ReadonlyMap<string, string>
}

export interface PlanChoices {
  /** A person asked for the prunes of this very plan: guards and `Prune=confirm` are passed. */
  readonly confirmed?: boolean
  /** False: no hook is planned (a heal, a partial sync). Default true. */
  readonly hooks?: boolean
  /** What the names of generated hooks are made of, so that they stay the same for a whole operation. */
  readonly operation?: RunningOperation
}

/** The manifests made ready, with every mistake in them. */
export interface SyncIntent {
  readonly request: SyncRequest
  readonly prepared: PreparedTargets
  readonly ignore: IgnoreRules
}

/** First half of planning: what is wanted. The shell then observes exactly these objects and the Inventory's. */
export function intendSync(request: SyncRequest): SyncIntent {
  const ignore = readIgnoreRules(request.ignoreDifferences, request.languages)
  const unsupported = ignore.mistakes.map(
    (message): PlanProblem => ({ severity: 'error', code: 'UNSUPPORTED_OPTION', message }),
  )
  const replace: readonly PlanProblem[] = request.options.replace
    ? [{ severity: 'error', code: 'UNSUPPORTED_OPTION', message: 'sync option Replace=true is not built yet' }]
    : []
  const { serviceAccount } = request.ceiling
  // Applying with the agent's own rights instead would be more than the Project allows.
  const impersonation: readonly PlanProblem[] = serviceAccount
    ? [{ severity: 'error', code: 'UNSUPPORTED_OPTION', message: `applying as "${serviceAccount}" is not built yet` }]
    : []
  const prepared = prepareTargets(request)
  const all = [...unsupported, ...replace, ...impersonation, ...prepared.problems]
  return { request, ignore, prepared: { ...prepared, problems: all } }
}

/** What is sent for a target that exists: the manifest, with ignored fields as the options want them. */
export function objectToSend(intent: SyncIntent, target: Target, live: KubernetesObject): KubernetesObject {
  const { ignore, request } = intent
  // What is harmless is left alone whatever the options say: no write would end it.
  const rules = request.options.respectIgnoreDifferences ? ignore : NO_IGNORE_RULES
  return respectIgnored(target.object, live, target.key, rules, FIELD_MANAGER)
}

/**
 * Second half of planning: what is wanted and what is there → ordered actions.
 *
 * Pure and total. Planning again after the plan was performed yields only `keep`; prunes stay within the Inventory;
 * the order of the input never matters.
 */
export function planSync(intent: SyncIntent, observation: Observation, choices: PlanChoices = {}): SyncPlan {
  const { request, prepared } = intent
  const owned = new Set(observation.inventory.map(objectKeyText))
  const hookTargets = choices.hooks === false ? [] : prepared.hooks
  const places = placesOf(prepared.targets, hookTargets)
  const problems: PlanProblem[] = [...prepared.problems]
  const applies = prepared.targets.map((target): PlacedAction => {
    const base = { key: target.key, ...places.get(target)! }
    const live = observation.live.get(objectKeyText(target.key))
    return { side: 'apply', action: planTarget(intent, target, base, live, observation, owned, problems) }
  })
  const targetNames = new Set(prepared.targets.map(({ key }) => objectKeyText(key)))
  const hookNames = new Set(prepared.hookKeys.map(objectKeyText))
  const confirmed = choices.confirmed ?? false
  const prunes = planPrunes({ request, observation, targetNames, hookNames, confirmed })
  const hooks = planHooks(hookTargets, request.options.validate, choices.operation)
  // Of the phase that prunes run in: a hook before it moves nothing.
  const allWaves = [...applies, ...hooks, ...prunes]
    .filter(({ action }) => action.phase === 'Sync')
    .map(({ action }) => action.wave)
  const lastWave = 1 + Math.max(0, ...allWaves)
  const placed = prunes.map(({ action, last }): PlacedAction => {
    return { side: 'prune', action: { ...action, wave: last ? lastWave : mirrorWave(action.wave, allWaves) } }
  })
  return {
    application: request.application,
    digest: request.digest,
    namespace: request.namespace,
    actions: orderActions([...applies, ...hooks, ...placed]),
    problems: sortProblems(problems),
  }
}

type ObjectPlace = Place & { readonly key: ObjectKey; readonly hoistedFrom?: string }

interface HowToSend {
  readonly validate: boolean
  readonly fieldManager?: string
}

function planTarget(
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
  const how: HowToSend = {
    validate: target.options.validate ?? request.options.validate,
    ...(target.destinationNamespace ? { fieldManager: `flotilla-namespace-${request.application.id}` } : {}),
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
  const takeOver = managersToTakeOver(live, FIELD_MANAGER)
  return fromPrediction(prediction, place, objectToSend(intent, target, live), takeOver, how)
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
    case 'changed':
      return { kind: 'update', ...place, object, ...how, changes: prediction.changes, takeOver }
    case 'unknown':
      return { kind: 'update', ...place, object, ...how, changes: [], takeOver }
    case 'refused':
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
  const owner = ownerOf(live, request.application.id, inInventory)
  const { adopt, failOnSharedResource } = request.options
  if (owner.kind === 'ours' || adopt === 'Force') return undefined
  if (owner.kind === 'nobody' && adopt !== 'Never') return undefined
  const reason =
    owner.kind === 'other' ? `belongs to ${owner.description}` : 'exists already, and adopting is not allowed'
  if (failOnSharedResource && owner.kind === 'other') {
    problems.push({ severity: 'error', code: 'SHARED_OBJECT', key: target.key, message: reason })
  }
  return { kind: 'hold', ...place, code: 'OWNED_BY_OTHER', reason }
}

function sortProblems(problems: readonly PlanProblem[]): readonly PlanProblem[] {
  const text = ({ severity, code, key, message }: PlanProblem) =>
    `${severity} ${key ? objectKeyText(key) : ''} ${code} ${message}`
  return problems
    .map(problem => ({ problem, text: text(problem) }))
    .sort((a, b) => (a.text < b.text ? -1 : a.text > b.text ? 1 : 0))
    .map(({ problem }) => problem)
}
