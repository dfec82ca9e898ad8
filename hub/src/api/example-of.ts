import { isJsonObject, type Json, type JsonObject, jsonObject } from '@flotilla/core/json/json'

/** Said again and again in what the API speaks of; a name that is longer counts before its parts. */
const WORDS: { readonly [name: string]: Json } = {
  ...{ name: 'shop-checkout-eu-1', application: 'shop-checkout-eu-1', project: 'shop', cluster: 'eu-1', set: 'shop' },
  ...{ namespace: 'shop', environment: 'prod', id: '0190a1b2-c3d4-7e5f-8a6b-7c8d9e0f1a2b', by: 'ana@example.com' },
  ...{ actor: 'ana@example.com', reason: 'INC-4711 payments fail', message: 'all is well', source: 'platform' },
  ...{ repository: 'https://git.example.com/platform/fleet.git', url: 'https://git.example.com/shop/deploy.git' },
  ...{ revision: '9f2c1d0e4b5a69788796a5b4c3d2e1f00f1e2d3c', commit: '9f2c1d0e4b5a69788796a5b4c3d2e1f00f1e2d3c' },
  ...{ path: 'apps/checkout', kind: 'Deployment', group: 'apps', file: 'fleet/applicationsets/shop.yaml', line: 7 },
  ...{ version: '0.1.0', timeZone: 'Europe/Berlin', trigger: 'manual', total: 1, next: null, code: 'REQUEST_INVALID' },
}
const DIGEST = `sha256:${'0'.repeat(64)}`
const DEEPEST = 12

/**
 * A value that a JSON schema describes, for people to read: what is asked for at least, of each list one entry. It is
 * checked against the schema that checks answers; a pattern that nothing here meets leaves no example.
 *
 * @param schemas By name, for `$ref`.
 */
export function exampleOf(schema: JsonObject, schemas: JsonObject, name = '', depth = 0): Json {
  if (depth > DEEPEST) return {}
  const next = (inner: Json | undefined, as = name): Json =>
    exampleOf(isJsonObject(inner) ? inner : {}, schemas, as, depth + 1)
  const { $ref, example, enum: words, anyOf, oneOf, allOf } = schema
  if (example !== undefined) return example
  if (typeof $ref === 'string') return next(schemas[$ref.split('/').at(-1) ?? ''])
  if ('const' in schema) return schema['const'] ?? null
  if (Array.isArray(words)) return (words[0] as Json | undefined) ?? null
  const [first] = (anyOf ?? oneOf ?? []) as readonly Json[]
  if (first !== undefined) return next(first)
  if (Array.isArray(allOf)) {
    return jsonObject(allOf.flatMap(each => Object.entries((next(each as Json) ?? {}) as JsonObject)))
  }
  const type = Array.isArray(schema['type']) ? (schema['type'][0] as Json) : schema['type']
  if (type === 'object') return objectOf(schema, next)
  if (type === 'array') return [next(schema['items'], name.replace(/s$/, ''))]
  if (type === 'boolean') return false
  if (type === 'integer' || type === 'number') {
    const known = WORDS[name]
    return typeof known === 'number' ? known : Number(schema['minimum'] ?? 1)
  }
  return type === 'null' || type === undefined ? null : textOf(schema, name)
}

function objectOf(schema: JsonObject, next: (inner: Json | undefined, as?: string) => Json): Json {
  const properties = (schema['properties'] ?? {}) as JsonObject
  const needed = (schema['required'] ?? []) as readonly string[]
  return jsonObject(needed.map(key => [key, next(properties[key], key)]))
}

function textOf({ pattern, format, minLength }: JsonObject, name: string): Json {
  if (format === 'date-time' || /(At|since|until|from|to)$/.test(name)) return '2030-01-01T12:00:00.000Z'
  if (typeof pattern === 'string' && pattern.includes('sha256:')) return DIGEST
  if (/digest|hash|previous/i.test(name)) return DIGEST
  const known = WORDS[name]
  if (typeof known === 'string') return known
  return minLength === undefined ? name : name.padEnd(Number(minLength), 'x')
}
