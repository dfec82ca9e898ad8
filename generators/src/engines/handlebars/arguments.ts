import { isJsonObject, type Json, type JsonObject } from '@flotilla/core/json/json'
import { formatNumber } from '../../go-text.ts'
import { HANDLEBARS_LIMITS } from './limits.ts'
import { HelperMistake } from './mistake.ts'
import { describe, type Frame, type Run } from './run.ts'

/** A compiled expression: undefined for a path that leads nowhere. @throws TemplateError */
export interface Read {
  readonly read: (frame: Frame, run: Run) => Json | undefined
  /** As it is written, for messages. */
  readonly source: string
  /** The value, or an error that says what is missing. @throws TemplateError */
  readonly required: (frame: Frame, run: Run) => Json
}

/** What a helper was called with; nothing is looked at before the helper asks for it. */
export class Arguments {
  readonly #reads: readonly Read[]
  readonly #frame: Frame
  readonly #run: Run

  constructor(reads: readonly Read[], frame: Frame, run: Run) {
    this.#reads = reads
    this.#frame = frame
    this.#run = run
  }

  get count(): number {
    return this.#reads.length
  }

  source(index: number): string {
    return this.#reads[index]!.source
  }

  /** Undefined when it is missing or null. */
  optional(index: number): Json | undefined {
    return this.#reads[index]!.read(this.#frame, this.#run) ?? undefined
  }

  value(index: number): Json {
    const value = this.#reads[index]!.required(this.#frame, this.#run)
    // Later parts may go over every character or item of it.
    if (typeof value === 'string') this.#run.spend(value.length / 64)
    else if (Array.isArray(value)) this.#run.spend(value.length / 8)
    return value
  }

  values(from = 0): Json[] {
    return this.#reads.slice(from).map((_, index) => this.value(from + index))
  }

  /** A text, or what prints as one: a number, true or false. */
  text(index: number): string {
    const value = this.value(index)
    const text = printed(value)
    if (text === undefined) throw this.#wrong(index, 'a text', value)
    return text
  }

  list(index: number): readonly Json[] {
    const value = this.value(index)
    if (!Array.isArray(value)) throw this.#wrong(index, 'a list', value)
    return value
  }

  map(index: number): JsonObject {
    const value = this.value(index)
    if (!isJsonObject(value)) throw this.#wrong(index, 'a map', value)
    return value
  }

  number(index: number): number | bigint {
    const value = this.value(index)
    if (typeof value !== 'number' && typeof value !== 'bigint') throw this.#wrong(index, 'a number', value)
    return value
  }

  /** @throws HelperMistake when it is no whole number from 0 to `most`. */
  smallNumber(index: number, most: number): number {
    const value = this.value(index)
    if (typeof value === 'number' && Number.isInteger(value) && value >= 0 && value <= most) return value
    throw this.#wrong(index, `a whole number from 0 to ${most}`, value)
  }

  spend(steps: number): void {
    this.#run.spend(steps)
  }

  #wrong(index: number, wanted: string, value: Json): HelperMistake {
    return new HelperMistake(`${this.source(index)} must be ${wanted}, and is ${describe(value)}`)
  }
}

/** A value as text; undefined for what has no obvious one. */
export function printed(value: Json): string | undefined {
  switch (typeof value) {
    case 'string':
      return value
    case 'boolean':
      return value ? 'true' : 'false'
    case 'number':
    case 'bigint':
      return formatNumber(value, 'plain')
    default:
      return undefined
  }
}

/** @throws HelperMistake when a text of this length is longer than a helper may make. */
export function mayMake(length: number): void {
  if (length <= HANDLEBARS_LIMITS.text) return
  throw new HelperMistake(`makes a text of more than ${HANDLEBARS_LIMITS.text} characters`, {
    code: 'OUTPUT_TOO_LARGE',
  })
}
