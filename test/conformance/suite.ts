/**
 * A conformance suite: cases as data, one adapter that maps each operation on the product's own functions.
 * The adapter translates shapes and nothing more: no rule lives in it.
 */
export interface Suite {
  /** As on the command line and in the last line: `suite health: …`. */
  readonly name: string
  /** File in the folder of cases: `health.json`. */
  readonly file: string
  /** Which operation a case is of; the report counts by it. */
  operationOf(testCase: ConformanceCase): string
  /** By operation. A throw counts as failed, with its message. */
  readonly operations: { readonly [operation: string]: Operation }
  /**
   * Operations that have no meaning here, or that are not built yet, each with its reason; a key that ends in `*`
   * stands for every operation that begins so. An operation in neither list fails the run: nothing is forgotten.
   */
  readonly notApplicable: { readonly [operation: string]: string }
}

/** One row of a suite's file; every suite gives its rows an `id`, the rest is the suite's own. */
export interface ConformanceCase {
  readonly id: string
  readonly [field: string]: unknown
}

export type Operation = (testCase: ConformanceCase) => Outcome | Promise<Outcome>

export type Outcome =
  /** `ways`: what it was answered by, as far as there are several; the report counts the cases of each. */
  | { readonly kind: 'passed'; readonly ways?: readonly string[] }
  | { readonly kind: 'failed'; readonly detail: string }
  /** This one case has no meaning here, or needs what is not built: say `not built yet: …` for the latter. */
  | { readonly kind: 'not-applicable'; readonly reason: string }

export const PASSED: Outcome = { kind: 'passed' }

export function failed(detail: string): Outcome {
  return { kind: 'failed', detail }
}

export function notApplicable(reason: string): Outcome {
  return { kind: 'not-applicable', reason }
}

/** Reasons that begin so are counted apart: they are work to come, not operations without a meaning here. */
export const NOT_BUILT = 'not built yet'
