import type { NumberNotation } from '../../../go-text.ts'
import { GoInteger, type GoValue, goTypeOf } from '../go-value.ts'
import { type FormatFlags, NO_FLAGS } from './format-flags.ts'
import { type PrintBudget, plainStyle, printArgument, printBudget, spendPrinted } from './print-argument.ts'

/** Go's bound for a width or a precision; beyond it the whole verb is refused. */
const MAX_NUMBER = 1_000_000

export interface PrintOptions {
  /** How a float without a fraction prints under `%v`; Go's way when it is left out. */
  readonly numbers?: NumberNotation
}

/**
 * Go's `fmt.Sprintf`: mistakes become text such as `%!d(string=x)`, never an error.
 *
 * @throws TemplateError when the result grows beyond all bounds.
 */
export function formatPrintf(format: string, args: readonly GoValue[], options: PrintOptions = {}): string {
  return new Printf(format, args, options).run()
}

class Printf {
  private readonly format: string
  private readonly args: readonly GoValue[]
  private readonly numbers: NumberNotation
  private readonly budget: PrintBudget = printBudget()
  private output = ''
  private at = 0
  private next = 0
  /** Some verb named its argument by number: then it is not known which are left over. */
  private reordered = false
  private goodIndex = true
  /** The item before was an index, such as `[3]`. */
  private afterIndex = false

  constructor(format: string, args: readonly GoValue[], options: PrintOptions) {
    this.format = format
    this.args = args
    this.numbers = options.numbers ?? 'go'
  }

  run(): string {
    while (this.at < this.format.length) {
      const percent = this.format.indexOf('%', this.at)
      const end = percent < 0 ? this.format.length : percent
      this.write(this.format.slice(this.at, end))
      this.at = end + 1
      if (percent < 0 || !this.formatVerb()) break
    }
    if (!this.reordered && this.next < this.args.length) this.writeExtra()
    return this.output
  }

  /** @returns Whether the format goes on. */
  private formatVerb(): boolean {
    this.goodIndex = true
    this.afterIndex = false
    const flags = this.readFlags()
    this.readIndex()
    this.readWidth(flags)
    this.readPrecision(flags)
    if (!this.afterIndex) this.readIndex()
    if (this.at >= this.format.length) {
      this.write('%!(NOVERB)')
      return false
    }
    const verb = String.fromCodePoint(this.format.codePointAt(this.at)!)
    this.at += verb.length
    if (verb === '%') this.write('%')
    else if (!this.goodIndex) this.write(`%!${verb}(BADINDEX)`)
    else if (this.next >= this.args.length) this.write(`%!${verb}(MISSING)`)
    else this.write(this.printNext(verb, flags))
    return true
  }

  private printNext(verb: string, flags: FormatFlags): string {
    const value = this.args[this.next++]
    const shown = verb === 'v' || verb === 'w' ? { ...flags, source: flags.sharp, sharp: false, plus: false } : flags
    return printArgument(value, { verb, flags: shown, numbers: this.numbers, budget: this.budget })
  }

  private readFlags(): Writable<FormatFlags> {
    const flags: Writable<FormatFlags> = { ...NO_FLAGS }
    for (; ; this.at++) {
      switch (this.format[this.at]) {
        case '#':
          flags.sharp = true
          break
        case '0':
          flags.zero = true
          break
        case '+':
          flags.plus = true
          break
        case '-':
          flags.minus = true
          break
        case ' ':
          flags.space = true
          break
        default:
          return flags
      }
    }
  }

  private readWidth(flags: Writable<FormatFlags>): void {
    if (this.format[this.at] === '*') {
      this.at++
      const width = this.integerArgument()
      if (width === undefined) this.write('%!(BADWIDTH)')
      else if (width < 0) Object.assign(flags, { width: -width, minus: true, zero: false })
      else flags.width = width
      this.afterIndex = false
      return
    }
    const width = this.readNumber(this.format.length)
    flags.width = width ?? 0
    if (this.afterIndex && width !== undefined) this.goodIndex = false
  }

  private readPrecision(flags: Writable<FormatFlags>): void {
    // A point as the last character is taken for the verb.
    if (this.format[this.at] !== '.' || this.at + 1 >= this.format.length) return
    this.at++
    if (this.afterIndex) this.goodIndex = false
    this.readIndex()
    if (this.format[this.at] !== '*') {
      flags.precision = this.readNumber(this.format.length) ?? 0
      return
    }
    this.at++
    const precision = this.integerArgument()
    if (precision === undefined || precision < 0) this.write('%!(BADPREC)')
    else flags.precision = precision
    this.afterIndex = false
  }

  /** Digits; a number out of bounds takes all the rest of the format with it, as in Go. */
  private readNumber(end: number): number | undefined {
    let number: number | undefined
    for (; this.at < end; this.at++) {
      const digit = this.format.charCodeAt(this.at) - 48
      if (!(digit >= 0 && digit <= 9)) return number
      if ((number ?? 0) > MAX_NUMBER) {
        this.at = end
        return undefined
      }
      number = (number ?? 0) * 10 + digit
    }
    return number
  }

  /** `[3]`: the verb takes the third argument. */
  private readIndex(): void {
    this.afterIndex = false
    if (this.format[this.at] !== '[') return
    this.reordered = true
    const close = this.format.indexOf(']', this.at)
    if (close < 0) {
      this.at++
      this.goodIndex = false
      return
    }
    this.at++
    const number = this.readNumber(close)
    const well = number !== undefined && this.at === close
    this.at = close + 1
    this.afterIndex = well
    if (well && number >= 1 && number <= this.args.length) this.next = number - 1
    else this.goodIndex = false
  }

  private integerArgument(): number | undefined {
    if (this.next >= this.args.length) return undefined
    const value = this.args[this.next++]
    if (!(value instanceof GoInteger)) return undefined
    const number = Number(value.value)
    return Math.abs(number) > MAX_NUMBER ? undefined : number
  }

  private writeExtra(): void {
    const left = this.args
      .slice(this.next)
      .map(value =>
        value === undefined || value === null
          ? '<nil>'
          : `${goTypeOf(value)}=${printArgument(value, { ...plainStyle(this.numbers), budget: this.budget })}`,
      )
    this.write(`%!(EXTRA ${left.join(', ')})`)
  }

  private write(text: string): void {
    spendPrinted(this.budget, text.length)
    this.output += text
  }
}

type Writable<Type> = { -readonly [Key in keyof Type]: Type[Key] }
