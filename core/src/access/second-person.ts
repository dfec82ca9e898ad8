import type { Identity } from '../ports/sign-in-rows.ts'

/** Somebody who agrees to something, or has asked for it. */
export interface Agreeing {
  /** As people read it. */
  readonly name: string
  /** Who has made the token that is shown. */
  readonly madeBy?: string | undefined
  /** Subjects that stay whatever somebody is called: of whoever is behind a session or a token, and who made that. */
  readonly subjects?: readonly string[] | undefined
}

/**
 * Whether these two may be one person: the same subject, whatever the session or the name of today; a token that one of
 * the two has made for the other, directly or through a third; names that people would read as one.
 */
export function maySamePerson(a: Agreeing, b: Agreeing): boolean {
  if (sameName(a.name, b.name)) return true
  if (a.madeBy !== undefined && sameName(a.madeBy, b.name)) return true
  if (b.madeBy !== undefined && sameName(b.madeBy, a.name)) return true
  return (a.subjects ?? []).some(subject => (b.subjects ?? []).includes(subject))
}

/** Subjects of an identity provider and accounts of the hub; what a token may is nobody in particular. */
export function subjectsOf(makers: readonly Identity[] = []): readonly string[] {
  return [...new Set(makers.flatMap(each => lastingSubject(each) ?? []))]
}

/** `provider <subject>`, `account <name>`. */
export function lastingSubject(identity: Identity): string | undefined {
  if (identity.kind === 'provider') return `provider ${identity.subject}`
  return identity.kind === 'account' ? `account ${identity.account}` : undefined
}

/** Names are one when people would read them as one. */
export function sameName(a: string, b: string): boolean {
  return a.normalize('NFKC').trim().toLowerCase() === b.normalize('NFKC').trim().toLowerCase()
}
