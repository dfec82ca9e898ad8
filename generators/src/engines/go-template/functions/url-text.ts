import { quoteText } from '../printing/quote.ts'
import { bytesOf, textOfBytes } from './go-bytes.ts'
import { isIpLiteral, parseIpv4 } from './ip-address.ts'

/** Why a text is no URL; `text` is what Go names in front of it. */
export class UrlError extends Error {
  override readonly name = 'UrlError'
  readonly text: string

  constructor(text: string, message: string) {
    super(message)
    this.text = text
  }
}

export interface UrlUser {
  readonly name: string
  /** Absent without a colon. */
  readonly password?: string
}

export interface UrlParts {
  readonly scheme: string
  /** What follows a scheme without a slash: `mailto:a@b`. */
  readonly opaque: string
  readonly user?: UrlUser
  /** With the port. */
  readonly host: string
  readonly path: string
  readonly query: string
  readonly fragment: string
}

type UrlPart = 'path' | 'host' | 'zone' | 'user' | 'fragment'

const UNRESERVED = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_.~'
const KEPT: { readonly [part in UrlPart]: string } = {
  path: `${UNRESERVED}$&+,/:;=@`,
  host: `${UNRESERVED}!$&'()*+,;=:[]<>"`,
  zone: `${UNRESERVED}!$&'()*+,;=:[]<>"`,
  user: `${UNRESERVED}$&+,;=`,
  fragment: `${UNRESERVED}$&+,/:;=?@!()*`,
}

/** What has another meaning in a part of a URL as `%41`. */
export function escapeUrl(text: string, part: UrlPart): string {
  let result = ''
  for (const byte of bytesOf(text)) {
    const character = String.fromCharCode(byte)
    result += KEPT[part].includes(character) ? character : `%${byte.toString(16).toUpperCase().padStart(2, '0')}`
  }
  return result
}

export function userText({ name, password }: UrlUser): string {
  return escapeUrl(name, 'user') + (password === undefined ? '' : `:${escapeUrl(password, 'user')}`)
}

/** Takes a URL apart as Go's `url.Parse`. @throws UrlError */
export function parseUrl(whole: string): UrlParts {
  const mark = whole.indexOf('#')
  const text = mark < 0 ? whole : whole.slice(0, mark)
  const parts = parseWithoutFragment(text)
  const fragment = mark < 0 ? '' : whole.slice(mark + 1)
  return { ...parts, fragment: unescapeUrl(fragment, 'fragment', whole) }
}

function parseWithoutFragment(text: string): UrlParts {
  for (let at = 0; at < text.length; at++) {
    const code = text.charCodeAt(at)
    if (code < 0x20 || code === 0x7f) throw new UrlError(text, 'net/url: invalid control character in URL')
  }
  const none: UrlParts = { scheme: '', opaque: '', host: '', path: '', query: '', fragment: '' }
  if (text === '*') return { ...none, path: '*' }
  if (text.startsWith(':')) throw new UrlError(text, 'missing protocol scheme')
  const scheme = /^[A-Za-z][A-Za-z0-9+.-]*(?=:)/.exec(text)?.[0] ?? ''
  const afterScheme = scheme === '' ? text : text.slice(scheme.length + 1)
  const question = afterScheme.indexOf('?')
  const rest = question < 0 ? afterScheme : afterScheme.slice(0, question)
  const base = { ...none, scheme: scheme.toLowerCase(), query: question < 0 ? '' : afterScheme.slice(question + 1) }
  if (!rest.startsWith('/')) {
    if (scheme !== '') return { ...base, opaque: rest }
    if (rest.split('/')[0]!.includes(':')) {
      throw new UrlError(text, 'first path segment in URL cannot contain colon')
    }
  }
  if (!rest.startsWith('//') || (scheme === '' && rest.startsWith('///'))) {
    return { ...base, path: unescapeUrl(rest, 'path', text) }
  }
  const slash = rest.indexOf('/', 2)
  const authority = slash < 0 ? rest.slice(2) : rest.slice(2, slash)
  const path = slash < 0 ? '' : rest.slice(slash)
  return { ...base, ...parseAuthority(authority, text), path: unescapeUrl(path, 'path', text) }
}

function parseAuthority(authority: string, text: string): Pick<UrlParts, 'host' | 'user'> {
  const at = authority.lastIndexOf('@')
  const host = parseHost(authority.slice(at + 1), text)
  if (at < 0) return { host }
  const user = authority.slice(0, at)
  if (!/^[A-Za-z0-9\-._:~!$&'()*+,;=%@]*$/.test(user)) throw new UrlError(text, 'net/url: invalid userinfo')
  const colon = user.indexOf(':')
  if (colon < 0) return { host, user: { name: unescapeUrl(user, 'user', text) } }
  return {
    host,
    user: {
      name: unescapeUrl(user.slice(0, colon), 'user', text),
      password: unescapeUrl(user.slice(colon + 1), 'user', text),
    },
  }
}

function parseHost(host: string, text: string): string {
  const bracket = host.lastIndexOf('[')
  if (bracket > 0) throw new UrlError(text, 'invalid IP-literal')
  if (bracket === 0) return parseIpLiteral(host, text)
  const colon = host.lastIndexOf(':')
  if (colon >= 0) checkPort(host.slice(colon), text)
  return unescapeUrl(host, 'host', text)
}

function parseIpLiteral(host: string, text: string): string {
  const end = host.lastIndexOf(']')
  if (end < 0) throw new UrlError(text, "missing ']' in host")
  const port = host.slice(end + 1)
  checkPort(port, text)
  const name = host.slice(1, end)
  const zone = name.indexOf('%25')
  const address =
    zone < 0
      ? unescapeUrl(name, 'host', text)
      : unescapeUrl(name.slice(0, zone), 'host', text) + unescapeUrl(name.slice(zone), 'zone', text)
  if (parseIpv4(address) !== undefined) throw new UrlError(text, 'invalid IP-literal')
  if (!isIpLiteral(address))
    throw new UrlError(text, `invalid host: ParseAddr(${quoteText(address)}): unable to parse IP`)
  return `[${address}]${port}`
}

function checkPort(port: string, text: string): void {
  if (!/^(?::\d*)?$/.test(port)) throw new UrlError(text, `invalid port ${quoteText(port)} after host`)
}

function unescapeUrl(escaped: string, part: UrlPart, whole: string): string {
  const inHost = part === 'host' || part === 'zone'
  for (let at = 0; at < escaped.length; at++) {
    const character = escaped[at]!
    if (character === '%') {
      const hex = escaped.slice(at, at + 3)
      if (!/^%[0-9a-fA-F]{2}$/.test(hex) || isRefusedEscape(hex, part)) {
        throw new UrlError(whole, `invalid URL escape ${quoteText(hex)}`)
      }
      at += 2
    } else if (inHost && character < '\u0080' && !KEPT[part].includes(character)) {
      throw new UrlError(whole, `invalid character ${quoteText(character)} in host name`)
    }
  }
  if (!escaped.includes('%')) return escaped
  const bytes: number[] = []
  for (const piece of escaped.split(/(%[0-9a-fA-F]{2})/)) {
    if (/^%[0-9a-fA-F]{2}$/.test(piece)) bytes.push(Number.parseInt(piece.slice(1), 16))
    else for (const byte of bytesOf(piece)) bytes.push(byte)
  }
  return textOfBytes(Uint8Array.from(bytes))
}

/** A host may hide only bytes beyond ASCII, and the zone of an address only what a host may have. */
function isRefusedEscape(hex: string, part: UrlPart): boolean {
  if (hex === '%25') return false
  const byte = Number.parseInt(hex.slice(1), 16)
  if (part === 'host') return byte < 0x80
  return part === 'zone' && byte !== 0x20 && !KEPT.host.includes(String.fromCharCode(byte))
}
