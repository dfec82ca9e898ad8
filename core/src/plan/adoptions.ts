import type { PlanProblem, SyncAction } from './sync-plan.ts'
import { DELIVERY_TOOLS, type DeliveryTool, TOOL_NAMES } from './tracking.ts'

/** How many objects of another tool would become ours. */
export interface Adoption {
  readonly tool: DeliveryTool
  readonly count: number
}

/** What a plan would take over from other tools if somebody agreed; empty when there is nothing to ask. */
export function unapprovedAdoptions(actions: readonly SyncAction[]): readonly Adoption[] {
  return DELIVERY_TOOLS.flatMap(tool => {
    const count = actions.filter(action => action.kind === 'hold' && action.tool === tool).length
    return count === 0 ? [] : [{ tool, count }]
  })
}

/** `214 objects tracked by Argo CD and 2 by Helm`. */
export function adoptionText(adoptions: readonly Adoption[]): string {
  return adoptions
    .map(({ tool, count }, index) => {
      const what = index > 0 ? `${count}` : count === 1 ? '1 object tracked' : `${count} objects tracked`
      return `${what} by ${TOOL_NAMES[tool]}`
    })
    .join(' and ')
}

/** A plan that takes over anything unasked is not performed in part either: half an Application in two hands is worse. */
export function adoptionProblem(actions: readonly SyncAction[]): PlanProblem | undefined {
  const adoptions = unapprovedAdoptions(actions)
  if (adoptions.length === 0) return undefined
  const message = `would adopt ${adoptionText(adoptions)}, and nobody has approved that yet`
  return { severity: 'error', code: 'ADOPTION_UNAPPROVED', message }
}
