import { loadDiffLanguages } from '@flotilla/core/diff/ignore-rules'
import { stringifyJson } from '@flotilla/core/json/stringify-json'
import type { Bundle } from '@flotilla/core/model/bundle'
import { type ObjectKey, objectKeyText } from '@flotilla/core/model/kubernetes-object'
import {
  intendSync,
  type Observation,
  type PlanChoices,
  type Prediction,
  planSync,
  type SyncIntent,
} from '@flotilla/core/plan/plan-sync'
import { mayTake } from '@flotilla/core/plan/plan-target'
import type { SyncPlan } from '@flotilla/core/plan/sync-plan'
import { ownerOf } from '@flotilla/core/plan/tracking'
import type { OfferPayload } from '@flotilla/core/protocol/documents'
import type { ApplicationState } from './application-state.ts'
import type { DriftWatch } from './drift-watch.ts'
import type { KubernetesClient } from './kubernetes/client.ts'
import { KubernetesError } from './kubernetes/kubernetes-error.ts'
import { type ObservedEntry, observationOf, observe } from './observe.ts'
import { type DueDryRun, predict } from './predict.ts'

export interface LookInput {
  readonly client: KubernetesClient
  readonly watch: DriftWatch
  readonly state: ApplicationState
  readonly offer: OfferPayload
  readonly bundle: Bundle
  readonly inventory: readonly ObjectKey[]
  /** Of it, what is known from its marks alone, by key text. */
  readonly unproved: ReadonlySet<string>
  readonly applySet: string
  /** See Observation. */
  readonly settled?: number | undefined
  readonly choices: PlanChoices
  /** Ids that the Application had here under a hub whose keys are lost. */
  readonly formerIds?: readonly string[]
}

export interface Look {
  readonly intent: SyncIntent
  readonly observation: Observation
  readonly plan: SyncPlan
}

/**
 * One look at an Application: what is wanted, what is there, and the plan that leads from one to the other.
 *
 * @throws KubernetesError
 */
export async function look(input: LookInput): Promise<Look> {
  const { client, offer, state, inventory } = input
  await client.discovery.load()
  let intent = await intend(input)
  // A definition may have been made a moment ago; asked once more before it counts as a mistake.
  if (intent.prepared.problems.some(({ code }) => code === 'KIND_UNKNOWN')) {
    await client.discovery.refresh()
    intent = await intend(input)
    await refuseWhileAway(client, intent)
  }
  const targets = new Map(intent.prepared.targets.map(target => [objectKeyText(target.key), target]))
  const owned = new Set(inventory.map(objectKeyText))
  const keys = [
    ...intent.prepared.targets.map(({ key }) => key),
    ...inventory.filter(key => !targets.has(objectKeyText(key))),
  ]
  const isDue = (entry: ObservedEntry) => {
    const target = targets.get(entry.name)
    return target !== undefined && state.predictions.isDue(target, entry)
  }
  const read = await observe({
    client,
    applicationId: offer.application.id,
    keys,
    remembered: state.observed,
    isFollowed: ({ key, name, live }) => input.watch.vouchesFor(key, name, live?.metadata.resourceVersion),
    needsContent: isDue,
  })
  for (const { key } of intent.prepared.targets) {
    const unknown = state.observed.get(objectKeyText(key))?.unknown
    if (unknown?.stale) throw notServed(client, key, unknown.reason)
  }
  const due: DueDryRun[] = []
  for (const [name, live] of read) {
    const target = targets.get(name)
    const entry = state.observed.get(name)
    if (!target || !entry || !isDue(entry) || live.metadata.deletionTimestamp !== undefined) continue
    // What another owns is refused anyway; asking would only show what we may not do.
    const owner = target.destinationNamespace
      ? ({ kind: 'ours' } as const)
      : ownerOf(live, offer.application.id, owned.has(name), input.formerIds)
    if (owner.kind === 'nobody' || mayTake(owner, offer.options))
      due.push({ target, live, contentKey: entry.contentKey })
  }
  await predict(client, intent, due, state.predictions)
  const predictions = new Map<string, Prediction>()
  for (const [name, target] of targets) {
    const entry = state.observed.get(name)
    const known = entry && state.predictions.find(target, entry)
    if (known) predictions.set(name, known)
  }
  const observation = observationOf(keys, state.observed, predictions, inventory, input)
  return { intent, observation, plan: planSync(intent, observation, input.choices) }
}

/** A kind whose group is registered and not served is no mistake in the manifests: it is waited for. */
async function refuseWhileAway(client: KubernetesClient, { prepared }: SyncIntent): Promise<void> {
  for (const { code, key } of prepared.problems) {
    if (code !== 'KIND_UNKNOWN' || !key) continue
    const absence = await client.discovery.absenceOf(key.group, key.kind)
    if (absence.kind === 'away') throw notServed(client, key, absence.reason)
  }
}

function notServed(client: KubernetesClient, key: ObjectKey, reason: string): KubernetesError {
  const subject = `${client.cluster} ${objectKeyText(key)}`
  return new KubernetesError('KIND_UNKNOWN', subject, 'look-up', reason, { retry: true, status: 0 })
}

/** An Offer, one for the last success, and the options of a Grant over either. */
const KEPT_INTENTS = 3

async function intend({ client, offer, bundle, state, applySet, formerIds = [] }: LookInput): Promise<SyncIntent> {
  const { epoch, n } = offer.number
  const { generation } = client.discovery
  const name = `${epoch}.${n} ${bundle.digest} ${offer.options.prune} ${offer.options.force ?? false} ${generation} ${formerIds.join(' ')}`
  const judgedBy = stringifyJson([offer.ignoreDifferences, offer.options.respectIgnoreDifferences])
  if (state.judgedBy !== judgedBy) {
    state.judgedBy = judgedBy
    state.predictions.clear()
  }
  const known = state.intents.get(name)
  if (known) return known
  const intent = intendSync({
    application: { id: offer.application.id, name: offer.application.name },
    formerIds,
    digest: bundle.digest,
    desired: bundle.objects,
    namespace: offer.namespace,
    options: offer.options,
    ceiling: offer.ceiling,
    kinds: client.discovery,
    ignoreDifferences: offer.ignoreDifferences,
    applySet,
    languages: await loadDiffLanguages(offer.ignoreDifferences),
  })
  for (const old of [...state.intents.keys()].slice(0, -(KEPT_INTENTS - 1))) state.intents.delete(old)
  state.intents.set(name, intent)
  return intent
}
