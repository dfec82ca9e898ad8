import { type Matcher, RE2JS } from 're2js'
import type { FunctionScope } from '../go-function.ts'
import { GoFunctionError } from '../go-function.ts'
import { type GoValue, typedList } from '../go-value.ts'
import { canBackquote, quoteText } from '../printing/quote.ts'
import { countArgument, define, type FunctionGroup, textArgument } from './define.ts'
import { nilList } from './items.ts'

/**
 * Regular expressions as Go has them (RE2): no look-around, no back references, and time that grows with the text and
 * never with a power of it.
 */
export const REGULAR_EXPRESSIONS: FunctionGroup = {
  // A pattern that is none matches nothing.
  regexMatch: define('string string', ([pattern, text], scope) => {
    const compiled = compile(textArgument(pattern))
    return typeof compiled !== 'string' && matches(compiled, textArgument(text), scope)
  }),
  mustRegexMatch: define('string string', ([pattern, text], scope) =>
    matches(compileMust(textArgument(pattern)), textArgument(text), scope),
  ),
  ...pair('FindAll', 'string string int', find => (pattern, text, scope, [, , count]) => {
    const found = find(pattern, text, countArgument(count), scope).map(match => text.slice(match.start, match.end))
    return found.length === 0 ? nilList('[]string') : typedList('[]string', found)
  }),
  ...pair('Find', 'string string', find => (pattern, text, scope) => {
    const first = find(pattern, text, 1, scope)[0]
    return first === undefined ? '' : text.slice(first.start, first.end)
  }),
  ...pair('ReplaceAll', 'string string string', find => (pattern, text, scope, [, , replacement]) => {
    const template = textArgument(replacement)
    return replaced(text, find(pattern, text, -1, scope), match => expand(template, match, text), scope)
  }),
  ...pair('ReplaceAllLiteral', 'string string string', find => (pattern, text, scope, [, , replacement]) => {
    const literal = textArgument(replacement)
    return replaced(text, find(pattern, text, -1, scope), () => literal, scope)
  }),
  ...pair(
    'Split',
    'string string int',
    find =>
      (pattern, text, scope, [, , count]) =>
        split(pattern, text, countArgument(count), find, scope),
  ),
  regexQuoteMeta: define('string', ([text], scope) => {
    scope.spend(2 * textArgument(text).length)
    return textArgument(text).replace(/[\\.+*?()|[\]{}^$]/g, '\\$&')
  }),
}

interface Match {
  readonly start: number
  readonly end: number
  /** Start and end of a group by its number, -1 where it took no part; undefined for a group that is none. */
  group(number: number): readonly [start: number, end: number] | undefined
  named(name: string): readonly [start: number, end: number] | undefined
}

type Find = (pattern: RE2JS, text: string, most: number, scope: FunctionScope) => readonly Match[]
type Work = (pattern: RE2JS, text: string, scope: FunctionScope, args: readonly GoValue[]) => GoValue

/** `regexName` and `mustRegexName`: the one panics at a wrong pattern, the other gives an error in other words. */
function pair(name: string, parameters: string, make: (find: Find) => Work): FunctionGroup {
  const work = make(findMatches)
  return {
    [`regex${name}`]: define(parameters, (args, scope) =>
      work(compileOrPanic(textArgument(args[0])), textArgument(args[1]), scope, args),
    ),
    [`mustRegex${name}`]: define(parameters, (args, scope) =>
      work(compileMust(textArgument(args[0])), textArgument(args[1]), scope, args),
    ),
  }
}

const LONGEST_PATTERN = 10_000

/** Patterns that were compiled last: a set asks for the same few, once for each Application. */
const COMPILED = new Map<string, RE2JS | string>()
const MOST_COMPILED = 500

/** The compiled pattern, or what Go says of a pattern that is none. */
function compile(pattern: string): RE2JS | string {
  if (pattern.length > LONGEST_PATTERN) return 'error parsing regexp: expression too large'
  const known = COMPILED.get(pattern)
  if (known !== undefined) return known
  const made = compileAfresh(pattern)
  if (COMPILED.size >= MOST_COMPILED) COMPILED.clear()
  COMPILED.set(pattern, made)
  return made
}

function compileAfresh(pattern: string): RE2JS | string {
  try {
    return RE2JS.compile(pattern)
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error)
    // Where Go quotes what it stumbled over, which is nothing here.
    return message.endsWith('trailing backslash at end of expression') ? `${message}: \`\`` : message
  }
}

function compileMust(pattern: string): RE2JS {
  const compiled = compile(pattern)
  if (typeof compiled === 'string') throw new GoFunctionError(compiled)
  return compiled
}

function compileOrPanic(pattern: string): RE2JS {
  const compiled = compile(pattern)
  if (typeof compiled !== 'string') return compiled
  const shown = canBackquote(pattern) ? `\`${pattern}\`` : quoteText(pattern)
  throw new GoFunctionError(`regexp: Compile(${shown}): ${compiled}`)
}

/** What matching costs: each character may be looked at for each instruction of the pattern. */
function spendMatching(pattern: RE2JS, text: string, scope: FunctionScope): void {
  scope.spend(Math.ceil((text.length + 1) * (1 + pattern.programSize() / PROGRAM_UNIT)))
}

const PROGRAM_UNIT = 16

function matches(pattern: RE2JS, text: string, scope: FunctionScope): boolean {
  spendMatching(pattern, text, scope)
  return pattern.matcher(text).find()
}

/** All matches from left to right; an empty one right after another match does not count. */
function findMatches(pattern: RE2JS, text: string, most: number, scope: FunctionScope): readonly Match[] {
  spendMatching(pattern, text, scope)
  const found: Match[] = []
  const matcher = pattern.matcher(text)
  let at = 0
  let lastEnd = -1
  while ((most < 0 || found.length < most) && at <= text.length && matcher.find(at)) {
    const match = matchOf(matcher, pattern)
    const empty = match.start === match.end
    if (!(empty && match.start === lastEnd)) {
      scope.spend(1)
      found.push(match)
    }
    lastEnd = match.end
    at = empty ? match.end + ((text.codePointAt(match.end) ?? 0) > 0xffff ? 2 : 1) : match.end
  }
  return found
}

function matchOf(matcher: Matcher, pattern: RE2JS): Match {
  const bounds = Array.from({ length: pattern.groupCount() + 1 }, (_, index): readonly [number, number] => [
    matcher.start(index),
    matcher.end(index),
  ])
  return {
    start: matcher.start(),
    end: matcher.end(),
    group: number => bounds[number],
    named(name) {
      const numbers = pattern.namedGroups() as { readonly [name: string]: number }
      return Object.hasOwn(numbers, name) ? bounds[numbers[name]!] : undefined
    },
  }
}

function replaced(
  text: string,
  found: readonly Match[],
  replacement: (match: Match) => string,
  scope: FunctionScope,
): string {
  let result = ''
  let end = 0
  for (const match of found) {
    const filled = replacement(match)
    scope.spend(filled.length)
    result += text.slice(end, match.start) + filled
    end = match.end
  }
  return result + text.slice(end)
}

/** `$1`, `$name`, `${name}` and `$$`; the longest name counts, so `$1x` is the group named `1x`: an empty text. */
function expand(template: string, match: Match, text: string): string {
  return template.replace(
    /\$(?:\$|([\p{L}\p{Nd}_]+)|\{([\p{L}\p{Nd}_]+)\})?/gu,
    (whole, bare?: string, braced?: string) => {
      if (whole === '$$') return '$'
      const name = bare ?? braced
      if (name === undefined) return '$'
      const bounds = /^(?:0|[1-9]\d{0,8})$/.test(name) ? match.group(Number(name)) : match.named(name)
      return bounds === undefined || bounds[0] < 0 ? '' : text.slice(bounds[0], bounds[1])
    },
  )
}

function split(pattern: RE2JS, text: string, count: number, find: Find, scope: FunctionScope): GoValue {
  if (count === 0) return nilList('[]string')
  if (pattern.pattern() !== '' && text === '') return typedList('[]string', [''])
  const parts: string[] = []
  let start = 0
  let end = 0
  for (const match of find(pattern, text, count, scope)) {
    if (count > 0 && parts.length === count - 1) break
    end = match.start
    if (match.end !== 0) parts.push(text.slice(start, end))
    start = match.end
  }
  if (end !== text.length) parts.push(text.slice(start))
  return typedList('[]string', parts)
}
