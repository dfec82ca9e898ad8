import { RE2JS } from 're2js'
import { compileGlob } from '../glob/glob.ts'

/**
 * How an object of a row is read. `wide`: Argo CD's globs, whose `*` also stands for `/`. `segments`: `*` is one segment
 * of a path, `**` any number, and a lone `*` everything. `regex`: RE2, found anywhere in the text.
 */
export type Reading = 'wide' | 'segments' | 'regex'

export type CompiledPattern =
  | { readonly kind: 'everything' }
  | { readonly kind: 'text'; readonly text: string }
  /** `prefix` is what every match begins with. */
  | {
      readonly kind: 'test'
      readonly prefix: string
      readonly test: (text: string) => boolean
      /** What follows the prefix, of a glob; `*` of it stands for `/` too where it is `wide`. */
      readonly rest?: string
      readonly wide?: boolean
    }
  /** No pattern at all. What that means is the caller's to say: nobody may gain by it. */
  | { readonly kind: 'broken' }

/** Longer patterns and texts match nothing: matching takes time in proportion to both. */
export const MAX_PATTERN = 1024
export const MAX_TEXT = 2048

const META = /[*?[{\\]/

/** @throws Never: what cannot be compiled is `broken`. */
export function compilePattern(pattern: string, reading: Reading): CompiledPattern {
  if (pattern.length > MAX_PATTERN) return { kind: 'broken' }
  if (reading === 'regex') return compileRegex(pattern)
  if (/^\*+$/.test(pattern)) return { kind: 'everything' }
  const meta = pattern.search(META)
  if (meta < 0) return { kind: 'text', text: pattern }
  const prefix = pattern.slice(0, meta)
  const rest = pattern.slice(meta)
  if (rest === '*' || rest === '**') {
    const across = reading === 'wide' || rest === '**'
    const test = (text: string): boolean =>
      text.startsWith(prefix) && (across || !text.includes('/', prefix.length)) && text.length <= MAX_TEXT
    return { kind: 'test', prefix, test, rest, wide: across }
  }
  try {
    const glob = compileGlob(pattern, reading === 'wide' ? '' : '/')
    const test = (text: string): boolean => text.length <= MAX_TEXT && text.startsWith(prefix) && glob(text)
    return { kind: 'test', prefix, test, rest, wide: reading === 'wide' }
  } catch {
    return { kind: 'broken' } // GlobSyntaxError: its message is for those who write patterns, see lintPolicy
  }
}

function compileRegex(pattern: string): CompiledPattern {
  try {
    const regex = RE2JS.compile(pattern)
    return { kind: 'test', prefix: '', test: text => text.length <= MAX_TEXT && regex.matcher(text).find() }
  } catch {
    return { kind: 'broken' } // RE2JSSyntaxException
  }
}

/** One test for a text; `everything` and plain texts included. A broken pattern matches nothing. */
export function matcherOf(pattern: CompiledPattern): (text: string) => boolean {
  if (pattern.kind === 'everything') return () => true
  if (pattern.kind === 'text') return text => text === pattern.text
  return pattern.kind === 'test' ? pattern.test : () => false
}
