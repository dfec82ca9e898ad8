import { isJsonObject, type Json } from '@flotilla/core/json/json'
import type { Read } from './arguments.ts'
import { mistakeAt, type Place } from './mistake.ts'
import { type BlockNames, describe, type Frame, inside, isTruthy, type LoopData, type Run } from './run.ts'

type Write = (frame: Frame, run: Run) => void

/** `{{#each list as |item index|}} main {{else}} otherwise {{/each}}` */
export interface BlockParts {
  readonly place: Place
  readonly argument: Read
  readonly includeZero: boolean
  readonly names: readonly string[]
  readonly main: Write
  readonly otherwise: Write
}

/** Every block by its name. Each wants a value that is there; `(exists x)` and `(default x …)` are how to ask. */
export const BLOCKS: ReadonlyMap<string, (parts: BlockParts) => Write> = new Map([
  ['if', (parts: BlockParts) => conditional(parts, true)],
  ['unless', (parts: BlockParts) => conditional(parts, false)],
  ['each', each],
  ['with', within],
])

function conditional({ argument, includeZero, main, otherwise }: BlockParts, wanted: boolean): Write {
  return (frame, run) => {
    run.spend(1)
    const value = argument.required(frame, run)
    const holds = isTruthy(value) || (includeZero && value === 0)
    if (holds === wanted) main(frame, run)
    else otherwise(frame, run)
  }
}

function within({ argument, names, main, otherwise }: BlockParts): Write {
  return (frame, run) => {
    run.spend(1)
    const value = argument.required(frame, run)
    if (!isTruthy(value) && value !== 0) otherwise(frame, run)
    else main(inside(frame, value, frame.data, named(frame, names, [value])), run)
  }
}

function each({ place, argument, names, main, otherwise }: BlockParts): Write {
  return (frame, run) => {
    run.spend(1)
    const entries = entriesOf(argument.required(frame, run))
    if (entries === undefined) {
      const message = `{{#each}} goes through a list or a map, and "${argument.source}" is ${describe(argument.required(frame, run))}`
      throw mistakeAt(place, message, { code: 'TEMPLATE_FAILED' })
    }
    if (entries.length === 0) return otherwise(frame, run)
    for (const [index, [key, item]] of entries.entries()) {
      run.spend(1)
      const values = { index, key, first: index === 0, last: index === entries.length - 1 }
      const data: LoopData = { values, outer: frame.data }
      main(inside(frame, item, data, named(frame, names, [item, key])), run)
    }
  }
}

/** In the order of the document. */
function entriesOf(value: Json): readonly (readonly [key: string | number, item: Json])[] | undefined {
  if (Array.isArray(value)) return value.map((item, index) => [index, item as Json])
  if (!isJsonObject(value)) return undefined
  return Object.entries(value).flatMap(([key, item]) => (item === undefined ? [] : [[key, item] as const]))
}

function named(frame: Frame, names: readonly string[], values: readonly Json[]): BlockNames | undefined {
  return names.length === 0 ? frame.names : { names, values, outer: frame.names }
}
