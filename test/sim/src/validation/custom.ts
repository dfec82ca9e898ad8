import { canonicalJson } from '@flotilla/core/json/canonical-json'
import { equalJson, isJsonObject, type Json, type JsonObject } from '@flotilla/core/json/json'
import { duplicate, type FieldError, invalid, required, unsupported } from '../api/api-error.ts'

/**
 * Checks a custom resource against the schema of its definition: types, required fields, bounds, patterns, enums,
 * combinations, keys of lists. CEL rules (`x-kubernetes-validations`) are not evaluated.
 */
export function checkCustom(schema: JsonObject, object: JsonObject): readonly FieldError[] {
  const { apiVersion: _, kind: __, metadata: ___, ...body } = object
  return checkValue(schema, body, '')
}

function checkValue(schema: JsonObject, value: Json, path: string): readonly FieldError[] {
  if (value === null)
    return schema['nullable'] === true || schema['type'] === undefined ? [] : [wrongType(path, 'null', schema)]
  const mismatch = checkType(schema, value, path)
  if (mismatch) return [mismatch]
  const errors: FieldError[] = [...checkScalar(schema, value, path), ...checkCombinations(schema, value, path)]
  if (Array.isArray(value)) errors.push(...checkItems(schema, value as readonly Json[], path))
  else if (isJsonObject(value)) errors.push(...checkMembers(schema, value, path))
  return errors
}

function checkType(schema: JsonObject, value: Json, path: string): FieldError | undefined {
  const given = typeOf(value)
  if (schema['x-kubernetes-int-or-string'] === true) {
    return given === 'integer' || given === 'string' ? undefined : wrongType(path, given, { type: 'integer,string' })
  }
  const type = schema['type']
  if (type === undefined || type === given || (type === 'number' && given === 'integer')) return undefined
  return wrongType(path, given, schema)
}

function wrongType(path: string, given: string, schema: JsonObject): FieldError {
  const message = `Invalid value: "${given}": ${path} in body must be of type ${String(schema['type'])}: "${given}"`
  return { field: path === '' ? '<nil>' : path, reason: 'FieldValueTypeInvalid', message }
}

function typeOf(value: Json): string {
  if (Array.isArray(value)) return 'array'
  if (typeof value === 'bigint') return 'integer'
  if (typeof value === 'number') return Number.isInteger(value) ? 'integer' : 'number'
  return value === null ? 'null' : typeof value
}

function checkScalar(schema: JsonObject, value: Json, path: string): readonly FieldError[] {
  const errors: FieldError[] = []
  const options = schema['enum']
  if (Array.isArray(options) && !(options as readonly Json[]).some(option => equalJson(option, value))) {
    errors.push(
      unsupported(
        path,
        value,
        (options as readonly Json[]).map(option => (typeof option === 'string' ? option : canonicalJson(option))),
      ),
    )
  }
  if (typeof value === 'string') {
    const length = [...value].length
    const most = schema['maxLength']
    const least = schema['minLength']
    if (typeof most === 'number' && length > most) {
      return [
        ...errors,
        { field: path, reason: 'FieldValueTooLong', message: `Too long: may not be more than ${most} bytes` },
      ]
    }
    if (typeof least === 'number' && length < least)
      errors.push(invalid(path, value, `${path} in body should be at least ${least} chars long`))
    const pattern = schema['pattern']
    if (typeof pattern === 'string' && !matches(pattern, value)) {
      errors.push(invalid(path, value, `${path} in body should match '${pattern}'`))
    }
  }
  if (typeof value === 'number' || typeof value === 'bigint') errors.push(...checkBounds(schema, Number(value), path))
  return errors
}

function checkBounds(schema: JsonObject, value: number, path: string): readonly FieldError[] {
  const { minimum, maximum, multipleOf } = schema
  const errors: FieldError[] = []
  if (typeof minimum === 'number') {
    const exclusive = schema['exclusiveMinimum'] === true
    if (exclusive ? value <= minimum : value < minimum) {
      errors.push(
        invalid(path, value, `${path} in body should be greater than ${exclusive ? '' : 'or equal to '}${minimum}`),
      )
    }
  }
  if (typeof maximum === 'number') {
    const exclusive = schema['exclusiveMaximum'] === true
    if (exclusive ? value >= maximum : value > maximum) {
      errors.push(
        invalid(path, value, `${path} in body should be less than ${exclusive ? '' : 'or equal to '}${maximum}`),
      )
    }
  }
  if (typeof multipleOf === 'number' && value % multipleOf !== 0) {
    errors.push(invalid(path, value, `${path} in body should be a multiple of ${multipleOf}`))
  }
  return errors
}

const patterns = new Map<string, RegExp | undefined>()

function matches(pattern: string, value: string): boolean {
  if (!patterns.has(pattern)) patterns.set(pattern, compile(pattern))
  return patterns.get(pattern)?.test(value) ?? true
}

/** A pattern of Go's dialect that this engine cannot read is let pass. */
function compile(pattern: string): RegExp | undefined {
  try {
    return new RegExp(pattern, 'u')
  } catch (error) {
    if (error instanceof SyntaxError) return undefined
    throw error
  }
}

function checkItems(schema: JsonObject, items: readonly Json[], path: string): readonly FieldError[] {
  const errors: FieldError[] = []
  const { maxItems, minItems } = schema
  if (typeof maxItems === 'number' && items.length > maxItems) {
    errors.push({
      field: path,
      reason: 'FieldValueTooMany',
      message: `Too many: ${items.length}: must have at most ${maxItems} items`,
    })
  }
  if (typeof minItems === 'number' && items.length < minItems) {
    errors.push(invalid(path, items.length, `${path} in body should have at least ${minItems} items`))
  }
  const below = schema['items']
  if (isJsonObject(below)) errors.push(...items.flatMap((item, index) => checkValue(below, item, `${path}[${index}]`)))
  const type = schema['x-kubernetes-list-type']
  const keys = (schema['x-kubernetes-list-map-keys'] ?? []) as readonly string[]
  const seen = new Set<string>()
  if (type !== 'map' && type !== 'set') return errors
  items.forEach((item, index) => {
    const key: Json =
      type === 'set' || !isJsonObject(item) ? item : Object.fromEntries(keys.map(name => [name, item[name]]))
    const text = canonicalJson(key)
    if (seen.has(text)) errors.push(duplicate(`${path}[${index}]`, key))
    seen.add(text)
  })
  return errors
}

function checkMembers(schema: JsonObject, value: JsonObject, path: string): readonly FieldError[] {
  const errors: FieldError[] = []
  const join = (key: string) => (path === '' ? key : `${path}.${key}`)
  const needed = Array.isArray(schema['required']) ? (schema['required'] as readonly string[]) : []
  for (const key of needed) if (value[key] === undefined) errors.push(required(join(key)))
  const properties = isJsonObject(schema['properties']) ? schema['properties'] : {}
  const others = schema['additionalProperties']
  for (const [key, member] of Object.entries(value)) {
    if (member === undefined) continue
    const below = Object.hasOwn(properties, key) ? properties[key] : others
    if (isJsonObject(below)) errors.push(...checkValue(below, member, join(key)))
  }
  const count = Object.keys(value).length
  const { maxProperties, minProperties } = schema
  if (typeof maxProperties === 'number' && count > maxProperties) {
    errors.push({
      field: path,
      reason: 'FieldValueTooMany',
      message: `Too many: ${count}: must have at most ${maxProperties} items`,
    })
  }
  if (typeof minProperties === 'number' && count < minProperties) {
    errors.push(invalid(path, count, `${path} in body should have at least ${minProperties} properties`))
  }
  return errors
}

function checkCombinations(schema: JsonObject, value: Json, path: string): readonly FieldError[] {
  const list = (key: string) => (Array.isArray(schema[key]) ? (schema[key] as readonly JsonObject[]) : [])
  const passes = (option: JsonObject) => checkValue(option, value, path).length === 0
  const errors = list('allOf').flatMap(option => checkValue(option, value, path))
  const any = list('anyOf')
  const one = list('oneOf')
  if (any.length > 0 && !any.some(passes))
    errors.push(invalid(path, value, `${path} in body must validate at least one schema (anyOf)`))
  if (one.length > 0 && one.filter(passes).length !== 1) {
    errors.push(invalid(path, value, `${path} in body must validate one and only one schema (oneOf)`))
  }
  const not = schema['not']
  if (isJsonObject(not) && passes(not))
    errors.push(invalid(path, value, `${path} in body must not validate the schema (not)`))
  return errors
}
