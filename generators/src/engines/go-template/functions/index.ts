import type { GoFunctions } from '../go-function.ts'
import { DEFAULTS } from './defaults.ts'
import type { FunctionGroup } from './define.ts'
import { LISTS } from './lists.ts'
import { MATH } from './math.ts'
import { STRINGS } from './strings.ts'
import { WORDS } from './words.ts'

/** Groups by the name under which the documentation lists them. */
export const FUNCTION_GROUPS: { readonly [group: string]: FunctionGroup } = {
  strings: STRINGS,
  words: WORDS,
  math: MATH,
  defaults: DEFAULTS,
  lists: LISTS,
}

/** Every function of a template by name, those of Go's own template language left out: the engine has them. */
export const SPRIG_FUNCTIONS: GoFunctions = new Map(
  Object.values(FUNCTION_GROUPS).flatMap(group => Object.entries(group)),
)
