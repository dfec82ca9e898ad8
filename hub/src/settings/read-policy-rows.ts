import { parsePolicy } from '@flotilla/core/access/parse-policy'
import type { PolicyRow } from '@flotilla/core/access/policy-row'
import type { Reader } from './setting-readers.ts'

/** Reads `access.policy`: rows as a `policy.csv` has them, all of them or none. */
export const readPolicyRows: Reader<readonly PolicyRow[]> = loose => {
  if (typeof loose !== 'string') return { rule: 'must be rows of a policy, one on a line' }
  const { rows, mistakes } = parsePolicy(loose, (line, column) => ({ file: 'hub.yaml access.policy', line, column }))
  const [first] = mistakes
  return first === undefined ? { value: rows } : { rule: `line ${first.line}: ${first.message}` }
}
