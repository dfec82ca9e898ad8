import { equalJson, getKey, isJsonObject, type Json } from '../json/json.ts'

/** One field that two documents do not have alike; a side without it has no member here. */
export interface FieldChange {
  /** `spec.source.path`, `metadata.labels["a.b/c"]`, `spec.sources[1].path`. */
  readonly path: string
  readonly before?: Json
  readonly after?: Json
}

/**
 * What differs between two JSON values, each difference at the deepest field that has it, in the order of the field
 * names. Lists are compared place by place when they are equally long, else as a whole.
 *
 * @example
 * jsonChanges({ a: 1, b: 2 }, { a: 1, b: 3 }) // => [{ path: 'b', before: 2, after: 3 }]
 */
export function jsonChanges(before: Json, after: Json): readonly FieldChange[] {
  const changes: FieldChange[] = []
  compare(before, after, '', changes)
  return changes
}

function compare(before: Json | undefined, after: Json | undefined, path: string, changes: FieldChange[]): void {
  if (equalJson(before, after)) return
  if (isJsonObject(before) && isJsonObject(after)) {
    for (const key of [...new Set([...Object.keys(before), ...Object.keys(after)])].sort()) {
      compare(getKey(before, key), getKey(after, key), memberPath(path, key), changes)
    }
    return
  }
  if (Array.isArray(before) && Array.isArray(after) && before.length === after.length) {
    for (const [index, item] of before.entries()) compare(item, after[index], `${path}[${index}]`, changes)
    return
  }
  changes.push({ path, ...(before === undefined ? {} : { before }), ...(after === undefined ? {} : { after }) })
}

function memberPath(path: string, key: string): string {
  if (!/^[A-Za-z_][\w-]*$/.test(key)) return `${path}[${JSON.stringify(key)}]`
  return path === '' ? key : `${path}.${key}`
}
