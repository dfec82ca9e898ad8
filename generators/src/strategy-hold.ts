import type { ApplicationSetSpec } from '@flotilla/core/model/fleet'
import type { Hold } from '@flotilla/core/model/hold'

/**
 * The Hold for every Application of a set that asks for a rollout in steps, which is not built yet: an all-at-once
 * rollout is no substitute for it (decision 22). Undefined when all may go at once.
 *
 * @param at Where `spec.strategy` stands.
 */
export function strategyHold(spec: Pick<ApplicationSetSpec, 'strategy'>, at?: Hold['at']): Hold | undefined {
  if (spec.strategy?.['type'] !== 'RollingSync') return undefined
  return {
    code: 'UNSUPPORTED_STRATEGY',
    reason:
      'The set asks for strategy RollingSync, which is not built yet, so nothing of it is released. ' +
      'Remove spec.strategy to release all its Applications at once.',
    ...(at === undefined ? {} : { at }),
  }
}
