import type { ClusterRequest } from '@flotilla/core/ports/cluster-transport'
import { badRequest, invalidObject, unsupported } from './api-error.ts'

/** Who asks. */
export interface User {
  readonly name: string
  readonly groups: readonly string[]
}

/** A request taken apart, before it is known which resource it means. */
export interface ApiRequest {
  readonly method: ClusterRequest['method']
  readonly path: string
  readonly segments: readonly string[]
  readonly query: URLSearchParams
  readonly headers: Readonly<Record<string, string>>
  readonly body: string
  readonly user: User
}

/** The largest body taken, as of the real API server. */
export const MAXIMUM_BODY_BYTES = 3 * 1024 * 1024

/** An address taken apart. */
interface Place {
  readonly path: string
  readonly segments: readonly string[]
  readonly query: URLSearchParams
}

/** Clients ask for the same few addresses again and again. */
const places = new Map<string, Place>()
const MOST_PLACES = 4_000

function placeOf(address: string): Place {
  const known = places.get(address)
  if (known) return known
  const mark = address.indexOf('?')
  const path = mark < 0 ? address : address.slice(0, mark)
  const place = {
    path,
    segments: path
      .split('/')
      .filter(part => part !== '')
      .map(decode),
    query: new URLSearchParams(mark < 0 ? '' : address.slice(mark + 1)),
  }
  if (places.size >= MOST_PLACES) places.clear()
  places.set(address, place)
  return place
}

export function parseRequest(request: ClusterRequest, user: User): ApiRequest {
  const headers: Record<string, string> = {}
  for (const [name, value] of Object.entries(request.headers ?? {})) headers[name.toLowerCase()] = value
  return {
    method: request.method,
    ...placeOf(request.path),
    headers,
    body: request.body ?? '',
    user: impersonated(user, headers),
  }
}

function decode(segment: string): string {
  try {
    return decodeURIComponent(segment)
  } catch (error) {
    if (error instanceof URIError) throw badRequest(`invalid path segment ${JSON.stringify(segment)}`)
    throw error
  }
}

function impersonated(user: User, headers: Readonly<Record<string, string>>): User {
  const name = headers['impersonate-user']
  if (name === undefined || name === '') return user
  const groups = (headers['impersonate-group'] ?? '')
    .split(',')
    .map(each => each.trim())
    .filter(each => each !== '')
  const account = /^system:serviceaccount:([^:]+):/.exec(name)
  const implied = account ? ['system:serviceaccounts', `system:serviceaccounts:${account[1]}`] : []
  return { name, groups: [...new Set([...groups, ...implied, 'system:authenticated'])] }
}

/** Whose mistakes those of the query are. */
export const OPTIONS_KIND = { group: 'meta.k8s.io', kind: 'PatchOptions' }

/** True for `true`, `1`, `t`; the rules of Go's ParseBool. */
export function flag(query: URLSearchParams, name: string): boolean {
  return ['1', 't', 'T', 'true', 'TRUE', 'True'].includes(query.get(name) ?? '')
}

/** Whether nothing is to be stored. @throws ApiError 422 for a value other than `All`. */
export function isDryRun(values: readonly string[]): boolean {
  for (const value of values) {
    if (value !== 'All') throw invalidObject(OPTIONS_KIND, '', [unsupported('dryRun', value, ['All'])])
  }
  return values.length > 0
}
