import { isJsonObject, type Json, type JsonObject, type MutableJsonObject, setKey } from '@flotilla/core/json/json'
import { nearest } from '@flotilla/core/text/nearest'
import { expressionSource } from '@flotilla/generators/expressions/expression-source'
import type { z } from 'zod'
import { type Path, type Problem, pathText } from '../problem.ts'

export interface CheckOptions {
  /**
   * Fields of our kind that Argo CD's kind of that name lacks; named in the hint under argoproj.io. `git.repositories`
   * is one only in `git`, `generators.*.name` one of any item of `generators`.
   */
  readonly additions?: readonly string[]
  /** Whether `${{ … }}` may stand for a value of any type here; what it gives is looked at when it is known. */
  readonly mayBeExpression?: (path: Path) => boolean
}

/** Holds a document against its schema and returns every mistake. */
export function checkDocument(schema: z.ZodType, document: Json, options: CheckOptions = {}): Problem[] {
  const result = schema.safeParse(document)
  return result.success ? [] : result.error.issues.flatMap(issue => problemsOf(issue, document, options))
}

function problemsOf(issue: z.core.$ZodIssue, document: Json, options: CheckOptions): Problem[] {
  const path = issue.path.map(step => (typeof step === 'symbol' ? String(step) : step))
  const value = valueAt(document, path)
  if (typeof value === 'string' && options.mayBeExpression?.(path) && expressionSource(value) !== undefined) return []
  switch (issue.code) {
    case 'unrecognized_keys':
      return issue.keys.map(key => unknownField([...path, key], issue.message.split(' '), options))
    case 'invalid_type':
      return [value === undefined ? missing(path) : wrongType(path, issue.expected, value)]
    case 'invalid_value':
      return [value === undefined ? missing(path) : invalidChoice(path, issue.values.map(String), value)]
    case 'invalid_union':
      return [value === undefined ? missing(path) : error('WRONG_TYPE', path, `${pathText(path)} ${issue.message}`)]
    case 'invalid_key':
      return issue.issues.map(inner => ({
        ...error('INVALID_VALUE', path, `key ${quote(path.at(-1))} ${inner.message}`),
        at: 'key',
      }))
    default:
      return [error('INVALID_VALUE', path, `${pathText(path)} ${issue.message}`)]
  }
}

function error(code: Problem['code'], path: Path, message: string, hint?: string): Problem {
  return { code, severity: 'error', path, message, ...(hint === undefined ? {} : { hint }) }
}

function unknownField(path: Path, known: readonly string[], options: CheckOptions): Problem {
  const name = String(path.at(-1))
  const inside = path.length > 1 ? ` in ${pathText(path.slice(0, -1))}` : ''
  const message = `there is no field ${quote(name)}${inside}`
  return { ...error('UNKNOWN_FIELD', path, message, unknownFieldHint(path, known, options)), at: 'key' }
}

function unknownFieldHint(path: Path, known: readonly string[], options: CheckOptions): string {
  const name = String(path.at(-1))
  if (options.additions?.some(addition => endsIn(path, addition))) {
    return `"${name}" needs apiVersion: flotilla.dev/v1alpha1`
  }
  const meant = nearest(name, known)
  if (meant !== undefined) return `did you mean "${meant}"?`
  return known.length <= 12 ? `known here: ${known.join(', ')}` : 'remove it'
}

function endsIn(path: Path, addition: string): boolean {
  const steps = addition.split('.')
  return steps.every((step, index) => {
    const at = path.at(index - steps.length)
    return step === '*' ? typeof at === 'number' : step === at
  })
}

function missing(path: Path): Problem {
  return { ...error('MISSING_FIELD', path, `${pathText(path)} is missing`), at: 'key' }
}

const TYPE_NAMES: Readonly<Record<string, string>> = {
  string: 'text',
  number: 'a number',
  int: 'a whole number',
  boolean: 'true or false',
  array: 'a list',
  object: 'a mapping',
  record: 'a mapping',
}

function wrongType(path: Path, expected: string, value: Json): Problem {
  const message = `${pathText(path)} must be ${TYPE_NAMES[expected] ?? expected}, not ${typeName(value)}`
  return error('WRONG_TYPE', path, message, typeHint(expected, value))
}

function typeHint(expected: string, value: Json): string | undefined {
  const scalar = typeof value === 'number' || typeof value === 'bigint' || typeof value === 'boolean'
  if (expected === 'string' && scalar) return `put it in quotes: "${value}"`
  if (typeof value === 'string' && ['boolean', 'int', 'number'].includes(expected)) {
    if (value.includes('{{')) return 'only text can be templated; use templatePatch for this'
    const meant = expected === 'boolean' ? /^(true|false)$/ : /^-?\d+(\.\d+)?$/
    return meant.test(value) ? 'remove the quotes' : undefined
  }
  if (expected === 'array') return 'write it as a list: "- …"'
  return undefined
}

function typeName(value: Json): string {
  if (value === null) return 'empty'
  if (Array.isArray(value)) return 'a list'
  switch (typeof value) {
    case 'string':
      return 'text'
    case 'boolean':
      return 'true or false'
    case 'object':
      return 'a mapping'
    default:
      return 'a number'
  }
}

function invalidChoice(path: Path, choices: readonly string[], value: Json): Problem {
  const message = `${pathText(path)} is ${quote(value)}; it must be ${oneOf(choices)}`
  const meant = typeof value === 'string' ? nearest(value, choices) : undefined
  return error('INVALID_VALUE', path, message, meant && `did you mean "${meant}"?`)
}

function oneOf(choices: readonly string[]): string {
  return choices.length === 1 ? quote(choices[0]) : `one of ${choices.map(quote).join(', ')}`
}

function quote(value: Json | undefined): string {
  const text = typeof value === 'object' ? typeName(value) : `"${String(value)}"`
  return text.length > 60 ? `${text.slice(0, 60)}…"` : text
}

function valueAt(document: Json, path: Path): Json | undefined {
  let value: Json | undefined = document
  for (const step of path) {
    if (typeof step === 'number') value = Array.isArray(value) ? (value[step] as Json | undefined) : undefined
    else value = isJsonObject(value) && Object.hasOwn(value, step) ? value[step] : undefined
  }
  return value
}

/** Under these keys stands the user's own data, where a null means something. */
const RAW_KEYS = new Set(['valuesObject', 'elements', 'input'])

/** `labels:` with nothing behind it is no labels: Kubernetes drops such nulls, raw data excepted, and so do we. */
export function dropNulls<T extends Json>(value: T): T {
  return holdsNull(value) ? (withoutNulls(value) as T) : value
}

function holdsNull(value: Json | undefined): boolean {
  if (Array.isArray(value)) return value.some(item => holdsNull(item as Json))
  if (!isJsonObject(value)) return value === null
  for (const key in value) if (!RAW_KEYS.has(key) && holdsNull(value[key])) return true
  return false
}

function withoutNulls(value: Json): Json {
  if (Array.isArray(value)) return value.map(item => withoutNulls(item as Json))
  if (!isJsonObject(value)) return value
  const result: MutableJsonObject = {}
  for (const [key, member] of Object.entries(value as JsonObject)) {
    if (member === undefined || (member === null && !RAW_KEYS.has(key))) continue
    setKey(result, key, RAW_KEYS.has(key) ? member : withoutNulls(member))
  }
  return result
}
