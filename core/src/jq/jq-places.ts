import { equalJson, getKey, isJsonObject, type Json } from '../json/json.ts'
import { JqError } from './jq-error.ts'
import type { JqComparison, JqExpression } from './jq-expression.ts'
import { asPattern, comparesTo, containsJson, isTrue, lengthOf, type TextPattern, textOf, typeOf } from './jq-values.ts'

/** A place in a document: names of members and indices of elements from its root. */
export type Place = readonly (string | number)[]

export interface JqLanguage {
  /** Compiles the pattern of `test`; its run time has to be linear. @throws when it is no pattern. */
  readonly pattern?: (source: string, flags: string) => TextPattern
}

/** One evaluation looks at so many values at most. */
const MOST_STEPS = 100_000

/**
 * The places that an expression names in a document, as `jq`'s `path(…)` gives them; places that are not there yet are
 * among them.
 *
 * @throws JqError when it fails for this document (a loop over a number), or takes too long.
 */
export function jqPlaces(expression: JqExpression, document: Json, language: JqLanguage = {}): readonly Place[] {
  const run = new Run(language)
  return [...run.places(expression, { place: [], value: document })].map(({ place }) => place)
}

interface Found {
  readonly place: Place
  readonly value: Json
}

class Run {
  readonly #language: JqLanguage
  #steps = 0

  constructor(language: JqLanguage) {
    this.#language = language
  }

  *places(expression: JqExpression, at: Found): Generator<Found> {
    this.#step()
    switch (expression.kind) {
      case 'identity':
        yield at
        return
      case 'field':
        yield memberOf(at, expression.name)
        return
      case 'index':
        yield* elementOf(at, expression.index)
        return
      case 'each':
        yield* this.#each(at)
        return
      case 'descend':
        yield* this.#descend(at)
        return
      case 'pipe':
        for (const found of this.places(expression.left, at)) yield* this.places(expression.right, found)
        return
      case 'comma':
        yield* this.places(expression.left, at)
        yield* this.places(expression.right, at)
        return
      case 'optional':
        yield* this.#optional(expression.of, at)
        return
      case 'call':
        yield* this.#callPlaces(expression, at)
        return
      default:
        throw new JqError('a value stands where a place is wanted')
    }
  }

  *#values(expression: JqExpression, at: Found): Generator<Json> {
    this.#step()
    switch (expression.kind) {
      case 'literal':
        yield expression.value
        return
      case 'pipe':
        for (const value of this.#values(expression.left, at)) yield* this.#values(expression.right, root(value))
        return
      case 'comma':
        yield* this.#values(expression.left, at)
        yield* this.#values(expression.right, at)
        return
      case 'compare':
        for (const right of this.#values(expression.right, at)) {
          for (const left of this.#values(expression.left, at)) yield compare(expression.operator, left, right)
        }
        return
      case 'and':
      case 'or':
        for (const left of this.#values(expression.left, at)) {
          if (isTrue(left) === (expression.kind === 'or')) yield isTrue(left)
          else for (const right of this.#values(expression.right, at)) yield isTrue(right)
        }
        return
      case 'call':
        yield* this.#callValues(expression, at)
        return
      default:
        for (const { value } of this.places(expression, at)) yield value
    }
  }

  *#callPlaces({ name, arguments: given }: Extract<JqExpression, { kind: 'call' }>, at: Found): Generator<Found> {
    switch (name) {
      case 'select':
        for (const value of this.#values(given[0]!, at)) if (isTrue(value)) yield at
        return
      case 'empty':
        return
      case 'recurse':
        yield* this.#descend(at)
        return
      case 'first':
        for (const found of this.places(given[0]!, at)) {
          yield found
          return
        }
        return
      default:
        throw new JqError(`${name} gives a value where a place is wanted`)
    }
  }

  *#callValues(call: Extract<JqExpression, { kind: 'call' }>, at: Found): Generator<Json> {
    const { name, arguments: given } = call
    const input = at.value
    switch (name) {
      case 'select':
      case 'empty':
      case 'recurse':
      case 'first':
        for (const { value } of this.#callPlaces(call, at)) yield value
        return
      case 'not':
        yield !isTrue(input)
        return
      case 'length':
        yield lengthOf(input)
        return
      case 'type':
        yield typeOf(input)
        return
      case 'tostring':
        yield textOf(input)
        return
      case 'ascii_downcase':
      case 'ascii_upcase':
        yield inCase(name, input)
        return
      case 'any':
      case 'all':
        yield this.#anyOrAll(name, given, at)
        return
      case 'IN':
        yield this.#isAmong(given, at)
        return
      case 'test':
        for (const pattern of this.#values(given[0]!, at)) {
          for (const flags of given[1] ? this.#values(given[1], at) : ['']) yield this.#test(input, pattern, flags)
        }
        return
      default:
        for (const argument of this.#values(given[0]!, at)) yield withArgument(name, input, argument)
    }
  }

  /** `any`, `any(condition)`, `any(those; condition)`. */
  #anyOrAll(name: 'any' | 'all', given: readonly JqExpression[], at: Found): boolean {
    const wanted = name === 'any'
    const condition = given.at(-1)
    for (const item of given.length === 2 ? this.#values(given[0]!, at) : this.#items(at)) {
      for (const value of condition ? this.#values(condition, root(item)) : [item]) {
        if (isTrue(value) === wanted) return wanted
      }
    }
    return !wanted
  }

  *#items(at: Found): Generator<Json> {
    for (const { value } of this.#each(at)) yield value
  }

  /** `IN(those)`, `IN(values; those)`. */
  #isAmong(given: readonly JqExpression[], at: Found): boolean {
    const asked = given.length === 2 ? this.#values(given[0]!, at) : [at.value]
    for (const value of asked) {
      for (const other of this.#values(given.at(-1)!, at)) if (equalJson(value, other)) return true
    }
    return false
  }

  #test(input: Json, pattern: Json, flags: Json): boolean {
    const { pattern: compile } = this.#language
    if (!compile) throw new JqError('patterns are not available here')
    if (typeof input !== 'string') throw new JqError(`${typeOf(input)} cannot be matched, as it is not a string`)
    return asPattern(compile, pattern, flags)(input)
  }

  *#each(at: Found): Generator<Found> {
    const { place, value } = at
    if (Array.isArray(value)) {
      for (const [index, item] of (value as readonly Json[]).entries()) {
        this.#step()
        yield { place: [...place, index], value: item }
      }
    } else if (isJsonObject(value)) {
      for (const key of Object.keys(value)) {
        this.#step()
        yield { place: [...place, key], value: getKey(value, key) ?? null }
      }
    } else {
      throw new JqError(`cannot iterate over ${typeOf(value)}`)
    }
  }

  *#descend(at: Found): Generator<Found> {
    this.#step()
    yield at
    if (typeof at.value !== 'object' || at.value === null) return
    for (const found of this.#each(at)) yield* this.#descend(found)
  }

  *#optional(expression: JqExpression, at: Found): Generator<Found> {
    try {
      yield* this.places(expression, at)
    } catch (error) {
      if (!(error instanceof JqError) || this.#steps > MOST_STEPS) throw error
    }
  }

  #step(): void {
    if (++this.#steps > MOST_STEPS) throw new JqError(`looks at more than ${MOST_STEPS} values`)
  }
}

function root(value: Json): Found {
  return { place: [], value }
}

function memberOf({ place, value }: Found, name: string): Found {
  if (value !== null && !isJsonObject(value)) throw new JqError(`cannot index ${typeOf(value)} with "${name}"`)
  return { place: [...place, name], value: value === null ? null : (getKey(value, name) ?? null) }
}

/** Nothing before the first element. */
function* elementOf({ place, value }: Found, index: number): Generator<Found> {
  if (value !== null && !Array.isArray(value)) throw new JqError(`cannot index ${typeOf(value)} with a number`)
  const list: readonly Json[] = value ?? []
  const from = index < 0 ? list.length + index : index
  if (from >= 0) yield { place: [...place, from], value: list[from] ?? null }
}

function compare(operator: JqComparison, left: Json, right: Json): boolean {
  if (operator === '==') return equalJson(left, right)
  if (operator === '!=') return !equalJson(left, right)
  const order = comparesTo(left, right)
  if (operator === '<') return order < 0
  if (operator === '<=') return order <= 0
  return operator === '>' ? order > 0 : order >= 0
}

function inCase(name: string, input: Json): string {
  if (typeof input !== 'string') throw new JqError(`${name} takes a string`)
  return name === 'ascii_downcase'
    ? input.replaceAll(/[A-Z]/g, letter => letter.toLowerCase())
    : input.replaceAll(/[a-z]/g, letter => letter.toUpperCase())
}

function withArgument(name: string, input: Json, argument: Json): Json {
  switch (name) {
    case 'startswith':
    case 'endswith':
      if (typeof input !== 'string' || typeof argument !== 'string') throw new JqError(`${name} takes strings`)
      return name === 'startswith' ? input.startsWith(argument) : input.endsWith(argument)
    case 'ltrimstr':
    case 'rtrimstr':
      return trimmed(name, input, argument)
    case 'has':
      if (isJsonObject(input) && typeof argument === 'string') return Object.hasOwn(input, argument)
      if (Array.isArray(input) && typeof argument === 'number') return argument >= 0 && argument < input.length
      throw new JqError(`cannot ask ${typeOf(input)} whether it has ${typeOf(argument)}`)
    case 'contains':
      return containsJson(input, argument)
    case 'inside':
      return containsJson(argument, input)
    default:
      throw new JqError(`${name} is not run here`)
  }
}

function trimmed(name: string, input: Json, argument: Json): Json {
  if (typeof input !== 'string' || typeof argument !== 'string' || argument === '') return input
  if (name === 'ltrimstr') return input.startsWith(argument) ? input.slice(argument.length) : input
  return input.endsWith(argument) ? input.slice(0, -argument.length) : input
}
