import Handlebars from 'handlebars'
import { TemplateError } from '../../failure.ts'
import { HANDLEBARS_LIMITS } from './limits.ts'
import { mistakeAt, type Place, tooDeep } from './mistake.ts'

/** The parser that `Handlebars.parse` uses. */
interface Parser {
  /** Names of tokens by their numbers. */
  readonly terminals_: { readonly [token: number]: string }
  readonly lexer: Lexer
}

interface Lexer {
  yy: object
  readonly yylloc: { readonly first_line: number; readonly first_column: number }
  setInput(text: string): void
  /** The number of the next token. */
  lex(): number
}

const { Parser: PARSER } = Handlebars as unknown as { readonly Parser: Parser }
const { lexer: LEXER } = PARSER

/**
 * Reads a template with Handlebars' own grammar. Only the grammar is Handlebars': what the tree means is ours
 * (`write-statement.ts`), so no template ever becomes JavaScript.
 *
 * @param template A text; the library would take a ready syntax tree as well, which is how templates escape.
 * @throws TemplateError `TEMPLATE_INVALID` with line and column.
 */
export function parseTemplate(template: string): hbs.AST.Program {
  if (typeof template !== 'string') throw new TemplateError('TEMPLATE_INVALID', 'a template is a text')
  if (template.length > HANDLEBARS_LIMITS.source) {
    const message = `a template may have ${HANDLEBARS_LIMITS.source} characters, and this one has ${template.length}`
    throw new TemplateError('TEMPLATE_INVALID', message)
  }
  try {
    refuseDeepNesting(template)
    return Handlebars.parse(template)
  } catch (error) {
    throw syntaxMistake(error)
  }
}

/**
 * The parser copies its stacks at every step, so that a few thousand blocks inside one another take it minutes. The
 * lexer takes one pass, and says beforehand how deep it would go.
 */
function refuseDeepNesting(template: string): void {
  LEXER.yy = {}
  LEXER.setInput(template)
  /** For each open block, how many levels its `{{/…}}` closes: one, and one for each `{{else if …}}`. */
  const blocks: number[] = []
  let depth = 0
  for (let token = nextToken(); token !== 'EOF'; token = nextToken()) {
    if (OPENING.has(token)) blocks.push(1)
    else if (token === 'OPEN_INVERSE_CHAIN') blocks.push((blocks.pop() ?? 0) + 1)
    if (OPENING.has(token) || token === 'OPEN_INVERSE_CHAIN' || token === 'OPEN_SEXPR') depth++
    else if (token === 'CLOSE_SEXPR') depth--
    else if (token === 'OPEN_ENDBLOCK') depth -= blocks.pop() ?? 0
    if (depth > HANDLEBARS_LIMITS.nesting) throw tooDeep(stoppedAt())
  }
}

const OPENING: ReadonlySet<string> = new Set(['OPEN_BLOCK', 'OPEN_INVERSE', 'OPEN_PARTIAL_BLOCK', 'OPEN_RAW_BLOCK'])

function nextToken(): string {
  return PARSER.terminals_[LEXER.lex() || 1] ?? 'EOF'
}

function syntaxMistake(error: unknown): TemplateError {
  if (error instanceof TemplateError) return error
  const { message = String(error), lineNumber, column } = error as Error & { lineNumber?: number; column?: number }
  if (lineNumber !== undefined && column !== undefined) {
    // `if doesn't match each - 1:3`: the place is said once, by us.
    const said = message.replace(/ - \d+:\d+$/, '')
    return mistakeAt({ line: lineNumber, column }, said, { cause: error })
  }
  const expecting = /\nExpecting (.*), got '(\w+)'$/s.exec(message)
  if (expecting === null) return mistakeAt(stoppedAt(), 'this cannot be read', { cause: error })
  return mistakeAt(stoppedAt(), unexpected(expecting[2]!), { cause: error, hint: expected(expecting[1]!) })
}

function stoppedAt(): Place {
  const { first_line, first_column } = LEXER.yylloc
  return { line: first_line, column: first_column }
}

/** The grammar's words in ours. */
const TOKENS: { readonly [token: string]: string } = {
  EOF: 'the end of the text',
  CLOSE: '}}',
  CLOSE_UNESCAPED: '}}}',
  CLOSE_RAW_BLOCK: '}}}}',
  CLOSE_SEXPR: ')',
  OPEN: '{{',
  OPEN_RAW_BLOCK: '{{{{',
  OPEN_BLOCK_PARAMS: 'as |',
  UNDEFINED: 'undefined',
  NULL: 'null',
  CONTENT: 'text',
  OPEN_BLOCK: '{{#',
  OPEN_ENDBLOCK: '{{/…}}',
  OPEN_INVERSE: '{{^',
  OPEN_INVERSE_CHAIN: '{{else …}}',
  INVERSE: '{{else}}',
  OPEN_SEXPR: '(',
  ID: 'a name',
  STRING: 'a text',
  NUMBER: 'a number',
  BOOLEAN: 'true or false',
  DATA: '@',
  SEP: '.',
  EQUALS: '=',
}

function unexpected(token: string): string {
  return token === 'INVALID' ? 'this cannot be read' : `unexpected ${TOKENS[token] ?? token}`
}

function expected(list: string): string {
  const tokens = list.split(', ').map(token => token.replaceAll("'", ''))
  return `expected ${[...new Set(tokens.map(token => TOKENS[token] ?? token))].join(' ')}`
}
