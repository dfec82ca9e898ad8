import type { CliContext } from '../context.ts'
import { CliError } from '../errors.ts'
import { changeCredentials, type KeptCredential, readCredentials } from './credential-file.ts'

/** Writes want groups that were told in the last quarter of an hour; one that is nearly so old is renewed before. */
const RENEW_AFTER_MS = 10 * 60_000
/** What ends while the command runs is as good as over. */
const RENEW_BEFORE_END_MS = 60_000

/** The hub of the last login. @throws CliError */
export async function currentHub(context: CliContext): Promise<string | undefined> {
  return (await readCredentials(context)).current
}

/**
 * What `flotilla login` has kept for that hub, renewed where it grows old; undefined where nothing is kept.
 *
 * @throws CliError 3 when it is over and cannot be renewed.
 */
export async function keptToken(url: string, context: CliContext): Promise<string | undefined> {
  const kept = (await readCredentials(context)).hubs[url]
  if (kept === undefined) return undefined
  const now = context.clock.now()
  if (kept.kind === 'session' || kept.refreshToken === undefined || !isOld(kept, now)) return usable(kept, url, now)
  const { openProvider, renew } = await import('./provider-client.ts')
  const changed = await changeCredentials(context, async all => {
    const again = all.hubs[url]
    // Another command may have renewed it meanwhile.
    if (again === undefined || !isOld(again, context.clock.now())) return all
    const provider = await openProvider({ issuer: again.issuer ?? '', clientId: again.clientId ?? '' }, context)
    try {
      const answer = await renew(provider, again)
      const next = credentialOf(answer, { ...again, now: context.clock.now() })
      return { ...all, hubs: { ...all.hubs, [url]: next } }
    } catch (error) {
      if (!(error instanceof CliError) || isOver(again, context.clock.now())) throw loginAgain(url, error)
      // It is still good for reading.
      return all
    } finally {
      provider.close()
    }
  })
  const next = changed.hubs[url]
  return next && usable(next, url, context.clock.now())
}

/** What is kept of a provider's answer. @throws CliError 3 without an id token. */
export function credentialOf(
  answer: { readonly id_token?: string; readonly refresh_token?: string },
  about: {
    readonly name: string
    readonly issuer?: string
    readonly clientId?: string
    readonly refreshToken?: string
  } & {
    readonly now: number
  },
): KeptCredential {
  const { id_token: token, refresh_token: refreshToken = about.refreshToken } = answer
  if (token === undefined) throw new CliError(3, 'the identity provider gave no id token')
  const { exp, iat } = payloadOf(token)
  return {
    ...{ kind: 'id-token', token, name: about.name },
    issuedAt: typeof iat === 'number' ? iat * 1000 : about.now,
    expiresAt: typeof exp === 'number' ? exp * 1000 : about.now,
    ...(about.issuer !== undefined && { issuer: about.issuer }),
    ...(about.clientId !== undefined && { clientId: about.clientId }),
    ...(refreshToken !== undefined && { refreshToken }),
  }
}

/** What the token says of itself; that it is true is for the hub to find out. */
function payloadOf(token: string): { readonly exp?: unknown; readonly iat?: unknown } {
  try {
    return JSON.parse(Buffer.from(token.split('.')[1] ?? '', 'base64url').toString('utf8')) as object
  } catch (error) {
    if (error instanceof SyntaxError) throw new CliError(3, 'the identity provider gave an id token that is none')
    throw error
  }
}

function usable(kept: KeptCredential, url: string, now: number): string {
  if (isOver(kept, now)) throw loginAgain(url)
  return kept.token
}

function isOver({ expiresAt }: KeptCredential, now: number): boolean {
  return now >= expiresAt
}

function isOld({ issuedAt, expiresAt }: KeptCredential, now: number): boolean {
  return now - issuedAt > RENEW_AFTER_MS || now >= expiresAt - RENEW_BEFORE_END_MS
}

function loginAgain(url: string, cause?: unknown): CliError {
  return new CliError(3, `you are not logged in to ${url} any more`, { hint: `flotilla login --hub ${url}`, cause })
}
