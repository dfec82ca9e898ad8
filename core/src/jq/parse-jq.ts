import { nearest } from '../text/nearest.ts'
import { isJqFunction, JQ_FUNCTIONS, type JqComparison, type JqExpression } from './jq-expression.ts'

/** Longer expressions, and deeper ones, are refused: they come from documents of others. */
const MOST_CHARACTERS = 4096
const MOST_DEPTH = 64

const SPACE = /(?:\s|#[^\n]*(?:\n|$))*/y
const TOKEN =
  /(?:(\.\.)|("(?:[^"\\\n]|\\.)*")|(-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?)|(==|!=|<=|>=|\/\/|\|=|[.[\]()|,?<>:$+\-*/%{};=])|([A-Za-z_][A-Za-z0-9_]*))/y

interface Token {
  readonly kind: 'mark' | 'text' | 'number' | 'word' | 'end'
  readonly text: string
  readonly at: number
}

/** Where and why an expression cannot be run. */
export interface JqMistake {
  readonly message: string
  /** Characters before the mistake. */
  readonly at: number
}

class Refused extends Error {
  readonly at: number

  constructor(message: string, at: number) {
    super(message)
    this.at = at
  }
}

/**
 * Reads the part of jq described in {@link JqExpression}.
 *
 * @returns the expression, or the first mistake: a word of jq that is no part of it is one too.
 * @example
 * parseJq('.spec.template.spec.containers[] | select(.name == "sidecar")')
 */
export function parseJq(source: string): JqExpression | JqMistake {
  if (source.length > MOST_CHARACTERS) return { message: `is longer than ${MOST_CHARACTERS} characters`, at: 0 }
  try {
    return new Parser(tokensOf(source)).whole()
  } catch (error) {
    if (error instanceof Refused) return { message: error.message, at: error.at }
    throw error
  }
}

export function isJqMistake(read: JqExpression | JqMistake): read is JqMistake {
  return !('kind' in read)
}

function tokensOf(source: string): readonly Token[] {
  const tokens: Token[] = []
  let at = 0
  while (true) {
    SPACE.lastIndex = at
    at += SPACE.exec(source)![0].length
    if (at === source.length) return [...tokens, { kind: 'end', text: '', at }]
    TOKEN.lastIndex = at
    const match = TOKEN.exec(source)
    if (!match) throw new Refused(`"${source[at]}" is not understood`, at)
    const [read, , text, number, , word] = match
    const kind = text !== undefined ? 'text' : number !== undefined ? 'number' : word !== undefined ? 'word' : 'mark'
    tokens.push({ kind, text: read, at })
    at += read.length
  }
}

class Parser {
  readonly #tokens: readonly Token[]
  #next = 0
  #depth = 0

  constructor(tokens: readonly Token[]) {
    this.#tokens = tokens
  }

  whole(): JqExpression {
    const expression = this.#pipe()
    const rest = this.#peek()
    if (rest.kind !== 'end') throw new Refused(notRun(rest), rest.at)
    return expression
  }

  #pipe(): JqExpression {
    if (++this.#depth > MOST_DEPTH) throw new Refused(`is deeper than ${MOST_DEPTH}`, this.#peek().at)
    const left = this.#comma()
    const piped = this.#takes('|') ? ({ kind: 'pipe', left, right: this.#pipe() } as const) : left
    this.#depth--
    return piped
  }

  #comma(): JqExpression {
    let left = this.#or()
    while (this.#takes(',')) left = { kind: 'comma', left, right: this.#or() }
    return left
  }

  #or(): JqExpression {
    let left = this.#and()
    while (this.#takesWord('or')) left = { kind: 'or', left, right: this.#and() }
    return left
  }

  #and(): JqExpression {
    let left = this.#comparison()
    while (this.#takesWord('and')) left = { kind: 'and', left, right: this.#comparison() }
    return left
  }

  #comparison(): JqExpression {
    const left = this.#postfix()
    const { kind, text } = this.#peek()
    if (kind !== 'mark' || !['==', '!=', '<', '<=', '>', '>='].includes(text)) return left
    this.#next++
    return { kind: 'compare', operator: text as JqComparison, left, right: this.#postfix() }
  }

  #postfix(): JqExpression {
    let expression = this.#primary()
    while (true) {
      const step = this.#suffix()
      if (step === 'optional') expression = { kind: 'optional', of: expression }
      else if (step) expression = piped(expression, step)
      else return expression
    }
  }

  #suffix(): JqExpression | 'optional' | undefined {
    if (this.#takes('?')) return 'optional'
    if (this.#takes('[')) return this.#bracket()
    if (!this.#is('.')) return undefined
    this.#next++
    if (this.#takes('[')) return this.#bracket()
    return this.#fieldName()
  }

  #primary(): JqExpression {
    const token = this.#take()
    switch (token.kind) {
      case 'text':
        return { kind: 'literal', value: textOf(token) }
      case 'number':
        return { kind: 'literal', value: Number(token.text) }
      case 'word':
        return this.#word(token)
      case 'mark':
        if (token.text === '(') {
          const inner = this.#pipe()
          this.#expect(')')
          return inner
        }
        if (token.text === '..') return { kind: 'descend' }
        if (token.text === '.') return this.#path()
    }
    throw new Refused(token.kind === 'end' ? 'ends too early' : notRun(token), token.at)
  }

  /** After a dot that begins a path. */
  #path(): JqExpression {
    if (this.#takes('[')) return this.#bracket()
    const { kind } = this.#peek()
    return kind === 'word' || kind === 'text' ? this.#fieldName() : { kind: 'identity' }
  }

  #fieldName(): JqExpression {
    const token = this.#take()
    if (token.kind === 'word') return { kind: 'field', name: token.text }
    if (token.kind === 'text') return { kind: 'field', name: textOf(token) }
    throw new Refused('a field is missing after "."', token.at)
  }

  #bracket(): JqExpression {
    if (this.#takes(']')) return { kind: 'each' }
    const token = this.#take()
    const step = bracketStep(token)
    if (!step) throw new Refused(`[${token.text}…] is not run here: a number, a text or nothing stands there`, token.at)
    this.#expect(']')
    return step
  }

  #word(token: Token): JqExpression {
    const literal = LITERALS.get(token.text)
    if (literal !== undefined) return literal
    if (!isJqFunction(token.text)) {
      const near = token.text.length < 4 ? undefined : nearest(token.text, Object.keys(JQ_FUNCTIONS))
      throw new Refused(`"${token.text}" is not run here${near ? `; did you mean ${near}?` : ''}`, token.at)
    }
    const given: JqExpression[] = []
    if (this.#takes('(')) {
      do given.push(this.#pipe())
      while (this.#takes(';'))
      this.#expect(')')
    }
    const wanted: readonly number[] = JQ_FUNCTIONS[token.text]
    if (!wanted.includes(given.length)) {
      throw new Refused(`${token.text} takes ${wanted.join(' or ')} arguments, not ${given.length}`, token.at)
    }
    return { kind: 'call', name: token.text, arguments: given }
  }

  #peek(): Token {
    return this.#tokens[this.#next]!
  }

  #take(): Token {
    const token = this.#peek()
    if (token.kind !== 'end') this.#next++
    return token
  }

  #is(mark: string): boolean {
    const { kind, text } = this.#peek()
    return kind === 'mark' && text === mark
  }

  #takes(mark: string): boolean {
    if (!this.#is(mark)) return false
    this.#next++
    return true
  }

  #takesWord(word: string): boolean {
    const { kind, text } = this.#peek()
    if (kind !== 'word' || text !== word) return false
    this.#next++
    return true
  }

  #expect(mark: string): void {
    const token = this.#peek()
    if (!this.#takes(mark)) throw new Refused(token.kind === 'end' ? `"${mark}" is missing` : notRun(token), token.at)
  }
}

const LITERALS: ReadonlyMap<string, JqExpression> = new Map([
  ['true', { kind: 'literal', value: true }],
  ['false', { kind: 'literal', value: false }],
  ['null', { kind: 'literal', value: null }],
])

function bracketStep({ kind, text, at }: Token): JqExpression | undefined {
  if (kind === 'text') return { kind: 'field', name: textOf({ kind, text, at }) }
  return kind === 'number' && /^-?\d{1,9}$/.test(text) ? { kind: 'index', index: Number(text) } : undefined
}

function piped(left: JqExpression, right: JqExpression): JqExpression {
  return left.kind === 'identity' ? right : { kind: 'pipe', left, right }
}

function textOf({ text, at }: Token): string {
  if (text.includes('\\(')) throw new Refused('a text with a value inside is not run here', at)
  try {
    return JSON.parse(text) as string
  } catch {
    throw new Refused('the text has an escape that there is not', at)
  }
}

function notRun({ text }: Token): string {
  return `"${text}" is not run here: only paths, select and comparisons are`
}
