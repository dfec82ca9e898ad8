import { isJsonObject, type Json, type JsonObject } from '@flotilla/core/json/json'
import { listAt, numberIfAny, textAt, valueAt } from '@flotilla/core/json/read-json'
import { type DecisionSettings, readDecisionSettings } from '@flotilla/generators/decision-settings'
import { TemplateError } from '@flotilla/generators/failure'
import type { DecisionResourcesRequest, InputAnswer } from '@flotilla/generators/inputs'
import { type LabelRequirement, parseLabelSelector } from '@flotilla/generators/label-selector'
import { HostError } from './host-error.ts'
import { secretRefusal } from './host-secrets.ts'

/** A Kubernetes cluster, as far as it is asked for decisions. */
export interface ClusterReader {
  /**
   * One GET below the API's root, whatever its status.
   *
   * @param path With its query: `/apis/…?limit=500`.
   * @throws HostError when there is no whole answer, or the signal's reason.
   */
  get(path: string, signal: AbortSignal): Promise<{ readonly status: number; readonly body: Json }>
}

export interface DecisionSource {
  readonly cluster: ClusterReader
  /** Where ConfigMaps and resources are: Argo CD's own namespace. */
  readonly namespace: string
  /** Projects whose sets may ask; `*` for all. Without it: sets of config sources that may declare everything. */
  readonly projects?: readonly string[]
}

const PAGE = 250
const MOST_RESOURCES = 10_000
const MOST_PAGES = 100
const NAME = /^[a-z0-9]([-a-z0-9.]{0,251}[a-z0-9])?$/
const READING = 'error reading configMapRef: '
const LISTING = 'failed to get dynamic resources: '
const GONE = 410

/** Lists resources that decide on clusters (applicationsets.md 9.10), from the cluster that manages them. */
export class DecisionResources {
  readonly #source: DecisionSource | undefined

  constructor(source: DecisionSource | undefined) {
    this.#source = source
  }

  /** @throws HostError, with the message that the generator is to show; or the signal's reason. */
  async ask(request: DecisionResourcesRequest, signal: AbortSignal): Promise<InputAnswer> {
    const source = this.#source
    const name = request.configMapRef
    const projects = source?.projects
    const refused = secretRefusal(name, request, [{ name, ...(projects !== undefined && { projects }) }]) !== undefined
    if (source === undefined || refused) {
      const message = `${READING}the hub has no management cluster for this set`
      throw new HostError('HOST_SECRET_MISSING', message, { retry: true })
    }
    const settings = await readSettings(source, name, signal)
    const { statusListKey, matchKey } = settings
    const found = await listResources(source, settings, selectionOf(request), signal)
    // The rest of a resource changes without a decision having changed.
    const resources = found
      .map(resource => ({
        name: textAt(resource, 'metadata', 'name'),
        list: valueAt(resource, 'status', statusListKey),
      }))
      .sort((a, b) => (a.name < b.name ? -1 : 1))
      .map(({ list }): JsonObject => ({ status: list === undefined ? {} : { [statusListKey]: list } }))
    return { kind: 'decision-resources', matchKey, statusListKey, resources }
  }
}

async function readSettings(source: DecisionSource, name: string, signal: AbortSignal): Promise<DecisionSettings> {
  if (!NAME.test(name)) throw missing(`${READING}"${name}" is not the name of a ConfigMap`)
  const path = `/api/v1/namespaces/${source.namespace}/configmaps/${name}`
  const { status, body } = await source.cluster.get(path, signal)
  if (status === 404) throw missing(`${READING}configmaps "${name}" not found`)
  if (status !== 200) throw refusal(READING, status, body)
  const data = valueAt(body, 'data')
  const texts = Object.entries(isJsonObject(data) ? data : {}).filter(([, text]) => typeof text === 'string')
  try {
    return readDecisionSettings(Object.fromEntries(texts) as { readonly [key: string]: string })
  } catch (cause) {
    if (!(cause instanceof TemplateError)) throw cause
    throw new HostError('HOST_CONFIG_INVALID', cause.message, { retry: true, cause })
  }
}

async function listResources(
  { cluster, namespace }: DecisionSource,
  { group, version, resource }: DecisionSettings,
  selection: string,
  signal: AbortSignal,
): Promise<readonly Json[]> {
  const base = `/apis/${group}/${version}/namespaces/${namespace}/${resource}?limit=${PAGE}&${selection}`
  let found: Json[] = []
  let restarts = 0
  let pages = 0
  for (let token = ''; ; ) {
    const path = token === '' ? base : `${base}&continue=${encodeURIComponent(token)}`
    const { status, body } = await cluster.get(path, signal)
    // The list was too old to be continued: half of it would look like resources that are gone.
    if (status === GONE && token !== '' && restarts++ === 0) {
      found = []
      token = ''
      continue
    }
    if (status !== 200) throw refusal(LISTING, status, body)
    for (const item of listAt(body, 'items')) found.push(item)
    if (found.length > MOST_RESOURCES || ++pages > MOST_PAGES) {
      const message = `${LISTING}more than ${MOST_RESOURCES} resources`
      throw new HostError('HOST_ANSWER_TOO_LARGE', message, { retry: false })
    }
    token = textAt(body, 'metadata', 'continue')
    if (token === '') return found
  }
}

function selectionOf({ name, labelSelector }: DecisionResourcesRequest): string {
  if (name !== undefined) {
    if (!NAME.test(name)) throw missing(`${LISTING}"${name}" is not the name of a resource`)
    return `fieldSelector=${encodeURIComponent(`metadata.name=${name}`)}`
  }
  const requirements = parseLabelSelector(labelSelector, 'labels')
  return `labelSelector=${encodeURIComponent(requirements.map(requirementText).join(','))}`
}

/** As the API takes it: `env in (prod,test)`, `!gpu`. */
function requirementText({ key, operator, values }: LabelRequirement): string {
  switch (operator) {
    case 'In':
      return `${key} in (${values.join(',')})`
    case 'NotIn':
      return `${key} notin (${values.join(',')})`
    case 'Exists':
      return key
    case 'DoesNotExist':
      return `!${key}`
  }
}

function refusal(prefix: string, status: number, body: Json): HostError {
  const words = textAt(body, 'message').slice(0, 500) || `the cluster answers ${numberIfAny(body, 'code') ?? status}`
  const code = status === 401 || status === 403 ? 'HOST_REFUSED' : status === 404 ? 'HOST_NOT_FOUND' : 'HOST_FAILED'
  return new HostError(code, prefix + words, { retry: true, status })
}

function missing(message: string): HostError {
  return new HostError('HOST_CONFIG_INVALID', message, { retry: true })
}
