import type { Json } from '../json/json.ts'

/**
 * The part of jq that names places in a document and asks about them: what stands between `del(` and `)` in
 * `ignoreDifferences`. Bindings, reductions, arithmetic and construction are no part of it.
 */
export type JqExpression =
  | { readonly kind: 'identity' }
  | { readonly kind: 'field'; readonly name: string }
  | { readonly kind: 'index'; readonly index: number }
  /** Every element of a list, every member of an object. */
  | { readonly kind: 'each' }
  /** `..`: the value and everything in it. */
  | { readonly kind: 'descend' }
  | { readonly kind: 'literal'; readonly value: Json }
  | { readonly kind: 'pipe'; readonly left: JqExpression; readonly right: JqExpression }
  | { readonly kind: 'comma'; readonly left: JqExpression; readonly right: JqExpression }
  /** `?`: what fails yields nothing. */
  | { readonly kind: 'optional'; readonly of: JqExpression }
  | {
      readonly kind: 'compare'
      readonly operator: JqComparison
      readonly left: JqExpression
      readonly right: JqExpression
    }
  | { readonly kind: 'and' | 'or'; readonly left: JqExpression; readonly right: JqExpression }
  | { readonly kind: 'call'; readonly name: JqFunction; readonly arguments: readonly JqExpression[] }

export type JqComparison = '==' | '!=' | '<' | '<=' | '>' | '>='

/** How many arguments each takes. */
export const JQ_FUNCTIONS = {
  select: [1],
  not: [0],
  empty: [0],
  has: [1],
  length: [0],
  type: [0],
  tostring: [0],
  ascii_downcase: [0],
  ascii_upcase: [0],
  ltrimstr: [1],
  rtrimstr: [1],
  startswith: [1],
  endswith: [1],
  contains: [1],
  inside: [1],
  test: [1, 2],
  any: [0, 1, 2],
  all: [0, 1, 2],
  IN: [1, 2],
  recurse: [0],
  first: [1],
} as const satisfies { readonly [name: string]: readonly number[] }

export type JqFunction = keyof typeof JQ_FUNCTIONS

export function isJqFunction(name: string): name is JqFunction {
  return Object.hasOwn(JQ_FUNCTIONS, name)
}
