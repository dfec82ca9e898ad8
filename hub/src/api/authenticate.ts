import type { Request } from 'express'
import { argoTokenAdvice } from '../sign-in/argo-token.ts'
import { Authenticator, GroupsLinked } from '../sign-in/authenticator.ts'
import { ProviderError } from '../sign-in/provider-error.ts'
import { SignInStale } from '../sign-in/session-renewal.ts'
import { shownCredential } from '../sign-in/shown-credential.ts'
import { Problem } from './problem.ts'
import type { ApiServices } from './route.ts'
import type { Caller } from './tokens.ts'

/** Seconds after which a provider that is away may be asked again. */
const PROVIDER_AWAY_S = 10

/** What proves identities for an API without sign-in: tokens alone. */
const TOKENS_ALONE = new WeakMap<ApiServices, Authenticator>()

/** What proves who asks: tokens, and where people can sign in, sessions and id tokens. */
export function authenticatorOf(services: ApiServices): Authenticator {
  const { signIn, store, clock, log } = services
  if (signIn !== undefined) return signIn.authenticator
  const known = TOKENS_ALONE.get(services) ?? new Authenticator({ store, clock, log })
  TOKENS_ALONE.set(services, known)
  return known
}

/**
 * Who asks, proved. Whatever proves an identity is looked at here and nowhere else.
 *
 * @throws Problem `UNAUTHENTICATED`: the same for no token, a malformed, an unknown, a wrong and an expired one, but for what is said of one that says itself that it is Argo CD's;
 *   `GROUPS_LINKED` for a token without the groups that it should have; `SIGN_IN_STALE` for a write by somebody whose groups were told too long ago; `UNAVAILABLE`.
 */
export async function authenticate(services: ApiServices, request: Request, inQuery?: true): Promise<Caller> {
  const given = inQuery === true ? new URLSearchParams(request.originalUrl.replace(/^[^?]*/, '')).get('token') : null
  const shown = shownCredential({
    authorization: request.get('Authorization'),
    ...(given !== null && { query: given }),
    cookie: request.get('Cookie'),
    secure: services.signIn?.secure ?? true,
  })
  const writes = request.method !== 'GET' && request.method !== 'HEAD'
  const caller = await asked(() => authenticatorOf(services).authenticate(shown, writes))
  // URLs end up in logs and histories of others: one that may change anything is as good as none there.
  if (caller === undefined || (shown.kind === 'query' && !isHarmless(caller))) {
    const detail = shown.kind === 'bearer' ? argoTokenAdvice(shown.text) : undefined
    throw new Problem('UNAUTHENTICATED', detail === undefined ? {} : { detail })
  }
  return caller
}

/** Whether whoever asked may still be told anything: asked while a stream goes on. */
export async function mayGoOn(services: ApiServices, caller: Caller): Promise<boolean> {
  return (await againAs(services, caller)) !== undefined
}

/** The caller as of now, with the groups that are known by now; undefined when the credential proves nobody any more. */
export async function againAs(services: ApiServices, caller: Caller): Promise<Caller | undefined> {
  return await asked(() => authenticatorOf(services).again(caller))
}

/** What could not write anything, whatever the policy says. */
function isHarmless({ role, scopes = [] }: Caller): boolean {
  return role === 'readonly' || scopes.some(({ actions }) => actions?.every(action => action === 'get') === true)
}

async function asked<T>(question: () => Promise<T>): Promise<T> {
  try {
    return await question()
  } catch (error) {
    if (error instanceof SignInStale) throw new Problem('SIGN_IN_STALE', { cause: error })
    if (error instanceof GroupsLinked) throw new Problem('GROUPS_LINKED', { detail: error.message, cause: error })
    if (error instanceof ProviderError) {
      const detail = 'The identity provider cannot be asked now.'
      throw new Problem('UNAVAILABLE', { detail, headers: { 'Retry-After': String(PROVIDER_AWAY_S) }, cause: error })
    }
    throw error
  }
}
