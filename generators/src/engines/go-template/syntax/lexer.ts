import { GoInteger } from '../go-value.ts'
import { formatPrintf } from '../printing/printf.ts'
import { quoteText } from '../printing/quote.ts'
import { isKeyword, type Token, type TokenType } from './token.ts'

const LEFT = '{{'
const RIGHT = '}}'
const COMMENT_START = '/*'
const COMMENT_END = '*/'
const LETTER_OR_DIGIT = /^[\p{L}\p{Nd}]$/u
const WORD_END = '.,|:)('
const SPACES = ' \t\r\n'

/**
 * Cuts a template into tokens, one at a time. After an `error` there are only `EOF`s.
 *
 * Trim markers (`{{- `, ` -}}`) are settled here: the parser sees texts that are trimmed already.
 */
export class Lexer {
  private source: string
  private at = 0
  private start = 0
  private line = 1
  private startLine = 1
  private insideAction = false
  private parentheses = 0

  constructor(source: string) {
    this.source = source
  }

  next(): Token {
    return this.insideAction ? this.lexAction() : this.lexText()
  }

  private lexText(): Token {
    for (;;) {
      const open = this.source.indexOf(LEFT, this.at)
      if (open < 0) {
        this.at = this.source.length
        return this.take(this.at > this.start ? 'text' : 'EOF')
      }
      if (open > this.at) {
        this.at = isTrimMarker(this.source, open + LEFT.length) ? trimEnd(this.source, this.start, open) : open
        const text = this.take('text')
        this.skipTo(open)
        if (text.text !== '') return text
      }
      const token = this.lexOpen()
      if (token !== undefined) return token
    }
  }

  /** Undefined for a comment, which is left out. */
  private lexOpen(): Token | undefined {
    const afterOpen = this.at + LEFT.length
    const begin = isTrimMarker(this.source, afterOpen) ? afterOpen + 2 : afterOpen
    if (this.source.startsWith(COMMENT_START, begin)) return this.lexComment(begin)
    this.at = afterOpen
    const token = this.take('leftDelimiter')
    this.skipTo(begin)
    this.insideAction = true
    this.parentheses = 0
    return token
  }

  private lexComment(begin: number): Token | undefined {
    this.skipTo(begin)
    const end = this.source.indexOf(COMMENT_END, begin + COMMENT_START.length)
    if (end < 0) return this.error('unclosed comment')
    this.at = end + COMMENT_END.length
    const close = this.rightDelimiter(this.at)
    if (close === undefined) return this.error('comment ends before closing delimiter')
    this.skipTo(close.trims ? trimStart(this.source, close.end) : close.end)
    return undefined
  }

  /** The end of a right delimiter that begins here, with its trim marker. */
  private rightDelimiter(at: number): { readonly end: number; readonly trims: boolean } | undefined {
    if (isSpace(this.source[at]) && this.source[at + 1] === '-' && this.source.startsWith(RIGHT, at + 2)) {
      return { end: at + 2 + RIGHT.length, trims: true }
    }
    return this.source.startsWith(RIGHT, at) ? { end: at + RIGHT.length, trims: false } : undefined
  }

  private lexAction(): Token {
    const close = this.rightDelimiter(this.at)
    if (close !== undefined) return this.parentheses === 0 ? this.lexClose() : this.error('unclosed left paren')
    const character = this.advance()
    switch (character) {
      case undefined:
        return this.error('unclosed action')
      case ' ':
      case '\t':
      case '\r':
      case '\n':
        return this.lexSpace()
      case '=':
        return this.take('assign')
      case ':':
        return this.advance() === '=' ? this.take('declare') : this.error('expected :=')
      case '|':
        return this.take('pipe')
      case '"':
        return this.lexQuoted('"', 'string', 'unterminated quoted string')
      case "'":
        return this.lexQuoted("'", 'characterConstant', 'unterminated character constant')
      case '`':
        return this.lexRawString()
      case '$':
        return this.lexName('variable')
      case '(':
        this.parentheses++
        return this.take('leftParenthesis')
      case ')':
        if (--this.parentheses < 0) return this.error('unexpected right paren')
        return this.take('rightParenthesis')
    }
    if (character === '.' && this.at < this.source.length && !isDigit(this.source[this.at]))
      return this.lexName('field')
    if (character === '.' || character === '+' || character === '-' || isDigit(character)) return this.lexNumber()
    if (isAlphaNumeric(character)) return this.lexIdentifier()
    if (character > ' ' && character < '\u007f') return this.take('character')
    return this.error(`unrecognized character in action: ${codePointText(character)}`)
  }

  private lexClose(): Token {
    const { end, trims } = this.rightDelimiter(this.at)!
    this.skipTo(end - RIGHT.length)
    this.at = end
    const token = this.take('rightDelimiter')
    if (trims) this.skipTo(trimStart(this.source, end))
    this.insideAction = false
    return token
  }

  /** The space before a trim marker belongs to that. */
  private lexSpace(): Token {
    while (isSpace(this.source[this.at])) this.advance()
    if (this.rightDelimiter(this.at - 1)?.trims === true) {
      this.at--
      if (this.source[this.at] === '\n') this.line--
      if (this.at === this.start) return this.lexClose()
    }
    return this.take('space')
  }

  private lexIdentifier(): Token {
    this.skipAlphaNumeric()
    const word = this.source.slice(this.start, this.at)
    if (!this.atWordEnd()) return this.badCharacter()
    if (isKeyword(word)) return this.take(word)
    return this.take(word === 'true' || word === 'false' ? 'boolean' : 'identifier')
  }

  private lexName(type: 'field' | 'variable'): Token {
    if (this.atWordEnd()) return this.take(type === 'field' ? 'dot' : 'variable')
    this.skipAlphaNumeric()
    return this.atWordEnd() ? this.take(type) : this.badCharacter()
  }

  private atWordEnd(): boolean {
    const character = this.source[this.at]
    if (character === undefined || isSpace(character) || WORD_END.includes(character)) return true
    return this.source.startsWith(RIGHT, this.at)
  }

  private badCharacter(): Token {
    return this.error(`bad character ${codePointText(this.peek()!)}`)
  }

  private lexQuoted(quote: string, type: TokenType, message: string): Token {
    for (;;) {
      let character = this.advance()
      if (character === '\\') {
        character = this.advance()
        if (character !== undefined && character !== '\n') continue
      }
      if (character === undefined || character === '\n') return this.error(message)
      if (character === quote) return this.take(type)
    }
  }

  private lexRawString(): Token {
    const end = this.source.indexOf('`', this.at)
    if (end < 0) return this.error('unterminated raw quoted string')
    while (this.at <= end) this.advance()
    return this.take('rawString')
  }

  private lexNumber(): Token {
    this.at = this.start
    const well = this.scanNumber()
    const sign = this.source[this.at]
    if (well && sign !== '+' && sign !== '-') return this.take('number')
    if (well && this.scanNumber() && this.source[this.at - 1] === 'i') return this.take('complex')
    return this.error(`bad number syntax: ${quoteText(this.source.slice(this.start, this.at))}`)
  }

  /** Takes what may be a number; the parser reads it in earnest. */
  private scanNumber(): boolean {
    this.accept('+-')
    let digits = '0123456789_'
    if (this.accept('0')) {
      if (this.accept('xX')) digits = '0123456789abcdefABCDEF_'
      else if (this.accept('oO')) digits = '01234567_'
      else if (this.accept('bB')) digits = '01_'
    }
    this.acceptRun(digits)
    if (this.accept('.')) this.acceptRun(digits)
    const exponent = digits.length === 11 ? 'eE' : digits.length === 23 ? 'pP' : ''
    if (exponent !== '' && this.accept(exponent)) {
      this.accept('+-')
      this.acceptRun('0123456789_')
    }
    this.accept('i')
    const next = this.peek()
    if (next === undefined || !isAlphaNumeric(next)) return true
    this.advance()
    return false
  }

  private accept(valid: string): boolean {
    const character = this.source[this.at]
    if (character === undefined || !valid.includes(character)) return false
    this.at++
    return true
  }

  private acceptRun(valid: string): void {
    while (this.accept(valid));
  }

  private skipAlphaNumeric(): void {
    for (let next = this.peek(); next !== undefined && isAlphaNumeric(next); next = this.peek()) this.at += next.length
  }

  /** The next code point. */
  private peek(): string | undefined {
    const code = this.source.codePointAt(this.at)
    return code === undefined ? undefined : String.fromCodePoint(code)
  }

  private advance(): string | undefined {
    const character = this.peek()
    if (character === undefined) return undefined
    this.at += character.length
    if (character === '\n') this.line++
    return character
  }

  private take(type: TokenType): Token {
    const text = this.source.slice(this.start, this.at)
    // Texts are jumped over; all else is counted as it is read.
    if (type === 'text') this.line += countLines(text)
    const token: Token = { type, text, at: this.start, line: this.startLine }
    this.start = this.at
    this.startLine = this.line
    return token
  }

  private skipTo(at: number): void {
    this.line += countLines(this.source.slice(this.start, at))
    this.at = at
    this.start = at
    this.startLine = this.line
  }

  private error(message: string): Token {
    const token: Token = { type: 'error', text: message, at: this.start, line: this.startLine }
    this.source = ''
    this.at = 0
    this.start = 0
    this.insideAction = false
    return token
  }
}

function countLines(text: string): number {
  let count = 0
  for (let at = text.indexOf('\n'); at >= 0; at = text.indexOf('\n', at + 1)) count++
  return count
}

/** Whether the `-` of `{{- ` stands here. */
function isTrimMarker(source: string, at: number): boolean {
  return source[at] === '-' && isSpace(source[at + 1])
}

function trimEnd(source: string, from: number, to: number): number {
  let end = to
  while (end > from && isSpace(source[end - 1])) end--
  return end
}

function trimStart(source: string, from: number): number {
  let start = from
  while (isSpace(source[start])) start++
  return start
}

function isSpace(character: string | undefined): boolean {
  return character !== undefined && SPACES.includes(character)
}

function isDigit(character: string | undefined): boolean {
  return character !== undefined && character >= '0' && character <= '9'
}

function isAlphaNumeric(character: string): boolean {
  if (character < '\u0080') {
    return (
      (character >= 'a' && character <= 'z') ||
      (character >= 'A' && character <= 'Z') ||
      isDigit(character) ||
      character === '_'
    )
  }
  return LETTER_OR_DIGIT.test(character)
}

function codePointText(character: string): string {
  return formatPrintf('%#U', [new GoInteger(character.codePointAt(0)!, 'int32')])
}
