import type { Lexer } from './lexer.ts'
import type { Token, TokenType } from './token.ts'

/**
 * Three tokens of look-ahead, as Go's parser has them. Its first place, which need not be the latest token, gives the
 * line of an error; so the same places are kept.
 */
export class TokenBuffer {
  private readonly lexer: Lexer
  private readonly places: Token[] = []
  private waiting = 0

  constructor(lexer: Lexer) {
    this.lexer = lexer
  }

  /** Of the place that errors name. */
  get line(): number {
    return this.places[0]?.line ?? 0
  }

  next(): Token {
    if (this.waiting > 0) this.waiting--
    else this.places[0] = this.lexer.next()
    return this.places[this.waiting]!
  }

  peek(): Token {
    if (this.waiting === 0) {
      this.waiting = 1
      this.places[0] = this.lexer.next()
    }
    return this.places[this.waiting - 1]!
  }

  nextNonSpace(): Token {
    let token = this.next()
    while (token.type === 'space') token = this.next()
    return token
  }

  peekNonSpace(): Token {
    const token = this.nextNonSpace()
    this.back()
    return token
  }

  /** Puts the latest token back. */
  back(): void {
    this.waiting++
  }

  /** Puts `token` back, which came before the one that is there. */
  backTwo(token: Token): void {
    this.places[1] = token
    this.waiting = 2
  }

  /** Puts `first` and `second` back, which came before the one that is there. */
  backThree(first: Token, second: Token): void {
    this.places[1] = second
    this.places[2] = first
    this.waiting = 3
  }

  nextIs(type: TokenType): boolean {
    return this.peek().type === type
  }
}
