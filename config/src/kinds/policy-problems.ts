import { lintPolicy, type PolicyFinding } from '@flotilla/core/access/lint-policy'
import { parsePolicy } from '@flotilla/core/access/parse-policy'
import type { MatchMode, PolicyRow } from '@flotilla/core/access/policy-row'
import type { Path, Problem } from '../problem.ts'

/** A text of rows inside a document. */
export interface PolicyText {
  readonly path: Path
  readonly text: string
}

/** As many as for a file: who has more of them has one mistake. */
const MOST_PROBLEMS = 100

const CODES = {
  wrong: { code: 'POLICY_ROW_INVALID', severity: 'error' },
  'unknown-name': { code: 'POLICY_NAME_UNKNOWN', severity: 'error' },
  unreachable: { code: 'POLICY_ROW_UNREACHABLE', severity: 'warning' },
  shadowed: { code: 'POLICY_ROW_SHADOWED', severity: 'warning' },
} as const satisfies { readonly [kind in PolicyFinding['kind']]: Pick<Problem, 'code' | 'severity'> }

/** Every mistake in texts of rows, each at its row; rows of one text may lead to roles of another. */
export function policyProblems(
  texts: readonly PolicyText[],
  settings: { readonly matchMode: MatchMode; readonly defaultRole: string },
): readonly Problem[] {
  const problems: Problem[] = []
  const placeOf = new Map<PolicyRow, { readonly path: Path; readonly within: { line: number; column: number } }>()
  for (const { path, text } of texts) {
    const { rows, mistakes } = parsePolicy(text, (line, column) => ({ file: '', line, column }))
    for (const row of rows) placeOf.set(row, { path, within: row.place })
    for (const { line, column, message, hint } of mistakes) {
      const shown = hint === undefined ? {} : { hint }
      problems.push({ ...CODES.wrong, path, within: { line, column }, message, ...shown })
    }
  }
  const findings = lintPolicy([...placeOf.keys()], { ...settings, knownRoles: ['role:admin', 'role:readonly'] })
  for (const { row, kind, message, hint } of findings) {
    problems.push({ ...CODES[kind], ...placeOf.get(row)!, message, ...(hint === undefined ? {} : { hint }) })
  }
  return problems.slice(0, MOST_PROBLEMS)
}
