import { canonicalJson, type Digest, sha256 } from '../json/canonical-json.ts'
import { isJsonObject, type Json, type JsonObject } from '../json/json.ts'
import type { DeletionPlan, PlannedRemoval, RemovalCount } from '../model/deletion-plan.ts'

/** How much may go in one round before a person is asked. */
export interface DeletionBudget {
  /** Applications. */
  readonly count: number
  /** Of those that there were, from 0 to 1. */
  readonly share: number
  /** Continuous absence before anything is removed from a cluster; absent: the hub's setting. */
  readonly graceMs?: number
}

/** Decision 28. */
export const DEFAULT_DELETION_BUDGET: DeletionBudget = { count: 10, share: 0.2 }

export type RemovalVerdict =
  | { readonly kind: 'within' }
  /** `zero`: nothing would be left of the set, which is what a listing looks like that failed without saying so. */
  | { readonly kind: 'over'; readonly rule: 'count' | 'share' | 'zero' }

/**
 * Whether a removal may go ahead without a person.
 *
 * One at a time is within every share: a fifth of a set of three is nothing, and a budget that refuses every removal
 * teaches people to raise it. A count of 0 asks even then, and so does the last Application of a set.
 *
 * @param count What would go and what there is, less what a provider declared gone: that is no mistake of a listing.
 * @param mayEmpty Whether nothing left is nothing special: documents written by hand, a Project.
 */
export function judgeRemoval(
  { removed, total }: RemovalCount,
  budget: DeletionBudget = DEFAULT_DELETION_BUDGET,
  mayEmpty = false,
): RemovalVerdict {
  if (removed === 0) return { kind: 'within' }
  if (!mayEmpty && removed >= total) return { kind: 'over', rule: 'zero' }
  if (removed > budget.count) return { kind: 'over', rule: 'count' }
  if (removed > 1 && removed > total * budget.share) return { kind: 'over', rule: 'share' }
  return { kind: 'within' }
}

/** What the rule that was broken says, for a sentence: `more than 10`, `more than 20 %`. */
export function brokenRule(rule: 'count' | 'share' | 'zero', budget: DeletionBudget): string {
  if (rule === 'zero') return 'nothing would be left'
  return rule === 'count' ? `more than ${budget.count}` : `more than ${Math.round(budget.share * 1000) / 10} %`
}

/** On sets and Projects of Argo CD, whose spec has no place for it: `10, 20%`; either may be left out. */
export const DELETION_BUDGET_ANNOTATION = 'flotilla.dev/deletion-budget'
/** As `spec.deletionBudget.grace`: `30m`. */
export const DELETION_GRACE_ANNOTATION = 'flotilla.dev/deletion-grace'

export interface BudgetReading {
  /** With the default wherever nothing is said, or nothing that can be understood. */
  readonly budget: DeletionBudget
  readonly mistakes: readonly { readonly path: readonly string[]; readonly message: string }[]
}

/**
 * The budget that a set or Project gives itself: `spec.deletionBudget: { count, percent, grace }`, or annotations. A
 * mistake leaves the default in force: a budget that nobody can read must not be a wide one.
 */
export function readDeletionBudget(
  spec: { readonly [field: string]: unknown },
  annotations: { readonly [key: string]: string },
  base: DeletionBudget = DEFAULT_DELETION_BUDGET,
): BudgetReading {
  const mistakes: { readonly path: readonly string[]; readonly message: string }[] = []
  const annotated = annotationValues(annotations, mistakes)
  const written = spec['deletionBudget'] as Json | undefined
  const own = isJsonObject(written) ? written : {}
  const value = (field: 'count' | 'percent' | 'grace') => own[field] ?? annotated[field]
  const path = (field: string): readonly string[] => ['spec', 'deletionBudget', field]
  const count = readWhole(value('count'), 1_000_000)
  if (count === 'wrong') mistakes.push({ path: path('count'), message: 'must be a whole number from 0' })
  const percent = readWhole(value('percent'), 100)
  if (percent === 'wrong') mistakes.push({ path: path('percent'), message: 'must be a whole number from 0 to 100' })
  const grace = value('grace')
  const graceMs = typeof grace === 'string' ? parseGrace(grace) : undefined
  if (grace !== undefined && graceMs === undefined)
    mistakes.push({ path: path('grace'), message: 'must be a duration from 0s to 30d, like 30m or 1h30m' })
  return {
    budget: {
      count: typeof count === 'number' ? count : base.count,
      share: typeof percent === 'number' ? percent / 100 : base.share,
      ...(graceMs === undefined ? {} : { graceMs }),
    },
    mistakes,
  }
}

function annotationValues(
  annotations: { readonly [key: string]: string },
  mistakes: { readonly path: readonly string[]; readonly message: string }[],
): JsonObject {
  const values: { [field: string]: Json } = {}
  const text = annotations[DELETION_BUDGET_ANNOTATION]
  for (const part of text === undefined ? [] : text.split(',').map(each => each.trim())) {
    const found = /^(\d{1,7})(\s*%)?$/.exec(part)
    const field = found?.[2] === undefined ? 'count' : 'percent'
    if (found !== null && values[field] === undefined) values[field] = Number(found[1])
    else {
      mistakes.push({
        path: ['metadata', 'annotations', DELETION_BUDGET_ANNOTATION],
        message: 'must be a number, a share, or both: "10", "20%", "10, 20%"',
      })
    }
  }
  const grace = annotations[DELETION_GRACE_ANNOTATION]
  if (grace !== undefined && parseGrace(grace) === undefined) {
    const message = 'must be a duration from 0s to 30d, like 30m or 1h30m'
    mistakes.push({ path: ['metadata', 'annotations', DELETION_GRACE_ANNOTATION], message })
  } else if (grace !== undefined) values['grace'] = grace
  return values
}

function readWhole(value: Json | undefined, most: number): number | 'wrong' | undefined {
  if (value === undefined) return undefined
  const number = typeof value === 'bigint' ? Number(value) : value
  return typeof number === 'number' && Number.isInteger(number) && number >= 0 && number <= most ? number : 'wrong'
}

const UNITS_MS: { readonly [unit: string]: number } = { s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 }
export const LONGEST_GRACE = '30d'
const LONGEST_GRACE_MS = 30 * 86_400_000

/** `30m`, `1h30m`, `7d` → milliseconds; undefined for anything else, and for what is longer than {@link LONGEST_GRACE}. */
export function parseGrace(text: string): number | undefined {
  if (!/^(\d{1,9}[smhd])+$/.test(text)) return undefined
  let total = 0
  for (const [, count, unit] of text.matchAll(/(\d+)([smhd])/g)) total += Number(count) * UNITS_MS[unit!]!
  return total <= LONGEST_GRACE_MS ? total : undefined
}

/** Of exactly this list: who approves it approves nothing else. What an Application's labels are is not among it. */
export function removalDigest(kind: DeletionPlan['kind'], applications: readonly PlannedRemoval[]): Digest {
  const list = [...applications]
    .sort((a, b) => (a.id < b.id ? -1 : 1))
    .map(({ id, name, cluster, policy }) => ({ id, name, cluster, policy }))
  return sha256(canonicalJson({ kind, list }))
}
