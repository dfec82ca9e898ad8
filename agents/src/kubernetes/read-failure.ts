import { isJsonObject, type Json } from '@flotilla/core/json/json'
import { listAt, numberAt, objectAt, textAt } from '@flotilla/core/json/read-json'
import { KubernetesError, type KubernetesErrorCode } from './kubernetes-error.ts'

/** The longest text of a server that goes into a message. */
const MOST_DETAIL = 1_000

export interface FailedResponse {
  readonly status: number
  readonly headers: Readonly<Record<string, string>>
  /** The parsed body, when it was JSON; else its text. */
  readonly body: Json
}

/**
 * Makes the error for a response that is not a success. The body is a `Status`, or anything at all when a proxy
 * answered. An API server repeats values in its messages, so those about a Secret are left out.
 */
export function readFailure(subject: string, verb: string, response: FailedResponse, secret: boolean): KubernetesError {
  const { status, headers, body } = response
  const code = codeOf(status, body)
  const text = isJsonObject(body) ? textAt(body, 'message') : typeof body === 'string' ? body : ''
  const detail = secret && text !== '' && status !== 404 ? 'message left out: it may hold a value' : shorten(text)
  const retryAfterMs = retryAfterOf(headers, body)
  return new KubernetesError(code, subject, verb, code === 'FIELD_CONFLICT' ? conflictText(body, detail) : detail, {
    status,
    retry: status === 429 || (status >= 500 && code !== 'INVALID') || code === 'CONFLICT' || code === 'EXPIRED',
    ...(retryAfterMs === undefined ? {} : { retryAfterMs }),
  })
}

function codeOf(status: number, body: Json): KubernetesErrorCode {
  const reason = textAt(body, 'reason')
  const causes = listAt(body, 'details', 'causes')
  switch (status) {
    case 400:
      return 'BAD_REQUEST'
    case 401:
      return 'UNAUTHENTICATED'
    case 403:
      return 'FORBIDDEN'
    case 404:
      return 'NOT_FOUND'
    case 409:
      if (reason === 'AlreadyExists') return 'ALREADY_EXISTS'
      if (causes.some(cause => textAt(cause, 'reason') === 'FieldManagerConflict')) return 'FIELD_CONFLICT'
      return 'CONFLICT'
    case 410:
      return 'EXPIRED'
    case 413:
      return 'TOO_LARGE'
    case 405:
    case 406:
    case 415:
      return 'UNSUPPORTED'
    case 422:
      return /immutable|may not be changed|updates to .* are forbidden/i.test(textAt(body, 'message'))
        ? 'IMMUTABLE_FIELD'
        : 'INVALID'
    case 429:
      return 'THROTTLED'
    case 500:
      // An apply with a field that the schema lacks is answered like a breakdown, and is none: it never passes.
      return /failed to create typed patch object/.test(textAt(body, 'message')) ? 'INVALID' : 'SERVER_ERROR'
    default:
      return status >= 500 ? 'SERVER_ERROR' : 'BAD_REQUEST'
  }
}

/** `"kubectl" owns .spec.replicas`: what people ask is who has which field. */
function conflictText(body: Json, otherwise: string): string {
  const owners = listAt(body, 'details', 'causes').map(cause => {
    const manager = /conflict with "([^"]+)"/.exec(textAt(cause, 'message'))?.[1]
    return manager === undefined ? undefined : `"${manager}" owns ${textAt(cause, 'field')}`
  })
  const known = owners.filter(owner => owner !== undefined)
  return known.length === 0 ? otherwise : shorten(known.join(', '))
}

function retryAfterOf(headers: Readonly<Record<string, string>>, body: Json): number | undefined {
  const seconds = Number(headers['retry-after'] ?? numberAt(objectAt(body, 'details'), 'retryAfterSeconds'))
  return Number.isFinite(seconds) && seconds > 0 ? seconds * 1000 : undefined
}

/** One line, no control characters: the text goes into logs, reports and terminals. */
function shorten(text: string): string {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: removing them is the point
  const line = text.replaceAll(/[\s\u0000-\u001f\u007f]+/g, ' ').trim()
  return line.length > MOST_DETAIL ? `${line.slice(0, MOST_DETAIL)}…` : line
}
