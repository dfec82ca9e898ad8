import { quoteText } from '../printing/quote.ts'

export type TokenType =
  | 'error'
  | 'EOF'
  | 'text'
  | 'leftDelimiter'
  | 'rightDelimiter'
  | 'space'
  | 'assign'
  | 'declare'
  | 'pipe'
  | 'leftParenthesis'
  | 'rightParenthesis'
  | 'character'
  | 'identifier'
  | 'field'
  | 'variable'
  | 'dot'
  | 'boolean'
  | 'number'
  | 'complex'
  | 'characterConstant'
  | 'string'
  | 'rawString'
  | Keyword

export const KEYWORDS = [
  'block',
  'break',
  'continue',
  'define',
  'else',
  'end',
  'if',
  'nil',
  'range',
  'template',
  'with',
] as const
export type Keyword = (typeof KEYWORDS)[number]

/** One token; of an `error`, the text is the message. */
export interface Token {
  readonly type: TokenType
  readonly text: string
  /** Where it begins in the template, in UTF-16 units. */
  readonly at: number
  /** From 1. */
  readonly line: number
}

const KEYWORD_TYPES: ReadonlySet<string> = new Set(KEYWORDS)
const SHOWN_BYTES = 10

export function isKeyword(word: string): word is Keyword {
  return KEYWORD_TYPES.has(word)
}

/** A token in an error message, in Go's words. */
export function tokenText({ type, text }: Token): string {
  if (type === 'EOF') return 'EOF'
  if (type === 'error') return text
  if (KEYWORD_TYPES.has(type) || type === 'dot') return `<${text}>`
  if (new TextEncoder().encode(text).length <= SHOWN_BYTES) return quoteText(text)
  return `${quoteText([...text].slice(0, SHOWN_BYTES).join(''))}...`
}
