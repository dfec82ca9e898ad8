import { compilePattern, matcherOf } from '@flotilla/core/access/compile-pattern'
import { failed, notApplicable, type Outcome, PASSED } from './suite.ts'

export interface NameList {
  readonly list: readonly string[]
  readonly value: string
  readonly mode: 'exact' | 'glob' | 'regexp'
  readonly expected: boolean
}

/** Lists of names as Argo CD's namespaces have them, matched by the patterns of policies. */
export function matchesInList({ list, value, mode, expected }: NameList): Outcome {
  const patterns = list.map(entry => {
    const wrapped = mode === 'regexp' && entry.length > 1 && entry.startsWith('/') && entry.endsWith('/')
    return wrapped ? compilePattern(entry.slice(1, -1), 'regex') : compilePattern(entry, 'wide')
  })
  if (mode === 'regexp' && patterns.some(pattern => pattern.kind === 'broken')) {
    return notApplicable('a regular expression beyond RE2: matching it can take for ever, and no rule of ours needs it')
  }
  const found = mode === 'exact' ? list.includes(value) : patterns.some(pattern => matcherOf(pattern)(value))
  return found === expected ? PASSED : failed(`expected ${expected} but was ${found}`)
}
