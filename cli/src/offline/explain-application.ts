import { foreseeHolds } from '@flotilla/config'
import { getKey, isJsonObject, type Json, type JsonObject } from '@flotilla/core/json/json'
import type { Application } from '@flotilla/core/model/application'
import { applicationJson } from '@flotilla/core/model/application'
import type { Diagnostic, Position } from '@flotilla/core/model/diagnostic'
import type { ApplicationSetSpec, Declared } from '@flotilla/core/model/fleet'
import { generatorsFor } from '@flotilla/generators/generators/registry'
import { strategyHold } from '@flotilla/generators/strategy-hold'
import { comesFromOwn } from '@flotilla/generators/templating/merge-template'
import { expandOffline, type OfflineFleet } from './offline-fleet.ts'

/** One field of an Application, and the line that gave it. */
export interface FieldOrigin extends Position {
  /** `metadata.name`, `spec.source.path`. */
  readonly field: string
  readonly value: Json
  /**
   * `generator`: the template of the generator itself, which goes before the set's. `patch`: the set's `templatePatch`.
   * `default`: nobody wrote it; the position is the set's.
   */
  readonly from: 'template' | 'generator' | 'patch' | 'default' | 'document'
  /** What is written there; absent where a patch or nobody wrote it. */
  readonly template?: Json
}

export interface GeneratorPlace extends Position {
  /** `0`, `0.matrix.1`. */
  readonly path: string
  /** `git`, or `matrix`; several keys of one entry are a union. */
  readonly kind: string
  /** Of a combination: its children, at any depth, in the order of the document. */
  readonly children: readonly Omit<GeneratorPlace, 'children'>[]
}

export interface Explanation {
  readonly set?: Declared<ApplicationSetSpec>
  readonly generator?: GeneratorPlace
  readonly fields: readonly FieldOrigin[]
  /** Where the Project is declared; absent when there is none of that name. */
  readonly project?: Position
  /** What a hub would hold it for, as far as documents tell. */
  readonly holds: readonly Pick<Diagnostic, 'code' | 'message' | 'hint'>[]
}

type Path = readonly (string | number)[]

/** Where everything in an Application comes from: generator, parameters, the line of each field. */
export async function explainApplication(fleet: OfflineFleet, application: Application): Promise<Explanation> {
  const { set: name, generator } = application.provenance
  const set = fleet.fleet.applicationSets.find(one => one.name === name)
  const project = fleet.fleet.projects.find(one => one.name === application.spec.project)
  const strategy = set && strategyHold(set.spec, set.positionOf(['spec', 'strategy']))
  const holds = [
    ...foreseeHolds(fleet, [application], 'everything'),
    ...(strategy ? [{ code: strategy.code, message: strategy.reason }] : []),
  ]
  const around = { ...(project ? { project: project.position } : {}), holds }
  if (set === undefined) return { fields: documentFields(fleet, application), ...around }
  const fields = await fieldOrigins(fleet, set, application)
  if (generator === undefined) return { set, fields, ...around }
  return { set, generator: generatorPlace(set, generator), fields, ...around }
}

/** Of a document that was written by hand. */
function documentFields(fleet: OfflineFleet, application: Application): readonly FieldOrigin[] {
  const document = fleet.fleet.applications.find(one => one.name === application.metadata.name)
  if (document === undefined) return []
  return leavesOf(fieldsOf(application)).map(({ path, value }) => ({
    field: fieldText(path),
    value,
    from: 'document',
    ...document.positionOf(path),
  }))
}

async function fieldOrigins(
  fleet: OfflineFleet,
  set: Declared<ApplicationSetSpec>,
  application: Application,
): Promise<readonly FieldOrigin[]> {
  const { generator = '0' } = application.provenance
  const unpatched = set.spec.templatePatch === undefined ? application : await withoutPatch(fleet, set, application)
  const before = unpatched && fieldsOf(unpatched)
  const own = ownTemplate(set, generator)
  return leavesOf(fieldsOf(application)).map(({ path, value }): FieldOrigin => {
    const field = fieldText(path)
    if (before !== undefined && valueAt(before, path) !== value) {
      return { field, value, from: 'patch', ...set.positionOf(['spec', 'templatePatch']) }
    }
    if (own && comesFromOwn(own.template, path)) {
      const written = valueAt(own.template, path)
      const at = set.positionOf([...own.path, ...path])
      return { field, value, from: 'generator', ...(written === undefined ? {} : { template: written }), ...at }
    }
    const written = valueAt(set.spec.template, path)
    if (written !== undefined) {
      return { field, value, from: 'template', template: written, ...set.positionOf(['spec', 'template', ...path]) }
    }
    // A key may be templated too: then its parent is what was written.
    const parent = valueAt(set.spec.template, path.slice(0, -1))
    const keyed = path.length > 2 && isJsonObject(parent) && Object.keys(parent).some(key => key.includes('{{'))
    const at = keyed ? set.positionOf(['spec', 'template', ...path.slice(0, -1)]) : set.position
    return { field, value, from: keyed ? 'template' : 'default', ...at }
  })
}

/** The same element without the set's patch: what differs was patched. Undefined when it cannot be made without. */
async function withoutPatch(
  fleet: OfflineFleet,
  set: Declared<ApplicationSetSpec>,
  { provenance }: Application,
): Promise<Application | undefined> {
  const { applications } = await expandOffline(fleet, {
    only: new Set([set.name]),
    change: ({ spec: { templatePatch: _, ...spec }, ...rest }) => ({ ...rest, spec }) as Declared<ApplicationSetSpec>,
  })
  return applications.find(
    one => one.provenance.generator === provenance.generator && one.provenance.element === provenance.element,
  )
}

/** The template beside the generator entry that made an Application, if it has one. */
function ownTemplate(
  set: Declared<ApplicationSetSpec>,
  generator: string,
): { readonly template: JsonObject; readonly path: Path } | undefined {
  const index = Number(generator.split('.')[0])
  const entry = set.spec.generators[index]
  for (const key of generatorsFor(set.group).keys()) {
    const body = entry?.[key]
    const template = isJsonObject(body) ? body['template'] : undefined
    if (isJsonObject(template)) return { template, path: ['spec', 'generators', index, key, 'template'] }
  }
  return undefined
}

/** Where the generator entry that made an Application stands, and what it is made of. */
export function generatorPlace(set: Declared<ApplicationSetSpec>, generator: string): GeneratorPlace {
  const keys = [...generatorsFor(set.group).keys()]
  const index = Number(generator.split('.')[0])
  const path = ['spec', 'generators', index]
  const entry = set.spec.generators[index] ?? {}
  const children: Omit<GeneratorPlace, 'children'>[] = []
  const visit = (value: JsonObject, at: Path, name: string): void => {
    for (const key of keys) {
      const body = value[key]
      const nested = isJsonObject(body) ? body['generators'] : undefined
      if (!Array.isArray(nested)) continue
      for (const [number, child] of nested.entries()) {
        if (!isJsonObject(child)) continue
        const place = [...at, key, 'generators', number]
        children.push({ path: `${name}.${key}.${number}`, kind: kindOf(child, keys), ...set.positionOf(place) })
        visit(child, place, `${name}.${key}.${number}`)
      }
    }
  }
  visit(entry, path, String(index))
  // Of a union it is known which child gave the element.
  const within = children.find(child => child.path === generator)
  if (within) return { ...within, children: children.filter(child => child.path.startsWith(`${generator}.`)) }
  return { path: generator, kind: kindOf(entry, keys), ...set.positionOf(path), children }
}

function kindOf(entry: JsonObject, keys: readonly string[]): string {
  return keys.filter(key => Object.hasOwn(entry, key)).join(' + ')
}

/** What people write of an Application: everything but the lines that every document of the kind has. */
function fieldsOf(application: Application): JsonObject {
  const { metadata, spec } = applicationJson(application)
  return { metadata, spec }
}

function leavesOf(value: Json, path: Path = []): readonly { readonly path: Path; readonly value: Json }[] {
  if (Array.isArray(value)) return value.flatMap((item, index) => leavesOf(item as Json, [...path, index]))
  if (isJsonObject(value)) {
    return Object.keys(value).flatMap(key => {
      const member = getKey(value, key)
      return member === undefined ? [] : leavesOf(member, [...path, key])
    })
  }
  return [{ path, value }]
}

function valueAt(value: Json, path: Path): Json | undefined {
  let at: Json | undefined = value
  for (const step of path) {
    if (typeof step === 'number') at = Array.isArray(at) ? (at[step] as Json | undefined) : undefined
    else at = isJsonObject(at) ? getKey(at, step) : undefined
  }
  return at
}

function fieldText(path: Path): string {
  return path
    .map(step => (typeof step === 'number' ? `[${step}]` : `.${step}`))
    .join('')
    .slice(1)
}
