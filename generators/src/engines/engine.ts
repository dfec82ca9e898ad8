import type { Json } from '@flotilla/core/json/json'
import type { Parameters } from '../inputs.ts'

/**
 * How a set turns a text and parameters into a text. A set uses one engine throughout.
 */
export interface TemplateEngine {
  readonly name: string
  /**
   * `flat`: parameters have dotted keys (`metadata.labels.env`); `nested`: they are objects (`.metadata.labels.env`).
   */
  readonly shape: 'flat' | 'nested'
  /** Parses once what is rendered many times. @throws TemplateError */
  compile(template: string): CompiledText
  /**
   * Renders a `values` entry of a second matrix child with the first child's parameters; undefined when a reference
   * is not known yet, so that the generator renders the entry itself (applicationsets.md 4.3). @throws TemplateError
   */
  preResolve(template: string, parameters: Parameters, meter: OutputMeter): string | undefined
  /**
   * Compiles a text that keeps its type, `${{ … }}`; undefined for any other text. Absent where there is no such thing.
   *
   * @throws TemplateError
   */
  typed?(text: string): RenderTyped | undefined
}

/** Undefined: there is nothing, and the member or item is left out. @throws TemplateError */
export type RenderTyped = (parameters: Parameters, meter: OutputMeter) => Json | undefined

/** A constant, or what renders it. */
export type CompiledText = string | RenderText

/** @throws TemplateError */
export type RenderText = (parameters: Parameters, meter: OutputMeter) => string

/** What the whole set may still do; engines count down and stop at zero. */
export interface OutputMeter {
  /** Characters to render. */
  remaining: number
  /** Steps of work, for what can work long and render little; absent: only each text has its bound. */
  steps?: number
}

export function renderText(
  engine: TemplateEngine,
  template: string,
  parameters: Parameters,
  meter: OutputMeter,
): string {
  const compiled = engine.compile(template)
  return typeof compiled === 'string' ? compiled : compiled(parameters, meter)
}
