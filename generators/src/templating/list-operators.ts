import {
  equalJson,
  isJsonObject,
  type Json,
  type JsonObject,
  type MutableJsonObject,
  setKey,
} from '@flotilla/core/json/json'
import { TemplateError } from '../failure.ts'
import { mergeList } from './strategic-merge.ts'

const APPEND = '$append/'
const MERGE_BY = /^\$mergeBy\.([^/.]+)\/(.+)$/

/** Whether a patch may hold operators for lists; most hold none, and then nothing need be looked at. */
export function holdsListOperators(text: string): boolean {
  return text.includes(APPEND) || text.includes('$mergeBy.')
}

/**
 * Follows the operators for lists that a patch of ours may hold beside the lists they mean (applicationsets.md 6), once
 * the patch is applied:
 *
 * - `$append/syncOptions: [A=true]` adds to the list and repeats nothing that is in it;
 * - `$mergeBy.name/parameters: [{ name: a, value: b }]` merges items of one name and adds the others; an item with
 *   `$patch: delete` goes.
 *
 * @throws TemplateError `PATCH_INVALID`
 */
export function withListOperators(value: JsonObject): JsonObject {
  const result: MutableJsonObject = {}
  const operators: string[] = []
  for (const key of Object.keys(value)) {
    const member = value[key]
    if (key.startsWith(APPEND) || MERGE_BY.test(key)) operators.push(key)
    else setKey(result, key, isJsonObject(member) ? withListOperators(member) : member)
  }
  for (const operator of operators) {
    const [, field, key = operator.slice(APPEND.length)] = MERGE_BY.exec(operator) ?? []
    setKey(result, key, changed(operator, field, result[key] ?? [], value[operator]))
  }
  return result
}

function changed(operator: string, field: string | undefined, before: Json, change: Json | undefined): Json {
  if (!Array.isArray(change)) throw new TemplateError('PATCH_INVALID', `${operator} must be a list`)
  if (!Array.isArray(before)) throw new TemplateError('PATCH_INVALID', `${operator}: what is there is no list`)
  const list = before as readonly Json[]
  if (field !== undefined) return mergeList(list, change, { kind: 'byKey', key: field }, operator)
  return [...list, ...change.filter(item => !list.some(other => equalJson(other, item)))]
}
