import { readDeletionBudget } from '@flotilla/core/decide/deletion-guard'
import type { JsonObject } from '@flotilla/core/json/json'
import { type Problem, pathText } from '../problem.ts'
import { member } from './kind.ts'

/** What is wrong with the annotations that give a budget; the spec's is checked by its schema. The default stays. */
export function budgetProblems(document: JsonObject): Problem[] {
  const annotations = member(member(document, 'metadata'), 'annotations') as { readonly [key: string]: string }
  return readDeletionBudget({}, annotations).mistakes.map(({ path, message }) => ({
    code: 'INVALID_VALUE',
    severity: 'error',
    blocking: false,
    path,
    message: `${pathText(path)} ${message}`,
    hint: 'until then the default budget is in force: 10 Applications, 20 %',
  }))
}
