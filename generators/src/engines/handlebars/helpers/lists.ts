import { equalJson, getKey, isJsonObject, type Json } from '@flotilla/core/json/json'
import { type Arguments, mayMake, printed } from '../arguments.ts'
import { HelperMistake } from '../mistake.ts'
import { describe } from '../run.ts'
import type { Helper } from './helper.ts'

export const LIST_HELPERS: readonly Helper[] = [
  { name: 'join', parameters: 'list separator', meaning: 'The items as one text.', apply: join },
  {
    name: 'split',
    parameters: 'text separator',
    meaning: 'A list of the parts between the separators.',
    apply: args => {
      const parts = args.text(0).split(args.text(1))
      args.spend(parts.length / 8)
      return parts
    },
  },
  {
    name: 'first',
    parameters: 'list',
    meaning: 'Its first item; none of an empty list.',
    apply: args => args.list(0)[0],
  },
  {
    name: 'last',
    parameters: 'list',
    meaning: 'Its last item; none of an empty list.',
    apply: args => args.list(0).at(-1),
  },
  {
    name: 'contains',
    parameters: 'whole part',
    meaning: 'Whether the text holds the other text, the list the item, or the map the key.',
    apply: contains,
  },
  {
    name: 'lookup',
    parameters: 'whole key',
    meaning: 'The member of a map, or the item of a list, from 0; for keys that are parameters themselves.',
    apply: lookup,
  },
  {
    name: 'size',
    parameters: 'value',
    meaning: 'Characters of a text, items of a list, members of a map.',
    apply: size,
  },
  {
    name: 'keys',
    parameters: 'map',
    meaning: 'The keys of a map, sorted.',
    apply: args => {
      const keys = Object.keys(args.map(0))
      args.spend(keys.length)
      return keys.sort()
    },
  },
]

function join(args: Arguments): string {
  const separator = args.text(1)
  const parts: string[] = []
  let length = 0
  for (const item of args.list(0)) {
    const text = printed(item)
    if (text === undefined) {
      const hint = 'only texts, numbers, true and false can be joined'
      throw new HelperMistake(`an item of ${args.source(0)} is ${describe(item)}`, { hint })
    }
    length += text.length + separator.length
    mayMake(length)
    parts.push(text)
  }
  return parts.join(separator)
}

function contains(args: Arguments): boolean {
  const whole = args.value(0)
  if (Array.isArray(whole)) {
    const part = args.value(1)
    return whole.some(item => {
      args.spend(weight(item as Json))
      return equalJson(item as Json, part)
    })
  }
  if (isJsonObject(whole)) return getKey(whole, args.text(1)) !== undefined
  if (typeof whole === 'string') return whole.includes(args.text(1))
  throw new HelperMistake(`${args.source(0)} must be a text, a list or a map, and is ${describe(whole)}`)
}

function lookup(args: Arguments): Json | undefined {
  const whole = args.value(0)
  if (Array.isArray(whole)) return whole[args.smallNumber(1, whole.length)] as Json | undefined
  if (isJsonObject(whole)) return getKey(whole, args.text(1))
  throw new HelperMistake(`${args.source(0)} must be a list or a map, and is ${describe(whole)}`)
}

function size(args: Arguments): number {
  const value = args.value(0)
  if (typeof value === 'string') return [...value].length
  if (Array.isArray(value)) return value.length
  if (isJsonObject(value)) return Object.keys(value).length
  throw new HelperMistake(`${args.source(0)} must be a text, a list or a map, and is ${describe(value)}`)
}

/** How many values there are to compare, roughly: how far two of them agree is not known before. */
export function weight(value: Json): number {
  if (Array.isArray(value)) return value.reduce((sum: number, item) => sum + weight(item as Json), 1)
  if (isJsonObject(value)) return Object.values(value).reduce((sum: number, item) => sum + weight(item ?? null), 1)
  return typeof value === 'string' ? 1 + value.length / 64 : 1
}
