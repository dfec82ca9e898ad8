import { goTrimSpace } from '../../../go-text.ts'
import { GO_TEMPLATE_LIMITS } from '../limits.ts'
import { quoteText } from '../printing/quote.ts'
import { Lexer } from './lexer.ts'
import { nodeText } from './node-text.ts'
import type { ActionNode, EndNode, IfNode, JumpNode, ListNode, StatementNode, TemplateNode } from './nodes.ts'
import { type FunctionNames, PipelineParser } from './parse-pipeline.ts'
import { SyntaxMistake } from './syntax-mistake.ts'
import type { Token, TokenType } from './token.ts'
import { TokenBuffer } from './token-buffer.ts'

/** One template of a text: the text itself, or what a `define` or `block` names. */
export interface ParsedTemplate {
  readonly root: ListNode
  /** How deep its blocks and parentheses are inside one another. */
  readonly nesting: number
}

export interface ParsedText {
  /** The text itself and all that it defines, by name. */
  readonly templates: ReadonlyMap<string, ParsedTemplate>
  /** Names of the functions that it calls anywhere. */
  readonly functions: ReadonlySet<string>
}

/**
 * Parses a text with all that it defines.
 *
 * @param name Of the text itself.
 * @param known Functions that may be called.
 * @throws SyntaxMistake
 */
export function parseTemplate(source: string, name: string, known: FunctionNames): ParsedText {
  const text = {
    lexer: new Lexer(source),
    known,
    templates: new Map<string, ParsedTemplate>(),
    called: new Set<string>(),
  }
  new TreeParser(text, 0).parseText(name)
  return { templates: text.templates, functions: text.called }
}

/** What the parsers of all templates of a text share. */
interface TextParts {
  readonly lexer: Lexer
  readonly known: FunctionNames
  readonly templates: Map<string, ParsedTemplate>
  readonly called: Set<string>
}

type BlockContext = 'if' | 'with' | 'range'

/** Parses one template; those defined inside it have parsers of their own, on the same lexer. */
class TreeParser {
  private readonly text: TextParts
  private readonly outerDepth: number
  private readonly tokens: TokenBuffer
  private readonly pipelines: PipelineParser
  private ranges = 0
  private depth = 0
  private deepest = 0

  constructor(text: TextParts, outerDepth: number) {
    this.text = text
    this.outerDepth = outerDepth
    this.tokens = new TokenBuffer(text.lexer)
    this.pipelines = new PipelineParser(this.tokens, text.known, text.called)
  }

  parseText(name: string): void {
    const nodes: StatementNode[] = []
    const { at } = this.tokens.peek()
    while (!this.tokens.nextIs('EOF')) {
      if (this.tokens.nextIs('leftDelimiter')) {
        const delimiter = this.tokens.next()
        if (this.tokens.nextNonSpace().type === 'define') {
          this.nested().parseDefinition()
          continue
        }
        this.tokens.backTwo(delimiter)
      }
      const node = this.parseStatement()
      if (isEnd(node)) throw this.mistake(`unexpected ${nodeText(node)}`)
      nodes.push(node)
    }
    this.add(name, { kind: 'list', at, nodes })
  }

  private parseDefinition(): void {
    const context = 'define clause'
    const token = this.tokens.nextNonSpace()
    const name = this.pipelines.templateName(token, context)
    this.expect('rightDelimiter', context)
    this.add(name, this.parseBody(context))
  }

  private parseBody(context: string): ListNode {
    const { list, end } = this.parseList()
    if (end.kind !== 'end') throw this.mistake(`unexpected ${nodeText(end)} in ${context}`)
    return list
  }

  private nested(): TreeParser {
    const depth = this.outerDepth + this.depth + 1
    if (depth > GO_TEMPLATE_LIMITS.nesting) throw this.tooDeep()
    return new TreeParser(this.text, depth)
  }

  /** An empty template gives way to one of the same name that is not. */
  private add(name: string, root: ListNode): void {
    const known = this.text.templates.get(name)
    if (known !== undefined && !isEmpty(known.root)) {
      if (isEmpty(root)) return
      throw this.mistake(`template: multiple definition of template ${quoteText(name)}`)
    }
    this.text.templates.set(name, { root, nesting: this.deepest + this.pipelines.deepest + 1 })
  }

  private parseList(): { readonly list: ListNode; readonly end: EndNode } {
    const nodes: StatementNode[] = []
    const { at } = this.tokens.peekNonSpace()
    while (this.tokens.peekNonSpace().type !== 'EOF') {
      const node = this.parseStatement()
      if (isEnd(node)) return { list: { kind: 'list', at, nodes }, end: node }
      nodes.push(node)
    }
    throw this.mistake('unexpected EOF')
  }

  private parseStatement(): StatementNode | EndNode {
    const token = this.tokens.nextNonSpace()
    if (token.type === 'text') return { kind: 'text', at: token.at, text: token.text }
    if (token.type !== 'leftDelimiter') throw this.pipelines.unexpected(token, 'input')
    this.pipelines.actionLine = token.line
    const node = this.parseAction()
    this.pipelines.actionLine = 0
    return node
  }

  private parseAction(): StatementNode | EndNode {
    const token = this.tokens.nextNonSpace()
    switch (token.type) {
      case 'block':
        return this.parseBlock()
      case 'break':
      case 'continue':
        return this.parseJump(token.type, token.at)
      case 'else':
        return this.parseElse()
      case 'end':
        return { kind: 'end', at: this.expect('rightDelimiter', 'end').at }
      case 'if':
      case 'range':
      case 'with':
        return this.parseControl(token.type)
      case 'template':
        return this.parseCall()
    }
    this.tokens.back()
    const { at } = this.tokens.peek()
    return { kind: 'action', at, pipe: this.pipelines.parsePipeline('command', 'rightDelimiter') } satisfies ActionNode
  }

  private parseJump(kind: 'break' | 'continue', at: number): JumpNode {
    this.expect('rightDelimiter', `{{${kind}}}`)
    if (this.ranges === 0) throw this.mistake(`{{${kind}}} outside {{range}}`)
    return { kind, at }
  }

  private parseElse(): EndNode {
    const { type, at } = this.tokens.peekNonSpace()
    // `else if` leaves its `if` to be parsed as a block of its own.
    if (type === 'if' || type === 'with') return { kind: 'else', at }
    return { kind: 'else', at: this.expect('rightDelimiter', 'else').at }
  }

  private parseControl(kind: BlockContext): IfNode {
    const variables = this.pipelines.variables.length
    this.enter()
    const pipe = this.pipelines.parsePipeline(kind, 'rightDelimiter')
    if (kind === 'range') this.ranges++
    const { list, end } = this.parseList()
    if (kind === 'range') this.ranges--
    const elseList = end.kind === 'else' ? this.parseElseList(kind, end) : undefined
    this.depth--
    this.pipelines.variables.length = variables
    return { kind, at: pipe.at, pipe, list, ...(elseList !== undefined && { elseList }) }
  }

  /** `{{else if x}}…{{end}}` is `{{else}}{{if x}}…{{end}}{{end}}`; the same with `with` in a `with`. */
  private parseElseList(kind: BlockContext, { at }: EndNode): ListNode {
    if (kind !== 'range' && this.tokens.nextIs(kind)) {
      this.tokens.next()
      return { kind: 'list', at, nodes: [this.parseControl(kind)] }
    }
    const { list, end } = this.parseList()
    if (end.kind !== 'end') throw this.mistake(`expected end; found ${nodeText(end)}`)
    return list
  }

  private parseBlock(): TemplateNode {
    const context = 'block clause'
    const token = this.tokens.nextNonSpace()
    const name = this.pipelines.templateName(token, context)
    const pipe = this.pipelines.parsePipeline(context, 'rightDelimiter')
    const body = this.nested()
    body.add(name, body.parseBody(context))
    return { kind: 'template', at: token.at, name, pipe }
  }

  private parseCall(): TemplateNode {
    const context = 'template clause'
    const token = this.tokens.nextNonSpace()
    const name = this.pipelines.templateName(token, context)
    if (this.tokens.nextNonSpace().type === 'rightDelimiter') return { kind: 'template', at: token.at, name }
    this.tokens.back()
    return { kind: 'template', at: token.at, name, pipe: this.pipelines.parsePipeline(context, 'rightDelimiter') }
  }

  private enter(): void {
    this.depth++
    if (this.depth > this.deepest) this.deepest = this.depth
    if (this.outerDepth + this.depth > GO_TEMPLATE_LIMITS.nesting) throw this.tooDeep()
  }

  private expect(type: TokenType, context: string): Token {
    const token = this.tokens.nextNonSpace()
    if (token.type !== type) throw this.pipelines.unexpected(token, context)
    return token
  }

  private mistake(message: string): SyntaxMistake {
    return new SyntaxMistake(message, this.tokens.line)
  }

  private tooDeep(): SyntaxMistake {
    return new SyntaxMistake('max nesting of blocks exceeded', this.tokens.line, 'TEMPLATE_TOO_COMPLEX')
  }
}

function isEnd(node: StatementNode | EndNode): node is EndNode {
  return node.kind === 'end' || node.kind === 'else'
}

/** Nothing but white space: such a template does not count as a definition. */
function isEmpty(list: ListNode): boolean {
  return list.nodes.every(node => node.kind === 'text' && goTrimSpace(node.text) === '')
}
