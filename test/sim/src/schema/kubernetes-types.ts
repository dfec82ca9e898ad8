import { readFileSync } from 'node:fs'
import { ANY, type Field, type ListSchema, type ScalarType, type Schema, type StructSchema } from './schema.ts'

/**
 * The built-in types, read once per process from `kubernetes.types` and shared by every cluster.
 *
 * The file is one line a type (`apps.v1.Deployment kind=apps/v1/Deployment`), followed by one indented line a field:
 * name, type (`[]T`, `map:T`, a scalar, or another type's name) and words (`required`, `pointer`, `always`, `set`,
 * `keys=a,b`, `atomic`, `patch=merge`, `patchKey=name`, `default=json`).
 */
export interface KubernetesTypes {
  /** By short name: `core.v1.PodSpec`. */
  readonly structs: ReadonlyMap<string, StructSchema>
  /** `group/version/Kind` → type; the core group is empty: `/v1/Pod`. */
  readonly kinds: ReadonlyMap<string, StructSchema>
}

const SCALARS: Readonly<Record<string, readonly [ScalarType, (32 | 64)?]>> = {
  string: ['string'],
  boolean: ['boolean'],
  int32: ['integer', 32],
  int64: ['integer', 64],
  number: ['number'],
  bytes: ['bytes'],
  time: ['time'],
  microtime: ['microtime'],
  quantity: ['quantity'],
  intOrString: ['intOrString'],
}

interface Building {
  readonly struct: StructSchema & { readonly fields: Map<string, Field> }
  readonly kind?: string
  readonly lines: string[]
}

let read: KubernetesTypes | undefined

export function kubernetesTypes(): KubernetesTypes {
  read ??= readTypes(readFileSync(new URL('./kubernetes.types', import.meta.url), 'utf8'))
  return read
}

/** The object's metadata, which custom resources share. */
export function objectMetaSchema(): StructSchema {
  return kubernetesTypes().structs.get('meta.v1.ObjectMeta')!
}

function readTypes(text: string): KubernetesTypes {
  const building = new Map<string, Building>()
  let current: Building | undefined
  for (const line of text.split('\n')) {
    if (line === '' || line.startsWith('#')) continue
    if (line.startsWith(' ')) {
      current!.lines.push(line.slice(1))
      continue
    }
    const [name, ...words] = line.split(' ')
    const kind = words.find(word => word.startsWith('kind='))?.slice('kind='.length)
    const struct = {
      kind: 'struct' as const,
      name: name!,
      fields: new Map<string, Field>(),
      atomic: words.includes('atomic'),
      keepsUnknown: false,
      embedded: false,
      native: true,
    }
    current = { struct, lines: [], ...(kind === undefined ? {} : { kind }) }
    building.set(name!, current)
  }
  const structs = new Map<string, StructSchema>()
  const kinds = new Map<string, StructSchema>()
  for (const [name, type] of building) {
    for (const line of type.lines) {
      const field = readField(line, building)
      type.struct.fields.set(field.name, field)
    }
    structs.set(name, type.struct)
    if (type.kind !== undefined) kinds.set(type.kind, type.struct)
  }
  return { structs, kinds }
}

function readField(line: string, building: ReadonlyMap<string, Building>): Field {
  const [name, type, ...words] = line.split(' ')
  const wordOf = (word: string) => words.find(each => each.startsWith(`${word}=`))?.slice(word.length + 1)
  const keys = wordOf('keys')?.split(',') ?? []
  const patch = wordOf('patch') ?? ''
  const patchKey = wordOf('patchKey')
  const fallback = wordOf('default')
  const merge: ListSchema['merge'] = keys.length
    ? 'map'
    : words.includes('set')
      ? 'set'
      : patch.includes('merge')
        ? patchKey === undefined
          ? 'set'
          : 'map'
        : 'atomic'
  const listKeys = merge === 'map' && keys.length === 0 ? [patchKey!] : keys
  return {
    name: name!,
    schema: readSchema(type!, building, { merge, keys: listKeys, atomic: words.includes('atomic') }),
    required: words.includes('required'),
    pointer: words.includes('pointer'),
    always: words.includes('always'),
    nullable: false,
    patchMerge: patch.includes('merge'),
    patchRetainKeys: patch.includes('retainKeys'),
    ...(patchKey === undefined ? {} : { patchKey }),
    ...(fallback === undefined ? {} : { fallback: JSON.parse(fallback) }),
  }
}

interface Shape {
  readonly merge: ListSchema['merge']
  readonly keys: readonly string[]
  readonly atomic: boolean
}

function readSchema(type: string, building: ReadonlyMap<string, Building>, shape: Shape): Schema {
  const inner: Shape = { merge: 'atomic', keys: [], atomic: false }
  if (type.startsWith('[]')) {
    return { kind: 'list', items: readSchema(type.slice(2), building, inner), merge: shape.merge, keys: shape.keys }
  }
  if (type.startsWith('map:')) {
    const values = readSchema(type.slice(4), building, inner)
    return { kind: 'map', values, atomic: shape.atomic, nullableValues: false }
  }
  const scalar = SCALARS[type]
  if (scalar) return { kind: 'scalar', type: scalar[0], ...(scalar[1] ? { bits: scalar[1] } : {}) }
  const target = building.get(type)?.struct
  if (!target) return ANY
  return shape.atomic && !target.atomic ? { ...target, atomic: true } : target
}
