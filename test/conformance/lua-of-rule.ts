import {
  CONDITIONS,
  type ConditionTest,
  type DataRule,
  type Message,
  type Path,
  PLACEHOLDER,
  type Test,
  type Value,
  type Values,
} from '@flotilla/core/health/data/data-rule'
import type { Json } from '@flotilla/core/json/json'
import { preludeOf } from './lua-prelude.ts'

/**
 * A rule written as data, as the script that somebody would write for Argo CD: both have to come to the same verdict
 * and message on every object.
 */
export function luaOfRule({ values, lines, otherwise }: DataRule): string {
  const levels: Levels = new Map()
  const definitions = definitionsOf(values, 0, levels)
  const branches = lines.map(([when, status, message]) => {
    return `found = ${testOf(when, levels)}\nif found then local s = scope_of(found, s) return ${verdict(status, message, levels)} end`
  })
  const body = [
    'local values = {}',
    ...definitions,
    'local s = { level = 0, known = {} }',
    'local found',
    ...branches,
    `return ${verdict(otherwise[0], otherwise[1], levels)}`,
  ].join('\n')
  return `${preludeOf(body)}\n${body}`
}

/** How deep in entries each value is worked out. */
type Levels = Map<string, number>

/** `values.name(s)` for each value, those that belong to a list's entries among them. */
function definitionsOf(values: Values | undefined, level: number, levels: Levels): readonly string[] {
  return Object.entries(values ?? {}).flatMap(([name, value]) => {
    levels.set(name, level)
    const inner = value.kind === 'join' ? definitionsOf(value.values, level + 1, levels) : []
    const make = `function(s) return ${workedOut(value, levels)} end`
    return [...inner, `values[${quoted(name)}] = function(s) return named(s, ${level}, ${quoted(name)}, ${make}) end`]
  })
}

function workedOut(value: Value, levels: Levels): string {
  switch (value.kind) {
    case 'first': {
      const read = value.of.map(path => readOf(path, levels))
      const all = value.otherwise === undefined ? read : [...read, literal(value.otherwise)]
      return `first_filled({${all.join(', ')}}, ${all.length})`
    }
    case 'choose': {
      const lines = value.lines.map(([when, text]) => {
        return `found = ${testOf(when, levels)} if found then local s = scope_of(found, s) return ${messageOf(text, levels)} end`
      })
      return `(function() local found ${lines.join(' ')} return ${messageOf(value.otherwise, levels)} end)()`
    }
    case 'count':
      return `#${chosenOf(value, levels)}`
    case 'sum':
      return `sum(${everyOf(value.of, levels)})`
    case 'difference': {
      const minus = typeof value.minus === 'number' ? String(value.minus) : `number(${readOf(value.minus, levels)})`
      return `(number(${readOf(value.at, levels)}) - ${minus})`
    }
    case 'find': {
      const chosen = chosenOf(value, levels)
      return `(function() local chosen_ones = ${chosen} return at(chosen_ones[${value.last ? '#chosen_ones' : '1'}], "entry") end)()`
    }
    case 'join': {
      const last = value.through === undefined ? 'nil' : `function(s) return ${testOf(value.through, levels)} end`
      const each = `function(s) return ${messageOf(value.each, levels)} end`
      return `join(${chosenOf(value, levels)}, ${each}, ${last}, ${quoted(value.separator)})`
    }
    case 'texts':
      return `join_texts({${value.of.map(one => messageOf(one, levels)).join(', ')}}, ${quoted(value.separator)})`
    case 'part':
      return `part(${readOf(value.at, levels)}, ${quoted(value.separator)}, ${value.index})`
    case 'start':
      return `start(${readOf(value.at, levels)}, ${value.length})`
  }
}

function chosenOf({ of, where }: { readonly of: Path; readonly where?: Test }, levels: Levels): string {
  const test = where === undefined ? 'nil' : `function(s) return ${testOf(where, levels)} end`
  return `chosen(s, ${entriesOf(of, levels)}, ${test})`
}

/** False, true or the scope with what made it true, as a Lua expression. */
function testOf(test: Test, levels: Levels): string {
  const read = (path: Path) => readOf(path, levels)
  const each = (of: readonly Test[]) => of.map(one => `function() return ${testOf(one, levels)} end`).join(', ')
  switch (test.kind) {
    case 'condition':
      return `condition(s, ${conditionTest(test)}, ${read(test.at ?? CONDITIONS)})`
    case 'equals':
      return `(${test.oneOf.map(one => `${read(test.at)} == ${literal(one)}`).join(' or ') || 'false'})`
    case 'present':
      return `(${read(test.at)} ~= nil)`
    case 'filled':
      return `filled(${read(test.at)})`
    case 'starts':
      return `starts(${read(test.at)}, ${quoted(test.prefix)})`
    case 'number':
      return `is_number(${read(test.at)})`
    case 'compare': {
      const right = typeof test.to === 'number' ? String(test.to) : `number(${read(test.to)})`
      return `(number(${read(test.at)}) ${test.operator === '=' ? '==' : test.operator} ${right})`
    }
    case 'same':
      return `(scalar(${read(test.at)}) == scalar(${read(test.to)}))`
    case 'earlier':
      return `earlier(${read(test.at)}, ${read(test.than)})`
    case 'recent':
      return `recent(${read(test.at)}, ${test.seconds})`
    case 'stale':
      return `stale(${read(test.at)}, ${test.orMissing ?? false})`
    case 'some':
      return `some(s, ${entriesOf(test.of, levels)}, function(s) return ${testOf(test.where, levels)} end)`
    case 'all':
      return `all({${each(test.of)}})`
    case 'any':
      return `any({${each(test.of)}})`
    case 'not':
      return `(not ${testOf(test.test, levels)})`
  }
}

function conditionTest(test: ConditionTest): string {
  const { kind: _, at: _at, current, ...lists } = test
  const fields = Object.entries(lists).map(
    ([name, texts]) => `${name} = {${(texts as readonly string[]).map(quoted).join(', ')}}`,
  )
  return `{${[...fields, ...(current ? ['current = true'] : [])].join(', ')}}`
}

function verdict(status: string, message: Message | undefined, levels: Levels): string {
  if (message === undefined) return `{ status = ${quoted(status)} }`
  return `{ status = ${quoted(status)}, message = ${messageOf(message, levels)} }`
}

function messageOf(message: Message, levels: Levels): string {
  const parts = message
    .split(PLACEHOLDER)
    .map((part, index) => (index % 2 === 0 ? quoted(part) : filledIn(part, levels)))
  return parts.filter(part => part !== '""').join(' .. ') || '""'
}

function filledIn(alternatives: string, levels: Levels): string {
  const names = alternatives.split('|')
  return `first_of({${names.map(name => placeholder(name, levels)).join(', ')}}, ${names.length})`
}

function placeholder(name: string, levels: Levels): string {
  if (name.startsWith("'")) return quoted(name.slice(1, -1))
  if (name === 'index') return 's.index'
  if (name === 'name') return 'at(obj, "metadata", "name")'
  const [first = '', ...rest] = name.split('.')
  return /^[A-Z]/.test(first) ? `at(of_type(${quoted(first)})${keys(rest)})` : readOf([first, ...rest], levels)
}

function readOf(path: Path, levels: Levels): string {
  const [first = '', ...rest] = path
  if (first === 'entry') return rest.length === 0 ? 's.entry' : `at(s.entry${keys(rest)})`
  if (first === 'condition') return `at(s.condition${keys(rest)})`
  if (!first.startsWith('$')) return `at(obj${keys(path)})`
  const name = first.slice(1)
  if (!levels.has(name)) throw new Error(`a rule names ${first}, which it does not work out before`)
  const value = `values[${quoted(name)}](s)`
  return rest.length === 0 ? value : `at(${value}${keys(rest)})`
}

function entriesOf(path: Path, levels: Levels): string {
  return path.includes('*') ? everyOf([...path, '*'], levels) : `entries(${readOf(path, levels)})`
}

/** Every value at a path with `*` in it. */
function everyOf(path: Path, levels: Levels): string {
  const star = path.indexOf('*')
  if (star < 0) return `{${readOf(path, levels)}}`
  const rest = path.slice(star + 1)
  const list = `entries(${readOf(path.slice(0, star), levels)})`
  return rest.length === 0 ? list : `flat(${list}, function(one) return ${everyUnder(rest)} end)`
}

function everyUnder(path: Path): string {
  const star = path.indexOf('*')
  if (star < 0) return `{at(one${keys(path)})}`
  const rest = path.slice(star + 1)
  const list = `entries(at(one${keys(path.slice(0, star))}))`
  return rest.length === 0 ? list : `flat(${list}, function(one) return ${everyUnder(rest)} end)`
}

function keys(path: Path): string {
  return path.map(key => `, ${quoted(key)}`).join('')
}

function literal(value: Json): string {
  if (typeof value === 'string') return quoted(value)
  if (typeof value === 'number' || typeof value === 'boolean') return String(value)
  throw new Error(`a rule compares with ${JSON.stringify(value)}, for which no Lua is written here`)
}

/** Lua's own escapes: what is no plain character goes by its bytes. */
function quoted(text: string): string {
  const bytes = [...Buffer.from(text)]
  return `"${bytes.map(byte => (byte < 32 || byte > 126 || byte === 34 || byte === 92 ? `\\${String(byte).padStart(3, '0')}` : String.fromCharCode(byte))).join('')}"`
}
