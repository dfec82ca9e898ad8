import type { Hold } from '../model/hold.ts'
import { type Adoption, adoptionText } from '../plan/adoptions.ts'
import { DELIVERY_TOOLS, type DeliveryTool } from '../plan/tracking.ts'
import type { EpochMs } from '../time/epoch-ms.ts'

/** What one decision about adoption is for: a set's Applications, all of a Project, or one that no set made. */
export type AdoptionScope =
  | { readonly kind: 'set'; readonly name: string }
  | { readonly kind: 'project'; readonly name: string }
  | { readonly kind: 'application'; readonly name: string }

/** What a person said; the latest of a scope counts. */
export interface AdoptionVerdict {
  readonly scope: AdoptionScope
  readonly verdict: 'approved' | 'rejected'
  readonly tools: readonly DeliveryTool[]
  readonly by: string
  readonly at: EpochMs
  readonly reason: string
}

/** Where a verdict about an Application may stand. `set` is `source/name`. */
export interface AdoptionSubject {
  readonly name: string
  readonly project: string
  readonly set?: string
}

/** Whom to ask about an Application: its set as a whole, or itself. */
export function scopeOf({ name, set }: AdoptionSubject): AdoptionScope {
  return set === undefined ? { kind: 'application', name } : { kind: 'set', name: set }
}

export function sameScope(a: AdoptionScope, b: AdoptionScope): boolean {
  return a.kind === b.kind && a.name === b.name
}

/** From which tools an Application may adopt, by its own verdict, its set's or its Project's; sorted. */
export function approvedTools(verdicts: readonly AdoptionVerdict[], subject: AdoptionSubject): readonly DeliveryTool[] {
  const { name, project, set } = subject
  const scopes: readonly AdoptionScope[] = [
    { kind: 'application', name },
    { kind: 'project', name: project },
    ...(set === undefined ? [] : [{ kind: 'set', name: set } as const]),
  ]
  const tools = verdicts
    .filter(({ scope, verdict }) => verdict === 'approved' && scopes.some(one => sameScope(one, scope)))
    .flatMap(each => each.tools)
  return DELIVERY_TOOLS.filter(tool => tools.includes(tool))
}

/**
 * Why an Application waits while it would take over objects of other tools (decision 26).
 *
 * @param reported What its agent counts, of the Offer that it holds.
 */
export function adoptionHold(
  reported: readonly Adoption[] = [],
  approved: readonly DeliveryTool[] = [],
): Hold | undefined {
  const waiting = reported.filter(({ tool }) => !approved.includes(tool))
  if (waiting.length === 0) return undefined
  const reason = `would adopt ${adoptionText(waiting)}; nothing of it is applied before somebody approves: flotilla confirmation list`
  return { code: 'ADOPTION', reason }
}

/** The verdicts with one more; an earlier one about the same scope is forgotten. */
export function withVerdict(verdicts: readonly AdoptionVerdict[], added: AdoptionVerdict): readonly AdoptionVerdict[] {
  return [...verdicts.filter(({ scope }) => !sameScope(scope, added.scope)), added]
}
