import { type FilePattern, fromSegments } from './doublestar.ts'
import { type CharacterRange, classOf, matchTokens, type WildcardToken } from './wildcard.ts'

interface Magic {
  /** From the root of the repository, which is where we always are; but then the path is taken as it is written. */
  readonly top: boolean
  readonly glob: boolean
  readonly literal: boolean
  readonly icase: boolean
  readonly exclude: boolean
}

const PLAIN: Magic = { top: false, glob: false, literal: false, icase: false, exclude: false }

/**
 * A pattern as `git ls-files` reads it: `*` and `?` match '/' too, the name of a directory matches everything under
 * it, and `:(top,literal,glob,icase,exclude)` in front changes the rules. Bytes are compared, as Git does.
 *
 * Undefined for what Git refuses: an empty pattern, one that leaves the repository, unknown magic. The `attr` magic,
 * which needs the repository's attributes, counts as unknown.
 */
export function compilePathspec(pathspec: string): FilePattern | undefined {
  const parsed = splitMagic(pathspec)
  if (parsed === undefined) return undefined
  const { magic } = parsed
  const path = magic.top ? parsed.path : normalisePath(parsed.path)
  // `:/` and `:(glob)` alone mean everything; a pattern that is empty as a whole is an error.
  if (path === undefined || pathspec === '') return undefined
  const fold = magic.icase ? lowerCase : (text: string): string => text
  const included = compileIncluded(fold(bytesOf(path)), magic)
  if (magic.exclude) return { matches: name => !included.matches(fold(bytesOf(name))), mayContain: () => true }
  return {
    matches: name => included.matches(fold(bytesOf(name))),
    mayContain: directory => included.mayContain(fold(bytesOf(directory))),
  }
}

function compileIncluded(pattern: string, magic: Magic): FilePattern {
  const special = magic.literal ? -1 : pattern.search(/[*?[\\]/)
  const wildcard = special < 0 ? undefined : compileWildcard(pattern, magic)
  const fixed = special < 0 ? pattern : pattern.slice(0, special)
  return {
    matches: name => matchesLiterally(pattern, name) || (wildcard?.matches(name) ?? false),
    mayContain: directory => {
      if (directory === '' || matchesLiterally(pattern, directory)) return true
      const inside = `${directory}/`
      if (pattern.startsWith(inside)) return true
      if (wildcard === undefined || !(fixed.startsWith(inside) || inside.startsWith(fixed))) return false
      return wildcard.mayContain(directory)
    },
  }
}

/** The path itself, or anything under it when it names a directory; also when it holds wildcards as plain characters. */
function matchesLiterally(pattern: string, name: string): boolean {
  if (pattern === '') return true
  if (!name.startsWith(pattern)) return false
  return name.length === pattern.length || pattern.endsWith('/') || name[pattern.length] === '/'
}

function compileWildcard(pattern: string, magic: Magic): FilePattern | undefined {
  if (magic.glob) {
    const parts = pattern.split('/')
    const segments: ('**' | readonly WildcardToken[])[] = []
    for (const [index, part] of parts.entries()) {
      const tokens = parseTokens(part, true)
      if (tokens === undefined) return undefined
      const last = index === parts.length - 1
      // A closing `/**` asks for at least one name; elsewhere `**` may span nothing.
      if (part === '**' && last) segments.push('**', [{ kind: 'star' }])
      else segments.push(part === '**' ? '**' : tokens)
    }
    return fromSegments([segments])
  }
  const tokens = parseTokens(pattern, false)
  if (tokens === undefined) return undefined
  return { matches: name => matchTokens(tokens, [...name], true), mayContain: () => true }
}

/** `:(a,b)path`, or the short forms `:/path`, `:!path`, `:^path` and a closing `:`. */
function splitMagic(pathspec: string): { path: string; magic: Magic } | undefined {
  if (!pathspec.startsWith(':')) return { path: pathspec, magic: PLAIN }
  if (pathspec.startsWith(':(')) {
    const end = pathspec.indexOf(')')
    if (end < 0) return undefined
    const words = pathspec.slice(2, end).split(',')
    if (words.some(word => !['', 'top', 'literal', 'glob', 'icase', 'exclude'].includes(word))) return undefined
    const has = (word: string): boolean => words.includes(word)
    if (has('literal') && has('glob')) return undefined
    const magic: Magic = {
      top: has('top'),
      glob: has('glob'),
      literal: has('literal'),
      icase: has('icase'),
      exclude: has('exclude'),
    }
    return { path: pathspec.slice(end + 1), magic }
  }
  let at = 1
  let exclude = false
  let top = false
  while (at < pathspec.length && '/!^'.includes(pathspec[at]!)) {
    if (pathspec[at] === '/') top = true
    else exclude = true
    at++
  }
  if (pathspec[at] === ':') at++
  return { path: pathspec.slice(at), magic: { ...PLAIN, top, exclude } }
}

/** `./a//b/../c` → `a/c`, a closing slash kept; undefined when it leaves the repository. */
function normalisePath(path: string): string | undefined {
  if (path.startsWith('/')) return undefined
  const parts: string[] = []
  for (const part of path.split('/')) {
    if (part === '' || part === '.') continue
    if (part !== '..') parts.push(part)
    else if (parts.pop() === undefined) return undefined
  }
  return parts.length > 0 && path.endsWith('/') ? `${parts.join('/')}/` : parts.join('/')
}

/** Undefined for a malformed class, which matches nothing. */
function parseTokens(pattern: string, stopAtSlash: boolean): WildcardToken[] | undefined {
  const tokens: WildcardToken[] = []
  let at = 0
  while (at < pattern.length) {
    const character = pattern[at]!
    if (character === '*') {
      if (tokens.at(-1)?.kind !== 'star') tokens.push({ kind: 'star' })
      at++
    } else if (character === '?') {
      tokens.push({ kind: 'any' })
      at++
    } else if (character === '[') {
      const parsed = parseClass(pattern, at + 1)
      if (parsed === undefined) return undefined
      const { accepts } = parsed
      tokens.push({ kind: 'class', accepts: stopAtSlash ? text => text !== '/' && accepts(text) : accepts })
      at = parsed.end
    } else {
      const escaped = character === '\\'
      if (escaped && at + 1 >= pattern.length) return undefined
      tokens.push({ kind: 'character', character: escaped ? pattern[at + 1]! : character })
      at += escaped ? 2 : 1
    }
  }
  return tokens
}

const POSIX_CLASSES: { readonly [name: string]: readonly CharacterRange[] } = {
  alnum: ranges('09AZaz'),
  alpha: ranges('AZaz'),
  blank: ranges('  \t\t'),
  cntrl: ranges('\u0000\u001f\u007f\u007f'),
  digit: ranges('09'),
  graph: ranges('!~'),
  lower: ranges('az'),
  print: ranges(' ~'),
  punct: ranges('!/:@[`{~'),
  space: ranges('\t\r  '),
  upper: ranges('AZ'),
  xdigit: ranges('09AFaf'),
}

function ranges(pairs: string): readonly CharacterRange[] {
  const result: CharacterRange[] = []
  for (let at = 0; at < pairs.length; at += 2) {
    result.push({ low: pairs.charCodeAt(at), high: pairs.charCodeAt(at + 1) })
  }
  return result
}

/** A `]` that comes first is a member; `[:alpha:]` and its like are sets. */
function parseClass(
  pattern: string,
  from: number,
): { accepts: (character: string) => boolean; end: number } | undefined {
  let at = from
  const negated = pattern[at] === '!' || pattern[at] === '^'
  if (negated) at++
  const members: CharacterRange[] = []
  let previous: number | undefined
  const first = at
  while (pattern[at] !== ']' || at === first) {
    if (at >= pattern.length) return undefined
    if (pattern.startsWith('[:', at)) {
      const end = pattern.indexOf(':]', at + 2)
      const name = end < 0 ? undefined : pattern.slice(at + 2, end)
      if (name === undefined || !Object.hasOwn(POSIX_CLASSES, name)) return undefined
      members.push(...POSIX_CLASSES[name]!)
      previous = undefined
      at = end + 2
      continue
    }
    const isRange = pattern[at] === '-' && previous !== undefined && at + 1 < pattern.length && pattern[at + 1] !== ']'
    if (isRange) at++
    if (pattern[at] === '\\') at++
    if (at >= pattern.length) return undefined
    const code = pattern.charCodeAt(at)
    members.push({ low: isRange ? previous! : code, high: code })
    previous = isRange ? undefined : code
    at++
  }
  return { accepts: classOf(members, negated), end: at + 1 }
}

/** One character a byte, since Git's `?` is one byte. */
function bytesOf(text: string): string {
  return Buffer.from(text, 'utf8').toString('latin1')
}

/** ASCII letters only, as Git folds case. */
function lowerCase(text: string): string {
  return text.replace(/[A-Z]/g, letter => letter.toLowerCase())
}
