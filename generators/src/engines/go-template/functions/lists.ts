import type { FunctionScope, GoFunction } from '../go-function.ts'
import { GoFunctionError } from '../go-function.ts'
import { type GoValue, goTypeOf, typedList } from '../go-value.ts'
import { toInt64 } from './convert.ts'
import { deepEqual } from './deep-equal.ts'
import { isEmpty } from './defaults.ts'
import { countArgument, define, type FunctionGroup } from './define.ts'
import { itemsOf, kindOf, nilList } from './items.ts'

const APPEND = define('any any', ([list, item], scope) => [...itemsFor(list, 'Cannot push on type', scope), item])

/** Lists: none of these changes the list that it is given. */
export const LISTS: FunctionGroup = {
  list: define('', collect, { variadic: 'any' }),
  tuple: define('', collect, { variadic: 'any' }),
  ...both('append', APPEND),
  ...both('push', APPEND),
  ...both(
    'prepend',
    define('any any', ([list, item], scope) => [item, ...itemsFor(list, 'Cannot prepend on type', scope)]),
  ),
  ...both(
    'first',
    define('any', ([list], scope) => itemsFor(list, 'Cannot find first on type', scope)[0] ?? null),
  ),
  ...both(
    'last',
    define('any', ([list], scope) => itemsFor(list, 'Cannot find last on type', scope).at(-1) ?? null),
  ),
  ...both(
    'rest',
    define('any', ([list], scope) => {
      const items = itemsFor(list, 'Cannot find rest on type', scope)
      return items.length === 0 ? nilList() : items.slice(1)
    }),
  ),
  ...both(
    'initial',
    define('any', ([list], scope) => {
      const items = itemsFor(list, 'Cannot find initial on type', scope)
      return items.length === 0 ? nilList() : items.slice(0, -1)
    }),
  ),
  ...both(
    'reverse',
    define('any', ([list], scope) => [...itemsFor(list, 'Cannot find reverse on type', scope)].reverse()),
  ),
  ...both(
    'compact',
    define('any', ([list], scope) => itemsFor(list, 'Cannot compact on type', scope).filter(item => !isEmpty(item))),
  ),
  ...both(
    'uniq',
    define('any', ([list], scope) => unique(itemsFor(list, 'Cannot find uniq on type', scope), scope)),
  ),
  ...both(
    'without',
    define(
      'any',
      ([list, ...omitted], scope) =>
        itemsFor(list, 'Cannot find without on type', scope).filter(item => !holds(omitted, item, scope)),
      { variadic: 'any' },
    ),
  ),
  ...both(
    'has',
    define('any any', ([needle, list], scope) =>
      list === null || list === undefined
        ? false
        : holds(itemsFor(list, 'Cannot find has on type', scope), needle, scope),
    ),
  ),
  ...both(
    'slice',
    define('any', ([list, ...bounds], scope) => slice(list, bounds, scope), { variadic: 'any' }),
  ),
  ...both(
    'chunk',
    define('int any', ([size, list], scope) =>
      chunk(itemsFor(list, 'Cannot chunk type', scope), countArgument(size), scope),
    ),
  ),
  concat: define(
    '',
    (lists, scope) => {
      const all = lists.flatMap(list => itemsFor(list, 'Cannot concat type', scope, ' as list'))
      return all.length === 0 ? nilList() : all
    },
    { variadic: 'any' },
  ),
}

function collect(args: readonly GoValue[], scope: FunctionScope): GoValue {
  scope.spend(args.length)
  return [...args]
}

/** Under its name and as `mustName`: in Go one panics where the other gives an error, which a template cannot tell. */
function both(name: string, defined: GoFunction): FunctionGroup {
  return { [name]: defined, [`must${name[0]!.toUpperCase()}${name.slice(1)}`]: defined }
}

/** @throws GoFunctionError for what is no list, in the words of the function that wanted one. */
function itemsFor(list: GoValue, complaint: string, scope: FunctionScope, end = ''): readonly GoValue[] {
  if (list === null || list === undefined) throw nilDereference()
  const items = itemsOf(list)
  if (items === undefined) throw new GoFunctionError(`${complaint} ${kindOf(list)}${end}`)
  scope.spend(items.length)
  return items
}

/** What Go's runtime says where a function looks at nil. */
export function nilDereference(): GoFunctionError {
  return new GoFunctionError('runtime error: invalid memory address or nil pointer dereference')
}

function holds(items: readonly GoValue[], needle: GoValue, scope: FunctionScope): boolean {
  return items.some(item => deepEqual(needle, item, scope))
}

function unique(items: readonly GoValue[], scope: FunctionScope): readonly GoValue[] {
  const seenTexts = new Set<string>()
  const others: GoValue[] = []
  return items.filter(item => {
    if (typeof item === 'string') {
      if (seenTexts.has(item)) return false
      seenTexts.add(item)
      return true
    }
    if (holds(others, item, scope)) return false
    others.push(item)
    return true
  })
}

function slice(list: GoValue, bounds: readonly GoValue[], scope: FunctionScope): GoValue {
  const items = itemsFor(list, 'list should be type of slice or array but', scope)
  if (items.length === 0) return null
  const start = bounds.length > 0 ? Number(toInt64(bounds[0])) : 0
  const end = bounds.length > 1 ? Number(toInt64(bounds[1])) : items.length
  if (start < 0 || end < start || end > items.length) {
    throw new GoFunctionError('reflect.Value.Slice: slice index out of bounds')
  }
  return typedList(goTypeOf(list), items.slice(start, end))
}

/** Lists of `size` items each, the last one shorter. */
function chunk(items: readonly GoValue[], size: number, scope: FunctionScope): GoValue {
  const chunks: (readonly GoValue[])[] = []
  if (size < 1) {
    // Go counts the parts all the same, and can make only none of them, or one.
    if (Math.floor((items.length - 1) / size) + 1 === 0) return typedList('[][]interface {}', chunks)
    if (items.length === 1 && size < -1) return typedList('[][]interface {}', [items])
    throw new GoFunctionError('runtime error: makeslice: len out of range')
  }
  for (let at = 0; at < items.length; at += size) chunks.push(items.slice(at, at + size))
  scope.spend(items.length)
  return typedList('[][]interface {}', chunks)
}
