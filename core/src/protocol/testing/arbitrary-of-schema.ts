import fc from 'fast-check'
import * as v from 'valibot'
import { canonicalJson } from '../../json/canonical-json.ts'
import type { JsonObject } from '../../json/json.ts'
import { parseJson } from '../../json/parse-json.ts'

/** What of a schema's inside is looked at here; the rest of its kinds would be an error of this file. */
interface Node {
  readonly type: string
  readonly entries?: Readonly<Record<string, Node>>
  readonly item?: Node
  readonly items?: readonly Node[]
  readonly wrapped?: Node
  readonly literal?: unknown
  readonly options?: readonly unknown[]
  readonly key?: Node
  readonly value?: Node
  readonly pipe?: readonly Node[]
  readonly requirement?: unknown
}

/** Words that fields of the protocol know, so that readers which take unknown words strictly see known ones too. */
const WORDS = ['automated', 'manual', 'override', 'delete', 'foreground', 'orphan', 'prune', 'detach', 'sync', 'heal']
const FORBIDDEN_KEYS = ['__proto__', 'prototype', 'constructor']
const MOST_ITEMS = 4

/**
 * Values that a schema takes and gives back unchanged, made by walking the schema: a field that is added to a message
 * is in its tests at once.
 */
export function arbitraryOf<S extends v.GenericSchema>(schema: S): fc.Arbitrary<v.InferOutput<S>> {
  return of(schema as unknown as Node) as fc.Arbitrary<v.InferOutput<S>>
}

function of(node: Node): fc.Arbitrary<unknown> {
  const actions = actionsOf(node)
  const plain = ofPlain(node, actions)
  if (!actions.some(({ type }) => type === 'transform')) return plain
  const schema = node as unknown as v.GenericSchema
  return plain.map(value => v.parse(schema, value))
}

/** What is asked of a value beside its type; a pipe may begin with another one. */
function actionsOf({ pipe }: Node): readonly Node[] {
  const [first, ...rest] = pipe ?? []
  return first ? [...actionsOf(first), ...rest] : []
}

function ofPlain(node: Node, actions: readonly Node[]): fc.Arbitrary<unknown> {
  switch (node.type) {
    case 'object':
      return ofObject(node.entries ?? {})
    case 'array':
      return fc.array(of(node.item!), { maxLength: Math.min(MOST_ITEMS, bound(actions, 'max_length', MOST_ITEMS)) })
    case 'tuple':
      return fc.tuple(...(node.items ?? []).map(of))
    case 'exact_optional':
    case 'optional':
      return of(node.wrapped!)
    case 'literal':
      return fc.constant(node.literal)
    case 'picklist':
      return fc.constantFrom(...(node.options ?? []))
    case 'union':
    case 'variant':
      return fc.oneof(...(node.options as readonly Node[]).map(of))
    case 'boolean':
      return fc.boolean()
    case 'record':
      return fc
        .dictionary(of(node.key!) as fc.Arbitrary<string>, of(node.value!), { maxKeys: MOST_ITEMS })
        .map(({ ...value }) => Object.fromEntries(Object.entries(value).filter(([k]) => !FORBIDDEN_KEYS.includes(k))))
    case 'string':
      return ofText(actions)
    case 'number':
      return fc
        .oneof(
          fc.integer({ min: 0, max: 1000 }),
          fc.maxSafeInteger().filter(value => value >= bound(actions, 'min_value', Number.MIN_SAFE_INTEGER)),
        )
        .filter(value => value <= bound(actions, 'max_value', Number.MAX_SAFE_INTEGER))
    case 'custom':
      return (
        fc
          .oneof(
            fc.stringMatching(/^[0-9a-f]{64}$/).map(hex => `sha256:${hex}`),
            fc.dictionary(fc.stringMatching(/^[a-z]{1,5}$/), fc.jsonValue({ maxDepth: 2 }), { maxKeys: 3 }),
          )
          .filter(value => v.is(node as unknown as v.GenericSchema, value))
          // Numbers beyond a double's integers are read as they stand.
          .map(value => (typeof value === 'string' ? value : parseJson(canonicalJson(value as JsonObject))))
      )
    default:
      throw new Error(`no values are known for a schema of type "${node.type}"`)
  }
}

function ofObject(entries: Readonly<Record<string, Node>>): fc.Arbitrary<unknown> {
  const fields = Object.fromEntries(Object.entries(entries).map(([name, child]) => [name, of(child)]))
  const requiredKeys = Object.entries(entries).flatMap(([name, { type }]) => (type === 'exact_optional' ? [] : [name]))
  return fc.record(fields, { requiredKeys }).map(({ ...value }) => value)
}

function ofText(actions: readonly Node[]): fc.Arbitrary<string> {
  const [regex] = actions.filter(({ type }) => type === 'regex')
  const minLength = bound(actions, 'min_length', 0)
  const maxLength = Math.min(40, bound(actions, 'max_length', 40))
  const made = regex
    ? fc.stringMatching(regex.requirement as RegExp)
    : fc.oneof(fc.constantFrom(...WORDS), fc.string({ minLength, maxLength, unit: 'grapheme' }))
  const rules = actions.filter(({ type }) => type !== 'transform')
  const schema = v.pipe(v.string(), ...(rules as unknown as [v.PipeItem<string, string, never>]))
  return made.filter(value => v.is(schema, value))
}

function bound(actions: readonly Node[], type: string, otherwise: number): number {
  const [action] = actions.filter(each => each.type === type)
  return typeof action?.requirement === 'number' ? action.requirement : otherwise
}
