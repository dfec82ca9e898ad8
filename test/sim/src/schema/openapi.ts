import { sha256 } from '@flotilla/core/json/canonical-json'
import type { Json, JsonObject, MutableJsonObject } from '@flotilla/core/json/json'
import type { ResourceRegistry } from '../resources/registry.ts'
import type { ResourceType } from '../resources/resource-type.ts'
import type { Field, Schema, StructSchema } from './schema.ts'

/** OpenAPI v3 as clients read it: one document a group and version, types by reference, merge rules as extensions. */
const documents = new Map<string, JsonObject>()

export function openApiIndex(registry: ResourceRegistry): JsonObject {
  const paths: MutableJsonObject = {}
  for (const type of registry.all()) {
    const path = type.group === '' ? `api/${type.version}` : `apis/${type.group}/${type.version}`
    if (paths[path]) continue
    const hash = sha256(`${path} ${type.custom ? registry.generation : 0}`)
      .slice('sha256:'.length)
      .toUpperCase()
    paths[path] = { serverRelativeURL: `/openapi/v3/${path}?hash=${hash}` }
  }
  return { paths }
}

/** undefined for a group and version that is not served. */
export function openApiDocument(registry: ResourceRegistry, group: string, version: string): JsonObject | undefined {
  const types = registry.all().filter(type => type.group === group && type.version === version)
  if (types.length === 0) return undefined
  if (types.some(type => type.custom)) return documentOf(types)
  const key = `${group}/${version}`
  let document = documents.get(key)
  if (!document) {
    document = documentOf(types)
    documents.set(key, document)
  }
  return document
}

function documentOf(types: readonly ResourceType[]): JsonObject {
  const schemas: MutableJsonObject = {}
  const paths: MutableJsonObject = {}
  for (const type of types) {
    const name = type.custom ? customName(type) : publicName(type.schema.name)
    const kinds = [{ group: type.group, version: type.version, kind: type.kind }]
    const schema = type.custom
      ? customDocument(type, schemas)
      : (structDocument(type.schema, schemas) as MutableJsonObject)
    schemas[name] = { ...schema, 'x-kubernetes-group-version-kind': kinds }
    Object.assign(paths, pathsOf(type, name))
  }
  return { openapi: '3.0.0', info: { title: 'Kubernetes', version: 'v1.36.3' }, paths, components: { schemas } }
}

function pathsOf(type: ResourceType, schema: string): JsonObject {
  const root = type.group === '' ? `/api/${type.version}` : `/apis/${type.group}/${type.version}`
  const base = type.namespaced ? `${root}/namespaces/{namespace}/${type.plural}` : `${root}/${type.plural}`
  const kind = { group: type.group, version: type.version, kind: type.kind }
  const body = { content: { 'application/json': { schema: { $ref: `#/components/schemas/${schema}` } } } }
  const operation = (action: string) => ({
    'x-kubernetes-action': action,
    'x-kubernetes-group-version-kind': kind,
    responses: { '200': { description: 'OK', ...body } },
  })
  const query = (name: string) => ({ name, in: 'query', schema: { type: 'string', uniqueItems: true } })
  const writes = { parameters: [query('dryRun'), query('fieldManager'), query('fieldValidation')] }
  return {
    [base]: { get: operation('list'), post: { ...operation('post'), ...writes } },
    [`${base}/{name}`]: {
      get: operation('get'),
      put: { ...operation('put'), ...writes },
      patch: { ...operation('patch'), parameters: [...writes.parameters, query('force')] },
      delete: operation('delete'),
    },
  }
}

function customName(type: ResourceType): string {
  return `${type.group.split('.').reverse().join('.')}.${type.version}.${type.kind}`
}

function customDocument(type: ResourceType, schemas: MutableJsonObject): JsonObject {
  const metadata = type.schema.fields.get('metadata')!
  const declared = (type.custom!.openApiSchema['properties'] ?? {}) as JsonObject
  return {
    ...type.custom!.openApiSchema,
    properties: {
      ...declared,
      apiVersion: { type: 'string' },
      kind: { type: 'string' },
      metadata: { allOf: [schemaDocument(metadata.schema, schemas)] },
    },
  }
}

/** `apps.v1.DeploymentSpec` → `io.k8s.api.apps.v1.DeploymentSpec`, as Kubernetes names it. */
function publicName(name: string): string {
  if (name.startsWith('meta.')) return `io.k8s.apimachinery.pkg.apis.${name}`
  if (name.startsWith('apiextensions.')) return `io.k8s.apiextensions-apiserver.pkg.apis.${name}`
  if (name.startsWith('apiregistration.')) return `io.k8s.kube-aggregator.pkg.apis.${name}`
  return `io.k8s.api.${name}`
}

function structDocument(struct: StructSchema, schemas: MutableJsonObject): JsonObject {
  const properties: MutableJsonObject = {}
  const required: string[] = []
  for (const field of struct.fields.values()) {
    properties[field.name] = fieldDocument(field, schemas)
    if (field.required) required.push(field.name)
  }
  return {
    type: 'object',
    properties,
    ...(required.length > 0 ? { required } : {}),
    ...(struct.atomic ? { 'x-kubernetes-map-type': 'atomic' } : {}),
    ...(struct.keepsUnknown ? { 'x-kubernetes-preserve-unknown-fields': true } : {}),
  }
}

function fieldDocument(field: Field, schemas: MutableJsonObject): JsonObject {
  const { schema } = field
  const document: MutableJsonObject = { ...schemaDocument(schema, schemas) }
  if (schema.kind === 'struct') {
    const reference = { allOf: [{ $ref: document['$ref']! }] }
    delete document['$ref']
    Object.assign(document, reference)
  }
  if (field.fallback !== undefined) document['default'] = field.fallback
  if (schema.kind === 'list') {
    document['x-kubernetes-list-type'] = schema.merge
    if (schema.merge === 'map') document['x-kubernetes-list-map-keys'] = [...schema.keys]
  }
  if (schema.kind === 'map' && schema.atomic) document['x-kubernetes-map-type'] = 'atomic'
  const strategy = [field.patchMerge ? 'merge' : '', field.patchRetainKeys ? 'retainKeys' : ''].filter(
    each => each !== '',
  )
  if (strategy.length > 0) document['x-kubernetes-patch-strategy'] = strategy.join(',')
  if (field.patchKey !== undefined) document['x-kubernetes-patch-merge-key'] = field.patchKey
  return document
}

function schemaDocument(schema: Schema, schemas: MutableJsonObject): JsonObject {
  switch (schema.kind) {
    case 'any':
      return { 'x-kubernetes-preserve-unknown-fields': true }
    case 'struct': {
      const name = publicName(schema.name)
      // Set before descending: types refer to themselves.
      if (schemas[name] === undefined) {
        schemas[name] = {}
        schemas[name] = structDocument(schema, schemas)
      }
      return { $ref: `#/components/schemas/${name}` }
    }
    case 'map':
      return { type: 'object', additionalProperties: schemaDocument(schema.values, schemas) }
    case 'list':
      return { type: 'array', items: schemaDocument(schema.items, schemas) }
    case 'scalar':
      return SCALARS[schema.type === 'integer' && schema.bits === 32 ? 'int32' : schema.type] as JsonObject
  }
}

const SCALARS: Readonly<Record<string, Json>> = {
  string: { type: 'string' },
  integer: { type: 'integer', format: 'int64' },
  int32: { type: 'integer', format: 'int32' },
  number: { type: 'number', format: 'double' },
  boolean: { type: 'boolean' },
  bytes: { type: 'string', format: 'byte' },
  time: { type: 'string', format: 'date-time' },
  microtime: { type: 'string', format: 'date-time' },
  quantity: { oneOf: [{ type: 'string' }, { type: 'number' }] },
  intOrString: { format: 'int-or-string', oneOf: [{ type: 'integer' }, { type: 'string' }] },
}
