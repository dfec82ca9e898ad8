import { GoBytes, GoInteger, GoStruct, GoTime, type GoValue, goTypeOf, isGoList } from './go-value.ts'

/** The type of what a list or map holds: `interface {}` of those that come from data. */
export function elementTypeOf(container: GoValue): string {
  const type = goTypeOf(container)
  if (type.startsWith('[]')) return type.slice(2)
  return type.startsWith('map[string]') ? type.slice('map[string]'.length) : type
}

const ZEROS: { readonly [type: string]: GoValue } = { string: '', bool: false, float64: 0 }

/** The zero value of an element type: null for `interface {}`, lists and maps. */
export function zeroOf(type: string): GoValue {
  if (type === 'int' || type === 'int64') return new GoInteger(0, type)
  return Object.hasOwn(ZEROS, type) ? ZEROS[type] : null
}

/** Whether `if` takes a value for true: no nil, no zero, nothing empty. */
export function isTrue(value: GoValue): boolean {
  switch (typeof value) {
    case 'undefined':
      return false
    case 'string':
      return value !== ''
    case 'boolean':
      return value
    case 'number':
      return value !== 0
  }
  if (value === null) return false
  if (value instanceof GoInteger) return value.value !== 0n
  if (value instanceof GoTime || value instanceof GoStruct) return true
  if (value instanceof GoBytes) return value.bytes.length > 0
  return isGoList(value) ? value.length > 0 : mapSize(value) > 0
}

/** Keys without a value are none. */
export function mapKeys(map: object): string[] {
  return Object.keys(map).filter(key => (map as { readonly [key: string]: GoValue })[key] !== undefined)
}

export function mapSize(map: object): number {
  return mapKeys(map).length
}
