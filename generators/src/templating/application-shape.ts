import { isJsonObject, type Json, type JsonObject } from '@flotilla/core/json/json'
import type { DocumentPath } from '../failure.ts'

/** What the field of an Application may hold; members that are not named are nobody's business here. */
type Shape = 'text' | 'boolean' | 'integer' | 'integerOrText' | 'any' | ListShape | MapShape | ObjectShape
interface ListShape {
  readonly list: Shape
}
interface MapShape {
  readonly map: Shape
}
interface ObjectShape {
  readonly object: { readonly [field: string]: Shape }
}

const TEXTS: Shape = { list: 'text' }
const TEXT_MAP: Shape = { map: 'text' }
const fields = (names: string, shape: Shape) => Object.fromEntries(names.split(' ').map(name => [name, shape]))

const HELM: Shape = {
  object: {
    ...fields('releaseName values version namespace kubeVersion', 'text'),
    ...fields('passCredentials ignoreMissingValueFiles skipCrds skipSchemaValidation skipTests', 'boolean'),
    valueFiles: TEXTS,
    apiVersions: TEXTS,
    valuesObject: 'any',
    parameters: { list: { object: { ...fields('name value', 'text'), forceString: 'boolean' } } },
    fileParameters: { list: { object: fields('name path', 'text') } },
  },
}

const KUSTOMIZE_BOOLEANS =
  'forceCommonLabels forceCommonAnnotations commonAnnotationsEnvsubst labelWithoutSelector labelIncludeTemplates ' +
  'ignoreMissingComponents'

const KUSTOMIZE: Shape = {
  object: {
    ...fields('namePrefix nameSuffix namespace version kubeVersion', 'text'),
    ...fields(KUSTOMIZE_BOOLEANS, 'boolean'),
    ...fields('images components apiVersions', TEXTS),
    ...fields('commonLabels commonAnnotations', TEXT_MAP),
    replicas: { list: { object: { name: 'text', count: 'integerOrText' } } },
    patches: { list: 'any' },
  },
}

const JSONNET_VARIABLES: Shape = { list: { object: { ...fields('name value', 'text'), code: 'boolean' } } }

const SOURCE: Shape = {
  object: {
    ...fields('repoURL path targetRevision chart ref name', 'text'),
    helm: HELM,
    kustomize: KUSTOMIZE,
    directory: {
      object: {
        ...fields('include exclude', 'text'),
        ...fields('recurse disableExtensionFilter', 'boolean'),
        jsonnet: { object: { ...fields('extVars tlas', JSONNET_VARIABLES), libs: TEXTS } },
      },
    },
    plugin: {
      object: {
        name: 'text',
        env: { list: { object: fields('name value', 'text') } },
        parameters: { list: { object: { ...fields('name string', 'text'), map: TEXT_MAP, array: TEXTS } } },
      },
    },
  },
}

const SPEC: Shape = {
  object: {
    project: 'text',
    destination: { object: fields('server name namespace', 'text') },
    source: SOURCE,
    sources: { list: SOURCE },
    syncPolicy: {
      object: {
        automated: { object: fields('prune selfHeal allowEmpty enabled', 'boolean') },
        syncOptions: TEXTS,
        retry: {
          object: {
            limit: 'integer',
            refresh: 'boolean',
            backoff: { object: { ...fields('duration maxDuration', 'text'), factor: 'integer' } },
          },
        },
        managedNamespaceMetadata: { object: fields('labels annotations', TEXT_MAP) },
      },
    },
    ignoreDifferences: {
      list: {
        object: {
          ...fields('group kind name namespace onSync', 'text'),
          ...fields('jsonPointers jqPathExpressions managedFieldsManagers celExpressions', TEXTS),
        },
      },
    },
    info: { list: { object: fields('name value', 'text') } },
    revisionHistoryLimit: 'integer',
  },
}

const APPLICATION: Shape = {
  object: {
    metadata: {
      object: {
        ...fields('name namespace', 'text'),
        ...fields('labels annotations', TEXT_MAP),
        finalizers: TEXTS,
      },
    },
    spec: SPEC,
  },
}

export interface ShapeMistake {
  readonly path: DocumentPath
  /** In the words of Go's JSON decoder. */
  readonly message: string
}

/** The first member of an Application that holds the wrong type; null stands for absent. */
export function shapeMistake(application: JsonObject): ShapeMistake | undefined {
  return findMistake(application, APPLICATION, [])
}

function findMistake(value: Json | undefined, shape: Shape, path: DocumentPath): ShapeMistake | undefined {
  if (value === undefined || value === null || shape === 'any') return undefined
  if (typeof shape === 'string') return hasType(value, shape) ? undefined : mistake(value, shape, path)
  if ('list' in shape) {
    if (!Array.isArray(value)) return mistake(value, 'list', path)
    return first(value.entries(), ([index, item]) => findMistake(item as Json, shape.list, [...path, index]))
  }
  if (!isJsonObject(value)) return mistake(value, 'object', path)
  if ('map' in shape) return first(Object.keys(value), key => findMistake(value[key], shape.map, [...path, key]))
  return first(Object.keys(value), key =>
    Object.hasOwn(shape.object, key) ? findMistake(value[key], shape.object[key]!, [...path, key]) : undefined,
  )
}

function first<Item>(items: Iterable<Item>, find: (item: Item) => ShapeMistake | undefined): ShapeMistake | undefined {
  for (const item of items) {
    const found = find(item)
    if (found !== undefined) return found
  }
  return undefined
}

function hasType(value: Json, type: 'text' | 'boolean' | 'integer' | 'integerOrText'): boolean {
  const integer = typeof value === 'bigint' || (typeof value === 'number' && Number.isInteger(value))
  if (type === 'integer') return integer
  if (type === 'integerOrText') return integer || typeof value === 'string'
  return typeof value === (type === 'text' ? 'string' : 'boolean')
}

const GO_TYPES = {
  text: 'string',
  boolean: 'bool',
  integer: 'int64',
  integerOrText: 'intstr.IntOrString',
  list: '[]',
  object: 'struct',
}

function mistake(value: Json, expected: keyof typeof GO_TYPES, path: DocumentPath): ShapeMistake {
  return {
    path,
    message: `json: cannot unmarshal ${jsonKind(value)} into Go struct field Application.${path.join('.')} of type ${GO_TYPES[expected]}`,
  }
}

/** As Go's JSON decoder names what it met. */
export function jsonKind(value: Json): string {
  if (Array.isArray(value)) return 'array'
  if (isJsonObject(value)) return 'object'
  if (typeof value === 'boolean') return 'bool'
  return typeof value === 'string' ? 'string' : value === null ? 'null' : 'number'
}
