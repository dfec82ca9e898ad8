import type { Json } from '@flotilla/core/json/json'
import { type FieldError, invalid, required } from '../api/api-error.ts'
import type { ResourceType } from '../resources/resource-type.ts'

const LABEL = /^[a-z0-9]([-a-z0-9]*[a-z0-9])?$/
const SERVICE_LABEL = /^[a-z]([-a-z0-9]*[a-z0-9])?$/
const SUBDOMAIN = /^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$/
const QUALIFIED = /^([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]$/
const DATA_KEY = /^[-._a-zA-Z0-9]+$/

const NOT_LABEL =
  "a lowercase RFC 1123 label has only lower case letters, digits and '-', and begins and ends with a letter or digit"
const NOT_SERVICE =
  "a DNS-1035 label has only lower case letters, digits and '-', begins with a letter and ends with a letter or digit"
const NOT_SUBDOMAIN =
  "a lowercase RFC 1123 subdomain has only lower case letters, digits, '-' and '.', and begins and ends with a letter or digit"

/** Why a text is no DNS label; undefined when it is one. */
export function notLabel(name: string): string | undefined {
  if (name.length > 63) return 'must be no more than 63 characters'
  return LABEL.test(name) ? undefined : NOT_LABEL
}

function notSubdomain(name: string): string | undefined {
  if (name.length > 253) return 'must be no more than 253 characters'
  return SUBDOMAIN.test(name) ? undefined : NOT_SUBDOMAIN
}

/** Names that only must fit in a path. */
function notPathSegment(name: string): string | undefined {
  if (name === '.' || name === '..') return `may not be '${name}'`
  return /[/%]/.test(name) ? "may not contain '/' or '%'" : undefined
}

function notServiceName(name: string): string | undefined {
  if (name.length > 63) return 'must be no more than 63 characters'
  return SERVICE_LABEL.test(name) ? undefined : NOT_SERVICE
}

function nameRule(type: ResourceType): (name: string) => string | undefined {
  if (type.group === 'rbac.authorization.k8s.io') return notPathSegment
  if (type.group === '' && type.kind === 'Namespace') return notLabel
  if (type.group === '' && type.kind === 'Service') return notServiceName
  return notSubdomain
}

export function checkName(type: ResourceType, name: string | undefined): readonly FieldError[] {
  if (name === undefined || name === '') return [required('metadata.name', 'name or generateName is required')]
  const wrong = nameRule(type)(name)
  return wrong === undefined ? [] : [invalid('metadata.name', name, wrong)]
}

/** Why a text is no label key (`prefix/name`); undefined when it is one. */
export function notQualifiedName(key: string): string | undefined {
  const parts = key.split('/')
  if (parts.length > 2) return "a qualified name is 'name' or 'prefix/name', and the prefix a DNS subdomain"
  const [prefix, name] = parts.length === 2 ? [parts[0]!, parts[1]!] : [undefined, parts[0]!]
  if (prefix !== undefined && notSubdomain(prefix) !== undefined) return `prefix part ${NOT_SUBDOMAIN}`
  if (name === '') return 'name part must be non-empty'
  if (name.length > 63) return 'name part must be no more than 63 characters'
  return QUALIFIED.test(name)
    ? undefined
    : "name part has only letters, digits, '-', '_' and '.', and begins and ends with a letter or digit"
}

function notLabelValue(value: string): string | undefined {
  if (value.length > 63) return 'must be no more than 63 characters'
  return value === '' || QUALIFIED.test(value)
    ? undefined
    : "a valid label is empty, or has only letters, digits, '-', '_' and '.', and begins and ends with a letter or digit"
}

export function checkLabels(
  labels: Readonly<Record<string, string>> | undefined,
  field: string,
): readonly FieldError[] {
  return Object.entries(labels ?? {}).flatMap(([key, value]) => {
    const wrongKey = notQualifiedName(key)
    const wrongValue = notLabelValue(value)
    return [
      ...(wrongKey === undefined ? [] : [invalid(field, key, wrongKey)]),
      ...(wrongValue === undefined ? [] : [invalid(field, value, wrongValue)]),
    ]
  })
}

/** The most that all annotations of an object together may take. */
const MAXIMUM_ANNOTATION_BYTES = 256 * 1024

export function checkAnnotations(annotations: Readonly<Record<string, string>> | undefined): readonly FieldError[] {
  const errors: FieldError[] = []
  let size = 0
  for (const [key, value] of Object.entries(annotations ?? {})) {
    const wrong = notQualifiedName(key.toLowerCase())
    if (wrong !== undefined) errors.push(invalid('metadata.annotations', key, wrong))
    size += Buffer.byteLength(key) + Buffer.byteLength(value)
  }
  if (size > MAXIMUM_ANNOTATION_BYTES) errors.push(tooLong('metadata.annotations', MAXIMUM_ANNOTATION_BYTES))
  return errors
}

export function tooLong(field: string, limit: number): FieldError {
  return { field, reason: 'FieldValueTooLong', message: `Too long: may not be more than ${limit} bytes` }
}

export function checkOwners(owners: readonly Json[]): readonly FieldError[] {
  const errors: FieldError[] = []
  let controllers = 0
  owners.forEach((owner, index) => {
    const reference = owner as { readonly [key: string]: Json | undefined }
    for (const key of ['apiVersion', 'kind', 'name', 'uid']) {
      if (!reference[key])
        errors.push(invalid(`metadata.ownerReferences[${index}].${key}`, reference[key] ?? '', 'must not be empty'))
    }
    if (reference['controller'] === true) controllers++
  })
  if (controllers > 1)
    errors.push(invalid('metadata.ownerReferences', null, 'Only one reference can have Controller set to true'))
  return errors
}

export function checkDataKeys(keys: readonly string[], field: string): readonly FieldError[] {
  return keys.flatMap(key =>
    key.length <= 253 && DATA_KEY.test(key) && key !== '.' && !key.startsWith('..')
      ? []
      : [invalid(`${field}[${key}]`, key, "a valid key has only letters, digits, '-', '_' and '.'")],
  )
}
