import { countedDifferences } from '@flotilla/core/diff/ignore-differences'
import { offlineDifferences } from '@flotilla/core/diff/offline-differences'
import { takenFields } from '@flotilla/core/diff/taken-fields'
import { sha256 } from '@flotilla/core/json/canonical-json'
import type { Json } from '@flotilla/core/json/json'
import { stringifyJson } from '@flotilla/core/json/stringify-json'
import { type KubernetesObject, objectKeyText } from '@flotilla/core/model/kubernetes-object'
import type { PredictedChange, Prediction, SyncIntent } from '@flotilla/core/plan/plan-sync'
import { objectToSend } from '@flotilla/core/plan/plan-target'
import type { Target } from '@flotilla/core/plan/prepare-targets'
import { FIELD_MANAGER } from '@flotilla/core/plan/tracking'
import { forEachBounded } from './bounded.ts'
import type { KubernetesClient } from './kubernetes/client.ts'
import { isKubernetesError } from './kubernetes/kubernetes-error.ts'
import type { ObservedEntry } from './observe.ts'
import { writerOf } from './writer-of.ts'

const CONCURRENT_DRY_RUNS = 8

interface Remembered {
  readonly targetKey: string
  readonly contentKey: string
  readonly prediction: Prediction
}

/**
 * Answers of dry runs. The same target over the same content gives the same answer, so the steady state asks the
 * server nothing.
 */
export class PredictionMemo {
  readonly #answers = new Map<string, Remembered>()

  /** Whether the answer for this target over that content is not known. */
  isDue(target: Target, entry: ObservedEntry): boolean {
    const known = this.#answers.get(entry.name)
    return known?.targetKey !== targetKeyOf(target) || known.contentKey !== entry.contentKey
  }

  find(target: Target, entry: ObservedEntry): Prediction | undefined {
    return this.isDue(target, entry) ? undefined : this.#answers.get(entry.name)?.prediction
  }

  remember(target: Target, contentKey: string, prediction: Prediction): void {
    this.#answers.set(objectKeyText(target.key), { targetKey: targetKeyOf(target), contentKey, prediction })
  }

  /** The target was applied just now, and this came of it: a dry run would change nothing. */
  applied(target: Target, contentKey: string): void {
    this.remember(target, contentKey, { kind: 'same' })
  }

  /**
   * Forgets what was no answer to the question: rights and admission rules change without a trace in the object, so
   * who tries again has to ask again.
   */
  forgetRefusals(): void {
    for (const [name, { prediction }] of this.#answers) {
      if (prediction.kind !== 'same' && prediction.kind !== 'changed') this.#answers.delete(name)
    }
  }

  /** What was written since may have changed these answers. */
  forget(names: readonly string[]): void {
    for (const name of names) this.#answers.delete(name)
  }

  retain(names: ReadonlySet<string>): void {
    for (const name of this.#answers.keys()) if (!names.has(name)) this.#answers.delete(name)
  }

  clear(): void {
    this.#answers.clear()
  }
}

const targetKeys = new WeakMap<KubernetesObject, string>()

function targetKeyOf(target: Target): string {
  const known = targetKeys.get(target.object)
  if (known !== undefined) return known
  const key = sha256(stringifyJson(target.object as unknown as Json))
  targetKeys.set(target.object, key)
  return key
}

export interface DueDryRun {
  readonly target: Target
  /** As read now, whole. */
  readonly live: KubernetesObject
  /** Of the object as read. */
  readonly contentKey: string
}

/** Asks the server what applying would change, for each target that exists. @throws KubernetesError when it is away. */
export async function predict(
  client: KubernetesClient,
  intent: SyncIntent,
  due: readonly DueDryRun[],
  memo: PredictionMemo,
): Promise<void> {
  const writer = writerOf(client, intent)
  await forEachBounded(due, CONCURRENT_DRY_RUNS, async ({ target, live, contentKey }) => {
    memo.remember(target, contentKey, await dryRun(writer, intent, target, live))
  })
}

async function dryRun(
  client: KubernetesClient,
  intent: SyncIntent,
  target: Target,
  live: KubernetesObject,
): Promise<Prediction> {
  const sent = objectToSend(intent, target, live)
  const change = await changeBy(client, intent, target, live, sent)
  return sent === target.object ? change : { ...change, sent }
}

async function changeBy(
  client: KubernetesClient,
  intent: SyncIntent,
  target: Target,
  live: KubernetesObject,
  sent: KubernetesObject,
): Promise<PredictedChange> {
  const fieldManager = target.destinationNamespace
    ? `flotilla-namespace-${intent.request.application.id}`
    : FIELD_MANAGER
  try {
    const strict = target.options.validate ?? intent.request.options.validate
    const force = intent.request.options.conflicts !== 'fail'
    const predicted = await client.apply(sent, { dryRun: true, fieldManager, strict, force })
    const differences = countedDifferences(intent.ignore, target.key, live, predicted, fieldManager)
    const changes = differences.map(({ path }) => path)
    if (changes.length === 0) return { kind: 'same' }
    const takenFrom = takenFields(live, predicted, fieldManager)
    return { kind: 'changed', changes, ...(takenFrom.length === 0 ? {} : { takenFrom }) }
  } catch (error) {
    if (isKubernetesError(error, 'FORBIDDEN')) return { kind: 'unauthorised', message: error.detail }
    if (isKubernetesError(error, 'BAD_REQUEST') && /dry ?run/i.test(error.detail)) {
      return predictOffline(sent, live, fieldManager)
    }
    if (isKubernetesError(error, 'INVALID', 'IMMUTABLE_FIELD', 'BAD_REQUEST', 'TOO_LARGE', 'FIELD_CONFLICT')) {
      const immutable = error.code === 'IMMUTABLE_FIELD' ? { immutable: true as const } : {}
      return { kind: 'refused', message: `dry run failed (${error.code}): ${error.detail}`, ...immutable }
    }
    // Its kind or its namespace went away between reading and asking.
    if (isKubernetesError(error, 'NOT_FOUND', 'KIND_UNKNOWN')) return { kind: 'unknown' }
    throw error
  }
}

/** A webhook or an aggregated server that takes no dry run: what we applied last tells what differs now. */
function predictOffline(sent: KubernetesObject, live: KubernetesObject, fieldManager: string): PredictedChange {
  const differences = offlineDifferences(sent, live, fieldManager)
  if (!differences) return { kind: 'unknown' }
  return differences.length === 0 ? { kind: 'same' } : { kind: 'changed', changes: differences.map(({ path }) => path) }
}
