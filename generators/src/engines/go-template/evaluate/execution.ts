import { TemplateError } from '../../../failure.ts'
import type { NumberNotation } from '../../../go-text.ts'
import type { EngineEnvironment } from '../../../inputs.ts'
import { LIMITS } from '../../../limits.ts'
import { byteLength } from '../functions/go-bytes.ts'
import { type FunctionScope, GoFunctionError } from '../go-function.ts'
import type { GoValue } from '../go-value.ts'
import { GO_TEMPLATE_LIMITS } from '../limits.ts'
import type { MissingKey } from '../options.ts'
import { printValue } from '../print-value.ts'
import { PrintLimit } from '../printing/print-argument.ts'
import { quoteText } from '../printing/quote.ts'
import { quotedSource } from '../quoted-source.ts'
import { nodeText } from '../syntax/node-text.ts'
import type { Node } from '../syntax/nodes.ts'

/** What an engine's options say to every rendering. */
export interface RenderSettings {
  readonly missingKey: MissingKey
  readonly numbers: NumberNotation
  readonly environment: EngineEnvironment | undefined
}

/**
 * One rendering: its output, its variables and what it may still do. Go remembers the node that it looked at last and
 * names that in errors; so does this, at the same places, which is why `node` is set all over the evaluator.
 */
export class Execution implements FunctionScope {
  readonly settings: RenderSettings
  output = ''
  node: Node
  template: string
  /** Nesting of all templates that are being called. */
  nesting = 0
  /** Whether dot is an element of an untyped container: Go then calls its type `interface {}`. */
  boxedDot = false
  steps = 0
  work = 0
  private readonly source: string
  private names: string[]
  private values: GoValue[]
  private boxed: boolean[]

  constructor(source: string, template: string, root: Node, data: GoValue, settings: RenderSettings) {
    this.source = source
    this.template = template
    this.node = root
    this.settings = settings
    this.names = ['$']
    this.values = [data]
    this.boxed = [false]
  }

  get environment(): EngineEnvironment | undefined {
    return this.settings.environment
  }

  step(): void {
    if (++this.steps > GO_TEMPLATE_LIMITS.steps) {
      throw this.limit(`takes more than ${GO_TEMPLATE_LIMITS.steps} steps`)
    }
  }

  spend(amount: number): void {
    this.work += amount
    if (this.work > GO_TEMPLATE_LIMITS.work) {
      throw this.limit(`makes more than ${GO_TEMPLATE_LIMITS.work} characters and items on the way`)
    }
  }

  /** Writes what an action came to. */
  print(value: GoValue): void {
    try {
      this.write(printValue(value, this.settings.numbers))
    } catch (error) {
      throw error instanceof PrintLimit ? new TemplateError(error.code, this.located(error.message)) : error
    }
  }

  write(text: string): void {
    this.output += text
    if (this.output.length > LIMITS.renderedText) {
      const message = `a rendered text has more than ${LIMITS.renderedText} characters`
      throw new TemplateError('OUTPUT_TOO_LARGE', this.located(message))
    }
  }

  mark(): number {
    return this.names.length
  }

  pop(mark: number): void {
    if (this.names.length === mark) return
    this.names.length = mark
    this.values.length = mark
    this.boxed.length = mark
  }

  addVariable(name: string, value: GoValue): void {
    this.names.push(name)
    this.values.push(value)
    this.boxed.push(false)
  }

  /** Sets the variable that was declared `fromTop` before the end of the stack; its type is an element's. */
  setFromTop(fromTop: number, value: GoValue, boxed: boolean): void {
    const at = this.names.length - fromTop
    this.values[at] = value
    this.boxed[at] = boxed
  }

  assign(name: string, value: GoValue, boxed: boolean): void {
    const at = this.find(name)
    this.values[at] = value
    this.boxed[at] = boxed
  }

  variable(name: string): GoValue {
    return this.values[this.find(name)]
  }

  isBoxed(name: string): boolean {
    return this.boxed[this.find(name)]!
  }

  /** Runs another template's body: it sees no variable but its own `$`. */
  inTemplate(template: string, nesting: number, data: GoValue, run: () => void): void {
    const { names, values, boxed, node, boxedDot, template: outer } = this
    this.nesting += nesting
    if (this.nesting > GO_TEMPLATE_LIMITS.callNesting) throw this.limit('calls templates inside one another too deep')
    this.template = template
    this.names = ['$']
    this.values = [data]
    this.boxed = [false]
    this.boxedDot = false
    run()
    Object.assign(this, { names, values, boxed, node, boxedDot, template: outer })
    this.nesting -= nesting
  }

  /** @throws TemplateError always, at the node that was looked at last. */
  fail(detail: string, options: { readonly hint?: string | undefined; readonly cause?: unknown } = {}): never {
    const { hint, cause } = options
    throw new TemplateError('TEMPLATE_FAILED', this.located(detail), { ...(hint !== undefined && { hint }), cause })
  }

  /** What a function threw, as an error of the template. */
  failCall(name: string, node: Node, error: unknown): never {
    if (error instanceof PrintLimit) {
      this.node = node
      throw new TemplateError(error.code, this.located(error.message))
    }
    if (error instanceof TemplateError) throw error
    if (error instanceof RangeError && /call stack/.test(error.message)) {
      throw this.limit(`nests values too deep for ${name}`)
    }
    this.node = node
    const message = error instanceof Error ? error.message : String(error)
    // Any other error than the first is Go's panic in a function, which the template reports in the same way.
    return this.fail(`error calling ${name}: ${message}`, error instanceof GoFunctionError ? {} : { cause: error })
  }

  limit(what: string): TemplateError {
    return new TemplateError('TEMPLATE_TOO_COMPLEX', this.located(`the template ${what}`))
  }

  private find(name: string): number {
    const at = this.names.lastIndexOf(name)
    const passed = this.names.length - 1 - at
    if (passed > GO_TEMPLATE_LIMITS.variablesPerStep) {
      this.steps += Math.floor(passed / GO_TEMPLATE_LIMITS.variablesPerStep)
      this.step()
    }
    return at < 0 ? this.fail(`undefined variable: ${name}`) : at
  }

  private located(detail: string): string {
    const before = this.source.slice(0, this.node.at)
    const lineStart = before.lastIndexOf('\n') + 1
    const line = before.split('\n').length
    const column = byteLength(before.slice(lineStart))
    const place = `base:${line}:${column}: executing ${quoteText(this.template)} at <${nodeText(this.node)}>`
    return `failed to execute go template ${quotedSource(this.source)}: template: ${place}: ${detail}`
  }
}
