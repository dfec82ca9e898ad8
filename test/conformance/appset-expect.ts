import { equalJson, isJsonObject, type Json, type JsonObject } from '@flotilla/core/json/json'
import { type ConformanceCase, failed, type Outcome, PASSED } from './suite.ts'

/** What an operation of the appset suite came to: results by the names that expectations use, or an error. */
export interface Observed {
  /** `result`, `result0`, `arg:params`, `receiver` … */
  readonly values?: { readonly [on: string]: Json | undefined }
  /** The message; undefined when there was none. */
  readonly error?: string
}

interface Expectation {
  readonly on: string
  readonly path?: readonly (string | number)[]
  readonly check: string
  readonly value?: Json
}

/**
 * Compares what came out with `error` and `expect` of a case, by the meanings in the `guide` of the file.
 *
 * @param apiObjects Results are API objects, where a zero value and absence are the same.
 */
export function checkExpectations(testCase: ConformanceCase, observed: Observed, apiObjects: boolean): Outcome {
  const mistakes = errorMistakes(testCase['error'] as JsonObject | undefined, observed.error)
  for (const expectation of (testCase['expect'] ?? []) as readonly Expectation[]) {
    const root = expectation.on === 'error' ? (observed.error ?? null) : observed.values?.[expectation.on]
    const found = atPaths(root, expectation.path ?? [])
    const reduce = (value: Json | undefined): Json => (apiObjects ? withoutZeroValues(value) : (value ?? null))
    const expected = expectation.value as Json | undefined
    const actual = found.find(each => !holds(expectation.check, reduce(each), reduce(expected)))
    if (found.every(each => holds(expectation.check, reduce(each), reduce(expected)))) continue
    const place = [expectation.on, ...(expectation.path ?? [])].join('.')
    mistakes.push(`${place} ${expectation.check}\n  expected ${text(expected)}\n  actual   ${text(actual)}`)
  }
  return mistakes.length === 0 ? PASSED : failed(mistakes.join('\n'))
}

function errorMistakes(expected: JsonObject | undefined, message: string | undefined): string[] {
  if (expected === undefined) return []
  const complain = (what: string): string[] => [`error: expected ${what}\n  actual   ${message ?? 'no error'}`]
  if (expected['none'] === true) return message === undefined ? [] : complain('none')
  if (message === undefined) return complain(text(expected))
  if (typeof expected['message'] === 'string' && expected['message'] !== message) return complain(expected['message'])
  const parts = (expected['contains'] ?? []) as readonly string[]
  const missing = parts.filter(part => !message.includes(part))
  return missing.length > 0 ? complain(`containing ${text(missing)}`) : []
}

function holds(check: string, actual: Json, expected: Json): boolean {
  switch (check) {
    case 'equal':
      return sameWhole(actual, expected)
    case 'notEqual':
      return !sameWhole(actual, expected)
    case 'unordered':
      return sameWhole(sorted(actual), sorted(expected))
    case 'unorderedClusters':
      return sameWhole(withSortedClusters(actual), withSortedClusters(expected))
    case 'errorsByKey':
      return sameWhole(actual, expected)
    case 'nil':
    case 'empty':
      return isEmpty(actual)
    case 'notNil':
    case 'notEmpty':
      return !isEmpty(actual)
    case 'len':
      return lengthOf(actual) === expected
    case 'notLen':
      return lengthOf(actual) !== expected
    case 'contains':
      return Array.isArray(actual) && actual.some(item => equalJson(item as Json, expected))
    case 'message':
      return errorText(actual) === errorText(expected)
    case 'messageContains':
      return errorText(actual).includes(errorText(expected))
    case 'notContains':
      return Array.isArray(actual) && !actual.some(item => equalJson(item as Json, expected))
    default:
      throw new Error(`no such check: ${check}`)
  }
}

/** The text of an error, which stands as it is or marked as one. */
function errorText(value: Json): string {
  return String((isJsonObject(value) ? value['$error'] : value) ?? '')
}

/** Null, an empty list and an empty object are the same as whole results. */
function sameWhole(actual: Json, expected: Json): boolean {
  return (isEmpty(actual) && isEmpty(expected)) || equalJson(actual, expected)
}

function isEmpty(value: Json | undefined): boolean {
  if (value === null || value === undefined) return true
  return Array.isArray(value) ? value.length === 0 : isJsonObject(value) && Object.keys(value).length === 0
}

function lengthOf(value: Json): number {
  if (Array.isArray(value) || typeof value === 'string') return value.length
  return isJsonObject(value) ? Object.keys(value).length : 0
}

function sorted(value: Json): Json {
  return Array.isArray(value) ? value.toSorted((a, b) => compareTexts(stable(a), stable(b))) : value
}

function withSortedClusters(value: Json): Json {
  if (!Array.isArray(value)) return value
  return value.map(item =>
    isJsonObject(item) ? { ...item, clusters: sorted(item['clusters'] ?? null) } : item,
  ) as Json
}

function stable(value: Json | undefined): string {
  if (Array.isArray(value)) return `[${value.map(item => stable(item as Json)).join()}]`
  if (!isJsonObject(value)) return String(value)
  return `{${Object.keys(value)
    .sort()
    .map(key => `${key}:${stable(value[key])}`)
    .join()}}`
}

function compareTexts(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0
}

/** What stands at a path, in which `*` means every element. */
function atPaths(root: Json | undefined, path: readonly (string | number)[]): readonly (Json | undefined)[] {
  const star = path.indexOf('*')
  if (star < 0) return [atPath(root, path)]
  const list = atPath(root, path.slice(0, star))
  return Array.isArray(list) ? list.flatMap(each => atPaths(each as Json, path.slice(star + 1))) : [undefined]
}

function atPath(root: Json | undefined, path: readonly (string | number)[]): Json | undefined {
  let node = root
  for (const step of path) {
    if (Array.isArray(node) && typeof step === 'number') node = node[step] as Json | undefined
    else if (isJsonObject(node) && Object.hasOwn(node, step)) node = node[step]
    // A wrapped time: the text is the time itself.
    else if (typeof node === 'string' && step === 'Time') continue
    else return undefined
  }
  return node
}

/** Without '', 0, false, null, [] and {}: an API object does not tell them from absence. */
function withoutZeroValues(value: Json | undefined): Json {
  if (value === undefined || value === '' || value === 0 || value === false) return null
  if (Array.isArray(value)) return value.map(item => withoutZeroValues(item as Json))
  if (!isJsonObject(value)) return value
  const entries = Object.keys(value).map(key => [key, withoutZeroValues(value[key])] as const)
  return Object.fromEntries(entries.filter(([, member]) => !isEmpty(member)))
}

function text(value: Json | undefined): string {
  return value === undefined
    ? 'nothing'
    : JSON.stringify(value, (_, part) => (typeof part === 'bigint' ? `${part}` : part))
}
