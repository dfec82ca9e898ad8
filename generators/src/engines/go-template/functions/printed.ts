import { compareUtf8, formatNumber } from '../../../go-text.ts'
import { GoBytes, GoInteger, GoTime, type GoValue, isGoMap } from '../go-value.ts'

/** A value as Go's `%v` prints it. */
export function printed(value: GoValue): string {
  if (value === null || value === undefined) return '<nil>'
  if (typeof value === 'string') return value
  if (typeof value === 'boolean') return value ? 'true' : 'false'
  if (typeof value === 'number') return formatNumber(value, 'go')
  if (value instanceof GoInteger) return value.value.toString()
  if (value instanceof GoBytes) return `[${[...value.bytes].join(' ')}]`
  if (value instanceof GoTime) return value.nanoseconds.toString()
  if (isGoMap(value)) {
    const keys = Object.keys(value).sort(compareUtf8)
    return `map[${keys.map(key => `${key}:${printed(value[key])}`).join(' ')}]`
  }
  return `[${value.map(printed).join(' ')}]`
}
