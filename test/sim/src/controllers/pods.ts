import type { JsonObject } from '@flotilla/core/json/json'
import type { KubernetesObject } from '@flotilla/core/model/kubernetes-object'
import { at, stringsOf } from '../objects/drafts.ts'
import { isTerminating } from '../objects/prepare.ts'
import { conditionIs, conditionsOf, controlledBy } from './controller-api.ts'

/** The Pod that a template makes for its owner. */
export function podFrom(template: JsonObject, owner: KubernetesObject, metadata: JsonObject): JsonObject {
  const labels = { ...stringsOf(at(template, 'metadata', 'labels')), ...stringsOf(metadata['labels']) }
  const annotations = stringsOf(at(template, 'metadata', 'annotations'))
  const finalizers = at(template, 'metadata', 'finalizers')
  return {
    metadata: {
      ...metadata,
      namespace: owner.metadata.namespace ?? '',
      labels,
      annotations: { ...annotations },
      ...(Array.isArray(finalizers) ? { finalizers } : {}),
      ownerReferences: [controlledBy(owner)],
    },
    spec: {
      ...(template['spec'] as JsonObject),
      ...(metadata['hostname'] === undefined ? {} : { hostname: metadata['hostname'] }),
    },
  }
}

/** Counts against its owner's replicas: neither finished nor going. */
export function isActive(pod: KubernetesObject): boolean {
  const phase = at(pod, 'status', 'phase')
  return phase !== 'Succeeded' && phase !== 'Failed' && !isTerminating(pod)
}

export function isReady(pod: KubernetesObject): boolean {
  return conditionIs(pod, 'Ready')
}

/** Ready for at least `minReadySeconds`; otherwise in how many milliseconds it will be. */
export function availability(
  pod: KubernetesObject,
  minReadySeconds: number,
  nowMs: number,
): 'available' | number | 'not ready' {
  const ready = conditionsOf(pod).find(each => each['type'] === 'Ready' && each['status'] === 'True')
  if (!ready) return 'not ready'
  if (minReadySeconds === 0) return 'available'
  const since = Date.parse(String(ready['lastTransitionTime']))
  const left = since + minReadySeconds * 1000 - nowMs
  return left <= 0 ? 'available' : left
}

export interface PodCounts {
  readonly ready: number
  readonly available: number
  /** When the next ready pod becomes available. */
  readonly againMs: number | undefined
}

export function countPods(pods: readonly KubernetesObject[], minReadySeconds: number, nowMs: number): PodCounts {
  let ready = 0
  let available = 0
  let againMs: number | undefined
  for (const pod of pods) {
    const state = availability(pod, minReadySeconds, nowMs)
    if (state === 'not ready') continue
    ready++
    if (state === 'available') available++
    else againMs = Math.min(againMs ?? state, state)
  }
  return { ready, available, againMs }
}

/** `25%` of 10, or the number itself. */
export function portionOf(value: unknown, total: number, roundUp: boolean): number {
  if (typeof value === 'number') return value
  const percent = /^(\d+)%$/.exec(String(value ?? '0%'))
  const exact = (Number(percent?.[1] ?? 0) * total) / 100
  return roundUp ? Math.ceil(exact) : Math.floor(exact)
}

/** Milliseconds of a Go duration (`1m30s`, `250ms`); undefined for anything else. */
export function durationMs(text: string | undefined): number | undefined {
  if (text === undefined || !/^(\d+(\.\d+)?(ms|s|m|h))+$/.test(text)) return undefined
  let total = 0
  const units: Readonly<Record<string, number>> = { ms: 1, s: 1000, m: 60_000, h: 3_600_000 }
  for (const [, amount, , unit] of text.matchAll(/(\d+(\.\d+)?)(ms|s|m|h)/g)) total += Number(amount) * units[unit!]!
  return total
}
