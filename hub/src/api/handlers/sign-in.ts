import { isoTime } from '@flotilla/core/time/epoch-ms'
import { z } from 'zod'
import type { IdentityProvider } from '../../sign-in/identity-provider.ts'
import { MOST_PASSWORD_BYTES } from '../../sign-in/password-hash.ts'
import { ProviderError } from '../../sign-in/provider-error.ts'
import { csrfOf } from '../../sign-in/sessions.ts'
import type { SignIn } from '../../sign-in/sign-in.ts'
import { authenticatorOf } from '../authenticate.ts'
import { Problem } from '../problem.ts'
import { type ApiServices, type Context, json, type Reply, type Route, route } from '../route.ts'
import type { Caller } from '../tokens.ts'

const settingsSchema = z
  .strictObject({
    password: z.boolean().meta({ description: 'Whether accounts of this hub can sign in.' }),
    provider: z
      .strictObject({
        issuer: z.string(),
        clientId: z.string().meta({ description: 'The client for programs of people, which can keep no secret.' }),
        scopes: z.array(z.string()),
      })
      .nullable(),
  })
  .meta({ id: 'SignInSettings' })

const madeSchema = z
  .strictObject({
    name: z.string(),
    expiresAt: z.iso.datetime(),
    csrfToken: z.string().nullable().meta({ description: 'To be sent as X-CSRF-Token with writes by the cookie.' }),
    token: z.string().nullable().meta({ description: 'Shown once, where a bearer token was asked for.' }),
  })
  .meta({ id: 'Session' })

const endedSchema = z
  .strictObject({
    ended: z.int().meta({ description: 'Sessions that are no more.' }),
    providerLogout: z.string().nullable().meta({ description: 'Where the session at the identity provider is ended.' }),
  })
  .meta({ id: 'SignedOut' })

/** How people come in and leave. Browsers get a cookie, programs a bearer token; the provider's own tokens stay here. */
export const signInRoutes: readonly Route[] = [
  route({
    method: 'get',
    path: '/auth/settings',
    id: 'signInSettings',
    tag: 'sign-in',
    summary: 'How one can sign in here',
    access: 'public',
    answers: { 200: { description: 'Nothing that is secret.', schema: settingsSchema } },
    handle(_input, _caller, { services: { signIn } }) {
      const settings = signIn?.provider?.settings
      const provider = settings && {
        issuer: settings.issuer,
        clientId: settings.cliClientId ?? settings.clientId,
        scopes: [...settings.scopes],
      }
      return json(200, { password: signIn?.accounts.canLogin ?? false, provider: provider ?? null })
    },
  }),
  route({
    method: 'get',
    path: '/auth/login',
    id: 'beginSignIn',
    tag: 'sign-in',
    summary: 'Go to the identity provider',
    access: 'public',
    query: z.strictObject({
      return_to: z.string().max(4000).optional().meta({ description: 'A path of this hub; anything else is `/`.' }),
      prompt: z.enum(['none', 'login']).optional().meta({ description: 'none: without asking anybody anything.' }),
    }),
    answers: { 302: { description: 'The way there.', contentType: 'text/plain' } },
    problems: ['NOT_FOUND', 'TOO_MANY_REQUESTS', 'UNAVAILABLE'],
    async handle({ query }, _caller, context) {
      const { signIn, provider } = admitted(context)
      const wish = { returnTo: query.return_to, prompt: query.prompt }
      const { location, cookie } = await told(context, () => signIn.begin(provider, wish))
      return redirect(location, cookie)
    },
  }),
  route({
    method: 'get',
    path: '/auth/callback',
    id: 'finishSignIn',
    tag: 'sign-in',
    summary: 'Come back from the identity provider',
    access: 'public',
    query: z.looseObject({ state: z.string().max(4000).optional(), code: z.string().max(8000).optional() }),
    answers: { 302: { description: 'Signed in: the way to where one wanted to be.', contentType: 'text/plain' } },
    problems: ['NOT_FOUND', 'SIGN_IN_REFUSED', 'TOO_MANY_REQUESTS', 'UNAVAILABLE'],
    async handle(_input, _caller, context) {
      const { signIn, provider } = admitted(context)
      const { request } = context
      const search = request.originalUrl.replace(/^[^?]*/, '')
      const came = { search, cookie: request.get('Cookie'), from: request.ip }
      const answer = await told(context, () => signIn.finish(provider, came))
      if (answer.kind === 'refused') throw new Problem('SIGN_IN_REFUSED', { detail: answer.message })
      return redirect(answer.returnTo, signIn.sessionCookie(answer.text))
    },
  }),
  route({
    method: 'post',
    path: '/auth/login',
    id: 'signInByPassword',
    tag: 'sign-in',
    summary: 'Sign in as an account of this hub',
    access: 'public',
    body: z
      .strictObject({
        name: z.string().min(1).max(200),
        password: z.string().min(1).max(MOST_PASSWORD_BYTES),
        bearer: z.boolean().default(false).meta({ description: 'A token in the answer instead of a cookie.' }),
      })
      .meta({ id: 'PasswordSignIn' }),
    answers: { 200: { description: 'Signed in.', schema: madeSchema } },
    problems: ['NOT_FOUND', 'SIGN_IN_REFUSED', 'TOO_MANY_REQUESTS'],
    async handle({ body }, _caller, context) {
      const { signIn } = context.services
      if (signIn?.accounts.canLogin !== true) throw new Problem('NOT_FOUND')
      return await byPassword(signIn, body, context)
    },
  }),
  route({
    method: 'post',
    path: '/auth/logout',
    id: 'signOut',
    tag: 'sign-in',
    summary: 'End all of my sessions, or this one alone',
    access: 'known',
    body: z
      .strictObject({
        everywhere: z
          .boolean()
          .default(true)
          .meta({ description: 'Every session, on every device; false: this one alone.' }),
      })
      .meta({ id: 'SignOut' }),
    answers: { 200: { description: 'What was shown proves nobody any more.', schema: endedSchema } },
    problems: ['SIGN_OUT_TOKEN'],
    async handle({ body }, caller, context) {
      return await signOut(caller, body.everywhere, context)
    },
  }),
]

async function byPassword(
  signIn: SignIn,
  { name, password, bearer }: { readonly name: string; readonly password: string; readonly bearer: boolean },
  { request, services }: Context,
): Promise<Reply> {
  const { log, store, clock } = services
  const from = request.ip ?? ''
  const answer = await signIn.accounts.check(name, password, from)
  if (answer.kind === 'wait') {
    throw new Problem('TOO_MANY_REQUESTS', { headers: { 'Retry-After': String(Math.ceil(answer.waitMs / 1000)) } })
  }
  if (answer.kind === 'refused') {
    // Only names that are no secret: people type passwords into the wrong field. Nobody waits for it to be written.
    if (signIn.accounts.names(name)) {
      const note = { at: clock.now(), actor: name, action: 'session.begin', subject: name, from, detail: {} }
      store
        .write(rows => rows.appendAudit({ ...note, outcome: 'refused' }))
        .catch((error: unknown) => log.warn('a refused sign-in could not be written down', { error }))
    }
    throw new Problem('SIGN_IN_REFUSED', { detail: 'The name or the password is not right.' })
  }
  const identity = signIn.accounts.identityOf(answer.account)
  const came = { cookie: request.get('Cookie'), from }
  const { text, row } = await signIn.beginAccount(identity, bearer ? 'bearer' : 'cookie', came)
  const body = {
    name: row.name,
    expiresAt: isoTime(row.expiresAt),
    csrfToken: bearer ? null : csrfOf(text),
    token: bearer ? text : null,
  }
  const headers = { 'Cache-Control': 'no-store', ...(!bearer && { 'Set-Cookie': signIn.sessionCookie(text) }) }
  return json(200, body, headers)
}

async function signOut(caller: Caller, everywhere: boolean, { services }: Context): Promise<Reply> {
  const { signIn, store, clock, log } = services
  const { credential } = caller
  if (signIn === undefined || (credential?.kind !== 'session' && credential?.kind !== 'id-token')) {
    throw new Problem('SIGN_OUT_TOKEN')
  }
  const session = credential.kind === 'session' ? await store.read(rows => rows.session(credential.id)) : undefined
  const { idToken } = session === undefined ? {} : signIn.sessions.tokensOf(session)
  const owner = session?.owner ?? (credential.kind === 'id-token' ? credential.owner : undefined)
  let ended = 1
  if (credential.kind === 'id-token') {
    const until = caller.expiresAt ?? clock.now()
    await store.write(rows => rows.putSignedOut({ id: credential.id, until }))
  }
  if (everywhere && owner !== undefined) {
    const [identity] = caller.makers ?? []
    const person = identity && { id: owner, name: caller.name, identity, claimsAt: 0 }
    ended = await signIn.sessions.endAll(owner, caller.name, person)
  } else if (session !== undefined) await signIn.sessions.end(session.id, caller.name, 'signed out')
  authenticatorOf(services).revoked()
  const away = await signIn.provider?.endUrl(idToken, signIn.url()).catch((error: unknown) => {
    // The session here is over in any case.
    log.debug('the provider’s sign-out page is not known', { error })
    return undefined
  })
  const providerLogout = session?.identity.kind === 'provider' ? (away ?? null) : null
  const headers = {
    'Cache-Control': 'no-store',
    ...(caller.csrf !== undefined && { 'Set-Cookie': signIn.goneCookie() }),
  }
  return json(200, { ended, providerLogout }, headers)
}

function providerOf({ signIn }: ApiServices): { readonly signIn: SignIn; readonly provider: IdentityProvider } {
  const provider = signIn?.provider
  if (signIn === undefined || provider === undefined) {
    throw new Problem('NOT_FOUND', { detail: 'This hub has no identity provider.' })
  }
  return { signIn, provider }
}

/** @throws Problem `TOO_MANY_REQUESTS`, `NOT_FOUND` */
function admitted({ services, request }: Context): ReturnType<typeof providerOf> {
  const opened = providerOf(services)
  const waitMs = opened.signIn.waitMs(request.ip ?? '')
  if (waitMs === 0) return opened
  throw new Problem('TOO_MANY_REQUESTS', { headers: { 'Retry-After': String(Math.ceil(waitMs / 1000)) } })
}

/** What the provider says no to is no fault of this hub; its own words are for the log. */
async function told<T>({ services: { log } }: Context, work: () => Promise<T>): Promise<T> {
  try {
    return await work()
  } catch (error) {
    if (!(error instanceof ProviderError)) throw error
    log.info('a sign-in failed at the identity provider', { code: error.code, reason: error.message })
    if (error.code === 'PROVIDER_REFUSED') {
      throw new Problem('SIGN_IN_REFUSED', {
        detail: 'The identity provider does not confirm who you are.',
        cause: error,
      })
    }
    const headers = { 'Retry-After': '10' }
    throw new Problem('UNAVAILABLE', { detail: 'The identity provider cannot be reached.', headers, cause: error })
  }
}

function redirect(location: string, cookie: string): Reply {
  const headers = {
    Location: location,
    'Set-Cookie': cookie,
    'Cache-Control': 'no-store',
    'Referrer-Policy': 'no-referrer',
  }
  return { kind: 'text', status: 302, contentType: 'text/plain', body: '', headers }
}
