import { getKey, type MutableJsonObject, setKey } from '@flotilla/core/json/json'
import { compareUtf8 } from '../../../go-text.ts'
import type { FunctionScope } from '../go-function.ts'
import { GoFunctionError } from '../go-function.ts'
import { type GoMap, type GoValue, goTypeOf, isGoList, isGoMap, typedList, typedMap } from '../go-value.ts'
import { textOf } from './convert.ts'
import { checkNesting } from './deep-equal.ts'
import { define, type FunctionGroup, mapArgument, textArgument } from './define.ts'
import { isNilContainer, nilMap } from './items.ts'
import { mergeMaps } from './merge.ts'

/** Maps; where Go goes through a map in any order, ours goes by key, so that a set renders the same each time. */
export const MAPS: FunctionGroup = {
  dict: define('', dict, { variadic: 'any' }),
  get: define('map string', ([map, key]) => {
    const source = mapArgument(map)
    return Object.hasOwn(source, textArgument(key)) ? readMap(source, textArgument(key)) : ''
  }),
  set: define(
    'map string any',
    ([map, key, value], scope) => {
      const target = mutable(map)
      refuseCycle(target, value, scope)
      scope.spend(1)
      writeMap(target, textArgument(key), value ?? null)
      return target
    },
    { mutates: true },
  ),
  unset: define(
    'map string',
    ([map, key]) => {
      if (map === null || map === undefined) return nilMap()
      const target = mutable(map)
      delete (target as { [key: string]: GoValue })[textArgument(key)]
      return target
    },
    { mutates: true },
  ),
  hasKey: define('map string', ([map, key]) => Object.hasOwn(mapArgument(map), textArgument(key))),
  pluck: define(
    'string',
    ([key, ...maps], scope) => {
      scope.spend(maps.length)
      const name = textArgument(key)
      return maps
        .map(mapArgument)
        .filter(map => Object.hasOwn(map, name))
        .map(map => readMap(map, name))
    },
    { variadic: 'map' },
  ),
  keys: define(
    '',
    (maps, scope) =>
      typedList(
        '[]string',
        maps.flatMap(map => sortedKeys(mapArgument(map), scope)),
      ),
    { variadic: 'map' },
  ),
  values: define('map', ([map], scope) =>
    sortedKeys(mapArgument(map), scope).map(key => readMap(mapArgument(map), key)),
  ),
  pick: define('map', ([map, ...keys], scope) => selected(mapArgument(map), keys, true, scope), {
    variadic: 'string',
  }),
  omit: define('map', ([map, ...keys], scope) => selected(mapArgument(map), keys, false, scope), {
    variadic: 'string',
  }),
  merge: merging(false),
  mustMerge: merging(false),
  mergeOverwrite: merging(true),
  mustMergeOverwrite: merging(true),
  dig: define('', dig, { variadic: 'any' }),
  deepCopy: define('any', ([value], scope) => deepCopyOf(value, scope)),
  mustDeepCopy: define('any', ([value], scope) => deepCopyOf(value, scope)),
}

/** An own key's value; null for nil and for what is not there. */
export function readMap(map: GoMap, key: string): GoValue {
  return (getKey(map as never, key) ?? null) as GoValue
}

/** Writes any key, `__proto__` too. */
export function writeMap(map: GoMap, key: string, value: GoValue): void {
  setKey(map as MutableJsonObject, key, value as never)
}

export function sortedKeys(map: GoMap, scope: FunctionScope): readonly string[] {
  const keys = Object.keys(map)
  scope.spend(keys.length)
  return keys.sort(compareUtf8)
}

function mutable(map: GoValue): GoMap {
  if (map === null || map === undefined || isNilContainer(map)) {
    throw new GoFunctionError('assignment to entry in nil map')
  }
  return mapArgument(map)
}

function dict(args: readonly GoValue[], scope: FunctionScope): GoValue {
  scope.spend(args.length)
  const result: GoMap = {}
  for (let at = 0; at < args.length; at += 2) {
    writeMap(result, textOf(args[at]), at + 1 < args.length ? (args[at + 1] ?? null) : '')
  }
  return result
}

function selected(map: GoMap, keys: readonly GoValue[], wanted: boolean, scope: FunctionScope): GoValue {
  const names = new Set(keys.map(textArgument))
  const result: GoMap = {}
  for (const key of sortedKeys(map, scope)) if (names.has(key) === wanted) writeMap(result, key, readMap(map, key))
  return result
}

function merging(overwrite: boolean) {
  return define(
    'map',
    ([target, ...sources], scope) => {
      const none = target === null || target === undefined || isNilContainer(target)
      if (none && sources.length === 0) return nilMap()
      const merged = none ? {} : mapArgument(target)
      for (const source of sources) {
        refuseCycle(merged, source, scope)
        mergeMaps(merged, mapArgument(source), overwrite, scope)
      }
      return merged
    },
    { variadic: 'map', mutates: true },
  )
}

/** A map inside itself has no end for whatever prints it; Go would stop the whole process there. */
function refuseCycle(target: GoMap, value: GoValue, scope: FunctionScope, depth = 0): void {
  checkNesting(depth)
  if (isGoList(value)) {
    scope.spend(value.length)
    for (const item of value) refuseCycle(target, item, scope, depth + 1)
  } else if (isGoMap(value)) {
    // A source that is the target itself changes nothing.
    if (value === target && depth === 0) return
    if (value === target) throw new GoFunctionError('a map cannot hold itself')
    const members = Object.values(value)
    scope.spend(members.length)
    for (const member of members) refuseCycle(target, member, scope, depth + 1)
  }
}

function dig(args: readonly GoValue[], scope: FunctionScope): GoValue {
  if (args.length < 3) throw new GoFunctionError('dig needs at least three arguments')
  const fallback = args.at(-2) ?? null
  let step = digMap(args.at(-1))
  const keys = args.slice(0, -2).map(digKey)
  scope.spend(keys.length)
  for (const [index, key] of keys.entries()) {
    if (!Object.hasOwn(step, key)) return fallback
    const value = readMap(step, key)
    if (index === keys.length - 1) return value
    step = digMap(value)
  }
  return fallback
}

function digMap(value: GoValue): GoMap {
  if (isGoMap(value) && typeName(value) === MAP_TYPE) return value
  throw new GoFunctionError(`interface conversion: interface {} is ${typeName(value)}, not ${MAP_TYPE}`)
}

function digKey(value: GoValue): string {
  if (typeof value === 'string') return value
  throw new GoFunctionError(`interface conversion: interface {} is ${typeName(value)}, not string`)
}

function typeName(value: GoValue): string {
  return value === null || value === undefined ? 'nil' : goTypeOf(value)
}

const MAP_TYPE = 'map[string]interface {}'

/** @throws GoFunctionError for nil, of which Go's library has no type to copy. */
function deepCopyOf(value: GoValue, scope: FunctionScope): GoValue {
  if (value === null || value === undefined) {
    throw new GoFunctionError('reflect: call of reflect.Value.Type on zero Value')
  }
  return deepCopy(value, scope)
}

function deepCopy(value: GoValue, scope: FunctionScope, depth = 0): GoValue {
  checkNesting(depth)
  if (value === undefined || value === null || typeof value !== 'object') return value ?? null
  scope.spend(1)
  if (isGoList(value))
    return typedList(
      goTypeOf(value),
      value.map(item => deepCopy(item, scope, depth + 1)),
    )
  if (!isGoMap(value)) return value
  const copy = typedMap(goTypeOf(value), {})
  for (const key of Object.keys(value)) writeMap(copy, key, deepCopy(readMap(value, key), scope, depth + 1))
  return copy
}
