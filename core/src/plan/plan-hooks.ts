import type { ObjectKey } from '../model/kubernetes-object.ts'
import type { EpochMs } from '../time/epoch-ms.ts'
import { isOfRemoval, type PlacedAction } from './plan-order.ts'
import type { HookTarget } from './prepare-targets.ts'
import type { HookPhase } from './read-hook.ts'
import type { HookAction } from './sync-plan.ts'

/** What stays the same from the first to the last step of an operation. */
export interface RunningOperation {
  readonly revision: string
  readonly startedAt: EpochMs
}

const REVISION_LENGTH = 7

/** Each hook once for every phase of a sync that it names. */
export function planHooks(
  hooks: readonly HookTarget[],
  validate: boolean,
  operation: RunningOperation | undefined,
): readonly (PlacedAction & { readonly action: HookAction })[] {
  return hooks.flatMap(target =>
    target.hook.phases
      .filter(phase => !isOfRemoval(phase))
      .map(phase => ({ side: 'apply' as const, action: hookAction(target, phase, validate, operation) })),
  )
}

/** One hook's turn in one phase. */
export function hookAction(
  { key, object, options, hook }: HookTarget,
  phase: HookPhase,
  validate: boolean,
  operation: RunningOperation | undefined,
): HookAction {
  const named: ObjectKey = key.name === '' ? { ...key, name: generatedName(object.metadata, phase, operation) } : key
  const { generateName: _, ...metadata } = object.metadata
  return {
    kind: 'hook',
    key: named,
    phase,
    wave: options.wave,
    object: { ...object, metadata: { ...metadata, name: named.name } },
    hook,
    validate: options.validate ?? validate,
  }
}

/** As in Argo CD: the same at every step of one operation, another for the next. */
function generatedName(
  { generateName = '' }: { readonly generateName?: string },
  phase: HookPhase,
  operation: RunningOperation | undefined,
): string {
  if (!operation) return `${generateName}<${phase.toLowerCase()}>`
  const start = Math.floor(operation.startedAt / 1000)
  return `${generateName}${operation.revision.slice(0, REVISION_LENGTH)}-${phase}-${start}`.toLowerCase()
}
