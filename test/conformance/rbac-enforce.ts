import { BUILTIN_ROWS } from '@flotilla/core/access/builtin-policy'
import { decideStrict } from '@flotilla/core/access/decide'
import { parsePolicy } from '@flotilla/core/access/parse-policy'
import { compilePolicy } from '@flotilla/core/access/policy'
import type { PolicyRow } from '@flotilla/core/access/policy-row'
import { type Claims, type Principal, principalOf } from '@flotilla/core/access/principal'
import type { ProjectRole } from '@flotilla/core/access/project-role'
import { PATH_RESOURCES, resourceOf } from '@flotilla/core/access/vocabulary'
import type { ConformanceCase } from './suite.ts'

/** An enforcer of Argo CD's as data, and one question. */
export interface EnforceCase extends ConformanceCase {
  readonly state: {
    readonly builtinPolicy?: string
    readonly userPolicy?: string
    readonly runtimePolicy?: string
    readonly defaultRole?: string
    readonly matchMode?: 'glob' | 'regex'
    readonly enabled?: boolean
    readonly scopes?: readonly string[]
    /** A function put in by the test: one that says yes or no to all claims, or the one that knows projects. */
    readonly claimsEnforcer?: boolean | 'project'
    readonly projects?: readonly { readonly name: string; readonly roles?: readonly ProjectRole[] }[]
  }
  readonly claims?: Claims | null
  readonly request: readonly (string | null)[]
}

/** Whether our strict policy says yes to the case. */
export function verdictOf({ kind, state, claims, request }: EnforceCase): boolean {
  const [subject, resource = '', action = '', written = ''] = request
  if (claims !== undefined && claims !== null && state.claimsEnforcer === true) return true
  const runtime = rowsOf(state.runtimePolicy)
  const policy = compilePolicy({
    builtInRows: rowsOf(state.builtinPolicy) ?? [],
    rows: [...(rowsOf(state.userPolicy) ?? []), ...(runtime ?? [])],
    defaultRole: state.defaultRole,
    matchMode: state.matchMode,
    strictArgo: true,
    everythingAllowed: state.enabled === false,
    projects: (state.projects ?? []).map(({ name, roles = [] }) => ({
      project: name,
      roles,
      placeOf: () => ({ file: '', line: 1, column: 1 }),
    })),
  })
  const name = kind === 'can' ? resourceOf(resource ?? '') : (resource ?? '')
  // The command asks about everything in every project when no object is named.
  const whole = kind === 'can' && PATH_RESOURCES.has(name) && (written === '' || written === '*')
  const principal = principalFor(subject ?? '', claims, state)
  return decideStrict(policy, principal, name, action ?? '', whole ? '*/*' : (written ?? '')).allowed
}

function principalFor(subject: string, claims: EnforceCase['claims'], state: EnforceCase['state']): Principal {
  if (claims === undefined || claims === null) return { kind: 'subject', subject }
  if (state.claimsEnforcer === 'project') return principalOf(claims, state.scopes, 'hub')
  return { kind: 'person', subject: '', groups: [] }
}

/** Undefined for rows that cannot be read: Argo CD then goes on with those that it had. */
function rowsOf(text: string | undefined): readonly PolicyRow[] | undefined {
  if (text === '@builtin') return BUILTIN_ROWS
  const parsed = parsePolicy(text ?? '', (line, column) => ({ file: '', line, column }))
  return parsed.mistakes.length > 0 ? undefined : parsed.rows
}
