import { type Principal, principalOf } from '@flotilla/core/access/principal'
import { lastingSubject } from '@flotilla/core/access/second-person'
import type { Identity, KeptClaims } from '@flotilla/core/ports/store'

/** More than directories put into a token; what is beyond is not kept. */
const MOST_VALUES = 2_000
const MOST_CLAIMS = 100
const MOST_CHARACTERS = 64 * 1024
/** Claims about one token, and not about somebody. */
const OF_TOKEN: ReadonlySet<string> = new Set([
  'iss',
  'aud',
  'exp',
  'iat',
  'nbf',
  'jti',
  'nonce',
  'azp',
  'at_hash',
  'c_hash',
  's_hash',
  'sid',
  'acr',
  'amr',
])

/** What is kept of verified claims: texts, lists of texts, and Dex' `federated_claims`; nothing about the token itself. */
export function keptClaims(claims: Readonly<Record<string, unknown>>): KeptClaims {
  const kept: Record<string, KeptClaims[string]> = {}
  let characters = 0
  for (const [name, value] of Object.entries(claims).slice(0, MOST_CLAIMS)) {
    if (OF_TOKEN.has(name) || name === '__proto__') continue
    const one = keptValue(name, value)
    if (one === undefined) continue
    characters += name.length + JSON.stringify(one).length
    if (characters > MOST_CHARACTERS) break
    kept[name] = one
  }
  return kept
}

function keptValue(name: string, value: unknown): KeptClaims[string] | undefined {
  if (typeof value === 'string') return value
  if (Array.isArray(value)) return value.filter(each => typeof each === 'string').slice(0, MOST_VALUES)
  if (name !== 'federated_claims' || typeof value !== 'object' || value === null) return undefined
  const texts = Object.entries(value).filter(([key, each]) => key !== '__proto__' && typeof each === 'string')
  return Object.fromEntries(texts.slice(0, 10))
}

/**
 * Whom the policy is asked about. An identity that says nothing is nobody, never somebody stronger.
 *
 * @param groupClaims The claims that hold groups, as the policy names them now.
 */
export function principalOfIdentity(identity: Identity, groupClaims: readonly string[]): Principal {
  switch (identity.kind) {
    case 'principal':
      return identity.principal
    case 'account':
      return { kind: 'person', subject: identity.account, groups: [] }
    case 'provider':
      return principalOf({ ...identity.claims, sub: identity.subject }, groupClaims, 'provider')
  }
}

/**
 * The claims of groups for which a token has a link, or just the word that there are some (Microsoft Entra, above 200
 * groups). Nobody may come in so: what is denied to a group would be allowed to whoever is in very many.
 */
export function linkedGroupClaims(
  claims: Readonly<Record<string, unknown>>,
  groupClaims: readonly string[],
): readonly string[] {
  const { _claim_names: links, hasgroups } = claims
  const linked = typeof links === 'object' && links !== null ? Object.keys(links) : []
  const named = hasgroups === true || hasgroups === 'true' ? [...linked, 'groups'] : linked
  return groupClaims.filter(claim => named.includes(claim) && claims[claim] === undefined)
}

/** By whom sessions and sign-outs are counted: `provider <subject>`, `account <name>`; undefined for what signs in nowhere. */
export function ownerOf(identity: Identity): string | undefined {
  return lastingSubject(identity)
}

/**
 * What somebody of the provider is called here and in the audit log: the claim that the settings name; else the mail
 * address where the provider has verified it; else the subject. Names that are not theirs are not taken.
 */
export function nameOf(
  claims: Readonly<Record<string, unknown>> & { readonly sub: string },
  nameClaim: string | undefined,
  isTaken: (name: string) => boolean,
): string {
  const wished = nameClaim === undefined ? verifiedMail(claims) : claims[nameClaim]
  const good =
    typeof wished === 'string' && /^[\p{L}\p{N}][\p{L}\p{N}@._+' -]{0,199}$/u.test(wished) && !isTaken(wished)
  return good ? wished : claims.sub.slice(0, 200)
}

function verifiedMail({ email, email_verified: verified }: Readonly<Record<string, unknown>>): unknown {
  return verified === true ? email : undefined
}

/** By what rows of a policy name them. */
export function subjectOf(principal: Principal): string {
  switch (principal.kind) {
    case 'project-token':
      return `proj:${principal.project}:${principal.role}`
    case 'agent':
      return `agent:${principal.cluster}`
    case 'team':
      return `team:${principal.team}`
    default:
      return principal.subject
  }
}
