import { getKey, isJsonObject, type Json, type JsonObject } from '@flotilla/core/json/json'
import { HostError } from './host-error.ts'

/** Readers of a provider's configuration, which comes from a document and may hold anything. */

/** @throws HostError `HOST_CONFIG_INVALID` when it is not a text; empty when it is absent. */
export function textOf(config: JsonObject, field: string): string {
  const value = getKey(config, field)
  if (value === undefined || value === null) return ''
  if (typeof value !== 'string') throw invalid(`${field} must be a text`)
  return value
}

/** @throws HostError `HOST_CONFIG_INVALID` when it is absent, empty or not a text. */
export function neededText(config: JsonObject, field: string): string {
  const value = textOf(config, field)
  if (value === '') throw invalid(`${field} is needed`)
  return value
}

export function flagOf(config: JsonObject, field: string): boolean {
  return getKey(config, field) === true
}

/** The value of a field that is an object; undefined when it is absent. @throws HostError `HOST_CONFIG_INVALID` */
export function objectOf(config: JsonObject, field: string): JsonObject | undefined {
  const value: Json | undefined = getKey(config, field)
  if (value === undefined || value === null) return undefined
  if (!isJsonObject(value)) throw invalid(`${field} must be a map`)
  return value
}

/** Names the parts of a configuration that say who asks: see `Connection.identity`. */
export function identityOf(config: JsonObject, ...fields: readonly string[]): string {
  const given = fields.flatMap(field => {
    const value = getKey(config, field)
    return value === undefined || value === null || value === '' ? [] : [[field, value]]
  })
  return given.length === 0 ? '' : JSON.stringify(given)
}

/** `url` of a repository by the document's `cloneProtocol`. @throws HostError in Argo CD's words. */
export function cloneUrl(cloneProtocol: string, host: string, urls: { readonly ssh: string; readonly https: string }) {
  if (cloneProtocol === '' || cloneProtocol === 'ssh') return urls.ssh
  if (cloneProtocol === 'https') return urls.https
  throw invalid(`unknown clone protocol for ${host} ${cloneProtocol}`)
}

function invalid(message: string): HostError {
  return new HostError('HOST_CONFIG_INVALID', message, { retry: false })
}
