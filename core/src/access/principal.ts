/** Who asks. Identity has been proved before: nothing of a token that was not verified may come in here. */
export type Principal =
  /** A person or a local account. Without name and groups it is nobody, and has what the default role gives. */
  | { readonly kind: 'person'; readonly subject: string; readonly groups: readonly string[] }
  /** Whoever holds a token of a project's role. */
  | { readonly kind: 'project-token'; readonly project: string; readonly role: string }
  /** One subject of the policy by itself: a role, a user or a group, as `rbac can` asks about it. */
  | { readonly kind: 'subject'; readonly subject: string }
  /** A shared view of one team: it sees what watching shows to the team's people, and does nothing. */
  | { readonly kind: 'team'; readonly team: string }
  /** The agent of one cluster: no row of a policy gives it anything, and none takes its own away. */
  | { readonly kind: 'agent'; readonly cluster: string }

export interface Claims {
  readonly [claim: string]: unknown
}

/** The claims that hold groups, where a policy names none. */
export const DEFAULT_SCOPES: readonly string[] = ['groups']

/** More groups than directories put into a token; what is beyond is not looked at. */
const MOST_GROUPS = 2000

/**
 * The person behind verified claims: `federated_claims.user_id` before `sub`, and the groups of the claims that
 * `scopes` names, whether they hold a text or a list.
 *
 * @param issuer Whether the hub itself made the token. Only then a subject such as `proj:shop:deployer` is a project's
 *   token: an identity provider must not be able to make one by naming somebody so.
 */
export function principalOf(
  claims: Claims,
  scopes: readonly string[] = DEFAULT_SCOPES,
  issuer: 'hub' | 'provider' = 'provider',
): Principal {
  const subject = subjectOf(claims)
  const parts = subject.split(':')
  if (parts[0] === 'proj' && parts.length === 3) {
    if (issuer === 'hub') return { kind: 'project-token', project: parts[1]!, role: parts[2]! }
    return { kind: 'person', subject: '', groups: [] }
  }
  return { kind: 'person', subject, groups: scopes.flatMap(scope => groupsOf(claims[scope])).slice(0, MOST_GROUPS) }
}

function subjectOf(claims: Claims): string {
  const federated = claims['federated_claims']
  if (typeof federated === 'object' && federated !== null) {
    const id = (federated as Claims)['user_id']
    if (typeof id === 'string' && !isNobody(id)) return id
  }
  const { sub } = claims
  return typeof sub === 'string' && !isNobody(sub) ? sub : ''
}

function groupsOf(value: unknown): readonly string[] {
  const list = Array.isArray(value) ? (value as readonly unknown[]) : [value]
  return list.filter(group => typeof group === 'string').filter(group => !isNobody(group))
}

/** Nothing, or blanks only: no identity, whatever rows there are. */
export function isNobody(subject: string): boolean {
  return subject.trim() === ''
}

/** What is written in tokens of roles: `jwtTokens` of a project's role. */
export interface RoleToken {
  readonly id?: string
  readonly iat: number
}

/**
 * Whether a project's token is still good: its role exists and lists it, by id, or by time of issue for old ones
 * without an id.
 */
export function isTokenListed(
  roles: readonly { readonly name: string; readonly jwtTokens?: readonly RoleToken[] }[],
  token: { readonly role: string; readonly id?: string; readonly issuedAt?: number },
): boolean {
  const listed = roles.find(role => role.name === token.role)?.jwtTokens ?? []
  if (token.id !== undefined && token.id !== '') return listed.some(one => one.id === token.id)
  return token.issuedAt !== undefined && listed.some(one => !one.id && one.iat === token.issuedAt)
}
