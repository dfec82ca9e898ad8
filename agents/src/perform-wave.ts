import { type KubernetesObject, type ObjectKey, objectKeyText } from '@flotilla/core/model/kubernetes-object'
import { type PlanStep, stepsOf } from '@flotilla/core/plan/plan-steps'
import type { SyncAction } from '@flotilla/core/plan/sync-plan'
import { FIELD_MANAGER } from '@flotilla/core/plan/tracking'
import type { ObjectResult } from '@flotilla/core/protocol/report'
import { hookObject, stateOf } from '@flotilla/core/sync/hook-run'
import type { WaveWork } from '@flotilla/core/sync/step-types'
import type { HookState, SyncProgress } from '@flotilla/core/sync/sync-progress'
import { CONCURRENT_WRITES, mayPass, WritingForbidden } from './apply.ts'
import { forEachBounded } from './bounded.ts'
import type { KubernetesClient } from './kubernetes/client.ts'
import { isKubernetesError } from './kubernetes/kubernetes-error.ts'
import { pruneObject, waitForDefinitions, writeObject } from './write-object.ts'

export interface PerformWaveInput {
  readonly client: KubernetesClient
  readonly applicationId: string
  readonly operationId: string
  readonly work: WaveWork
  readonly progress: SyncProgress
  /** A kind that fails keeps the later kinds of the wave from being written. */
  readonly failFast: boolean
  readonly mayWrite: () => boolean
  readonly signal: AbortSignal
  /** Each ordinary object as it was stored. */
  readonly onApplied: (key: ObjectKey, live: KubernetesObject) => void
}

export interface WaveOutcome {
  readonly results: readonly ObjectResult[]
  /** Live objects as they were stored, hooks among them, by key text. */
  readonly stored: ReadonlyMap<string, KubernetesObject>
  /** Key texts of what was to be pruned: it was deleted, found gone, or found to be somebody else's by now. */
  readonly pruned: ReadonlyMap<string, 'deleted' | 'absent' | 'changed'>
  readonly hooks: readonly Pick<HookState, 'key' | 'phase' | 'wave'>[]
  readonly failures: readonly string[]
}

/**
 * Writes one wave: what may be written at the same time is, and after Namespaces and definitions the next kind waits
 * until they can be used.
 *
 * @throws KubernetesError for what may pass by itself (the cluster is away, throttles, takes our token no more).
 */
export async function performWave(input: PerformWaveInput): Promise<WaveOutcome> {
  const wave = new Wave(input)
  for (const step of stepsOf(input.work.actions)) {
    await wave.perform(step)
    if (input.failFast && wave.failures.length > 0) break
  }
  return wave.outcome()
}

class Wave {
  readonly #input: PerformWaveInput
  readonly #results = new Map<string, ObjectResult>()
  readonly #stored = new Map<string, KubernetesObject>()
  readonly #pruned = new Map<string, 'deleted' | 'absent' | 'changed'>()
  readonly #hooks: Pick<HookState, 'key' | 'phase' | 'wave'>[] = []
  readonly failures: string[] = []

  constructor(input: PerformWaveInput) {
    this.#input = input
  }

  outcome(): WaveOutcome {
    return {
      results: [...this.#results.values()],
      stored: this.#stored,
      pruned: this.#pruned,
      hooks: this.#hooks,
      failures: this.failures,
    }
  }

  async perform({ actions, barrier }: PlanStep): Promise<void> {
    const { client, signal, mayWrite } = this.#input
    await forEachBounded(actions, CONCURRENT_WRITES, async action => {
      if (!mayWrite()) throw new WritingForbidden()
      signal.throwIfAborted()
      await this.#perform(action)
    })
    if (!barrier) return
    const definitions = actions.flatMap(({ key }) => this.#stored.get(objectKeyText(key)) ?? [])
    if (definitions.length === 0) return
    try {
      await waitForDefinitions(client, definitions, signal)
    } catch (error) {
      if (!isKubernetesError(error, 'CONFLICT')) throw error
      this.#fail(actions[0]!, error.message)
    }
  }

  async #perform(action: SyncAction): Promise<void> {
    try {
      if (action.kind === 'prune') await this.#prune(action)
      else if (action.kind === 'hook') await this.#makeHook(action)
      else if (action.kind === 'create' || action.kind === 'update') await this.#write(action)
    } catch (error) {
      if (!isKubernetesError(error) || mayPass(error)) throw error
      this.#fail(action, error.message)
    }
  }

  async #prune(action: Extract<SyncAction, { kind: 'prune' }>): Promise<void> {
    const outcome = await pruneObject(this.#input.client, action, this.#input.applicationId)
    this.#pruned.set(objectKeyText(action.key), outcome)
    if (outcome === 'changed') return this.#note(action, 'skipped', 'ownership changed while pruning')
    this.#note(action, 'pruned', outcome === 'absent' ? 'was gone already' : undefined)
  }

  async #write(action: Extract<SyncAction, { kind: 'create' | 'update' }>): Promise<void> {
    const { client, signal, onApplied } = this.#input
    const stored = await writeObject(client, action, signal)
    this.#stored.set(objectKeyText(action.key), stored)
    onApplied(action.key, stored)
    const taken = action.kind === 'update' ? (action.takenFrom ?? []) : []
    const said = [...(taken.length > 0 ? [`took fields of ${taken.join(', ')}`] : []), ...hoistText(action)]
    const message = said.length > 0 ? said.join('; ') : undefined
    this.#note(action, action.kind === 'create' ? 'created' : 'configured', message)
  }

  async #makeHook(action: Extract<SyncAction, { kind: 'hook' }>): Promise<void> {
    const { client, operationId, progress, signal } = this.#input
    const object = hookObject(operationId, action, stateOf(progress, action).attempt)
    const stored = await client.apply(object, { fieldManager: FIELD_MANAGER, strict: action.validate, signal })
    const { key, phase, wave } = action
    this.#stored.set(objectKeyText(key), stored)
    this.#hooks.push({ key, phase, wave })
  }

  #fail(action: SyncAction, message: string): void {
    this.failures.push(message)
    this.#note(action, 'failed', message)
  }

  #note(action: SyncAction, outcome: ObjectResult['outcome'], message?: string): void {
    const { key, phase, wave } = action
    this.#results.set(`${phase} ${objectKeyText(key)}`, {
      key,
      phase,
      wave,
      outcome,
      ...(message === undefined ? {} : { message }),
    })
  }
}

/** Whoever wonders why an object comes before its own wave. */
export function hoistText({ hoistedFrom }: { readonly hoistedFrom?: string }): readonly string[] {
  return hoistedFrom === undefined ? [] : [`before what needs it, from ${hoistedFrom}`]
}
