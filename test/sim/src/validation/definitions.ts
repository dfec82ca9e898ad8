import { isJsonObject, type Json, type JsonObject } from '@flotilla/core/json/json'
import type { KubernetesObject } from '@flotilla/core/model/kubernetes-object'
import { type FieldError, forbiddenField, invalid, required, unsupported } from '../api/api-error.ts'
import { at, itemsOf, textOf } from '../objects/drafts.ts'
import { notLabel } from './names.ts'

/** Mistakes of a CustomResourceDefinition: its names, its versions, and whether its schema is structural. */
export function checkDefinition(definition: KubernetesObject): readonly FieldError[] {
  const spec = (definition['spec'] ?? {}) as JsonObject
  const names = (spec['names'] ?? {}) as JsonObject
  const group = textOf(spec, 'group') ?? ''
  const plural = textOf(names, 'plural') ?? ''
  const errors: FieldError[] = []
  const name = `${plural}.${group}`
  if (definition.metadata.name !== name) {
    errors.push(invalid('metadata.name', definition.metadata.name ?? '', `must be spec.names.plural+"."+spec.group`))
  }
  if (!group.includes('.')) errors.push(invalid('spec.group', group, 'should be a domain with at least one dot'))
  for (const key of ['plural', 'singular', 'kind', 'listKind']) {
    const value = textOf(names, key)
    if (value === undefined) errors.push(required(`spec.names.${key}`))
    else if (notLabel(value.toLowerCase()) !== undefined)
      errors.push(invalid(`spec.names.${key}`, value, notLabel(value.toLowerCase())!))
  }
  const scope = textOf(spec, 'scope')
  if (scope !== 'Namespaced' && scope !== 'Cluster')
    errors.push(unsupported('spec.scope', scope ?? '', ['Cluster', 'Namespaced']))
  if (spec['preserveUnknownFields'] === true) errors.push(invalid('spec.preserveUnknownFields', true, 'must be false'))
  return [...errors, ...checkVersions(spec)]
}

function checkVersions(spec: JsonObject): readonly FieldError[] {
  const versions = itemsOf(spec, 'versions')
  const errors: FieldError[] = []
  const stored = versions.filter(version => version['storage'] === true).length
  if (stored !== 1) {
    errors.push(
      invalid(
        'spec.versions',
        versions.map(version => version['name'] ?? ''),
        'must have exactly one version marked as storage version',
      ),
    )
  }
  versions.forEach((version, index) => {
    const path = `spec.versions[${index}]`
    const schema = at(version, 'schema', 'openAPIV3Schema')
    if (textOf(version, 'name') === undefined) errors.push(required(`${path}.name`))
    if (!isJsonObject(schema)) errors.push(required(`${path}.schema.openAPIV3Schema`, 'schemas are required'))
    else errors.push(...checkStructural(schema, `${path}.schema.openAPIV3Schema`, true))
  })
  return errors
}

/** Every part names its type, or says that anything goes. */
function checkStructural(schema: JsonObject, path: string, isRoot: boolean): readonly FieldError[] {
  const errors: FieldError[] = []
  const type = textOf(schema, 'type')
  const free = schema['x-kubernetes-int-or-string'] === true || schema['x-kubernetes-preserve-unknown-fields'] === true
  if (isRoot && type !== 'object') errors.push(invalid(`${path}.type`, type ?? '', 'must be object at the root'))
  else if (type === undefined && !free)
    errors.push(required(`${path}.type`, 'must not be empty for specified object fields'))
  if (schema['properties'] !== undefined && schema['additionalProperties'] !== undefined) {
    errors.push(forbiddenField(`${path}.additionalProperties`, 'must not be specified together with properties'))
  }
  const listType = textOf(schema, 'x-kubernetes-list-type')
  if (listType !== undefined && type !== 'array')
    errors.push(invalid(`${path}.type`, type ?? '', 'must be array if x-kubernetes-list-type is specified'))
  const keys = schema['x-kubernetes-list-map-keys']
  if (listType === 'map' && !(Array.isArray(keys) && keys.length > 0)) {
    errors.push(required(`${path}.x-kubernetes-list-map-keys`, 'must not be empty if x-kubernetes-list-type is map'))
  }
  if (type === 'array' && !isJsonObject(schema['items'])) errors.push(required(`${path}.items`, 'must be specified'))
  for (const [key, below] of partsOf(schema)) errors.push(...checkStructural(below, `${path}.${key}`, false))
  return errors
}

function partsOf(schema: JsonObject): readonly (readonly [string, JsonObject])[] {
  const properties = isJsonObject(schema['properties']) ? Object.entries(schema['properties']) : []
  const parts: [string, Json | undefined][] = properties.map(([key, below]) => [`properties[${key}]`, below])
  parts.push(['items', schema['items']], ['additionalProperties', schema['additionalProperties']])
  return parts.flatMap(([key, below]) => (isJsonObject(below) ? [[key, below] as const] : []))
}
