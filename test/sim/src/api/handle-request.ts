import type { JsonObject } from '@flotilla/core/json/json'
import { apiGroup, discoveryOf } from '../resources/discovery.ts'
import { compareVersions } from '../resources/registry.ts'
import { openApiDocument, openApiIndex } from '../schema/openapi.ts'
import { noSuchPath } from './api-error.ts'
import { type Handling, handleResource, type ResourceTarget } from './handle-resource.ts'
import { handleReview } from './handle-review.ts'
import { formOf } from './present.ts'
import type { ApiRequest } from './request.ts'
import { type ApiResponse, ok } from './response.ts'

const AGGREGATED_TYPE = 'application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList'

export const SERVER_VERSION: JsonObject = {
  major: '1',
  minor: '36',
  emulationMajor: '1',
  emulationMinor: '36',
  minCompatibilityMajor: '1',
  minCompatibilityMinor: '35',
  gitVersion: 'v1.36.3',
  gitCommit: 'simulated',
  gitTreeState: 'clean',
  buildDate: '1970-01-01T00:00:00Z',
  goVersion: 'none',
  compiler: 'none',
  platform: 'simulated/any',
}

/** The resource a path names; undefined for paths that are not of a resource. @throws ApiError 404 */
export function targetOf(handling: Handling): ResourceTarget | undefined {
  const { core, request } = handling
  const [root, ...rest] = request.segments
  if (root !== 'api' && root !== 'apis') return undefined
  const group = root === 'api' ? '' : (rest.shift() ?? '')
  const version = rest.shift()
  if (version === undefined || rest.length === 0) return undefined
  let namespace = ''
  if (rest[0] === 'namespaces' && rest.length > 2 && !isNamespaceSubresource(group, rest)) {
    namespace = rest[1]!
    rest.splice(0, 2)
  }
  const [plural, name, subresource, ...more] = rest
  const type = core.registry.find(group, version, plural!)
  if (!type || more.length > 0) throw noSuchPath()
  if (!type.namespaced && namespace !== '') throw noSuchPath()
  if (type.namespaced && namespace === '' && (name !== undefined || request.method === 'POST')) throw noSuchPath()
  return { type, namespace, name, subresource: subresource ?? '' }
}

function isNamespaceSubresource(group: string, rest: readonly string[]): boolean {
  return group === '' && rest.length === 3 && (rest[2] === 'status' || rest[2] === 'finalize')
}

/** Answers one request; mistakes come as ApiError. */
export function handleRequest(handling: Handling, target: ResourceTarget | undefined): ApiResponse {
  if (target) {
    const review = handleReview(handling, target)
    return review ?? handleResource(handling, target)
  }
  const { request } = handling
  if (request.method !== 'GET') throw noSuchPath()
  switch (request.segments[0]) {
    case 'healthz':
    case 'livez':
    case 'readyz':
      return { kind: 'text', status: 200, text: 'ok' }
    case 'version':
      return ok(SERVER_VERSION)
    case 'openapi':
      return openApi(handling)
    case 'api':
    case 'apis':
      return discovery(handling)
    default:
      throw noSuchPath()
  }
}

function openApi({ core, request }: Handling): ApiResponse {
  const [, version, root, ...rest] = request.segments
  if (version !== 'v3') throw noSuchPath()
  if (root === undefined) return ok(openApiIndex(core.registry))
  const [group, groupVersion] = root === 'api' ? ['', rest[0]] : [rest[0], rest[1]]
  const document =
    group === undefined || groupVersion === undefined ? undefined : openApiDocument(core.registry, group, groupVersion)
  if (!document) throw noSuchPath()
  const isHashed = request.query.has('hash')
  return {
    kind: 'json',
    status: 200,
    value: document,
    ...(isHashed ? { headers: { 'cache-control': 'public, immutable' } } : {}),
  }
}

function discovery({ core, request }: Handling): ApiResponse {
  const documents = discoveryOf(core.registry)
  const [root, group, version] = request.segments
  if (group === undefined) {
    if (wantsAggregated(request)) {
      const value = root === 'api' ? documents.aggregatedCore : documents.aggregatedGroups
      return { kind: 'json', status: 200, value, contentType: AGGREGATED_TYPE }
    }
    formOf(request)
    return ok(root === 'api' ? CORE_VERSIONS : documents.groups)
  }
  if (root === 'apis' && version === undefined) {
    const versions = [
      ...new Set(
        core.registry
          .all()
          .filter(type => type.group === group)
          .map(type => type.version),
      ),
    ]
    if (versions.length === 0) throw noSuchPath()
    return ok({ kind: 'APIGroup', apiVersion: 'v1', ...apiGroup(group, versions.sort(compareVersions)) })
  }
  const list = documents.lists.get(root === 'api' ? group : `${group}/${version}`)
  if (!list) throw noSuchPath()
  return ok(list)
}

const CORE_VERSIONS: JsonObject = {
  kind: 'APIVersions',
  versions: ['v1'],
  serverAddressByClientCIDRs: [{ clientCIDR: '0.0.0.0/0', serverAddress: '127.0.0.1' }],
}

function wantsAggregated(request: ApiRequest): boolean {
  const accept = (request.headers['accept'] ?? '').toLowerCase()
  return (
    accept.includes('g=apidiscovery.k8s.io') && accept.includes('v=v2') && accept.includes('as=apigroupdiscoverylist')
  )
}
