import type { GoFunctions } from '../go-function.ts'
import { ARGO } from './argo.ts'
import { CERTIFICATES } from './certificates.ts'
import { CHANCE } from './chance.ts'
import { CRYPTO } from './crypto.ts'
import { DATES } from './dates.ts'
import { DEFAULTS } from './defaults.ts'
import type { FunctionGroup } from './define.ts'
import { ENCODING } from './encoding.ts'
import { FLOW } from './flow.ts'
import { LISTS } from './lists.ts'
import { MAPS } from './maps.ts'
import { MATH } from './math.ts'
import { PATHS } from './paths.ts'
import { REGULAR_EXPRESSIONS } from './regular-expressions.ts'
import { SEMANTIC_VERSIONS } from './semantic-versions.ts'
import { STRINGS } from './strings.ts'
import { TYPES } from './types.ts'
import { URLS } from './urls.ts'
import { WORDS } from './words.ts'

/** Groups by the name under which the documentation lists them. */
export const FUNCTION_GROUPS: { readonly [group: string]: FunctionGroup } = {
  strings: STRINGS,
  words: WORDS,
  math: MATH,
  dates: DATES,
  defaults: DEFAULTS,
  lists: LISTS,
  maps: MAPS,
  types: TYPES,
  encoding: ENCODING,
  paths: PATHS,
  urls: URLS,
  'regular expressions': REGULAR_EXPRESSIONS,
  'semantic versions': SEMANTIC_VERSIONS,
  crypto: CRYPTO,
  certificates: CERTIFICATES,
  chance: CHANCE,
  flow: FLOW,
  'Argo CD': ARGO,
}

/** Every function of a template by name, those of Go's own template language left out: the engine has them. */
export const SPRIG_FUNCTIONS: GoFunctions = new Map(
  Object.values(FUNCTION_GROUPS).flatMap(group => Object.entries(group)),
)
