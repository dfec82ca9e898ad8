import { type CelLanguage, celLanguage, toCel } from '../cel/cel-question.ts'
import type { Json } from '../json/json.ts'
import type { DifferenceTest } from './difference.ts'

let known: CelLanguage | undefined

function language(): CelLanguage {
  known ??= celLanguage({ path: 'string', live: 'dyn', desired: 'dyn', object: 'map<string, dyn>' })
  return known
}

/**
 * A test in the Common Expression Language over `path` (`.spec.replicas`), the `live` and the `desired` value of the
 * field (null where there is none), and the live `object`.
 *
 * @returns the test, or why the expression cannot be run. A difference for which it cannot be computed counts.
 * @example
 * celDifference('path == ".spec.replicas" && live > desired')
 */
export function celDifference(source: string): DifferenceTest | string {
  const question = language().read(source)
  if (typeof question === 'string') return question
  return ({ path, live, desired }, object) => {
    const variables = {
      path,
      live: toCel(live ?? null),
      desired: toCel(desired ?? null),
      object: toCel(object as Json),
    }
    try {
      return question(variables) === true
    } catch {
      return false
    }
  }
}
