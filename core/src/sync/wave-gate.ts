import { type KubernetesObject, type ObjectKey, objectKeyText } from '../model/kubernetes-object.ts'
import type { SyncAction } from '../plan/sync-plan.ts'
import type { EpochMs } from '../time/epoch-ms.ts'
import type { Assess } from './hook-run.ts'
import { argoName, waiting } from './sync-messages.ts'

/** A controller that counts no generations gets so long to notice what was applied. */
export const UNOBSERVED_MS = 2_000

export interface GateInput {
  /** Ordinary objects of the wave, as planned now. */
  readonly actions: readonly SyncAction[]
  readonly live: ReadonlyMap<string, KubernetesObject>
  readonly assess: Assess
  /** When the wave was performed; undefined when nothing was written in it. */
  readonly wroteAt: EpochMs | undefined
  /** The version that our own write made of an object, where this process knows it. */
  readonly appliedVersion: (name: string) => string | undefined
  /** Claims that are bound only once a Pod uses them, by key text: a Pod of a later wave would wait for ever. */
  readonly lateClaims?: ReadonlySet<string>
  readonly now: EpochMs
}

export interface Blocking {
  readonly key: ObjectKey
  readonly message: string
}

export type GateAnswer =
  | { readonly kind: 'passed' }
  | {
      readonly kind: 'waiting'
      readonly message: string
      readonly blocking: readonly Blocking[]
      /** Asked again after this, though nothing says that something changed. */
      readonly againInMs?: number
    }
  | { readonly kind: 'degraded'; readonly reasons: readonly string[]; readonly blocking: readonly Blocking[] }
  /** What was applied is not there any more: waiting would never end. */
  | { readonly kind: 'missing'; readonly message: string }

/**
 * Whether a wave is done: what was pruned is gone and what was applied is healthy, as seen by a controller that has
 * noticed the change. An object without a rule is done once it is applied.
 */
export function waveGate(input: GateInput): GateAnswer {
  const going: Blocking[] = []
  const unhealthy: Blocking[] = []
  const degraded: Blocking[] = []
  let againInMs: number | undefined
  for (const action of input.actions) {
    const name = objectKeyText(action.key)
    if (action.kind === 'skip' && action.code === 'BEING_DELETED') {
      going.push({ key: action.key, message: holders(input.live.get(name)) })
    }
    if (action.kind !== 'create' && action.kind !== 'update' && action.kind !== 'keep') continue
    const live = input.live.get(name)
    if (!live || (action.kind === 'create' && action.afterDeletionOf !== undefined)) {
      // Of a kind that is waited for; of others nobody would have noticed.
      if (action.kind === 'create' && input.wroteAt !== undefined && input.assess(action.object)) {
        return { kind: 'missing', message: `resource ${argoName(action.key)} is missing, it might have been deleted` }
      }
      continue
    }
    const health = input.assess(live)
    if (!health || (health.status === 'Progressing' && input.lateClaims?.has(name))) continue
    const unobserved = unobservedMs(input, name, live)
    if (unobserved > 0 && health.status !== 'Progressing') {
      againInMs = Math.max(againInMs ?? 0, unobserved)
      unhealthy.push({ key: action.key, message: 'its controller has not noticed the change yet' })
    } else if (health.status === 'Degraded') {
      degraded.push({ key: action.key, message: health.message ?? 'Degraded' })
    } else if (health.status !== 'Healthy') {
      const why = health.message === undefined ? '' : `: ${health.message}`
      unhealthy.push({ key: action.key, message: `${health.status}${why}` })
    }
  }
  const blocking = [...going, ...unhealthy, ...degraded]
  if (degraded.length > 0) {
    const reasons = degraded.map(({ key, message }) => `${objectKeyText(key)} is Degraded: ${message}`)
    return { kind: 'degraded', reasons, blocking }
  }
  if (blocking.length === 0) return { kind: 'passed' }
  const message =
    going.length > 0
      ? waiting('deletion of', keysOf(going), 'resources')
      : waiting('healthy state of', keysOf(unhealthy), 'resources')
  return { kind: 'waiting', message, blocking, ...(againInMs === undefined ? {} : { againInMs }) }
}

function keysOf(blocking: readonly Blocking[]): readonly ObjectKey[] {
  return blocking.map(({ key }) => key)
}

/** Where no generation is observed, another version or some time has to tell that the controller has seen it. */
function unobservedMs({ wroteAt, appliedVersion, now }: GateInput, name: string, live: KubernetesObject): number {
  if (wroteAt === undefined) return 0
  const applied = appliedVersion(name)
  if (applied === undefined || applied !== live.metadata.resourceVersion) return 0
  const status = live['status'] as { readonly observedGeneration?: unknown } | undefined
  if (typeof status?.observedGeneration === 'number') return 0
  return Math.max(0, wroteAt + UNOBSERVED_MS - now)
}

function holders(live: KubernetesObject | undefined): string {
  const finalizers = live?.metadata.finalizers ?? []
  return finalizers.length === 0 ? 'is being deleted' : `is being deleted; it waits for ${finalizers.join(', ')}`
}
