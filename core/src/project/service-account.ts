import { compileGlob } from '../glob/glob.ts'

/** One entry of a Project's `destinationServiceAccounts`. */
export interface DestinationServiceAccount {
  readonly server?: string
  readonly namespace?: string
  /** `name` in the namespace of the destination, or `namespace:name`. */
  readonly defaultServiceAccount: string
}

export type ServiceAccountChoice =
  /** `system:serviceaccount:NAMESPACE:NAME`. */
  | { readonly kind: 'account'; readonly user: string }
  | { readonly kind: 'none' }
  | { readonly kind: 'mistake'; readonly message: string }

const FORBIDDEN = /[!*[\]{}\\/]/

/**
 * Whom changes of an Application are made as: the first entry whose server and namespace match. An entry that cannot be
 * read ends the search with a mistake: going on would mean the agent's own rights instead of fewer.
 *
 * @param destination The resolved cluster's server, the namespace of the destination, and the namespace to take where
 *   the destination has none.
 */
export function serviceAccountOf(
  entries: readonly DestinationServiceAccount[],
  destination: { readonly server: string; readonly namespace: string; readonly ownNamespace?: string },
): ServiceAccountChoice {
  for (const { server = '', namespace = '', defaultServiceAccount: account } of entries) {
    try {
      const byServer = compileGlob(server, '')(destination.server)
      if (!compileGlob(namespace, '')(destination.namespace) || !byServer) continue
    } catch (error) {
      return { kind: 'mistake', message: (error as Error).message }
    }
    if (account.trim() === '' || FORBIDDEN.test(account)) {
      return { kind: 'mistake', message: `"${account}" is no name of a service account` }
    }
    if (account.includes(':')) return { kind: 'account', user: `system:serviceaccount:${account}` }
    const own = destination.namespace === '' ? (destination.ownNamespace ?? '') : destination.namespace
    if (own === '') return { kind: 'mistake', message: `service account "${account}" needs a namespace` }
    return { kind: 'account', user: `system:serviceaccount:${own}:${account}` }
  }
  return { kind: 'none' }
}

/**
 * The same for a cluster that has several URLs: the first entry that matches by any of them. Where a Project names
 * accounts at all, or says that it must, nothing is applied with the agent's own rights.
 *
 * @param servers Every URL that the cluster stands for.
 */
export function serviceAccountFor(
  project: { readonly accounts: readonly DestinationServiceAccount[]; readonly required: boolean },
  servers: readonly string[],
  namespace: string,
): ServiceAccountChoice {
  for (const entry of project.accounts) {
    for (const server of servers.length === 0 ? [''] : servers) {
      const choice = serviceAccountOf([entry], { server, namespace })
      if (choice.kind !== 'none') return choice
    }
  }
  if (project.accounts.length === 0 && !project.required) return { kind: 'none' }
  return { kind: 'mistake', message: 'no service account is named for this destination' }
}

/** What is wrong with an entry; undefined when nothing is. */
export function serviceAccountMistake(entry: DestinationServiceAccount): string | undefined {
  const { server = '', namespace = '', defaultServiceAccount: account } = entry
  for (const [field, pattern] of [['server', server] as const, ['namespace', namespace] as const]) {
    if (pattern.includes('!')) return `${field} has no "!": "${pattern}"`
    try {
      compileGlob(pattern, '')
    } catch (error) {
      return `${field}: ${(error as Error).message}`
    }
  }
  const fine = account.trim() !== '' && !FORBIDDEN.test(account)
  return fine ? undefined : `"${account}" is no name of a service account`
}
