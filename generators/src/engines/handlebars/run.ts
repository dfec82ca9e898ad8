import type { Json, JsonObject } from '@flotilla/core/json/json'
import { TemplateError } from '../../failure.ts'
import { LIMITS } from '../../limits.ts'
import type { OutputMeter } from '../engine.ts'
import { HANDLEBARS_LIMITS } from './limits.ts'

/** One rendering: what is written, and what it may still do. */
export class Run {
  readonly root: JsonObject
  readonly #meter: OutputMeter
  #steps: number
  #output = ''

  constructor(root: JsonObject, meter: OutputMeter) {
    this.root = root
    this.#meter = meter
    this.#steps = HANDLEBARS_LIMITS.steps
  }

  get output(): string {
    return this.#output
  }

  write(text: string): void {
    this.#output += text
    if (this.#output.length > LIMITS.renderedText) {
      throw new TemplateError('OUTPUT_TOO_LARGE', `a rendered text has more than ${LIMITS.renderedText} characters`)
    }
    this.#meter.remaining -= text.length
    if (this.#meter.remaining < 0) {
      throw new TemplateError('OUTPUT_TOO_LARGE', `the set renders to more than ${LIMITS.renderedSet} characters`)
    }
  }

  /** Counts work. @throws TemplateError `TEMPLATE_TOO_COMPLEX` */
  spend(steps: number): void {
    this.#steps -= steps
    if (this.#steps < 0) {
      throw new TemplateError('TEMPLATE_TOO_COMPLEX', `a template takes more than ${HANDLEBARS_LIMITS.steps} steps`)
    }
    if (this.#meter.steps === undefined) return
    this.#meter.steps -= steps
    if (this.#meter.steps < 0) {
      const message = `the templates of the set take more than ${LIMITS.stepsOfSet} steps`
      throw new TemplateError('TEMPLATE_TOO_COMPLEX', message)
    }
  }
}

/** Where a template stands while it is rendered. */
export interface Frame {
  /** `this` */
  readonly context: Json
  /** What `../` leads to. */
  readonly outer: OuterContext | undefined
  /** `@index`, `@key`, `@first`, `@last`; `@../index` leads outwards. */
  readonly data: LoopData | undefined
  /** `{{#each list as |item index|}}` */
  readonly names: BlockNames | undefined
}

export interface OuterContext {
  readonly context: Json
  readonly outer: OuterContext | undefined
}

export interface LoopData {
  readonly values: { readonly [name: string]: Json }
  readonly outer: LoopData | undefined
}

export interface BlockNames {
  readonly names: readonly string[]
  readonly values: readonly Json[]
  readonly outer: BlockNames | undefined
}

/** The frame of a block that has its own context; `../` does not count a block whose context is the same. */
export function inside(frame: Frame, context: Json, data: LoopData | undefined, names: BlockNames | undefined): Frame {
  const outer = context === frame.context ? frame.outer : { context: frame.context, outer: frame.outer }
  return { context, outer, data, names }
}

export function describe(value: Json | undefined): string {
  if (value === undefined) return 'missing'
  if (value === null) return 'null'
  if (Array.isArray(value)) return 'a list'
  switch (typeof value) {
    case 'string':
      return 'a text'
    case 'boolean':
      return 'true or false'
    case 'object':
      return 'a map'
    default:
      return 'a number'
  }
}

/** As `#if`, `and`, `or` and `not` see it: false, 0, an empty text and an empty list are not. */
export function isTruthy(value: Json): boolean {
  if (Array.isArray(value)) return value.length > 0
  return Boolean(value)
}
