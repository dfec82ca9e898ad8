import { equalJson, type Json, type JsonObject } from '../json/json.ts'
import { listAt, numberAt, numberIfAny, textAt, valueAt } from '../json/read-json.ts'
import type { KubernetesObject } from '../model/kubernetes-object.ts'
import type { Health, HealthStatus } from '../model/status.ts'
import { type HealthRule, health } from './health-rule.ts'

export type Path = readonly string[]

/** A condition to look for; what is left out may be anything. Several values: any of them. */
export interface ConditionTest {
  readonly kind: 'condition'
  readonly types?: readonly string[]
  readonly notTypes?: readonly string[]
  readonly statuses?: readonly string[]
  readonly notStatuses?: readonly string[]
  readonly reasons?: readonly string[]
  readonly notReasons?: readonly string[]
  readonly messages?: readonly string[]
  readonly severities?: readonly string[]
  readonly notSeverities?: readonly string[]
  /** Only conditions that speak of the object's present generation, where both say one. */
  readonly current?: boolean
  /** Where the list is; `status.conditions` when it is not said. */
  readonly at?: Path
}

/** What a line of a rule asks. It looks at the whole object, so that the order of conditions never matters. */
export type Test =
  | ConditionTest
  | { readonly kind: 'value'; readonly at: Path; readonly oneOf: readonly Json[] }
  /** It is there and not null. */
  | { readonly kind: 'present'; readonly at: Path }
  /** A text, list or object with something in it. */
  | { readonly kind: 'filled'; readonly at: Path }
  | { readonly kind: 'starts'; readonly at: Path; readonly prefix: string }
  /** Two numbers, a missing one being 0. */
  | { readonly kind: 'compare'; readonly at: Path; readonly operator: '<' | '=' | '>'; readonly to: Path | number }
  /** At least so many of these hold. */
  | { readonly kind: 'count'; readonly atLeast: number; readonly of: readonly Test[] }
  /** `status.observedGeneration` (or the path) and `metadata.generation` differ; `orMissing`: or the first is missing. */
  | { readonly kind: 'stale'; readonly at: Path; readonly orMissing: boolean }
  | { readonly kind: 'not'; readonly test: Test }

/**
 * A verdict's message: text with `{path}` for a field of the object, `{condition.message}` for the condition that the
 * line found, `{Ready.message}` (a capital letter) for the condition of that type, `{kind}`, `{name}`; `{a|b|'text'}` is
 * the first of them that is there.
 */
export type Message = string

export type Line = readonly [when: Test, status: HealthStatus, message?: Message]

/** A rule as data: the first line that holds decides. */
export interface DataRule {
  readonly lines: readonly Line[]
  readonly otherwise: readonly [status: HealthStatus, message?: Message]
}

const CONDITIONS: Path = ['status', 'conditions']
const PLACEHOLDER = /\{([^{}]+)\}/g

/** Makes a rule of its data. It looks at the object alone and never throws, whatever the object is. */
export function ruleOf({ lines, otherwise }: DataRule): HealthRule {
  return object => {
    for (const [when, status, message] of lines) {
      const found = matches(when, object)
      if (found !== false) return verdict(status, message, object, found === true ? undefined : found)
    }
    return verdict(otherwise[0], otherwise[1], object, undefined)
  }
}

/** False, true, or the condition that made it true. */
function matches(test: Test, object: KubernetesObject): boolean | JsonObject {
  switch (test.kind) {
    case 'condition':
      return findCondition(test, object)
    case 'value': {
      const value = valueAt(object, ...test.at)
      return value !== undefined && test.oneOf.some(one => equalJson(one, value))
    }
    case 'present':
      return isPresent(valueAt(object, ...test.at))
    case 'filled':
      return isFilled(valueAt(object, ...test.at))
    case 'starts':
      return textAt(object, ...test.at).startsWith(test.prefix)
    case 'compare':
      return compare(test.operator, numberAt(object, ...test.at), numberOf(test.to, object))
    case 'count':
      return matchCount(test.atLeast, test.of, object)
    case 'stale':
      return isStale(test.at, test.orMissing, object)
    case 'not':
      return matches(test.test, object) === false
  }
}

function findCondition(test: ConditionTest, object: KubernetesObject): JsonObject | false {
  for (const condition of listAt(object, ...(test.at ?? CONDITIONS))) {
    if (
      allows(test.types, test.notTypes, textAt(condition, 'type')) &&
      allows(test.statuses, test.notStatuses, textAt(condition, 'status')) &&
      allows(test.reasons, test.notReasons, textAt(condition, 'reason')) &&
      allows(test.messages, undefined, textAt(condition, 'message')) &&
      allows(test.severities, test.notSeverities, textAt(condition, 'severity')) &&
      !(test.current && speaksOfOther(condition, object))
    ) {
      return condition as JsonObject
    }
  }
  return false
}

function allows(wanted: readonly string[] | undefined, unwanted: readonly string[] | undefined, text: string): boolean {
  return (wanted === undefined || wanted.includes(text)) && !unwanted?.includes(text)
}

/** Whether a condition says that it is about another generation than the object's present one. */
export function speaksOfOther(condition: Json, object: KubernetesObject): boolean {
  const observed = numberIfAny(condition, 'observedGeneration')
  const generation = numberIfAny(object, 'metadata', 'generation')
  return observed !== undefined && generation !== undefined && observed !== generation
}

/** The first condition that a count rests on is the one its message may quote. */
function matchCount(atLeast: number, of: readonly Test[], object: KubernetesObject): boolean | JsonObject {
  let left = atLeast
  let condition: JsonObject | undefined
  for (const test of of) {
    if (left === 0) break
    const found = matches(test, object)
    if (found === false) continue
    if (found !== true) condition ??= found
    left--
  }
  return left > 0 ? false : (condition ?? true)
}

function isStale(at: Path, orMissing: boolean, object: KubernetesObject): boolean {
  const observed = valueAt(object, ...at)
  const generation = numberIfAny(object, 'metadata', 'generation')
  if (!isPresent(observed)) return orMissing && generation !== undefined
  return generation !== undefined && String(observed) !== String(generation)
}

function numberOf(to: Path | number, object: KubernetesObject): number {
  return typeof to === 'number' ? to : numberAt(object, ...to)
}

function compare(operator: '<' | '=' | '>', left: number, right: number): boolean {
  return operator === '<' ? left < right : operator === '>' ? left > right : left === right
}

function isPresent(value: Json | undefined): boolean {
  return value !== undefined && value !== null
}

function isFilled(value: Json | undefined): boolean {
  if (typeof value === 'string' || Array.isArray(value)) return value.length > 0
  return typeof value === 'object' && value !== null && Object.keys(value).length > 0
}

function verdict(
  status: HealthStatus,
  message: Message | undefined,
  object: KubernetesObject,
  condition: JsonObject | undefined,
): Health {
  if (message === undefined || !message.includes('{')) return health(status, message)
  return health(
    status,
    message.replace(PLACEHOLDER, (_, alternatives: string) => filledIn(alternatives, object, condition)),
  )
}

function filledIn(alternatives: string, object: KubernetesObject, condition: JsonObject | undefined): string {
  for (const alternative of alternatives.split('|')) {
    if (alternative.startsWith("'")) return alternative.slice(1, -1)
    const value = placeholderValue(alternative, object, condition)
    if (isPresent(value)) return plainText(value)
  }
  return ''
}

function placeholderValue(name: string, object: KubernetesObject, condition: JsonObject | undefined): Json | undefined {
  if (name === 'kind') return object.kind
  if (name === 'name') return object.metadata.name
  const path = name.split('.')
  const [first = '', ...rest] = path
  if (first === 'condition') return valueAt(condition, ...rest)
  if (/^[A-Z]/.test(first)) {
    return valueAt(
      listAt(object, ...CONDITIONS).find(one => textAt(one, 'type') === first),
      ...rest,
    )
  }
  return valueAt(object, ...path)
}

/** Texts, numbers and truth values as people write them, lists of them with commas; an object says nothing. */
export function plainText(value: Json | undefined): string {
  if (Array.isArray(value)) return value.map(one => (Array.isArray(one) ? '' : plainText(one))).join(', ')
  if (typeof value === 'string') return value
  return typeof value === 'number' || typeof value === 'bigint' || typeof value === 'boolean' ? String(value) : ''
}
