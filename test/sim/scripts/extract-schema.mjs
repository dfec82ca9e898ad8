/**
 * Writes src/schema/kubernetes.types: what the API's types are called, which fields they have and how those merge.
 *
 *   node scripts/extract-schema.mjs <folder of the k8s.io modules> <version> > src/schema/kubernetes.types
 *
 * The folder is the Go module cache's `k8s.io`, after `go mod download k8s.io/kubernetes@v<version>`. Two sources, because
 * neither is whole: the published OpenAPI documents know lists, keys and defaults; the Go types know which fields are
 * pointers and which are written even when empty. Names and shapes only: no description is taken.
 */
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'

const [modules, version] = process.argv.slice(2)
if (!modules || !version) throw new Error('usage: extract-schema.mjs <folder of the k8s.io modules> <1.36.3>')
const staging = version.replace(/^1\./, '0.')

const DOCUMENTS = [
  'api__v1',
  'apis__admissionregistration.k8s.io__v1',
  'apis__apiextensions.k8s.io__v1',
  'apis__apiregistration.k8s.io__v1',
  'apis__apps__v1',
  'apis__authentication.k8s.io__v1',
  'apis__authorization.k8s.io__v1',
  'apis__autoscaling__v1',
  'apis__autoscaling__v2',
  'apis__batch__v1',
  'apis__coordination.k8s.io__v1',
  'apis__discovery.k8s.io__v1',
  'apis__events.k8s.io__v1',
  'apis__networking.k8s.io__v1',
  'apis__node.k8s.io__v1',
  'apis__policy__v1',
  'apis__rbac.authorization.k8s.io__v1',
  'apis__scheduling.k8s.io__v1',
  'apis__storage.k8s.io__v1',
]

const GO_FOLDERS = [
  [`api@v${staging}`, 'io.k8s.api.'],
  [`apimachinery@v${staging}/pkg/apis`, 'io.k8s.apimachinery.pkg.apis.'],
  [`apiextensions-apiserver@v${staging}/pkg/apis`, 'io.k8s.apiextensions-apiserver.pkg.apis.'],
  [`kube-aggregator@v${staging}/pkg/apis`, 'io.k8s.kube-aggregator.pkg.apis.'],
]

const schemas = {}
const roots = []
for (const name of DOCUMENTS) {
  const path = join(modules, `kubernetes@v${version}/api/openapi-spec/v3/${name}_openapi.json`)
  for (const [type, schema] of Object.entries(JSON.parse(readFileSync(path, 'utf8')).components.schemas)) {
    schemas[type] = schema
    if (schema['x-kubernetes-group-version-kind']?.length === 1 && !type.endsWith('List')) roots.push(type)
  }
}

/** Go field facts by OpenAPI type name: json name → { pointer, omits, struct }. */
const goTypes = {}
for (const [folder, prefix] of GO_FOLDERS) {
  for (const group of readdirSync(join(modules, folder))) {
    for (const ver of ['v1', 'v2']) {
      const directory = join(modules, folder, group, ver)
      if (!existsSync(directory)) continue
      for (const file of readdirSync(directory)) {
        if (!file.startsWith('types') || !file.endsWith('.go')) continue
        readGoTypes(readFileSync(join(directory, file), 'utf8'), `${prefix}${group}.${ver}.`)
      }
    }
  }
}

function readGoTypes(text, prefix) {
  for (const [, name, body] of text.matchAll(/^type (\w+) struct \{\n([\s\S]*?)^\}/gm)) {
    const fields = {}
    for (const line of body.split('\n')) {
      const embedded = /^\s+(?:\w+\.)?(\w+)\s+`.*json:",inline"/.exec(line)
      if (embedded) fields['...'] = [...(fields['...'] ?? []), embedded[1]]
      const field = /^\s+(?:\w+\s+)?(\S+)\s+`.*?json:"([^",]+)([^"]*)"/.exec(line)
      if (field)
        fields[field[2]] = {
          type: field[1],
          omitempty: field[3].includes('omitempty'),
          omitzero: field[3].includes('omitzero'),
        }
    }
    goTypes[prefix + name] = fields
  }
}

function goField(typeName, field) {
  const own = goTypes[typeName]
  if (!own) return undefined
  if (own[field]) return own[field]
  for (const embedded of own['...'] ?? []) {
    const found = goField(typeName.slice(0, typeName.lastIndexOf('.') + 1) + embedded, field)
    if (found) return found
  }
  return undefined
}

const wanted = new Set()
function want(type) {
  if (wanted.has(type) || !schemas[type]) return
  wanted.add(type)
  JSON.stringify(schemas[type], (key, value) => {
    if (key === '$ref' && typeof value === 'string') want(value.slice('#/components/schemas/'.length))
    return value
  })
}
for (const root of roots) want(root)

const shortName = type =>
  type
    .replace(/^io\.k8s\.api\./, '')
    .replace(/^io\.k8s\.apimachinery\.pkg\.apis\./, '')
    .replace(/^io\.k8s\.apimachinery\.pkg\./, '')
    .replace(/^io\.k8s\.apiextensions-apiserver\.pkg\.apis\./, '')
    .replace(/^io\.k8s\.kube-aggregator\.pkg\.apis\./, '')

function referenceOf(schema) {
  const target = schema.$ref ?? (schema.allOf?.length === 1 ? schema.allOf[0].$ref : undefined)
  return target?.slice('#/components/schemas/'.length)
}

function typeText(schema) {
  const reference = referenceOf(schema)
  if (reference) {
    const target = schemas[reference]
    if (reference.endsWith('.api.resource.Quantity')) return 'quantity'
    if (reference.endsWith('.IntOrString')) return 'intOrString'
    if (reference.endsWith('.meta.v1.Time')) return 'time'
    if (reference.endsWith('.meta.v1.MicroTime')) return 'microtime'
    if (reference.endsWith('.meta.v1.Duration')) return 'string'
    if (reference.endsWith('.RawExtension') || reference.endsWith('.FieldsV1')) return 'object'
    if (/\.(JSON|JSONSchemaPropsOrBool|JSONSchemaPropsOrArray|JSONSchemaPropsOrStringArray)$/.test(reference))
      return 'any'
    if (!target.properties) return target.type ?? 'any'
    return shortName(reference)
  }
  if (schema.type === 'array') return `[]${typeText(schema.items)}`
  if (schema.type === 'object')
    return schema.additionalProperties ? `map:${typeText(schema.additionalProperties)}` : 'object'
  if (schema.type === 'integer') return schema.format === 'int32' ? 'int32' : 'int64'
  if (schema.type === 'string' && schema.format === 'byte') return 'bytes'
  if (schema.type === 'string' && schema.format === 'date-time') return 'time'
  return schema.type ?? 'any'
}

const lines = [
  `# Kubernetes ${version}: types of its API, their fields and how those merge. Written by scripts/extract-schema.mjs.`,
]
for (const type of [...wanted].sort()) {
  const schema = schemas[type]
  if (!schema.properties) continue
  const gvk = schema['x-kubernetes-group-version-kind']
  const only = gvk?.length === 1 ? gvk[0] : undefined
  let head = shortName(type)
  if (only) head += ` kind=${only.group}/${only.version}/${only.kind}`
  if (schema['x-kubernetes-map-type'] === 'atomic') head += ' atomic'
  lines.push(head)
  for (const [name, field] of Object.entries(schema.properties)) {
    const words = [` ${name}`, typeText(field)]
    if (schema.required?.includes(name)) words.push('required')
    const go = goField(type, name)
    const text = words[1]
    if (go) {
      const struct =
        (/^[A-Za-z0-9]*\./.test(text) || /^metav1\.(Micro)?Time$/.test(go.type)) && !go.type.startsWith('*')
      if (go.type.startsWith('*')) words.push('pointer')
      else if (struct ? !go.omitzero : !go.omitempty && !go.omitzero) words.push('always')
    }
    const listType = field['x-kubernetes-list-type']
    if (listType === 'set') words.push('set')
    if (listType === 'map') words.push(`keys=${field['x-kubernetes-list-map-keys'].join(',')}`)
    if (field['x-kubernetes-map-type'] === 'atomic') words.push('atomic')
    const strategy = field['x-kubernetes-patch-strategy']
    if (strategy) words.push(`patch=${strategy}`)
    if (field['x-kubernetes-patch-merge-key']) words.push(`patchKey=${field['x-kubernetes-patch-merge-key']}`)
    const fallback = field.default
    if (
      fallback !== undefined &&
      fallback !== '' &&
      fallback !== 0 &&
      fallback !== false &&
      typeof fallback !== 'object'
    )
      words.push(`default=${JSON.stringify(fallback)}`)
    lines.push(words.join(' '))
  }
}
process.stdout.write(`${lines.join('\n')}\n`)
