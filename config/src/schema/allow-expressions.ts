import { isJsonObject, type Json, type JsonObject, jsonObject, type MutableJsonObject } from '@flotilla/core/json/json'

/** `${{ … }}` as a whole text. */
const EXPRESSION: JsonObject = { type: 'string', pattern: '^\\s*\\$\\{\\{[\\s\\S]*\\}\\}\\s*$' }
const TYPED: ReadonlySet<Json | undefined> = new Set(['boolean', 'integer', 'number', 'array', 'object'])

/**
 * A JSON Schema of our ApplicationSet whose templates take an expression for a value of any type. What templates share
 * with other parts of the document (`$defs`) takes one everywhere: an editor is the milder judge, `validate` the exact.
 */
export function allowExpressions(schema: JsonObject): JsonObject {
  const result: MutableJsonObject = { ...schema }
  if (isJsonObject(schema['$defs'])) result['$defs'] = eachMember(schema['$defs'], typed)
  const properties = withMember(schema['properties'], 'spec', spec =>
    withMember(spec, 'properties', own =>
      withMember(own, 'template', template => withMember(template, 'properties', parts => eachMember(parts, inside))),
    ),
  )
  if (properties !== undefined) result['properties'] = properties
  return result
}

function withMember(
  value: Json | undefined,
  key: string,
  change: (member: Json) => Json | undefined,
): Json | undefined {
  if (!isJsonObject(value) || value[key] === undefined) return value
  return { ...value, [key]: change(value[key]) }
}

function eachMember(value: Json, change: (member: Json) => Json): Json {
  if (!isJsonObject(value)) return value
  return jsonObject(Object.entries(value).map(([key, member]) => [key, member === undefined ? member : change(member)]))
}

function typed(node: Json): Json {
  const changed = inside(node)
  return isJsonObject(changed) && TYPED.has(changed['type']) ? { anyOf: [changed, EXPRESSION] } : changed
}

/** The node with what is inside it taking expressions, itself as it is. */
function inside(node: Json): Json {
  if (!isJsonObject(node)) return node
  const result: MutableJsonObject = { ...node }
  if (node['properties'] !== undefined) result['properties'] = eachMember(node['properties'], typed)
  for (const key of ['items', 'additionalProperties'] as const) {
    const member = node[key]
    if (isJsonObject(member)) result[key] = typed(member)
  }
  return result
}
