import {
  cloneJson,
  isJsonObject,
  type Json,
  type JsonObject,
  type MutableJsonObject,
  setKey,
} from '@flotilla/core/json/json'
import type { KubernetesObject } from '@flotilla/core/model/kubernetes-object'
import { objectMetaSchema } from '../schema/kubernetes-types.ts'
import { ANY, type Field, type ScalarSchema, type Schema, type StructSchema } from '../schema/schema.ts'
import { canonicalQuantity } from './quantity.ts'

/** What reading found: fields the type does not have (dropped), and values that cannot be its. */
export interface ReadReport {
  /** `spec.replicaz` */
  readonly unknown: string[]
  /** `json: cannot unmarshal string into Go struct field …` */
  readonly wrong: string[]
  /** A custom resource that comes out of a merge keeps its nulls, which validation then refuses; a sent one loses them. */
  readonly keepsNulls?: boolean
}

export function newReport(): ReadReport {
  return { unknown: [], wrong: [] }
}

/**
 * Reads an object as its type, into a copy that shares nothing: unknown fields go, values that say nothing vanish or
 * appear as the type writes them, quantities and times get their canonical text. Custom resources are pruned by their
 * schema and get its defaults; what is wrong in them is left for validation.
 */
export function readObject(schema: StructSchema, json: JsonObject, report: ReadReport): KubernetesObject {
  return readStruct(schema, json, '', report) as KubernetesObject
}

/** The object a type makes of nothing: structs that are always written are there, empty. */
export function emptyObject(schema: StructSchema, apiVersion: string, kind: string): KubernetesObject {
  return readObject(schema, { apiVersion, kind, metadata: {} }, newReport())
}

function readValue(schema: Schema, value: Json, path: string, report: ReadReport, native: boolean): Json | undefined {
  switch (schema.kind) {
    case 'any':
      return cloneJson(value)
    case 'scalar':
      return native ? readScalar(schema, value, path, report) : value
    case 'struct':
      if (isJsonObject(value)) return readStruct(schema, value, path, report)
      if (schema.native) report.wrong.push(cannotRead(value, path, goName(schema)))
      return schema.native ? undefined : cloneJson(value)
    case 'map': {
      if (!isJsonObject(value)) {
        if (native) report.wrong.push(cannotRead(value, path, 'map[string]string'))
        return native ? undefined : cloneJson(value)
      }
      const map: MutableJsonObject = {}
      for (const [key, member] of Object.entries(value)) {
        if (member === undefined) continue
        if (member === null && !native && !schema.nullableValues && !report.keepsNulls) continue
        const read =
          member === null
            ? native
              ? zeroOf(schema.values, true)
              : null
            : readValue(schema.values, member, `${path}.${key}`, report, native)
        if (read !== undefined) setKey(map, key, read)
      }
      return map
    }
    case 'list': {
      if (!Array.isArray(value)) {
        if (native) report.wrong.push(cannotRead(value, path, '[]'))
        return native ? undefined : cloneJson(value)
      }
      return (value as readonly Json[]).map((item, index) => {
        if (item === null) return native ? zeroOf(schema.items, true) : null
        return readValue(schema.items, item, `${path}[${index}]`, report, native) ?? null
      })
    }
  }
}

/** The fields of a struct by place, and those that are looked at though nothing is said of them. */
interface Layout {
  readonly fields: readonly Field[]
  readonly places: ReadonlyMap<string, number>
  readonly always: readonly number[]
}

const layouts = new WeakMap<StructSchema, Layout>()

function layoutOf(schema: StructSchema): Layout {
  let layout = layouts.get(schema)
  if (!layout) {
    const fields = [...schema.fields.values()]
    const places = new Map(fields.map(({ name }, place) => [name, place]))
    const isAlways = (field: Field) => (schema.native ? field.always : field.fallback !== undefined)
    layout = { fields, places, always: fields.flatMap((field, place) => (isAlways(field) ? [place] : [])) }
    layouts.set(schema, layout)
  }
  return layout
}

function readStruct(schema: StructSchema, value: JsonObject, path: string, report: ReadReport): MutableJsonObject {
  const result: MutableJsonObject = {}
  const { fields, places, always } = layoutOf(schema)
  const looked = [...always]
  for (const key of Object.keys(value)) {
    const member = value[key]
    if (member === undefined) continue
    const place = places.get(key)
    if (place !== undefined) {
      if (!always.includes(place)) looked.push(place)
    } else if (schema.embedded && (key === 'apiVersion' || key === 'kind')) setKey(result, key, cloneJson(member))
    else if (schema.embedded && key === 'metadata' && isJsonObject(member)) {
      setKey(result, key, readStruct(objectMetaSchema(), member, join(path, key), report))
    } else if (schema.keepsUnknown) setKey(result, key, readValue(ANY, member, join(path, key), report, false))
    else report.unknown.push(join(path, key))
  }
  // Fields stand in the order of the type, whatever order they came in.
  for (const place of looked.sort((a, b) => a - b)) {
    const field = fields[place]!
    const member = Object.hasOwn(value, field.name) ? value[field.name] : undefined
    const read = schema.native
      ? readNativeField(field, member, path, report)
      : readCustomField(field, member, path, report)
    if (read !== undefined) setKey(result, field.name, read)
  }
  return result
}

/** One member as it is stored; undefined where the type does not write it. */
export function readMember(schema: StructSchema, name: string, value: Json, report: ReadReport): Json | undefined {
  const field = schema.fields.get(name)
  return field && readNativeField(field, value, '', report)
}

function readNativeField(field: Field, member: Json | undefined, path: string, report: ReadReport): Json | undefined {
  if (member === undefined || member === null) return field.always ? zeroOf(field.schema, true) : undefined
  const read = readValue(field.schema, member, join(path, field.name), report, true)
  if (read === undefined) return field.always ? zeroOf(field.schema, true) : undefined
  // Storage does not tell an empty list or map from none.
  const isPlain = field.schema.kind === 'list' || field.schema.kind === 'map'
  if (isPlain && isEmptyValue(read)) return field.always ? read : undefined
  return field.pointer || field.always || !isEmptyValue(read) ? read : undefined
}

function readCustomField(field: Field, member: Json | undefined, path: string, report: ReadReport): Json | undefined {
  const absent = member === undefined || (member === null && !field.nullable)
  if (absent && field.fallback === undefined) return member === null && report.keepsNulls ? null : undefined
  const given = absent ? field.fallback! : member
  if (given === null) return null
  return readValue(
    field.schema,
    given,
    join(path, field.name),
    report,
    field.schema.kind === 'struct' && field.schema.native,
  )
}

function isEmptyValue(value: Json): boolean {
  if (value === '' || value === 0 || value === false || value === null || value === 0n) return true
  if (Array.isArray(value)) return value.length === 0
  return isJsonObject(value) && Object.keys(value).length === 0
}

function zeroOf(schema: Schema, native: boolean): Json {
  if (schema.kind === 'struct' && native) return readStruct(schema, {}, '', newReport())
  if (schema.kind !== 'scalar') return null
  switch (schema.type) {
    case 'integer':
    case 'number':
    case 'intOrString':
      return 0
    case 'boolean':
      return false
    case 'quantity':
      return '0'
    case 'time':
    case 'microtime':
    case 'bytes':
      return null
    case 'string':
      return ''
  }
}

function readScalar(schema: ScalarSchema, value: Json, path: string, report: ReadReport): Json | undefined {
  const refuse = (type: string) => {
    report.wrong.push(cannotRead(value, path, type))
    return undefined
  }
  switch (schema.type) {
    case 'integer': {
      const type = schema.bits === 32 ? 'int32' : 'int64'
      if (typeof value === 'bigint') return schema.bits === 32 ? refuse(type) : value
      if (typeof value !== 'number' || !Number.isInteger(value)) return refuse(type)
      return schema.bits === 32 && Math.abs(value) > 2_147_483_647 ? refuse(type) : value
    }
    case 'number':
      return typeof value === 'number' || typeof value === 'bigint' ? value : refuse('float64')
    case 'boolean':
      return typeof value === 'boolean' ? value : refuse('bool')
    case 'intOrString':
      return typeof value === 'number' || typeof value === 'string' ? value : refuse('intstr.IntOrString')
    case 'quantity': {
      const text = typeof value === 'number' || typeof value === 'bigint' ? String(value) : value
      const canonical = typeof text === 'string' ? canonicalQuantity(text) : undefined
      if (canonical !== undefined) return canonical
      report.wrong.push("quantities must match the regular expression '^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$'")
      return undefined
    }
    case 'bytes':
      if (typeof value !== 'string') return refuse('[]uint8')
      if (isBase64(value)) return value
      report.wrong.push(`illegal base64 data at input byte ${firstWrongByte(value)}`)
      return undefined
    case 'microtime':
      return typeof value === 'string' ? microTime(value, report) : refuse('v1.MicroTime')
    case 'time':
      return typeof value === 'string' ? wholeSeconds(value, report) : refuse('time.Time')
    default:
      return typeof value === 'string' ? value : refuse('string')
  }
}

function isBase64(text: string): boolean {
  const bare = text.replace(/[\r\n]/g, '')
  return bare.length % 4 === 0 && /^[A-Za-z0-9+/]*={0,2}$/.test(bare)
}

function firstWrongByte(text: string): number {
  const at = text.search(/[^A-Za-z0-9+/=]/)
  return at >= 0 ? at : Math.floor(text.length / 4) * 4
}

/** Times that were read: the same few stand in object after object. */
const times = new Map<string, string>()
const MOST_TIMES = 10_000

function remembered(text: string, time: string): string {
  if (times.size >= MOST_TIMES) times.clear()
  times.set(text, time)
  return time
}

function wholeSeconds(text: string, report: ReadReport): string | undefined {
  const known = times.get(text)
  if (known !== undefined) return known
  const at = Date.parse(text)
  if (Number.isNaN(at) || !/^\d{4}-\d\d-\d\dT/.test(text)) {
    report.wrong.push(
      `parsing time ${JSON.stringify(text)} as "2006-01-02T15:04:05Z07:00": cannot parse ${JSON.stringify(text)} as "2006"`,
    )
    return undefined
  }
  return remembered(text, `${new Date(at).toISOString().slice(0, 19)}Z`)
}

const MICRO_FORM = /^(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)\.(\d{6})(Z|[+-]\d\d:\d\d)$/

function microTime(text: string, report: ReadReport): string | undefined {
  const match = MICRO_FORM.exec(text)
  if (!match) {
    report.wrong.push(`parsing time ${JSON.stringify(text)} as "2006-01-02T15:04:05.000000Z07:00": it has another form`)
    return undefined
  }
  const whole = new Date(Date.parse(`${match[1]}${match[3]}`)).toISOString().slice(0, 19)
  return `${whole}.${match[2]}Z`
}

function join(path: string, key: string): string {
  return path === '' ? key : `${path}.${key}`
}

function goName(schema: StructSchema): string {
  return schema.name.replace(/^.*?(\w+\.\w+)$/, '$1')
}

function cannotRead(value: Json, path: string, type: string): string {
  const given = Array.isArray(value)
    ? 'array'
    : isJsonObject(value)
      ? 'object'
      : typeof value === 'boolean'
        ? 'bool'
        : typeof value === 'string'
          ? 'string'
          : 'number'
  return `json: cannot unmarshal ${given} into Go struct field ${path.replace(/\[\d+\]/g, '')} of type ${type}`
}
