import { isJsonObject, type Json, type JsonObject } from '../../json/json.ts'
import { HEALTH_STATUSES } from '../../model/status.ts'
import type { DataRule, Test, Value, Values } from './data-rule.ts'
import { type Field, type Fields, KINDS, TEST_FIELDS, VALUE_FIELDS } from './rule-fields.ts'
import { messageMistakes, pathMistake, type Surroundings } from './rule-names.ts'

/** Bounds of a rule that somebody wrote. */
export const RULE_LIMITS = {
  /** Lines, values, and members of any list. */
  members: 200,
  /** Tests in tests. */
  depth: 12,
  /** Tests, values and verdicts together. */
  parts: 2000,
  /** Characters of any text. */
  text: 1024,
} as const

/** What is wrong in a rule, and where: `lines[2].when.at`. */
export interface RuleMistake {
  readonly at: string
  readonly message: string
}

export type ParsedRule =
  | { readonly kind: 'rule'; readonly rule: DataRule }
  | { readonly kind: 'mistakes'; readonly mistakes: readonly RuleMistake[] }

/**
 * Reads a rule that somebody wrote as YAML or JSON: `values`, `lines` of `when`, `status` and `message`, and
 * `otherwise`. A path may be a text with dots, one text may stand for a list of one. All mistakes are collected.
 */
export function parseDataRule(document: Json): ParsedRule {
  const parser = new RuleParser()
  const rule = parser.rule(document)
  return parser.mistakes.length > 0 ? { kind: 'mistakes', mistakes: parser.mistakes } : { kind: 'rule', rule }
}

const TOP: Surroundings = { names: new Set(), inList: false, inMessage: false }

class RuleParser {
  readonly mistakes: RuleMistake[] = []
  #parts = 0
  readonly #taken = new Set<string>()

  rule(document: Json): DataRule {
    const { values, lines, otherwise } = this.#object(document, '', ['values', 'lines', 'otherwise'])
    const own = this.#values(values, 'values', TOP)
    const within = { ...TOP, names: own.names }
    const read = this.#list(lines, 'lines').map((line, index) => {
      const at = `lines[${index}]`
      const { when, status, message } = this.#object(line, at, ['when', 'status', 'message'])
      const test = this.#test(when, `${at}.when`, within, 0)
      return [test, ...this.#verdict(status, message, at, within)] as const
    })
    const last = this.#object(otherwise, 'otherwise', ['status', 'message'])
    return {
      ...(values !== undefined && { values: own.read }),
      lines: read,
      otherwise: this.#verdict(last['status'], last['message'], 'otherwise', within),
    }
  }

  #verdict(status: Json | undefined, message: Json | undefined, at: string, within: Surroundings) {
    this.#count(at)
    const word = HEALTH_STATUSES.find(one => one === status)
    if (word === undefined) this.#mistake(`${at}.status`, `is one of ${HEALTH_STATUSES.join(', ')}`)
    const said = word ?? 'Unknown'
    if (message === undefined) return [said] as const
    return [said, this.#message(message, `${at}.message`, { ...within, inList: true })] as const
  }

  /** The values, and the names that may be used from now on. */
  #values(
    values: Json | undefined,
    at: string,
    within: Surroundings,
  ): { readonly names: ReadonlySet<string>; readonly read: Values } {
    if (values === undefined) return { names: within.names, read: {} }
    const members = this.#object(values, at)
    if (Object.keys(members).length > RULE_LIMITS.members) this.#tooMany(at)
    const names = new Set(within.names)
    const read: { [name: string]: Value } = {}
    for (const [name, value] of Object.entries(members).slice(0, RULE_LIMITS.members)) {
      const here = `${at}.${name}`
      if (!/^[a-z][A-Za-z0-9]{0,39}$/.test(name))
        this.#mistake(here, 'is no name: a small letter, then letters and digits')
      else if (this.#taken.has(name)) this.#mistake(here, 'is the name of another value')
      read[name] = this.#value(value, here, { ...within, names })
      this.#taken.add(name)
      names.add(name)
    }
    return { names, read }
  }

  #test(test: Json | undefined, at: string, within: Surroundings, depth: number): Test {
    return this.#part(test, at, within, depth, KINDS.tests, TEST_FIELDS) as unknown as Test
  }

  #value(value: Json | undefined, at: string, within: Surroundings): Value {
    return this.#part(value, at, within, 0, KINDS.values, VALUE_FIELDS) as unknown as Value
  }

  #part(
    part: Json | undefined,
    at: string,
    within: Surroundings,
    depth: number,
    kinds: string,
    table: { readonly [kind: string]: Fields },
  ): JsonObject {
    this.#count(at)
    if (depth > RULE_LIMITS.depth) {
      this.#mistake(at, `is more than ${RULE_LIMITS.depth} tests deep`)
      return {}
    }
    const members = this.#object(part, at)
    const kind = members['kind']
    if (typeof kind !== 'string' || !Object.hasOwn(table, kind)) {
      if (isJsonObject(part)) this.#mistake(`${at}.kind`, `is one of ${kinds}`)
      return {}
    }
    const fields = table[kind]!
    for (const name of Object.keys(members)) {
      if (name !== 'kind' && !Object.hasOwn(fields, name)) {
        this.#mistake(`${at}.${name}`, `is no field of ${kind}; it has ${Object.keys(fields).join(', ')}`)
      }
    }
    const read: { [name: string]: unknown } = { kind }
    // What an entry's test or message may use is known when its own values are read.
    let inner = within
    for (const [name, { reads, optional }] of Object.entries(fields)) {
      const value = members[name]
      const here = `${at}.${name}`
      if (value === undefined || value === null) {
        if (!optional) this.#mistake(here, `is missing: ${kind} needs it`)
        continue
      }
      if (reads === 'values') {
        const own = this.#values(value, here, { ...within, inList: true })
        inner = { ...within, names: own.names }
        read[name] = own.read
      } else {
        read[name] = this.#field(reads, value, here, inner, depth)
      }
    }
    return read as JsonObject
  }

  #field(reads: Field, value: Json, at: string, within: Surroundings, depth: number): unknown {
    const inList = { ...within, inList: true }
    switch (reads) {
      case 'path':
        return this.#path(value, at, within, false)
      case 'entries':
        return this.#path(value, at, within, true)
      case 'paths':
        return this.#list(value, at).map((one, index) => this.#path(one, `${at}[${index}]`, within, false))
      case 'path or number':
        return typeof value === 'number' ? value : this.#path(value, at, within, false)
      case 'test':
        return this.#test(value, at, within, depth + 1)
      case 'test of an entry':
        return this.#test(value, at, inList, depth + 1)
      case 'tests':
        return this.#list(value, at).map((one, index) => this.#test(one, `${at}[${index}]`, within, depth + 1))
      case 'message':
        return this.#message(value, at, within)
      case 'message of an entry':
        return this.#message(value, at, inList)
      case 'messages':
        return this.#list(value, at).map((one, index) => this.#message(one, `${at}[${index}]`, within))
      case 'choices':
        return this.#list(value, at).map((one, index) => this.#choice(one, `${at}[${index}]`, within))
      default:
        return this.#plain(reads, value, at)
    }
  }

  #plain(
    reads: 'text' | 'texts' | 'scalar' | 'scalars' | 'flag' | 'whole number' | 'operator' | 'values',
    value: Json,
    at: string,
  ): unknown {
    switch (reads) {
      case 'texts':
        return (typeof value === 'string' ? [value] : this.#list(value, at)).map((one, index) =>
          this.#text(one, `${at}[${index}]`),
        )
      case 'scalars':
        return (Array.isArray(value) ? this.#list(value, at) : [value]).map((one, index) =>
          this.#scalar(one, `${at}[${index}]`),
        )
      case 'text':
        return this.#text(value, at)
      case 'scalar':
        return this.#scalar(value, at)
      case 'flag':
        if (typeof value !== 'boolean') this.#mistake(at, 'is true or false')
        return value
      case 'operator':
        if (value !== '<' && value !== '=' && value !== '>') this.#mistake(at, 'is one of <, =, >')
        return value
      default:
        if (typeof value !== 'number' || !Number.isInteger(value) || value < 0 || value > 1e9) {
          this.#mistake(at, 'is a whole number, not below 0')
        }
        return value
    }
  }

  #choice(choice: Json, at: string, within: Surroundings): unknown {
    const { when, text } = this.#object(choice, at, ['when', 'text'])
    return [this.#test(when, `${at}.when`, within, 0), this.#message(text, `${at}.text`, { ...within, inList: true })]
  }

  #message(message: Json | undefined, at: string, within: Surroundings): string {
    const text = this.#text(message, at)
    for (const mistake of messageMistakes(text, { ...within, inMessage: true })) this.#mistake(at, mistake)
    return text
  }

  #path(path: Json, at: string, within: Surroundings, starred: boolean): readonly string[] {
    const listed = Array.isArray(path) ? this.#list(path, at).map(one => this.#text(one, at)) : []
    const names = typeof path === 'string' ? path.split('.') : listed
    const mistake = pathMistake(names, within, starred)
    if (mistake !== undefined) this.#mistake(at, mistake)
    return names
  }

  #text(text: Json | undefined, at: string): string {
    if (typeof text === 'string' && text.length <= RULE_LIMITS.text) return text
    const wrong = typeof text === 'string' ? `has more than ${RULE_LIMITS.text} characters` : 'is a text'
    this.#mistake(at, wrong)
    return ''
  }

  #scalar(value: Json, at: string): Json {
    if (typeof value === 'string') return this.#text(value, at)
    if (typeof value !== 'number' && typeof value !== 'boolean') this.#mistake(at, 'is a text, a number, true or false')
    return value
  }

  #list(list: Json | undefined, at: string): readonly Json[] {
    if (!Array.isArray(list)) {
      this.#mistake(at, 'is a list')
      return []
    }
    if (list.length > RULE_LIMITS.members) this.#tooMany(at)
    return list.slice(0, RULE_LIMITS.members)
  }

  #object(value: Json | undefined, at: string, fields?: readonly string[]): JsonObject {
    if (!isJsonObject(value)) {
      this.#mistake(at, 'is a mapping')
      return {}
    }
    for (const name of Object.keys(value)) {
      if (fields !== undefined && !fields.includes(name)) {
        this.#mistake(at === '' ? name : `${at}.${name}`, `is no field here; there are ${fields.join(', ')}`)
      }
    }
    return value
  }

  #tooMany(at: string): void {
    this.#mistake(at, `has more than ${RULE_LIMITS.members} members`)
  }

  #count(at: string): void {
    if (++this.#parts === RULE_LIMITS.parts + 1) this.#mistake(at, `the rule has more than ${RULE_LIMITS.parts} parts`)
  }

  #mistake(at: string, message: string): void {
    if (this.mistakes.length < 50) this.mistakes.push({ at: at === '' ? 'the rule' : at, message })
  }
}
