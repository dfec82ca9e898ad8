import { CANONICAL_FORMAT, type Digest, sha256 } from '../json/canonical-json.ts'
import { isJsonObject, type Json } from '../json/json.ts'
import { parseJson } from '../json/parse-json.ts'
import { checkManifest } from '../manifest/check-manifest.ts'
import type { Bundle } from '../model/bundle.ts'
import type { KubernetesObject } from '../model/kubernetes-object.ts'
import { nestingDepth } from './nesting-depth.ts'

export interface BundleLimits {
  readonly maxBytes: number
  /** Nesting of lists and maps, the Bundle's own two levels included. */
  readonly maxDepth: number
  readonly maxObjects: number
}

/** Far above what a cluster takes (etcd refuses an object of 1.5 MiB), far below what hurts an agent. */
export const DEFAULT_BUNDLE_LIMITS: BundleLimits = { maxBytes: 64 * 1024 * 1024, maxDepth: 128, maxObjects: 20_000 }

export type BundleErrorCode =
  | 'BUNDLE_TOO_LARGE'
  | 'BUNDLE_DIGEST_MISMATCH'
  | 'BUNDLE_MALFORMED'
  | 'BUNDLE_TOO_DEEP'
  | 'BUNDLE_FORMAT_UNKNOWN'
  | 'BUNDLE_TOO_MANY_OBJECTS'
  | 'BUNDLE_OBJECT_INVALID'

/** These bytes are not the Bundle they were said to be. Asking again helps only for a wrong digest. */
export class BundleError extends Error {
  readonly code: BundleErrorCode
  readonly subject: Digest
  readonly retry: boolean
  constructor(code: BundleErrorCode, subject: Digest, message: string, options?: { cause?: unknown }) {
    super(`${subject}: ${message} (${code})`, options)
    this.name = 'BundleError'
    this.code = code
    this.subject = subject
    this.retry = code === 'BUNDLE_DIGEST_MISMATCH'
  }
}

/**
 * Reads the bytes of a Bundle. Size and digest are checked before anything is parsed, nesting before anything
 * recurses, so that bytes from a broken or hostile hub cost no more than their length.
 *
 * @throws BundleError
 */
export function decodeBundle(bytes: Uint8Array, digest: Digest, limits: BundleLimits = DEFAULT_BUNDLE_LIMITS): Bundle {
  const fail = (code: BundleErrorCode, message: string, cause?: unknown): never => {
    throw new BundleError(code, digest, message, cause === undefined ? undefined : { cause })
  }
  if (bytes.byteLength > limits.maxBytes) {
    fail('BUNDLE_TOO_LARGE', `the Bundle has ${bytes.byteLength} bytes, the limit is ${limits.maxBytes}`)
  }
  const actual = sha256(bytes)
  if (actual !== digest) fail('BUNDLE_DIGEST_MISMATCH', `the bytes have the digest ${actual}`)
  const depth = nestingDepth(bytes, limits.maxDepth)
  if (depth > limits.maxDepth) fail('BUNDLE_TOO_DEEP', `values are nested deeper than ${limits.maxDepth} levels`)

  const { text, value } = parse(bytes, cause => fail('BUNDLE_MALFORMED', 'the bytes are not JSON in UTF-8', cause))
  if (LARGE_NUMBER.test(text) && holdsInfinity(value))
    fail('BUNDLE_MALFORMED', 'a number is larger than any that can be written again')
  if (!isJsonObject(value)) return fail('BUNDLE_MALFORMED', 'a Bundle is a JSON object')
  const format = value['format']
  if (typeof format !== 'number') return fail('BUNDLE_MALFORMED', 'the format number is missing')
  if (format !== CANONICAL_FORMAT) {
    return fail('BUNDLE_FORMAT_UNKNOWN', `format ${format} is not known here, only ${CANONICAL_FORMAT}`)
  }
  const objects = value['objects']
  if (!Array.isArray(objects)) return fail('BUNDLE_MALFORMED', 'the list of objects is missing')
  if (objects.length > limits.maxObjects) {
    fail('BUNDLE_TOO_MANY_OBJECTS', `the Bundle has ${objects.length} objects, the limit is ${limits.maxObjects}`)
  }
  return { digest, format, objects: objects.map((object, index) => readObject(object as Json, index, fail)) }
}

function parse(bytes: Uint8Array, onError: (cause: unknown) => never): { readonly text: string; readonly value: Json } {
  try {
    const text = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes)
    return { text, value: parseJson(text) }
  } catch (error) {
    return onError(error)
  }
}

function readObject(
  value: Json,
  index: number,
  fail: (code: BundleErrorCode, message: string) => never,
): KubernetesObject {
  const check = checkManifest(value)
  if (check.kind === 'object') return check.object
  if (check.kind === 'list') return fail('BUNDLE_OBJECT_INVALID', `object ${index} is a list`)
  return fail('BUNDLE_OBJECT_INVALID', `object ${index}: ${check.problems.map(problem => problem.message).join('; ')}`)
}

/** Nothing that is shorter is as large as the largest double. */
const LARGE_NUMBER = /\d[eE]\+?\d{3}|\d{300}/

/** JSON may say 1e400, which is read as Infinity and has no JSON form. */
function holdsInfinity(value: Json | undefined): boolean {
  if (typeof value === 'number') return !Number.isFinite(value)
  if (value === null || value === undefined || typeof value !== 'object') return false
  return Array.isArray(value) ? value.some(holdsInfinity) : Object.values(value).some(holdsInfinity)
}
