import { setKey } from '@flotilla/core/json/json'
import type { NumberNotation } from '../../go-text.ts'
import { builtins, type EngineFunction } from './builtins/builtins.ts'
import { SPRIG_FUNCTIONS } from './functions/index.ts'
import { GoInteger, type GoValue, isGoList, isGoMap } from './go-value.ts'

/** Functions of sprig that turn values of any type into text. */
const PRINTING: ReadonlySet<string> = new Set([
  'cat',
  'join',
  'quote',
  'sortAlpha',
  'squote',
  'toString',
  'toStrings',
  'toYaml',
])

const BY_NOTATION: { readonly [Notation in NumberNotation]: ReadonlyMap<string, EngineFunction> } = {
  go: new Map<string, EngineFunction>([...builtins('go'), ...SPRIG_FUNCTIONS]),
  plain: new Map<string, EngineFunction>([...builtins('plain'), ...SPRIG_FUNCTIONS].map(plainly)),
}

/** Every function that a template may call; sprig's shadow those of the language. */
export function engineFunctions(numbers: NumberNotation): ReadonlyMap<string, EngineFunction> {
  return BY_NOTATION[numbers]
}

/** Where numbers print plainly, functions that only print see integers instead of floats without a fraction. */
function plainly([name, fun]: readonly [string, EngineFunction]): readonly [string, EngineFunction] {
  if (!PRINTING.has(name)) return [name, fun]
  return [
    name,
    {
      ...fun,
      call: (args, scope) =>
        fun.call(
          args.map(value => withIntegers(value, scope, 0)),
          scope,
        ),
    },
  ]
}

/** Deeper than any value that the function would print. */
const MAX_DEPTH = 200

function withIntegers(value: GoValue, scope: Parameters<EngineFunction['call']>[1], depth: number): GoValue {
  if (typeof value === 'number') return Number.isSafeInteger(value) ? new GoInteger(value, 'int64') : value
  if (depth > MAX_DEPTH) return value
  if (isGoList(value) && value.some(isUntyped)) {
    scope.spend(value.length)
    return value.map(item => withIntegers(item, scope, depth + 1))
  }
  if (!isGoMap(value)) return value
  const copy: { [key: string]: GoValue } = {}
  const keys = Object.keys(value)
  scope.spend(keys.length)
  for (const key of keys) setKey(copy as never, key, withIntegers(value[key], scope, depth + 1) as never)
  return copy
}

/** What may hold a float: lists of texts keep their type. */
function isUntyped(value: GoValue): boolean {
  return typeof value === 'number' || isGoList(value) || isGoMap(value)
}
