import { createHash } from 'node:crypto'
import { homedir } from 'node:os'
import { resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { type GitCredentials, GitError } from '@flotilla/core/ports/git'
import { rememberTexts } from '@flotilla/core/text/remember-texts'

export type RepositoryUrl =
  | { readonly kind: 'http'; readonly url: string; readonly origin: string; readonly inline?: GitCredentials }
  | { readonly kind: 'ssh'; readonly url: string; readonly inline?: GitCredentials }
  | { readonly kind: 'local'; readonly url: string; readonly path: string }

/** `user@host:path`, Git's short form of ssh; a Windows drive or a scheme is not one. */
const SCP_LIKE = /^(?:([^@/:\s]+)@)?([^@/:\s]+):(?!\/\/)(.+)$/
const UNSAFE = /[\s\p{Cc}]/u

/**
 * Reads what people write as a repository: http(s), ssh in both forms, `file:` and plain paths. Credentials inside the
 * URL are taken out, so that nothing derived from it (messages, folder names, arguments of a process) can leak them.
 *
 * @throws GitError `URL_UNSUPPORTED` for other schemes (`ext::`, `fd::`, `git:` run programs or have no security), for
 * control characters, and for anything that a program could take for an option.
 */
export function parseRepositoryUrl(text: string): RepositoryUrl {
  if (text === '') throw unsupported(text, 'the repository URL is empty')
  if (text.startsWith('-')) throw unsupported(text, 'a repository URL may not begin with "-"')
  if (/^https?:\/\//i.test(text)) return parseHttp(text)
  if (/^ssh:\/\//i.test(text)) return parseSsh(text)
  if (/^file:/i.test(text)) return parseFile(text)
  if (/^(\/|\.\.?(\/|$)|~\/)/.test(text)) {
    if (text.includes('\0')) throw unsupported(text, 'the path holds a NUL character')
    const path = resolve(text.startsWith('~/') ? `${homedir()}${text.slice(1)}` : text)
    return { kind: 'local', url: path, path }
  }
  if (/^[a-z][a-z0-9+.-]*:(:|\/\/)/i.test(text)) {
    throw unsupported(text, `the scheme "${text.slice(0, text.indexOf(':'))}" is not supported; use https, ssh or file`)
  }
  return parseScpLike(text)
}

/** The URL without user name and password, for messages; text that is no URL at all is returned shortened. */
export function withoutCredentials(text: string): string {
  return text.replace(/^([a-z][a-z0-9+.-]*:\/\/)[^/@]*@/i, '$1').slice(0, 500)
}

/**
 * One name for the spellings of one repository: case of scheme and host, a default port, a final `/` or `.git` do not
 * matter. The user name stays in ssh URLs, where it chooses the repository's namespace.
 */
export function normalisedUrl(text: string): string {
  // What may hold a password is kept nowhere.
  return text.includes('@') ? normalised(text) : remembered(text)
}

const remembered = rememberTexts(normalised, 4_096)

function normalised(text: string): string {
  const parsed = parseRepositoryUrl(text)
  if (parsed.kind === 'local') return parsed.path.replace(/(.)\/+$/, '$1')
  return parsed.url.replace(/\/+$/, '').replace(/\.git$/, '')
}

/** Folder name of the mirror: the hash keeps hostile names out of the file system, the tail helps a person look. */
export function mirrorFolder(text: string): string {
  const normalised = normalisedUrl(text)
  const tail = /[^/:]*$/.exec(normalised)?.[0].replace(/[^A-Za-z0-9_-]/g, '') ?? ''
  return `${createHash('sha256').update(normalised).digest('hex').slice(0, 32)}${tail ? `-${tail.slice(0, 40)}` : ''}`
}

function parseHttp(text: string): RepositoryUrl {
  const url = parse(text)
  const inline = inlineCredentials(url)
  url.username = ''
  url.password = ''
  url.hash = ''
  if (url.search) throw unsupported(text, 'a repository URL has no query')
  return { kind: 'http', url: url.href, origin: url.origin, ...(inline ? { inline } : {}) }
}

function parseSsh(text: string): RepositoryUrl {
  const url = parse(text)
  // Git hands host and user to ssh as arguments: neither may look like an option.
  const user = decode(text, url.username)
  if (url.hostname === '' || url.hostname.startsWith('-') || user.startsWith('-') || UNSAFE.test(user)) {
    throw unsupported(text, 'the host or user of the ssh URL is not valid')
  }
  if (url.pathname.length <= 1) throw unsupported(text, 'the ssh URL names no repository')
  const inline = url.password ? { password: decode(text, url.password) } : undefined
  const port = url.port && url.port !== '22' ? `:${url.port}` : ''
  const host = url.hostname.toLowerCase()
  if (/\p{Cc}/u.test(decode(text, url.pathname))) throw unsupported(text, 'the path holds a control character')
  // The path stays percent-encoded: Git decodes it.
  const address = `ssh://${user ? `${user}@` : ''}${host}${port}${url.pathname}`
  return { kind: 'ssh', url: address, ...(inline ? { inline } : {}) }
}

function parseScpLike(text: string): RepositoryUrl {
  const match = SCP_LIKE.exec(text)
  if (!match || /\p{Cc}/u.test(text)) {
    throw unsupported(
      text,
      'this is not a repository URL; use https://…, ssh://…, user@host:path, or a path with a "/"',
    )
  }
  const [, user = '', host = '', path = ''] = match
  if (host.startsWith('-') || user.startsWith('-') || path.startsWith('-')) {
    throw unsupported(text, 'no part of an ssh address may begin with "-"')
  }
  return { kind: 'ssh', url: `${user ? `${user}@` : ''}${host.toLowerCase()}:${path}` }
}

function parseFile(text: string): RepositoryUrl {
  const url = parse(text)
  if (url.hostname !== '' && url.hostname !== 'localhost') throw unsupported(text, 'a file URL names no host')
  url.hostname = ''
  let path: string
  try {
    path = fileURLToPath(url)
  } catch (cause) {
    throw unsupported(text, 'the path of the file URL is not valid', cause)
  }
  if (path.includes('\0')) throw unsupported(text, 'the path holds a NUL character')
  return { kind: 'local', url: path, path: resolve(path) }
}

function inlineCredentials(url: URL): GitCredentials | undefined {
  if (url.username === '' && url.password === '') return undefined
  return {
    ...(url.username ? { username: decode(url.href, url.username) } : {}),
    ...(url.password ? { password: decode(url.href, url.password) } : {}),
  }
}

function decode(text: string, part: string): string {
  try {
    return decodeURIComponent(part)
  } catch (cause) {
    throw unsupported(text, 'a "%" in the URL is not followed by two hexadecimal digits', cause)
  }
}

function parse(text: string): URL {
  if (UNSAFE.test(text)) throw unsupported(text, 'a repository URL holds no spaces or control characters')
  try {
    return new URL(text)
  } catch (cause) {
    // The parser's error quotes its input, credentials included.
    throw unsupported(text, `the URL cannot be read (${(cause as { code?: string }).code ?? 'invalid'})`)
  }
}

function unsupported(text: string, message: string, cause?: unknown): GitError {
  return new GitError('URL_UNSUPPORTED', withoutCredentials(text), message, {
    retry: false,
    ...(cause === undefined ? {} : { cause }),
  })
}
