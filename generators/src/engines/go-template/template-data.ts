import { isJsonObject, type Json, type JsonObject, setKey } from '@flotilla/core/json/json'
import { isMadeInteger, type NumberNotation } from '../../go-text.ts'
import type { Parameters } from '../../inputs.ts'
import { GoInteger, type GoMap, type GoValue } from './go-value.ts'

/** The same for many templates, one after the other: what was seen last is remembered. */
export function templateDataReader(numbers: NumberNotation): (parameters: Parameters, copy: boolean) => GoMap {
  let last: { readonly parameters: Parameters; readonly data: GoMap } | undefined
  return (parameters, copy) => {
    if (copy) return templateData(parameters, numbers, true)
    if (last?.parameters !== parameters) last = { parameters, data: templateData(parameters, numbers, false) }
    return last.data
  }
}

/**
 * Parameters as a template sees them. Integers beyond 2^53, which JSON here holds whole, are float64 as in Argo CD, or
 * integers where numbers print plainly; smaller ones that a generator made integers are int64 everywhere.
 *
 * @param copy Whether the template may change what it sees: parameters themselves are never changed.
 */
function templateData(parameters: Parameters, numbers: NumberNotation, copy: boolean): GoMap {
  if (!copy && !holdsBigint(parameters)) return parameters as GoMap
  return convert(parameters, numbers) as GoMap
}

function holdsBigint(value: Json | undefined): boolean {
  if (typeof value === 'bigint') return true
  if (typeof value !== 'object' || value === null) return false
  if (Array.isArray(value)) return value.some(item => holdsBigint(item as Json))
  for (const key of Object.keys(value)) if (holdsBigint((value as JsonObject)[key])) return true
  return false
}

function convert(value: Json | undefined, numbers: NumberNotation): GoValue {
  if (typeof value === 'bigint')
    return isMadeInteger(value) || (numbers === 'plain' && fits(value)) ? new GoInteger(value, 'int64') : Number(value)
  if (Array.isArray(value)) return value.map(item => convert(item as Json, numbers))
  if (!isJsonObject(value)) return value as GoValue
  const copy: { [key: string]: GoValue } = {}
  for (const key of Object.keys(value)) setKey(copy as never, key, convert(value[key], numbers) as never)
  return copy
}

function fits(value: bigint): boolean {
  return BigInt.asIntN(64, value) === value
}
