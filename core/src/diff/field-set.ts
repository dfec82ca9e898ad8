import { isJsonObject, type Json, type JsonObject } from '../json/json.ts'
import { parseJson } from '../json/parse-json.ts'

/**
 * One step into an object, as Kubernetes' `fieldsV1` writes it: `f:` a field, `k:` the list item with these keys,
 * `v:` the member of a set, `i:` a place in a list.
 */
export type FieldStep =
  | { readonly kind: 'field'; readonly name: string }
  | { readonly kind: 'item'; readonly keys: JsonObject }
  | { readonly kind: 'member'; readonly value: Json }
  | { readonly kind: 'index'; readonly index: number }

/** Which fields somebody owns: a tree whose leaves are owned whole. */
export interface FieldSet {
  /** The node itself is owned (`.`): that it exists, not all that is in it. */
  readonly self: boolean
  readonly children: readonly { readonly step: FieldStep; readonly set: FieldSet }[]
}

/** Deeper than any real object; a managedFields entry is data of others. */
const MOST_DEPTH = 200

const EMPTY: FieldSet = { self: false, children: [] }

/**
 * Reads one `fieldsV1` value. Steps that nobody has defined are left out: not knowing a field means not owning it.
 *
 * @example
 * parseFieldSet({ 'f:spec': { 'f:replicas': {} } })
 */
export function parseFieldSet(fieldsV1: Json | undefined, depth = 0): FieldSet {
  if (!isJsonObject(fieldsV1) || depth > MOST_DEPTH) return EMPTY
  const children: { readonly step: FieldStep; readonly set: FieldSet }[] = []
  let self = false
  for (const [key, value] of Object.entries(fieldsV1)) {
    if (key === '.') {
      self = true
      continue
    }
    const step = parseStep(key)
    if (step) children.push({ step, set: parseFieldSet(value, depth + 1) })
  }
  return { self, children }
}

/** Owned whole: nothing is said about what is inside. */
export function isLeaf(set: FieldSet): boolean {
  return set.children.length === 0 && !set.self
}

function parseStep(key: string): FieldStep | undefined {
  const rest = key.slice(2)
  switch (key.slice(0, 2)) {
    case 'f:':
      return { kind: 'field', name: rest }
    case 'k:': {
      const keys = parseOrUndefined(rest)
      return isJsonObject(keys) ? { kind: 'item', keys } : undefined
    }
    case 'v:': {
      const value = parseOrUndefined(rest)
      return value === undefined ? undefined : { kind: 'member', value }
    }
    case 'i:':
      return /^\d+$/.test(rest) ? { kind: 'index', index: Number(rest) } : undefined
    default:
      return undefined
  }
}

function parseOrUndefined(text: string): Json | undefined {
  try {
    return parseJson(text)
  } catch (error) {
    if (error instanceof SyntaxError) return undefined
    throw error
  }
}
