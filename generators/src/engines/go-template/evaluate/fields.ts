import type { GoFunction } from '../go-function.ts'
import { elementTypeOf, mapKeys, zeroOf } from '../go-types.ts'
import { type GoMap, GoStruct, type GoValue, goTypeOf, isGoMap } from '../go-value.ts'
import { methodOf } from '../methods.ts'
import { quoteText } from '../printing/quote.ts'
import type { Execution } from './execution.ts'

/** Keys that a hint lists. */
const SHOWN_KEYS = 12
const INTERFACE = 'interface {}'

/** Calls a method; the last one of a chain gets the arguments of the command. */
export type InvokeMethod = (
  run: Execution,
  dot: GoValue,
  final: GoValue,
  method: GoFunction,
  name: string,
  last: boolean,
) => GoValue

/**
 * `receiver.a.b.c`.
 *
 * @param boxed Whether Go knows the receiver only as `interface {}`.
 * @param hasArguments Whether there are arguments behind it, which only a method may have.
 * @param dot For the arguments of a method, as is `final`, the value of the pipe before.
 */
export function evaluateFields(
  run: Execution,
  receiver: GoValue,
  boxed: boolean,
  path: readonly string[],
  hasArguments: boolean,
  invoke: InvokeMethod,
  dot: GoValue,
  final: GoValue,
): GoValue {
  let value = receiver
  let container: GoValue
  for (let at = 0; at < path.length; at++) {
    const name = path[at]!
    const last = at === path.length - 1
    const method = isGoMap(value) ? undefined : methodOf(value, name)
    const next =
      method !== undefined
        ? invoke(run, dot, final, method, name, last)
        : evaluateField(run, value, name, last && hasArguments, () =>
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
  if (receiver instanceof GoStruct && Object.hasOwn(receiver.fields, name)) {
    return hasArguments ? run.fail(`${name} has arguments but cannot be invoked as function`) : receiver.fields[name]
  }
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
