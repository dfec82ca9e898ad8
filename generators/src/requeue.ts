import { isJsonObject, type Json, type JsonObject } from '@flotilla/core/json/json'
import type { ApplicationSetSpec } from '@flotilla/core/model/fleet'
import type { GeneratorRegistry } from './generators/generator.ts'
import { OUR_GENERATORS } from './generators/registry.ts'
import { LIMITS } from './limits.ts'

/** How often a git or clusterDecisionResource generator looks again when its set does not say: Argo CD's 3 minutes. */
export const DEFAULT_REQUEUE_SECONDS = 180

export interface RequeueOptions {
  /** Default {@link DEFAULT_REQUEUE_SECONDS}. */
  readonly defaultSeconds?: number
  readonly registry?: GeneratorRegistry
}

/**
 * After how many milliseconds a set's inputs are gathered again without any event: the shortest of its generators,
 * nested ones included (applicationsets.md 15.1). Zero when none asks for it; `requeueAfterSeconds: 0` turns polling off.
 */
export function requeueAfterMs(spec: Pick<ApplicationSetSpec, 'generators'>, options: RequeueOptions = {}): number {
  const registry = options.registry ?? OUR_GENERATORS
  const defaultSeconds = options.defaultSeconds ?? DEFAULT_REQUEUE_SECONDS
  const shortest = shortestSeconds(spec.generators ?? [], registry, defaultSeconds, 0)
  return Number.isFinite(shortest) ? shortest * 1000 : 0
}

/** After how long a round that had mistakes is made again, when nothing tells before: Argo CD's 3 minutes. */
const AFTER_MISTAKES_MS = 180_000

/**
 * {@link requeueAfterMs} after a round: one that could not be made is made again soon, as is one with Applications that
 * are not valid, say because their Project is still to come, when no timer asks for it.
 */
export function requeueAfterRoundMs(
  spec: Pick<ApplicationSetSpec, 'generators'>,
  round: { readonly failed: boolean; readonly invalid: number },
  options: RequeueOptions = {},
): number {
  if (round.failed) return AFTER_MISTAKES_MS
  const timer = requeueAfterMs(spec, options)
  return timer === 0 && round.invalid > 0 ? AFTER_MISTAKES_MS : timer
}

function shortestSeconds(
  entries: readonly Json[],
  registry: GeneratorRegistry,
  defaultSeconds: number,
  depth: number,
): number {
  let shortest = Number.POSITIVE_INFINITY
  for (const entry of entries) {
    if (!isJsonObject(entry)) continue
    for (const generator of registry.values()) {
      const body = Object.hasOwn(entry, generator.key) ? entry[generator.key] : undefined
      if (!isJsonObject(body)) continue
      const own = ownSeconds(body, generator.defaultRequeueSeconds, defaultSeconds)
      if (own > 0) shortest = Math.min(shortest, own)
      const children = generator.fields.includes('generators') ? body['generators'] : undefined
      if (!Array.isArray(children) || depth >= LIMITS.combinators) continue
      shortest = Math.min(shortest, shortestSeconds(children, registry, defaultSeconds, depth + 1))
    }
  }
  return shortest
}

function ownSeconds(body: JsonObject, own: number | 'configured' | undefined, configured: number): number {
  if (own === undefined) return 0
  const asked = body['requeueAfterSeconds']
  if (typeof asked === 'number') return asked
  return own === 'configured' ? configured : own
}
