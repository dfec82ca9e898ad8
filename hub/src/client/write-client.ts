/** The parts of an OpenAPI document that a client is made from. */
export interface ApiDocument {
  readonly paths: { readonly [path: string]: { readonly [method: string]: ApiOperation } }
  readonly components: { readonly schemas: { readonly [name: string]: ApiSchema } }
}

interface ApiOperation {
  readonly operationId: string
  readonly summary: string
  readonly parameters?: readonly {
    readonly name: string
    readonly in: string
    readonly required?: boolean
    readonly schema?: ApiSchema
  }[]
  readonly requestBody?: { readonly content: { readonly [type: string]: { readonly schema?: ApiSchema } } }
  readonly responses: {
    readonly [status: string]: { readonly content?: { readonly [type: string]: { readonly schema?: ApiSchema } } }
  }
}

export interface ApiSchema {
  readonly $ref?: string
  readonly type?: string | readonly string[]
  readonly enum?: readonly unknown[]
  readonly const?: unknown
  readonly anyOf?: readonly ApiSchema[]
  readonly oneOf?: readonly ApiSchema[]
  readonly allOf?: readonly ApiSchema[]
  readonly items?: ApiSchema
  readonly prefixItems?: readonly ApiSchema[]
  readonly properties?: { readonly [name: string]: ApiSchema }
  readonly required?: readonly string[]
  readonly additionalProperties?: boolean | ApiSchema
  /** Answered only where this parameter is given. */
  readonly 'x-flotilla-with'?: string
}

const HEAD = `// Made from the hub's table of routes by \`node scripts/generate-client.ts\`; a test compares. Do not edit.
import type { Json, JsonObject } from '@flotilla/core/json/json'
`

/**
 * The API as TypeScript: what goes into each operation and what comes out, and a table of where they are. Types are
 * aliases, so that an answer is JSON as well; all is in order of name, so that a new route is a line.
 */
export function writeClient(document: ApiDocument): string {
  const { paths, components } = withoutPicked(document)
  const schemas = Object.entries(components.schemas)
    .sort(byKey)
    .map(([name, schema]) => `  readonly ${keyText(name)}: ${typeOf(schema)}`)
  const operations = Object.entries(paths)
    .flatMap(([path, methods]) => Object.entries(methods).map(([method, operation]) => ({ path, method, operation })))
    .sort((a, b) => (a.operation.operationId < b.operation.operationId ? -1 : 1))
  const types = operations.map(({ operation }) => `  readonly ${operation.operationId}: ${operationType(operation)}`)
  const table = operations.map(({ path, method, operation }) => {
    const { type } = answerOf(operation)
    return `  ${operation.operationId}: [${quoted(method.toUpperCase())}, ${quoted(path)}, ${quoted(type)}],`
  })
  return [
    HEAD,
    '/** What the API speaks of. */',
    'export type Schemas = {',
    ...schemas,
    '}',
    '',
    '/** What goes in and what comes out, by operation. */',
    'export type Operations = {',
    ...types,
    '}',
    '',
    '/** Method, path and media type, by operation. */',
    'export const OPERATIONS = {',
    ...table,
    '} as const satisfies { readonly [Id in keyof Operations]: readonly [method: string, path: string, type: string] }',
    '',
  ].join('\n')
}

/** Without the shapes that a parameter asks for, and without such parameters: an answer has one type, which is true. */
function withoutPicked({ paths, components }: ApiDocument): ApiDocument {
  const all = Object.entries(components.schemas)
  const picked = new Map(
    all.flatMap(([name, { 'x-flotilla-with': asks }]) =>
      asks ? [[`#/components/schemas/${name}`, asks] as const] : [],
    ),
  )
  const without = (value: unknown): unknown => {
    if (Array.isArray(value)) return value.map(without)
    if (!isRecord(value)) return value
    const { anyOf } = value
    const some = Array.isArray(anyOf) ? anyOf.filter(each => !picked.has(each.$ref)) : []
    if (Array.isArray(anyOf) && some.length === 1) return without(some[0])
    return Object.fromEntries(Object.entries(value).map(([key, member]) => [key, without(member)]))
  }
  const operationWithout = (operation: ApiOperation): ApiOperation => {
    const responses = JSON.stringify(operation.responses)
    const asks = new Set([...picked].filter(([ref]) => responses.includes(`"${ref}"`)).map(([, name]) => name))
    const parameters = operation.parameters?.filter(({ name }) => !asks.has(name))
    return { ...(without(operation) as ApiOperation), ...(parameters && { parameters }) }
  }
  const eachOf = <From, To>(record: { readonly [key: string]: From }, change: (from: From) => To) =>
    Object.fromEntries(Object.entries(record).map(([key, from]) => [key, change(from)]))
  const whole = all.filter(([name]) => !picked.has(`#/components/schemas/${name}`))
  return {
    paths: eachOf(paths, methods => eachOf(methods, operationWithout)),
    components: { schemas: Object.fromEntries(whole) },
  }
}

function isRecord(value: unknown): value is { readonly [key: string]: unknown } {
  return typeof value === 'object' && value !== null
}

function operationType(operation: ApiOperation): string {
  const of = (place: string): string => {
    const members = (operation.parameters ?? []).filter(each => each.in === place)
    const fields = members.map(({ name, required, schema = {} }) => {
      // What may be written as a number or a switch is taken as one; all of it travels as text.
      return `readonly ${keyText(name)}${required ? '' : '?'}: ${typeOf(schema)}${required ? '' : ' | undefined'}`
    })
    return fields.length === 0 ? '{}' : `{ ${fields.join('; ')} }`
  }
  const body = operation.requestBody?.content['application/json']?.schema
  const { schema, type } = answerOf(operation)
  const answer = type === 'application/json' ? typeOf(schema ?? {}) : 'string'
  const parts = [
    `readonly path: ${of('path')}`,
    `readonly query: ${of('query')}`,
    `readonly body: ${body === undefined ? 'undefined' : typeOf(body)}`,
    `readonly answer: ${answer}`,
  ]
  return `{ ${parts.join('; ')} }`
}

/** What a success looks like; several that differ are one or the other. */
function answerOf({ responses }: ApiOperation): { readonly type: string; readonly schema?: ApiSchema } {
  const contents = Object.entries(responses)
    .filter(([status]) => status.startsWith('2'))
    .flatMap(([, { content = {} }]) => Object.entries(content))
  const [first] = contents
  if (first === undefined) return { type: 'application/json' }
  const schemas = [
    ...new Map(contents.flatMap(([, { schema }]) => (schema ? [[typeOf(schema), schema]] : []))).values(),
  ]
  const [only] = schemas
  if (only === undefined) return { type: first[0] }
  return { type: first[0], schema: schemas.length === 1 ? only : { anyOf: schemas } }
}

function typeOf(schema: ApiSchema): string {
  const { $ref, anyOf, oneOf, allOf, type } = schema
  if ($ref !== undefined) return `Schemas[${quoted($ref.split('/').at(-1) ?? '')}]`
  if ('const' in schema) return literal(schema.const)
  if (schema.enum !== undefined) return union(schema.enum.map(literal))
  const some = anyOf ?? oneOf
  if (some !== undefined) return union(some.map(typeOf))
  if (allOf !== undefined) return allOf.map(each => grouped(typeOf(each))).join(' & ')
  if (typeof type !== 'string' && type !== undefined) return union(type.map(each => typeOf({ ...schema, type: each })))
  switch (type) {
    case 'string':
      return 'string'
    case 'integer':
    case 'number':
      return 'number'
    case 'boolean':
      return 'boolean'
    case 'null':
      return 'null'
    case 'array':
      return arrayType(schema)
    case 'object':
      return objectType(schema)
    default:
      return 'Json'
  }
}

function arrayType({ items, prefixItems }: ApiSchema): string {
  if (prefixItems !== undefined) return `readonly [${prefixItems.map(typeOf).join(', ')}]`
  return `readonly ${grouped(typeOf(items ?? {}))}[]`
}

function objectType({ properties = {}, required = [], additionalProperties }: ApiSchema): string {
  const fields = Object.entries(properties).map(([name, schema]) => {
    const needed = required.includes(name)
    return `readonly ${keyText(name)}${needed ? '' : '?'}: ${typeOf(schema)}${needed ? '' : ' | undefined'}`
  })
  if (typeof additionalProperties === 'object' && fields.length === 0) {
    const values = typeOf(additionalProperties)
    return values === 'Json' ? 'JsonObject' : `{ readonly [key: string]: ${values} }`
  }
  return fields.length === 0 ? 'JsonObject' : `{ ${fields.join('; ')} }`
}

function union(types: readonly string[]): string {
  return [...new Set(types)].join(' | ') || 'never'
}

function grouped(type: string): string {
  return /[|&]/.test(type) ? `(${type})` : type
}

function literal(value: unknown): string {
  return typeof value === 'string' ? quoted(value) : String(value)
}

function quoted(text: string): string {
  return `'${text.replaceAll('\\', '\\\\').replaceAll("'", "\\'")}'`
}

function keyText(name: string): string {
  return /^[A-Za-z_$][\w$]*$/.test(name) ? name : quoted(name)
}

function byKey([a]: readonly [string, unknown], [b]: readonly [string, unknown]): number {
  return a < b ? -1 : 1
}
