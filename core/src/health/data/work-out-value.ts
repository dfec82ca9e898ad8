import type { Json } from '../../json/json.ts'
import { testAsker } from './ask-test.ts'
import type { Value, Values } from './data-rule.ts'
import { entriesReader, everyReader, isPresent, type Names, numberOf, pathReader, type Reader } from './read-path.ts'
import type { Scope } from './scope.ts'
import { LONGEST_TEXT, messageWriter } from './write-message.ts'

type Of<Kind extends Value['kind']> = Extract<Value, { readonly kind: Kind }>

/** The names of before and these, each worked out once for each entry of its level. */
export function namesOf(values: Values | undefined, before: Names, level: number): Names {
  if (values === undefined) return before
  const names = new Map(before)
  for (const [name, value] of Object.entries(values)) {
    const workOut = valueReader(value, new Map(names), level)
    names.set(name, scope => scope.value(level, name, workOut))
  }
  return names
}

/** How to work a value out. */
function valueReader(value: Value, names: Names, level: number): Reader {
  switch (value.kind) {
    case 'first':
      return firstReader(value, names)
    case 'choose':
      return chooseReader(value, names)
    case 'count': {
      const entries = chosenReader(value, names)
      return scope => entries(scope).length
    }
    case 'sum': {
      const numbers = everyReader(value.of, names)
      return scope => numbers(scope).reduce<number>((sum, one) => sum + (numberOf(one) || 0), 0)
    }
    case 'difference': {
      const { minus } = value
      const read = pathReader(value.at, names)
      const other: Reader = typeof minus === 'number' ? () => minus : pathReader(minus, names)
      return scope => numberOf(read(scope)) - numberOf(other(scope))
    }
    case 'find': {
      const entries = chosenReader(value, names, value.last ? undefined : 1)
      return scope => entries(scope).at(-1)?.entry
    }
    case 'join':
      return joinReader(value, names, level + 1)
    case 'texts': {
      const writers = value.of.map(one => messageWriter(one, names))
      return scope =>
        writers
          .map(write => write(scope))
          .filter(text => text !== '')
          .join(value.separator)
          .slice(0, LONGEST_TEXT)
    }
    case 'part': {
      const read = pathReader(value.at, names)
      return scope => {
        const text = read(scope)
        if (typeof text !== 'string') return undefined
        scope.stepThrough(text.length)
        return text.split(value.separator, value.index + 1)[value.index]
      }
    }
    case 'start': {
      const read = pathReader(value.at, names)
      return scope => {
        const text = read(scope)
        return typeof text === 'string' ? text.slice(0, value.length) : undefined
      }
    }
  }
}

function firstReader({ of, otherwise }: Of<'first'>, names: Names): Reader {
  const readers = of.map(path => pathReader(path, names))
  return scope => {
    for (const read of readers) {
      const value = read(scope)
      if (isPresent(value) && value !== '') return value
    }
    return otherwise
  }
}

function chooseReader({ lines, otherwise }: Of<'choose'>, names: Names): Reader {
  const asked = lines.map(([when, text]) => [testAsker(when, names), messageWriter(text, names)] as const)
  const last = messageWriter(otherwise, names)
  return scope => {
    for (const [ask, write] of asked) {
      const found = ask(scope)
      if (found !== false) return write(found === true ? scope : found)
    }
    return last(scope)
  }
}

/** The entries for which a test holds, `most` of them at most. */
function chosenReader(
  { of, where }: Pick<Of<'count'>, 'of' | 'where'>,
  names: Names,
  most = Number.POSITIVE_INFINITY,
): (scope: Scope) => readonly Scope[] {
  const entries = entriesReader(of, names)
  const ask = where === undefined ? undefined : testAsker(where, names)
  return scope => {
    const chosen: Scope[] = []
    for (const [index, entry] of entries(scope).entries()) {
      if (chosen.length === most) break
      const inner = scope.about(entry, index + 1)
      if (ask === undefined || ask(inner) !== false) chosen.push(inner)
    }
    return chosen
  }
}

function joinReader({ of, where, through, values, each, separator }: Of<'join'>, before: Names, level: number): Reader {
  const chosen = chosenReader(where === undefined ? { of } : { of, where }, before)
  const names = namesOf(values, before, level)
  const isLast = through === undefined ? undefined : testAsker(through, names)
  const write = messageWriter(each, names)
  return (scope): Json => {
    let text = ''
    for (const [index, inner] of chosen(scope).entries()) {
      text += index === 0 ? write(inner) : `${separator}${write(inner)}`
      if (text.length >= LONGEST_TEXT || (isLast !== undefined && isLast(inner) !== false)) break
    }
    return text.slice(0, LONGEST_TEXT)
  }
}
