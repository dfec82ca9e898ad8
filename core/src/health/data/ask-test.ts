import { equalJson, type Json, type JsonObject } from '../../json/json.ts'
import { numberIfAny, textAt } from '../../json/read-json.ts'
import { CONDITIONS, type ConditionTest, type Test } from './data-rule.ts'
import {
  entriesReader,
  isFilled,
  isPresent,
  type Names,
  numberOf,
  pathReader,
  type Reader,
  speaksOfOther,
} from './read-path.ts'
import type { Scope } from './scope.ts'
import { scalarText } from './write-message.ts'

/** False, true, or the scope with the entry or condition that made it true. */
export type Ask = (scope: Scope) => boolean | Scope

type Of<Kind extends Test['kind']> = Extract<Test, { readonly kind: Kind }>

/** How to ask a test. */
export function testAsker(test: Test, names: Names): Ask {
  switch (test.kind) {
    case 'condition':
      return conditionAsker(test, names)
    case 'some':
      return someAsker(test, names)
    case 'all':
      return allAsker(test.of.map(one => testAsker(one, names)))
    case 'any':
      return anyAsker(test.of.map(one => testAsker(one, names)))
    case 'not': {
      const ask = testAsker(test.test, names)
      return scope => ask(scope) === false
    }
    default:
      return fieldAsker(test, names)
  }
}

function fieldAsker(test: Exclude<Test, Of<'condition' | 'some' | 'all' | 'any' | 'not'>>, names: Names): Ask {
  const read = pathReader(test.at, names)
  switch (test.kind) {
    case 'equals':
      return equalsAsker(read, test.oneOf)
    case 'present':
      return scope => isPresent(read(scope))
    case 'filled':
      return scope => isFilled(read(scope), scope)
    case 'starts':
      return scope => {
        scope.stepThrough(test.prefix.length)
        return textOf(read(scope)).startsWith(test.prefix)
      }
    case 'number':
      return scope => isPresent(read(scope)) && !Number.isNaN(numberOf(read(scope)))
    case 'compare':
      return compareAsker(test, read, names)
    case 'same': {
      const other = pathReader(test.to, names)
      return scope => {
        const [one, another] = [scalarText(read(scope)), scalarText(other(scope))]
        // Of other lengths they are told apart at once.
        if (one.length !== another.length) return false
        scope.stepThrough(one.length)
        return one === another
      }
    }
    case 'earlier': {
      const other = pathReader(test.than, names)
      return scope => {
        const [at, than] = [textOf(read(scope)), textOf(other(scope))]
        scope.stepThrough(Math.min(at.length, than.length))
        // In UTC and of one form, so the order of the texts is the order of the times.
        return at !== '' && at < than
      }
    }
    case 'recent':
      return scope => isRecent(textOf(read(scope)), test.seconds, scope.question.now)
    case 'stale':
      return staleAsker(test, read)
  }
}

function equalsAsker(read: Reader, oneOf: readonly Json[]): Ask {
  const plain = new Set<Json>(oneOf)
  // What may be equal without being the same.
  const others = oneOf.filter(one => typeof one === 'bigint' || typeof one === 'object')
  const longest = longestOf(oneOf.filter(one => typeof one === 'string'))
  return scope => {
    const value = read(scope)
    if (value === undefined) return false
    if (typeof value === 'string') {
      // No longer text is among them, nor is one looked at.
      if (value.length > longest) return false
      scope.stepThrough(value.length)
    }
    return plain.has(value) || (typeof value === 'bigint' ? oneOf : others).some(one => equalJson(one, value))
  }
}

function compareAsker({ operator, to }: Of<'compare'>, read: Reader, names: Names): Ask {
  const other: Reader = typeof to === 'number' ? () => to : pathReader(to, names)
  return scope => {
    const [left, right] = [numberOf(read(scope)), numberOf(other(scope))]
    return operator === '<' ? left < right : operator === '>' ? left > right : left === right
  }
}

function staleAsker({ orMissing = false }: Of<'stale'>, read: Reader): Ask {
  return scope => {
    const observed = read(scope)
    const generation = numberIfAny(scope.question.object, 'metadata', 'generation')
    if (generation === undefined) return false
    return isPresent(observed) ? scalarText(observed) !== String(generation) : orMissing
  }
}

const TIME = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,9})?Z$/

function isRecent(time: string, seconds: number, now: number | undefined): boolean {
  return now !== undefined && TIME.test(time) && now - Date.parse(time) < seconds * 1000
}

function textOf(value: Json | undefined): string {
  return typeof value === 'string' ? value : ''
}

function someAsker({ of, where }: Of<'some'>, names: Names): Ask {
  const entries = entriesReader(of, names)
  const ask = testAsker(where, names)
  return scope => {
    for (const [index, entry] of entries(scope).entries()) {
      const inner = scope.about(entry, index + 1)
      const found = ask(inner)
      if (found !== false) return found === true ? inner : found
    }
    return false
  }
}

/** The first entry or condition that they rest on is the one that a message may quote. */
function allAsker(asks: readonly Ask[]): Ask {
  return scope => {
    let first: boolean | Scope = true
    for (const ask of asks) {
      scope.step(1)
      const found = ask(scope)
      if (found === false) return false
      if (first === true) first = found
    }
    return first
  }
}

function anyAsker(asks: readonly Ask[]): Ask {
  return scope => {
    for (const ask of asks) {
      scope.step(1)
      const found = ask(scope)
      if (found !== false) return found
    }
    return false
  }
}

function conditionAsker(test: ConditionTest, names: Names): Ask {
  const read = pathReader(test.at ?? CONDITIONS, names)
  const allows = conditionFilter(test)
  return scope => {
    const conditions = read(scope)
    if (!Array.isArray(conditions)) return false
    for (const condition of scope.through(conditions)) {
      if (allows(condition, scope) && !(test.current && speaksOfOther(condition, scope.question.object))) {
        return scope.found(condition as JsonObject)
      }
    }
    return false
  }
}

function conditionFilter(test: ConditionTest): (condition: Json, scope: Scope) => boolean {
  const fields = (
    [
      ['type', test.types, test.notTypes],
      ['status', test.statuses, test.notStatuses],
      ['reason', test.reasons, test.notReasons],
      ['message', test.messages, undefined],
      ['severity', test.severities, test.notSeverities],
    ] as const
  )
    .filter(([, wanted, unwanted]) => wanted !== undefined || unwanted !== undefined)
    .map(([field, wanted, unwanted]) => {
      const longest = longestOf([...(wanted ?? []), ...(unwanted ?? [])])
      return { field, wanted: wanted && new Set(wanted), unwanted: unwanted && new Set(unwanted), longest }
    })
  return (condition, scope) => {
    for (const { field, wanted, unwanted, longest } of fields) {
      const text = textAt(condition, field)
      const mayBe = text.length <= longest
      if (mayBe) scope.stepThrough(text.length)
      if ((wanted && !(mayBe && wanted.has(text))) || (mayBe && unwanted?.has(text))) return false
    }
    return true
  }
}

function longestOf(texts: readonly string[]): number {
  return texts.reduce((most, { length }) => Math.max(most, length), 0)
}
