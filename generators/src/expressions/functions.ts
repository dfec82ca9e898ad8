import { Environment } from '@marcbachmann/cel-js'
import { normalize } from '../normalize.ts'
import { EXPRESSION_LIMITS } from './limits.ts'
import { matchesPattern } from './match-pattern.ts'

/** Macros that run a part of the expression for each item, with a variable of their own. */
export const ITERATING_MACROS: ReadonlySet<string> = new Set(['all', 'exists', 'exists_one', 'map', 'filter'])

/**
 * What an expression may call. Of the library's functions those are left out that read the machine's time zone, and
 * those whose results are no JSON (bytes, durations, timestamps, unsigned integers).
 */
export const FUNCTIONS: ReadonlySet<string> = new Set([
  ...ITERATING_MACROS,
  ...['has', 'bind', 'dyn', 'type', 'bool', 'double', 'int', 'string', 'size'],
  ...['startsWith', 'endsWith', 'contains', 'matches', 'lowerAscii', 'upperAscii', 'trim'],
  ...['indexOf', 'lastIndexOf', 'substring', 'split', 'join', 'replace', 'normalize'],
  ...['keys', 'merge', 'of', 'none', 'or', 'orValue', 'hasValue', 'value'],
])

/**
 * Functions of the library that ours stand in for: `matches` there is JavaScript's, which can take for ever, and
 * `join` makes its text before anybody can ask how long it is. A name that begins with a blank cannot be written.
 */
export const REPLACED_FUNCTIONS: ReadonlyMap<string, string> = new Map([
  ['matches', 'matchesPattern'],
  ['join', 'joinTexts'],
  // Names of types are names of parameters here, so `type(x)` says a text: `type(x) == "list"`.
  ['type', 'typeName'],
])

type TextMap = ReadonlyMap<unknown, unknown>

/** The language as sets use it: variables are parameters of any type, lists and maps may mix types. */
export const environment: Environment = new Environment({
  unlistedVariablesAreDyn: true,
  homogeneousAggregateLiterals: false,
  enableOptionalTypes: true,
  limits: { maxAstNodes: EXPRESSION_LIMITS.nodes, maxDepth: EXPRESSION_LIMITS.depth },
})

const sync = { async: false }

environment
  .registerFunction(
    'string.matchesPattern(string): bool',
    (text: string, pattern: string) => matchesPattern(text, pattern),
    sync,
  )
  .registerFunction('list.joinTexts(): string', (list: readonly unknown[]) => joinTexts(list, ''), sync)
  .registerFunction('list.joinTexts(string): string', joinTexts, sync)
  .registerFunction('string.replace(string, string): string', replaceText, sync)
  .registerFunction('string.normalize(): string', (text: string) => normalize(text), sync)
  .registerFunction('typeName(dyn): string', typeName, sync)
  .registerFunction('map.keys(): list<string>', (map: TextMap) => [...map.keys()].sort(), sync)
  .registerFunction('map.merge(map): map', (a: TextMap, b: TextMap) => new Map([...a, ...b]), sync)

/** `replicas * 1.5`: whether a parameter is written 2 or 2.5 must not decide about an expression. */
for (const [left, right] of [
  ['int', 'double'],
  ['double', 'int'],
]) {
  environment
    .registerOperator(`${left} + ${right}: double`, (a: number, b: number) => Number(a) + Number(b))
    .registerOperator(`${left} - ${right}: double`, (a: number, b: number) => Number(a) - Number(b))
    .registerOperator(`${left} * ${right}: double`, (a: number, b: number) => Number(a) * Number(b))
    .registerOperator(`${left} / ${right}: double`, (a: number, b: number) => Number(a) / Number(b))
}

function typeName(value: unknown): string {
  if (value === null) return 'null'
  if (Array.isArray(value)) return 'list'
  switch (typeof value) {
    case 'string':
      return 'string'
    case 'boolean':
      return 'bool'
    case 'bigint':
      return 'int'
    case 'number':
      return 'double'
    default:
      return value instanceof Map ? 'map' : 'optional'
  }
}

function joinTexts(list: readonly unknown[], separator: string): string {
  let length = separator.length * Math.max(0, list.length - 1)
  for (const item of list) {
    if (typeof item !== 'string') throw new Error('join: every item must be a text; string(…) makes one')
    length += item.length
  }
  if (length > EXPRESSION_LIMITS.text) throw textTooLong()
  return list.join(separator)
}

function replaceText(text: string, search: string, replacement: string): string {
  const parts = text.split(search)
  if (text.length + (parts.length - 1) * replacement.length > EXPRESSION_LIMITS.text) throw textTooLong()
  return parts.join(replacement)
}

export function textTooLong(): Error {
  return new Error(`a text has more than ${EXPRESSION_LIMITS.text} characters`)
}
