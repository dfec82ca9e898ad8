import { rememberTexts } from '../text/remember-texts.ts'

/** Repositories that are kept in mind: every Application of a fleet is judged by its own at each look, and few have one alone. */
const MOST_KEPT = 4_096

/**
 * Two spellings of one repository compare equal: white space, case, a trailing `.git`, the scp form
 * (`git@host:path`) and a way around by `..` do not matter. For comparing only: it is not an address to fetch from.
 */
export const normaliseRepositoryUrl = rememberTexts(normalised, MOST_KEPT)

function normalised(url: string): string {
  let text = url.trim().toLowerCase()
  const scp = /^([\w.-]+@)?([\w.-]+):(?!\/\/)(?!\d+\/)(.+)$/.exec(text)
  if (scp && !text.includes('://')) text = `ssh://${scp[1] ?? ''}${scp[2]}/${scp[3]!.replace(/^\/+/, '')}`
  return withoutDetours(text)
    .replace(/\/+$/, '')
    .replace(/\.git$/, '')
}

/**
 * The repository under every name that leads to it as well: without a user, the scheme's own port, the last dot of a host,
 * doubled slashes and letters in percent, as a path for `file:`. For rules that must not be gone around by a spelling;
 * the first is {@link normaliseRepositoryUrl}'s.
 */
export const repositorySpellings = rememberTexts(spellings, MOST_KEPT)

function spellings(url: string): readonly string[] {
  const text = normaliseRepositoryUrl(url)
  // As written: only with its backslashes does a parser read it as whoever fetches it does.
  const written = URL.canParse(url.trim()) ? url.trim() : text
  if (!URL.canParse(written) || !written.includes('//')) return [text]
  const { protocol, hostname, port, pathname } = new URL(written)
  const own = port === '' || (protocol === 'ssh:' && port === '22') ? '' : `:${port}`
  const path = withLetters(pathname).replace(/\/{2,}/g, '/')
  const host = hostname.replace(/\.$/, '')
  if (host === '') return protocol === 'file:' ? [text, normaliseRepositoryUrl(path)] : [text]
  return [text, normaliseRepositoryUrl(`${protocol}//${host}${own}${path}`)]
}

const DETOUR = /[\\/](?:\.|%2e){1,2}(?:[\\/]|$)/

/** Resolved as whoever fetches it does: `/public/../shop` is `/shop`, and nothing below `/public`. */
function withoutDetours(text: string): string {
  if (!DETOUR.test(text)) return text
  const [, start = '', path = ''] = /^([a-z][a-z0-9+.-]*:\/\/[^\\/]*)?(.*)$/s.exec(text)!
  const kept: string[] = []
  for (const part of path.split(/[\\/]/)) {
    const plain = part.replaceAll('%2e', '.')
    if (plain === '..') kept.splice(Math.max(1, kept.length - 1))
    else if (plain !== '.') kept.push(part)
  }
  return `${start}${kept.join('/')}`
}

/** Letters, digits and slashes may be written in percent; a server reads them all the same. */
function withLetters(path: string): string {
  return path.replace(/%([0-9a-f]{2})/gi, (written, code: string) => {
    const letter = String.fromCharCode(Number.parseInt(code, 16))
    return /[\w.~\\/-]/.test(letter) ? letter : written
  })
}
