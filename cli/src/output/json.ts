import type { Json } from '@flotilla/core/json/json'

/**
 * JSON for people and scripts: two spaces a level, members in their own order, integers of any size verbatim.
 * Members that are `undefined` are left out.
 */
export function prettyJson(value: Json, indent = ''): string {
  if (typeof value === 'bigint') return value.toString()
  if (value === null || typeof value !== 'object') return JSON.stringify(value)
  const inner = `${indent}  `
  if (Array.isArray(value)) {
    const items = value.map(item => `${inner}${prettyJson((item ?? null) as Json, inner)}`)
    return items.length === 0 ? '[]' : `[\n${items.join(',\n')}\n${indent}]`
  }
  const members = Object.entries(value as { readonly [key: string]: Json | undefined }).flatMap(([key, member]) =>
    member === undefined ? [] : [`${inner}${JSON.stringify(key)}: ${prettyJson(member, inner)}`],
  )
  return members.length === 0 ? '{}' : `{\n${members.join(',\n')}\n${indent}}`
}
