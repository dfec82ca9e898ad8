import { GO_TEMPLATE_LIMITS } from '../limits.ts'
import { quoteText } from '../printing/quote.ts'
import { characterNumber, LiteralError, readNumber, unquote } from './literals.ts'
import { nodeText } from './node-text.ts'
import type { CommandNode, OperandNode, PipeNode, VariableNode } from './nodes.ts'
import { SyntaxMistake } from './syntax-mistake.ts'
import { type Token, type TokenType, tokenText } from './token.ts'
import type { TokenBuffer } from './token-buffer.ts'

const OPERAND_TYPES: ReadonlySet<TokenType> = new Set<TokenType>([
  'boolean',
  'characterConstant',
  'complex',
  'dot',
  'field',
  'identifier',
  'number',
  'nil',
  'rawString',
  'string',
  'variable',
  'leftParenthesis',
])
/** What cannot take the value of a pipe. */
const NOT_EXECUTABLE: ReadonlySet<string> = new Set(['boolean', 'dot', 'nil', 'number', 'string'])

/** Tells which names are functions. */
export interface FunctionNames {
  has(name: string): boolean
}

/** Parses what stands between the delimiters of an action, of one template. */
export class PipelineParser {
  /** Variables that may be named, in the order in which they were declared. */
  readonly variables: string[] = ['$']
  /** Line of the action that is being parsed; 0 outside one. */
  actionLine = 0
  /** How deep parentheses were inside one another. */
  deepest = 0
  private readonly tokens: TokenBuffer
  private readonly known: FunctionNames
  private readonly called: Set<string>
  private depth = 0

  /** @param called Gathers the names of functions that are called. */
  constructor(tokens: TokenBuffer, known: FunctionNames, called: Set<string>) {
    this.tokens = tokens
    this.known = known
    this.called = called
  }

  /** @throws SyntaxMistake */
  parsePipeline(context: string, end: TokenType): PipeNode {
    const { at } = this.tokens.peekNonSpace()
    const { declarations, assigns } = this.parseDeclarations(context)
    const commands: CommandNode[] = []
    for (;;) {
      const token = this.tokens.nextNonSpace()
      if (token.type === end) break
      if (!OPERAND_TYPES.has(token.type)) throw this.unexpected(token, context)
      this.tokens.back()
      commands.push(this.parseCommand())
    }
    if (commands.length === 0) throw this.mistake(`missing value for ${context}`)
    const stage = commands.findIndex(({ operands }, index) => index > 0 && NOT_EXECUTABLE.has(operands[0]!.kind))
    if (stage > 0) throw this.mistake(`non executable command in pipeline stage ${stage + 1}`)
    return { kind: 'pipe', at, declarations, assigns, commands }
  }

  templateName(token: Token, context: string): string {
    if (token.type !== 'string' && token.type !== 'rawString') throw this.unexpected(token, context)
    return this.literal(() => unquote(token.text))
  }

  unexpected(token: Token, context: string): SyntaxMistake {
    if (token.type !== 'error') return this.mistake(`unexpected ${tokenText(token)} in ${context}`)
    let extra = ''
    if (this.actionLine !== 0 && this.actionLine !== token.line) {
      const words = token.text.endsWith(' action') ? '' : ' in action'
      extra = `${words} started at base:${this.actionLine}`
    }
    return this.mistake(token.text + extra)
  }

  /** `$x :=`, `$x =`, and for ranges `$i, $x :=`. */
  private parseDeclarations(context: string): { declarations: VariableNode[]; assigns: boolean } {
    const declarations: VariableNode[] = []
    for (;;) {
      const variable = this.tokens.peekNonSpace()
      if (variable.type !== 'variable') return { declarations, assigns: false }
      this.tokens.next()
      const after = this.tokens.peek()
      const next = this.tokens.peekNonSpace()
      if (next.type === 'assign' || next.type === 'declare') {
        this.tokens.nextNonSpace()
        this.addVariable(variable, declarations)
        return { declarations, assigns: next.type === 'assign' }
      }
      if (next.type !== 'character' || next.text !== ',') {
        // It is an argument.
        if (after.type === 'space') this.tokens.backThree(variable, after)
        else this.tokens.backTwo(variable)
        return { declarations, assigns: false }
      }
      this.tokens.nextNonSpace()
      this.addVariable(variable, declarations)
      if (context !== 'range' || declarations.length > 1) throw this.mistake(`too many declarations in ${context}`)
      const { type } = this.tokens.peekNonSpace()
      if (type !== 'variable' && type !== 'rightDelimiter' && type !== 'rightParenthesis') {
        throw this.mistake('range can only initialize variables')
      }
    }
  }

  private addVariable({ at, text }: Token, declarations: VariableNode[]): void {
    declarations.push({ kind: 'variable', at, name: text, path: [] })
    this.variables.push(text)
  }

  private parseCommand(): CommandNode {
    const { at } = this.tokens.peekNonSpace()
    const operands: OperandNode[] = []
    for (;;) {
      this.tokens.peekNonSpace()
      const operand = this.parseOperand()
      if (operand !== undefined) operands.push(operand)
      const token = this.tokens.next()
      if (token.type === 'space') continue
      if (token.type === 'rightDelimiter' || token.type === 'rightParenthesis') this.tokens.back()
      else if (token.type !== 'pipe') throw this.unexpected(token, 'operand')
      break
    }
    if (operands.length === 0) throw this.mistake('empty command')
    return { kind: 'command', at, operands }
  }

  /** A term and the fields behind it; undefined when no operand begins here. */
  private parseOperand(): OperandNode | undefined {
    const term = this.parseTerm()
    if (term === undefined || !this.tokens.nextIs('field')) return term
    const { at } = this.tokens.peek()
    const path: string[] = []
    while (this.tokens.nextIs('field')) path.push(this.tokens.next().text.slice(1))
    switch (term.kind) {
      case 'field':
        return { kind: 'field', at, path: [...term.path, ...path] }
      case 'variable':
        return { ...term, at, path }
      case 'boolean':
      case 'string':
      case 'number':
      case 'nil':
      case 'dot':
        throw this.mistake(`unexpected . after term ${quoteText(nodeText(term))}`)
      default:
        return { kind: 'chain', at, operand: term, path }
    }
  }

  private parseTerm(): OperandNode | undefined {
    const { type, at, text } = this.tokens.nextNonSpace()
    switch (type) {
      case 'identifier':
        if (!this.known.has(text)) throw this.mistake(`function ${quoteText(text)} not defined`)
        this.called.add(text)
        return { kind: 'identifier', at, name: text }
      case 'dot':
      case 'nil':
        return { kind: type, at }
      case 'variable':
        if (!this.variables.includes(text)) throw this.mistake(`undefined variable ${quoteText(text)}`)
        return { kind: 'variable', at, name: text, path: [] }
      case 'field':
        return { kind: 'field', at, path: [text.slice(1)] }
      case 'boolean':
        return { kind: 'boolean', at, value: text === 'true' }
      case 'characterConstant':
        return this.literal(() => characterNumber(text, at))
      case 'complex':
      case 'number':
        return this.literal(() => readNumber(text, at))
      case 'string':
      case 'rawString':
        return { kind: 'string', at, value: this.literal(() => unquote(text)), quoted: text }
      case 'leftParenthesis':
        return this.parseParentheses()
    }
    this.tokens.back()
    return undefined
  }

  private parseParentheses(): PipeNode {
    this.depth++
    if (this.depth > this.deepest) this.deepest = this.depth
    if (this.depth > GO_TEMPLATE_LIMITS.nesting) {
      throw new SyntaxMistake('max expression depth exceeded', this.tokens.line, 'TEMPLATE_TOO_COMPLEX')
    }
    const pipe = this.parsePipeline('parenthesized pipeline', 'rightParenthesis')
    this.depth--
    return pipe
  }

  private literal<Value>(read: () => Value): Value {
    try {
      return read()
    } catch (error) {
      throw error instanceof LiteralError ? this.mistake(error.message) : error
    }
  }

  private mistake(message: string): SyntaxMistake {
    return new SyntaxMistake(message, this.tokens.line)
  }
}
