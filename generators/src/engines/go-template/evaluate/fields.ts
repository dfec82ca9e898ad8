import { elementTypeOf, mapKeys, zeroOf } from '../go-types.ts'
import { type GoMap, type GoValue, goTypeOf, isGoMap } from '../go-value.ts'
import { methodOf } from '../methods.ts'
import { quoteText } from '../printing/quote.ts'
import type { Execution } from './execution.ts'

/** Keys that a hint lists. */
const SHOWN_KEYS = 12
const INTERFACE = 'interface {}'

/**
 * `receiver.a.b.c`.
 *
 * @param boxed Whether Go knows the receiver only as `interface {}`.
 * @param hasArguments Whether there are arguments behind it, which only a method may have.
 */
export function evaluateFields(
  run: Execution,
  receiver: GoValue,
  boxed: boolean,
  path: readonly string[],
  hasArguments: boolean,
): GoValue {
  let value = receiver
  let container: GoValue
  for (let at = 0; at < path.length; at++) {
    const next = evaluateField(run, value, path[at]!, at === path.length - 1 && hasArguments, () =>
      at === 0 ? boxed : elementTypeOf(container) === INTERFACE,
    )
    container = value
    value = next
  }
  return value
}

function evaluateField(
  run: Execution,
  receiver: GoValue,
  name: string,
  hasArguments: boolean,
  isBoxed: () => boolean,
): GoValue {
  if (receiver === undefined) {
    if (run.settings.missingKey === 'error') run.fail(`nil data; no entry for key ${quoteText(name)}`)
    return undefined
  }
  if (receiver === null) return run.fail(`nil pointer evaluating ${INTERFACE}.${name}`)
  if (isGoMap(receiver)) {
    const value = Object.hasOwn(receiver, name) ? receiver[name] : undefined
    if (value !== undefined && !hasArguments) return value
    if (hasArguments) return run.fail(`${name} is not a method but has arguments`)
    return missing(run, receiver, name)
  }
  const method = methodOf(receiver, name)
  if (method !== undefined && !hasArguments) return method()
  return run.fail(`can't evaluate field ${name} in type ${isBoxed() ? INTERFACE : goTypeOf(receiver)}`)
}

function missing(run: Execution, map: GoMap, name: string): GoValue {
  switch (run.settings.missingKey) {
    case 'default':
      return undefined
    case 'zero':
      return zeroOf(elementTypeOf(map))
    case 'error':
      return run.fail(`map has no entry for key ${quoteText(name)}`, { hint: keysHint(map) })
  }
}

function keysHint(map: GoMap): string {
  const keys = mapKeys(map)
  if (keys.length === 0) return 'there are no keys here'
  const shown = keys.slice(0, SHOWN_KEYS).join(', ')
  return keys.length > SHOWN_KEYS ? `there are ${shown} and ${keys.length - SHOWN_KEYS} more` : `there are ${shown}`
}
