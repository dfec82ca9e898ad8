/** What a request shows to prove who asks. */
export type ShownCredential =
  | { readonly kind: 'none' }
  | { readonly kind: 'bearer' | 'query' | 'cookie'; readonly text: string }
  /** Something was shown, and nothing that proves anybody: it never counts as nothing. */
  | { readonly kind: 'unreadable' }

/** Id tokens with many groups are long; Node takes heads of 16 KiB. */
const MOST_CHARACTERS = 15_000
const BEARER = /^Bearer +(\S+)$/i

/** The cookie of a session: over TLS one that no other host and no plain connection can set. */
export function sessionCookieName(secure: boolean): string {
  return secure ? '__Host-flotilla-session' : 'flotilla-session'
}

/**
 * Reads what is shown, in this order: the header, `?token=` where a route takes it, the cookie. Only the first is
 * looked at: a header that proves nobody is not mended by a cookie.
 */
export function shownCredential(request: {
  readonly authorization?: string | undefined
  /** Of routes that take it. */
  readonly query?: string | undefined
  readonly cookie?: string | undefined
  readonly secure: boolean
}): ShownCredential {
  const { authorization, query, cookie, secure } = request
  if (authorization !== undefined) {
    const text = BEARER.exec(authorization)?.[1]
    return text === undefined || text.length > MOST_CHARACTERS ? { kind: 'unreadable' } : { kind: 'bearer', text }
  }
  if (query !== undefined) return { kind: 'query', text: query.slice(0, MOST_CHARACTERS) }
  const values = cookiesOf(cookie ?? '', sessionCookieName(secure))
  if (values.length === 0) return { kind: 'none' }
  // Two of one name: one of them was put there by somebody else.
  return values.length === 1 && values[0] !== '' ? { kind: 'cookie', text: values[0]! } : { kind: 'unreadable' }
}

/** All values of cookies of that name, in the order of the header. */
export function cookiesOf(header: string, name: string): readonly string[] {
  return header
    .split(';')
    .map(part => part.trim())
    .filter(part => part.startsWith(`${name}=`))
    .map(part => part.slice(name.length + 1))
}

/** The text of a Set-Cookie header: never for scripts, never for other sites' forms. @param maxAgeS 0 removes it. */
export function setCookie(
  name: string,
  value: string,
  options: { readonly secure: boolean; readonly maxAgeS: number; readonly path?: string },
): string {
  const { secure, maxAgeS, path = '/' } = options
  const parts = [`${name}=${value}`, `Path=${path}`, `Max-Age=${maxAgeS}`, 'HttpOnly', 'SameSite=Lax']
  return [...parts, ...(secure ? ['Secure'] : [])].join('; ')
}
