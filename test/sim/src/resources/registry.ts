import type { Json, JsonObject } from '@flotilla/core/json/json'
import type { KubernetesObject } from '@flotilla/core/model/kubernetes-object'
import { at, itemsOf } from '../objects/drafts.ts'
import { builtinResources } from './builtin-resources.ts'
import { customSchema } from './custom-schema.ts'
import { ALL_VERBS, type ResourceType } from './resource-type.ts'

let builtinByPath: ReadonlyMap<string, ResourceType> | undefined
let builtinByKind: ReadonlyMap<string, ResourceType> | undefined
let builtinByStorage: ReadonlyMap<string, ResourceType> | undefined

/** Built-in resources by `group/version/plural`, shared by all clusters. */
function builtins(): ReadonlyMap<string, ResourceType> {
  builtinByPath ??= new Map(builtinResources().map(type => [pathOf(type), type] as const))
  return builtinByPath
}

function firstBy(
  types: readonly ResourceType[],
  keyOf: (type: ResourceType) => string,
): ReadonlyMap<string, ResourceType> {
  const found = new Map<string, ResourceType>()
  for (const type of types) if (!found.has(keyOf(type))) found.set(keyOf(type), type)
  return found
}

function pathOf(type: Pick<ResourceType, 'group' | 'version' | 'plural'>): string {
  return `${type.group}/${type.version}/${type.plural}`
}

/** What one cluster serves: the built-in resources and those of its CustomResourceDefinitions. */
export class ResourceRegistry {
  private readonly custom = new Map<string, ResourceType>()
  /** Rises with every change of the custom resources: documents made from them are kept until then. */
  generation = 0

  find(group: string, version: string, plural: string): ResourceType | undefined {
    const path = `${group}/${version}/${plural}`
    return builtins().get(path) ?? this.custom.get(path)
  }

  /** The first served version of a group's kind. */
  findKind(group: string, kind: string): ResourceType | undefined {
    builtinByKind ??= firstBy(builtinResources(), type => `${type.group}/${type.kind}`)
    const known = builtinByKind.get(`${group}/${kind}`)
    return known ?? this.customTypes().find(type => type.group === group && type.kind === kind)
  }

  /** The resource that an object under a storage key is read as by default. */
  findStorage(storageKey: string): ResourceType | undefined {
    builtinByStorage ??= firstBy(builtinResources(), type => type.storageKey)
    return builtinByStorage.get(storageKey) ?? this.customTypes().find(type => type.storageKey === storageKey)
  }

  hasGroup(group: string): boolean {
    return this.all().some(type => type.group === group)
  }

  all(): readonly ResourceType[] {
    return this.custom.size === 0 ? builtinResources() : [...builtinResources(), ...this.custom.values()]
  }

  customTypes(): readonly ResourceType[] {
    return [...this.custom.values()]
  }

  /** Serves an established definition's versions, in place of what it served before. */
  define(definition: KubernetesObject, revision = 0): void {
    const before = this.find(...firstPath(definition))?.custom?.servedFrom ?? revision
    this.remove(definition)
    for (const type of typesOf(definition, before)) this.custom.set(pathOf(type), type)
    this.generation++
  }

  remove(definition: KubernetesObject): void {
    const group = String(at(definition, 'spec', 'group'))
    const plural = String(at(definition, 'spec', 'names', 'plural'))
    for (const [path, type] of this.custom) {
      if (type.group === group && type.plural === plural) this.custom.delete(path)
    }
    this.generation++
  }
}

function firstPath(definition: KubernetesObject): [string, string, string] {
  const spec = at(definition, 'spec') as JsonObject
  const version = itemsOf(spec, 'versions').find(each => each['served'] === true)
  return [String(spec['group']), String(version?.['name']), String(at(spec, 'names', 'plural'))]
}

/** One resource a served version, the newest first as Kubernetes orders versions. */
export function typesOf(definition: KubernetesObject, servedFrom = 0): readonly ResourceType[] {
  const spec = at(definition, 'spec') as JsonObject
  const names = at(definition, 'status', 'acceptedNames') ?? spec['names']
  const group = String(spec['group'])
  const plural = String(at(names, 'plural'))
  const served = itemsOf(spec, 'versions').filter(version => version['served'] === true)
  return served
    .map(version => {
      const openApiSchema = (at(version, 'schema', 'openAPIV3Schema') ?? {}) as JsonObject
      const scale = at(version, 'subresources', 'scale')
      return {
        group,
        version: String(version['name']),
        kind: String(at(names, 'kind')),
        listKind: String(at(names, 'listKind')),
        plural,
        singular: String(at(names, 'singular')),
        shortNames: strings(at(names, 'shortNames')),
        categories: strings(at(names, 'categories')),
        namespaced: spec['scope'] === 'Namespaced',
        verbs: ALL_VERBS,
        schema: customSchema(openApiSchema, at(spec, 'preserveUnknownFields') === true),
        hasStatus: at(version, 'subresources', 'status') !== undefined,
        ...(scale === undefined ? {} : { scale: scalePaths(scale) }),
        custom: {
          openApiSchema,
          servedFrom,
          printerColumns: itemsOf(version, 'additionalPrinterColumns'),
          selectableFields: itemsOf(version, 'selectableFields').map(field => String(field['jsonPath'])),
        },
        storageKey: `${group}/${plural}`,
      }
    })
    .sort((a, b) => compareVersions(a.version, b.version))
}

function scalePaths(scale: Json): ResourceType['scale'] & object {
  const selector = at(scale, 'labelSelectorPath')
  return {
    spec: String(at(scale, 'specReplicasPath')),
    status: String(at(scale, 'statusReplicasPath')),
    ...(typeof selector === 'string' ? { selector } : {}),
  }
}

function strings(value: Json | undefined): readonly string[] {
  return Array.isArray(value) ? value.map(String) : []
}

const VERSION_FORM = /^v(\d+)(?:(alpha|beta)(\d+))?$/

/** `v2` before `v1` before `v1beta2` before `v1alpha1` before anything else. */
export function compareVersions(a: string, b: string): number {
  const left = VERSION_FORM.exec(a)
  const right = VERSION_FORM.exec(b)
  if (!left || !right) return left ? -1 : right ? 1 : a < b ? -1 : a > b ? 1 : 0
  const stage = (match: RegExpExecArray) => (match[2] === undefined ? 2 : match[2] === 'beta' ? 1 : 0)
  return (
    stage(right) - stage(left) || Number(right[1]) - Number(left[1]) || Number(right[3] ?? 0) - Number(left[3] ?? 0)
  )
}
