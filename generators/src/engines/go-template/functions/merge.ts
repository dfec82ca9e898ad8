import type { FunctionScope } from '../go-function.ts'
import { type GoMap, type GoValue, isGoList, isGoMap } from '../go-value.ts'
import { checkNesting } from './deep-equal.ts'
import { isEmpty } from './defaults.ts'
import { readMap, sortedKeys, writeMap } from './maps.ts'

/**
 * Merges a map into another by the rules of the library that sprig uses: maps go into maps, everything else is taken
 * whole. Without `overwrite` the target's value stays unless it is empty (`false`, `0`, `""`).
 *
 * Parts of the source become parts of the target; as in Go they are shared, not copied.
 */
export function mergeMaps(target: GoMap, source: GoMap, overwrite: boolean, scope: FunctionScope, depth = 0): void {
  checkNesting(depth)
  for (const key of sortedKeys(source, scope)) {
    const given = readMap(source, key)
    const known = Object.hasOwn(target, key)
    const before = readMap(target, key)
    if (given === null) {
      if (overwrite) writeMap(target, key, null)
      continue
    }
    if (isGoMap(given) && isGoMap(before)) mergeMaps(before, given, overwrite, scope, depth + 1)
    if (isGoList(given) && (overwrite || Object.keys(target).length === 0)) {
      writeMap(target, key, given)
      continue
    }
    if (!isEmpty(before) && keeps(given, before)) continue
    if (overwrite || !known || isEmpty(before)) writeMap(target, key, given)
  }
}

/** Lists keep what is there, also in place of a text; maps have been merged already. */
function keeps(given: GoValue, before: GoValue): boolean {
  return isGoList(given) || (isGoMap(given) && isGoMap(before))
}
