import type { FieldPath } from '../diff/field-path.ts'
import { type DiffLanguages, type IgnoreRules, readIgnoreRules } from '../diff/ignore-rules.ts'
import type { JsonObject } from '../json/json.ts'
import { type KubernetesObject, type ObjectKey, objectKeyText } from '../model/kubernetes-object.ts'
import { adoptionProblem } from './adoptions.ts'
import { planHooks, type RunningOperation } from './plan-hooks.ts'
import { mirrorWave, orderActions, type PlacedAction, placesOf, wavesAsApplied } from './plan-order.ts'
import { type PlannedPrune, planPrunes } from './plan-prunes.ts'
import { planTarget } from './plan-target.ts'
import { type PlanRequest, type PreparedTargets, prepareTargets } from './prepare-targets.ts'
import type { PlanProblem, SyncPlan } from './sync-plan.ts'

/** What the server says applying would do to an object that exists. */
export type Prediction = PredictedChange & {
  /** What was asked about and is to be sent, where ignored fields make it differ from the manifest. */
  readonly sent?: KubernetesObject
}

export type PredictedChange =
  | { readonly kind: 'same' }
  | {
      readonly kind: 'changed'
      readonly changes: readonly FieldPath[]
      /** Whose fields the apply takes by force. */
      readonly takenFrom?: readonly string[]
    }
  /** The server would not take it: an immutable field, a value that is not valid, a webhook that says no. */
  | { readonly kind: 'refused'; readonly message: string; readonly immutable?: true }
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
  /** While prunes wait for a person: how many entries there were when they began to, new ones left out. */
  readonly settled?: number
  /** Of it, what is known from its marks alone, by key text: one witness. */
  readonly unproved?: ReadonlySet<string>
  /** Objects of which it cannot be told whether they are there, each with the reason. */
  readonly unknown?: ReadonlyMap<string, string>
}

export interface PlanChoices {
  /** A person asked for the prunes of this very plan, or confirmed them ({@link heldPrunes}): guards and `Prune=confirm` are passed. */
  readonly confirmed?: boolean
  /** False: no hook is planned (a heal, a partial sync). Default true. */
  readonly hooks?: boolean
  /** What the names of generated hooks are made of, so that they stay the same for a whole operation. */
  readonly operation?: RunningOperation
  /** The waves that the operation found when it began: what is gone since must not move what is still to go. */
  readonly waves?: readonly number[]
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
  const prepared = prepareTargets(request)
  const all = [...unsupported, ...prepared.problems]
  return { request, ignore, prepared: { ...prepared, problems: all } }
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
  const adoption = adoptionProblem(applies.map(({ action }) => action))
  if (adoption) problems.push(adoption)
  const targetNames = new Set(prepared.targets.map(({ key }) => objectKeyText(key)))
  const hookNames = new Set(prepared.hookKeys.map(objectKeyText))
  const confirmed = choices.confirmed ?? false
  const prunes = hoistPrunes(planPrunes({ request, observation, targetNames, hookNames, confirmed }), observation)
  const hooks = planHooks(hookTargets, request.options.validate, choices.operation)
  // Of the phase that prunes run in: a hook before it moves nothing.
  const allWaves = [...applies, ...hooks, ...prunes]
    .filter(({ action }) => action.phase === 'Sync')
    .map(({ action }) => action.wave)
  const waves = [...new Set([...(choices.waves ?? []), ...allWaves])].sort((a, b) => a - b)
  const lastWave = 1 + Math.max(0, ...(choices.waves ?? allWaves))
  const placed = prunes.map(({ action, last }): PlacedAction => {
    return { side: 'prune', action: { ...action, wave: last ? lastWave : mirrorWave(action.wave, waves) } }
  })
  return {
    application: request.application,
    digest: request.digest,
    namespace: request.namespace,
    actions: orderActions([...applies, ...hooks, ...placed]),
    ...(prunes.length > 0 ? { waves } : {}),
    problems: sortProblems(problems),
  }
}

function hoistPrunes(prunes: readonly PlannedPrune[], { live }: Observation): readonly PlannedPrune[] {
  const waves = wavesAsApplied(
    prunes.map(({ action: { key, wave } }) => ({ key, wave, live: live.get(objectKeyText(key)) })),
  )
  return prunes.map(({ action, last }) => ({ last, action: { ...action, wave: waves.get(action.key) ?? action.wave } }))
}

function sortProblems(problems: readonly PlanProblem[]): readonly PlanProblem[] {
  const text = ({ severity, code, key, message }: PlanProblem) =>
    `${severity} ${key ? objectKeyText(key) : ''} ${code} ${message}`
  return problems
    .map(problem => ({ problem, text: text(problem) }))
    .sort((a, b) => (a.text < b.text ? -1 : a.text > b.text ? 1 : 0))
    .map(({ problem }) => problem)
}
