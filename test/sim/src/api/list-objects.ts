import type { KubernetesObject } from '@flotilla/core/model/kubernetes-object'
import type { ResourceType } from '../resources/resource-type.ts'
import { type Matches, parseFieldSelector, parseLabelSelector } from '../store/selectors.ts'
import { ApiError, badRequest, expired } from './api-error.ts'
import type { Core } from './core.ts'
import { type Form, presentList } from './present.ts'
import type { ApiRequest } from './request.ts'
import { type ApiResponse, ok } from './response.ts'

/** What a list or watch selects. @throws ApiError 400 */
export function selectorOf(request: ApiRequest, type: ResourceType, name?: string): Matches {
  const labels = parseLabelSelector(request.query.get('labelSelector') ?? '')
  const fields = parseFieldSelector(request.query.get('fieldSelector') ?? '', type)
  return object => (name === undefined || object.metadata.name === name) && labels(object) && fields(object)
}

interface Continue {
  readonly revision: number
  readonly after: string
}

/** Lists in order of namespace and name, in pages that all show one revision. */
export function listObjects(
  core: Core,
  request: ApiRequest,
  type: ResourceType,
  namespace: string,
  form: Form,
): ApiResponse {
  const { query } = request
  const limit = wholeNumber(query, 'limit')
  const token = query.get('continue') ?? ''
  const asked = query.get('resourceVersion') ?? ''
  checkMatch(query, asked, token)
  const from = token === '' ? undefined : readContinue(token)
  const exact = query.get('resourceVersionMatch') === 'Exact' ? revisionOf(asked) : undefined
  if (from === undefined && asked !== '') refuseFuture(core, revisionOf(asked))
  const revision = from?.revision ?? exact ?? core.store.revision
  const all = core.store.listAt(type.storageKey, revision, namespace)
  if (all === undefined)
    throw expired(from ? CONTINUE_TOO_OLD : 'The resourceVersion for the provided list is too old.')
  const matches = selectorOf(request, type)
  const rest = from === undefined ? all : all.filter(object => orderKey(object) > from.after)
  const matching = rest.filter(matches)
  const page = limit > 0 ? matching.slice(0, limit) : matching
  const remaining = matching.length - page.length
  const selective = (query.get('labelSelector') ?? '') !== '' || (query.get('fieldSelector') ?? '') !== ''
  return ok(
    presentList(
      form,
      type,
      page,
      {
        resourceVersion: String(revision),
        ...(remaining > 0 ? { continue: writeContinue({ revision, after: orderKey(page[page.length - 1]!) }) } : {}),
        ...(remaining > 0 && !selective ? { remainingItemCount: remaining } : {}),
      },
      core.clock.now(),
    ),
  )
}

const CONTINUE_TOO_OLD =
  'The provided continue parameter is too old to display a consistent list result. You can start a new list without the continue parameter.'

function orderKey(object: KubernetesObject): string {
  return object.metadata.namespace === undefined
    ? (object.metadata.name ?? '')
    : `${object.metadata.namespace}/${object.metadata.name}`
}

function wholeNumber(query: URLSearchParams, name: string): number {
  const text = query.get(name) ?? ''
  if (text === '') return 0
  if (!/^\d{1,15}$/.test(text)) throw badRequest(`strconv.ParseInt: parsing ${JSON.stringify(text)}: invalid syntax`)
  return Number(text)
}

/** @throws ApiError 400 */
export function revisionOf(text: string): number {
  if (!/^\d{1,15}$/.test(text))
    throw badRequest(`Invalid value: ${JSON.stringify(text)}: resourceVersion must be a number`)
  return Number(text)
}

function checkMatch(query: URLSearchParams, asked: string, token: string): void {
  const match = query.get('resourceVersionMatch') ?? ''
  const refuse = (field: string, reason: string) => {
    const message = `ListOptions.meta.k8s.io "" is invalid: ${field}: ${reason}`
    throw new ApiError(422, 'Invalid', message, { group: 'meta.k8s.io', kind: 'ListOptions' })
  }
  if (match === '') return
  if (asked === '')
    refuse('resourceVersionMatch', 'Forbidden: resourceVersionMatch is forbidden unless resourceVersion is provided')
  if (token !== '')
    refuse('resourceVersionMatch', 'Forbidden: resourceVersionMatch is forbidden when continue is provided')
  if (match !== 'Exact' && match !== 'NotOlderThan') {
    refuse(
      'resourceVersionMatch',
      `Unsupported value: ${JSON.stringify(match)}: supported values: "Exact", "NotOlderThan", ""`,
    )
  }
  if (match === 'Exact' && asked === '0') {
    refuse('resourceVersionMatch', 'Forbidden: resourceVersionMatch "exact" is forbidden for resourceVersion "0"')
  }
}

function refuseFuture(core: Core, revision: number): void {
  if (revision <= core.store.revision) return
  const message = `Too large resource version: ${revision}, current: ${core.store.revision}`
  throw new ApiError(504, 'Timeout', message, {
    causes: [{ reason: 'ResourceVersionTooLarge', message: 'Too large resource version' }],
    retryAfterSeconds: 1,
  })
}

function writeContinue(position: Continue): string {
  return Buffer.from(JSON.stringify({ v: 'meta.k8s.io/v1', rv: position.revision, start: position.after })).toString(
    'base64url',
  )
}

function readContinue(token: string): Continue {
  try {
    const value = JSON.parse(Buffer.from(token, 'base64url').toString('utf8')) as { rv?: unknown; start?: unknown }
    if (typeof value.rv === 'number' && typeof value.start === 'string')
      return { revision: value.rv, after: value.start }
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error
  }
  throw badRequest('continue key is not valid: it must be the value of a previous list')
}
