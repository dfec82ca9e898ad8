import type { Json } from '@flotilla/core/json/json'
import type { Arguments } from '../arguments.ts'

/** What a template may call: `{{lower name}}`, `(eq a b)`. A pure function of its arguments. */
export interface Helper {
  readonly name: string
  /** Names of its arguments, for messages and docs/handlebars.md; `…` repeats the one before it, `?` makes it optional. */
  readonly parameters: string
  /** One sentence for docs/handlebars.md. */
  readonly meaning: string
  /** @returns undefined when there is no value. @throws HelperMistake, TemplateError */
  readonly apply: (args: Arguments) => Json | undefined
}

/** How many arguments `a b? c…` takes: at least, at most. */
export function arityOf({ parameters }: Helper): readonly [number, number] {
  const words = parameters.split(' ')
  const least = words.filter(word => !word.endsWith('?')).length
  return [least, words.some(word => word.endsWith('…')) ? 64 : words.length]
}
