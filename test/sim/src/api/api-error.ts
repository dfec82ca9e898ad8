import type { Json, JsonObject } from '@flotilla/core/json/json'
import type { ResourceType } from '../resources/resource-type.ts'

/** One thing wrong with an object, as the API server words it. */
export interface FieldError {
  readonly field: string
  readonly reason:
    | 'FieldValueRequired'
    | 'FieldValueInvalid'
    | 'FieldValueForbidden'
    | 'FieldValueDuplicate'
    | 'FieldValueNotSupported'
    | 'FieldValueTooLong'
    | 'FieldValueTypeInvalid'
    | 'FieldValueTooMany'
  readonly message: string
}

export function required(field: string, detail = ''): FieldError {
  return {
    field,
    reason: 'FieldValueRequired',
    message: detail === '' ? 'Required value' : `Required value: ${detail}`,
  }
}

export function invalid(field: string, value: Json | undefined, detail: string): FieldError {
  return { field, reason: 'FieldValueInvalid', message: `Invalid value: ${valueText(value)}: ${detail}` }
}

export function forbiddenField(field: string, detail: string): FieldError {
  return { field, reason: 'FieldValueForbidden', message: `Forbidden: ${detail}` }
}

export function duplicate(field: string, value: Json): FieldError {
  return { field, reason: 'FieldValueDuplicate', message: `Duplicate value: ${valueText(value)}` }
}

export function unsupported(field: string, value: Json | undefined, supported: readonly string[]): FieldError {
  const list = supported.map(each => JSON.stringify(each)).join(', ')
  const message = `Unsupported value: ${valueText(value)}: supported values: ${list}`
  return { field, reason: 'FieldValueNotSupported', message }
}

function valueText(value: Json | undefined): string {
  if (value === undefined) return 'null'
  return typeof value === 'bigint' ? value.toString() : JSON.stringify(value)
}

/** An answer that is a Status: thrown where the mistake is found, written by the request handler. */
export class ApiError extends Error {
  readonly status: JsonObject
  readonly code: number
  readonly headers: Readonly<Record<string, string>>

  constructor(
    code: number,
    reason: string,
    message: string,
    details?: JsonObject,
    headers: Readonly<Record<string, string>> = {},
  ) {
    super(message)
    this.code = code
    this.headers = headers
    this.status = {
      kind: 'Status',
      apiVersion: 'v1',
      metadata: {},
      status: 'Failure',
      message,
      ...(reason === '' ? {} : { reason }),
      ...(details === undefined ? {} : { details }),
      code,
    }
  }
}

type Named = Pick<ResourceType, 'group' | 'plural'>

function qualified(type: Named): string {
  return type.group === '' ? type.plural : `${type.plural}.${type.group}`
}

function detailsOf(type: Named, name: string): JsonObject {
  return { ...(name === '' ? {} : { name }), ...(type.group === '' ? {} : { group: type.group }), kind: type.plural }
}

export function notFound(type: Named, name: string): ApiError {
  return new ApiError(404, 'NotFound', `${qualified(type)} "${name}" not found`, detailsOf(type, name))
}

/** No such path at all. */
export function noSuchPath(): ApiError {
  return new ApiError(404, 'NotFound', 'the server could not find the requested resource', {})
}

export function alreadyExists(type: Named, name: string): ApiError {
  return new ApiError(409, 'AlreadyExists', `${qualified(type)} "${name}" already exists`, detailsOf(type, name))
}

export const MODIFIED = 'the object has been modified; please apply your changes to the latest version and try again'

export function conflict(type: Named, name: string, detail: string): ApiError {
  const message = `Operation cannot be fulfilled on ${qualified(type)} "${name}": ${detail}`
  return new ApiError(409, 'Conflict', message, detailsOf(type, name))
}

export function applyConflict(causes: readonly JsonObject[], message: string): ApiError {
  return new ApiError(409, 'Conflict', message, { causes })
}

export function badRequest(message: string): ApiError {
  return new ApiError(400, 'BadRequest', message)
}

export function internal(message: string): ApiError {
  return new ApiError(500, '', message)
}

export function forbidden(type: Named, name: string, detail: string, causes?: readonly JsonObject[]): ApiError {
  const subject = name === '' ? qualified(type) : `${qualified(type)} "${name}"`
  const details = { ...detailsOf(type, name), ...(causes ? { causes } : {}) }
  return new ApiError(403, 'Forbidden', `${subject} is forbidden: ${detail}`, details)
}

export function invalidObject(
  kind: { readonly group: string; readonly kind: string },
  name: string,
  errors: readonly FieldError[],
): ApiError {
  const lines = errors.map(error => `${error.field}: ${error.message}`)
  const qualifiedKind = kind.group === '' ? kind.kind : `${kind.kind}.${kind.group}`
  const subject = `${qualifiedKind} ${JSON.stringify(name)} is invalid`
  const text = lines.length === 1 ? lines[0]! : `[${lines.join(', ')}]`
  return new ApiError(422, 'Invalid', `${subject}: ${text}`, {
    ...(name === '' ? {} : { name }),
    ...(kind.group === '' ? {} : { group: kind.group }),
    ...(kind.kind === '' ? {} : { kind: kind.kind }),
    causes: errors.map(({ reason, message, field }) => ({ reason, message, field })),
  })
}

export function methodNotAllowed(type: Named, verb: string): ApiError {
  const message = `${verb} is not supported on resources of kind "${qualified(type)}"`
  return new ApiError(405, 'MethodNotAllowed', message, detailsOf(type, ''))
}

export function expired(message: string): ApiError {
  return new ApiError(410, 'Expired', message)
}
