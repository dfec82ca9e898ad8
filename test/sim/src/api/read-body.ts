import { isJsonObject, type Json, type JsonObject } from '@flotilla/core/json/json'
import { parseJson } from '@flotilla/core/json/parse-json'
import type { KubernetesObject } from '@flotilla/core/model/kubernetes-object'
import { load, YAMLException } from 'js-yaml'
import { newReport, type ReadReport } from '../objects/read-object.ts'
import { settleObject } from '../objects/read-stored.ts'
import { apiVersionOf, type ResourceType } from '../resources/resource-type.ts'
import { ApiError, badRequest } from './api-error.ts'
import { duplicateKeys } from './duplicate-keys.ts'
import type { ApiRequest } from './request.ts'

/** A body as a value, with the places where a key stands twice (`spec.replicas`). */
export interface ParsedBody {
  readonly value: Json
  readonly duplicates: readonly string[]
}

/** Reads JSON or YAML. @throws ApiError 400 for a text that is neither, 415 for another content type. */
export function parseBody(request: ApiRequest, yaml = false): ParsedBody {
  const type = (request.headers['content-type'] ?? 'application/json').split(';')[0]!.trim().toLowerCase()
  if (yaml || type === 'application/yaml') return parseYaml(request.body)
  if (!type.startsWith('application/') || !type.includes('json')) throw unsupportedMediaType(type, CONTENT_TYPES)
  try {
    const value = parseJson(request.body)
    return { value, duplicates: saysAll(value, request.body) ? [] : duplicateKeys(request.body) }
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error
    throw badRequest(`the object provided is unrecognized (must be of type application/json): ${error.message}`)
  }
}

/** Whether the text is how the value is written shortest: then no key stands in it twice. */
function saysAll(value: Json, text: string): boolean {
  // Only where there are so many digits may the value have some that JSON.stringify refuses.
  return !/\d{16}/.test(text) && JSON.stringify(value) === text
}

const CONTENT_TYPES = ['application/json', 'application/yaml', 'application/vnd.kubernetes.protobuf']

export function unsupportedMediaType(type: string, accepted: readonly string[]): ApiError {
  const message = `the body of the request was in an unknown format - accepted media types include: ${accepted.join(', ')}`
  return new ApiError(415, 'UnsupportedMediaType', type === '' ? message : message)
}

function parseYaml(text: string): ParsedBody {
  try {
    return { value: text.trimStart().startsWith('{') ? parseJson(text) : (load(text) as Json), duplicates: [] }
  } catch (error) {
    if (!(error instanceof SyntaxError) && !(error instanceof YAMLException)) throw error
    const duplicate = error instanceof YAMLException && /duplicated mapping key/.test(error.message)
    throw badRequest(
      duplicate ? `error strict decoding YAML: ${error.message}` : `error decoding YAML: ${error.message}`,
    )
  }
}

export type FieldValidation = 'Strict' | 'Warn' | 'Ignore'

/** @throws ApiError 422-like 400 for a value that is none of the three. */
export function fieldValidationOf(request: ApiRequest): FieldValidation {
  const value = request.query.get('fieldValidation') ?? ''
  if (value === '' || value === 'Warn') return 'Warn'
  if (value === 'Strict' || value === 'Ignore') return value
  throw new ApiError(
    422,
    'Invalid',
    `CreateOptions.meta.k8s.io "" is invalid: fieldValidation: Unsupported value: ${JSON.stringify(value)}: supported values: "Ignore", "Strict", "Warn"`,
    { group: 'meta.k8s.io', kind: 'CreateOptions' },
  )
}

/** Reads an object of a type from a body; what is only unknown or doubled becomes warnings or a refusal. */
export function readTyped(
  type: ResourceType,
  body: ParsedBody,
  validation: FieldValidation,
  warnings: string[],
): KubernetesObject {
  if (!isJsonObject(body.value)) throw badRequest(cannotHandle(type, 'json: cannot unmarshal into an object'))
  checkTypeMeta(type, body.value)
  const report = newReport()
  const object = settleObject(type, body.value, report)
  refuseReport(type, report, body.duplicates, validation, warnings)
  return object
}

/** @throws ApiError 400 where the report cannot be passed over. */
export function refuseReport(
  type: ResourceType,
  report: ReadReport,
  duplicates: readonly string[],
  validation: FieldValidation,
  warnings: string[],
): void {
  if (report.wrong.length > 0) throw badRequest(cannotHandle(type, report.wrong[0]!))
  const doubtful = [
    ...duplicates.map(path => `duplicate field ${JSON.stringify(path)}`),
    ...report.unknown.map(path => `unknown field ${JSON.stringify(path)}`),
  ]
  if (doubtful.length === 0 || validation === 'Ignore') return
  if (validation === 'Warn') {
    warnings.push(...doubtful)
    return
  }
  const message = `strict decoding error: ${doubtful.join(', ')}`
  throw badRequest(type.custom ? message : cannotHandle(type, message))
}

export function cannotHandle(type: ResourceType, reason: string): string {
  if (type.custom) return reason
  return `${type.kind} in version ${JSON.stringify(type.version)} cannot be handled as a ${type.kind}: ${reason}`
}

function checkTypeMeta(type: ResourceType, value: JsonObject): void {
  const apiVersion = value['apiVersion']
  const kind = value['kind']
  if (kind === undefined && type.custom) throw badRequest(`Object 'Kind' is missing in '${JSON.stringify(value)}'`)
  if (apiVersion !== undefined && apiVersion !== apiVersionOf(type)) {
    const message = `the API version in the data (${String(apiVersion)}) does not match the expected API version (${apiVersionOf(type)})`
    throw badRequest(message)
  }
  if (kind !== undefined && kind !== type.kind) {
    throw badRequest(`the kind in the data (${String(kind)}) does not match the expected kind (${type.kind})`)
  }
}
