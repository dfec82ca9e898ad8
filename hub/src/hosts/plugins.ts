import { isJsonObject, type Json, type JsonObject } from '@flotilla/core/json/json'
import { parseJson } from '@flotilla/core/json/parse-json'
import { textAt } from '@flotilla/core/json/read-json'
import { stringifyJson } from '@flotilla/core/json/stringify-json'
import { TemplateError } from '@flotilla/generators/failure'
import type { InputAnswer, PluginRequest } from '@flotilla/generators/inputs'
import { PLUGIN_SETTINGS_PREFIX, readPluginSettings } from '@flotilla/generators/plugin-settings'
import { HostError } from './host-error.ts'
import { secretRefusal } from './host-secrets.ts'
import type { HttpClient, HttpReply } from './http-client.ts'
import { stableText } from './stable-text.ts'

/** A service that gives parameters (`plugins` in hub.yaml). */
export interface PluginSettings {
  readonly name: string
  readonly baseUrl: string
  /** Read at each use, so that a rotated token needs no restart. */
  readonly token: () => Promise<string>
  readonly requestTimeoutMs: number
  /** Projects whose sets may ask it; `*` for all. Without it: sets of config sources that may declare everything. */
  readonly projects?: readonly string[]
  /** PEM, besides the machine's. */
  readonly certificateAuthority?: () => Promise<string>
}

/** ConfigMaps and Secrets of an Argo CD, where the hub has them. */
export interface MountedSettings {
  /** The texts of a ConfigMap by key; undefined when there is none. */
  configMap(name: string): Promise<ReadonlyMap<string, string> | undefined>
  /** @param baseUrl Where it will be sent. @throws HostError `HOST_SECRET_MISSING` */
  secret(name: string, key: string, baseUrl: string): Promise<string>
}

/** An answer is a list of parameters, not a data set. */
const MOST_BYTES = 16 * 1024 * 1024
const LISTING = 'error listing params: '

/** Asks plugins (applicationsets.md 9.9): those of hub.yaml, else those that a mounted ConfigMap describes. */
export class Plugins {
  readonly #http: HttpClient
  readonly #plugins: readonly PluginSettings[]
  readonly #mounted: MountedSettings | undefined

  constructor(http: HttpClient, plugins: readonly PluginSettings[], mounted?: MountedSettings) {
    this.#http = http
    this.#plugins = plugins
    this.#mounted = mounted
  }

  /** @throws HostError, with the message that the generator is to show; or the signal's reason. */
  async ask(request: PluginRequest, signal: AbortSignal): Promise<InputAnswer> {
    const plugin = await this.#find(request)
    const token = await wrapped(`${PLUGIN_SETTINGS_PREFIX}error fetching Secret token: `, plugin.token)
    const certificateAuthority = await plugin.certificateAuthority?.()
    const reply = await wrapped(`${LISTING}error get api '${request.setName}': `, () =>
      this.#http.send({
        method: 'POST',
        url: executeUrl(plugin.baseUrl),
        headers: {
          authorization: `Bearer ${token}`,
          'content-type': 'application/json',
          'user-agent': 'argocd-applicationset',
        },
        body: stringifyJson({ applicationSetName: request.setName, input: { parameters: request.input } }),
        trust: { insecure: false, ...(certificateAuthority !== undefined && { certificateAuthority }) },
        timeoutMs: plugin.requestTimeoutMs,
        maxBytes: MOST_BYTES,
        signal,
      }),
    )
    return { kind: 'plugin', parameters: readOutput(reply, request.setName, token) }
  }

  /** Whoever may not ask a plugin learns no more than that there is none. */
  async #find(request: PluginRequest): Promise<PluginSettings> {
    const name = request.configMapRef
    const known = this.#plugins.find(plugin => plugin.name === name)
    const found = known ?? (await this.#mountedPlugin(name))
    if (found !== undefined && secretRefusal(name, request, [found]) === undefined) return found
    const message = `${PLUGIN_SETTINGS_PREFIX}error fetching ConfigMap: there is no plugin "${name}" for this set`
    throw new HostError('HOST_SECRET_MISSING', message, { retry: true })
  }

  async #mountedPlugin(name: string): Promise<PluginSettings | undefined> {
    const mounted = this.#mounted
    const data = await mounted?.configMap(name)
    if (mounted === undefined || data === undefined) return undefined
    try {
      const { baseUrl, token, requestTimeoutMs } = readPluginSettings(Object.fromEntries(data))
      return { name, baseUrl, requestTimeoutMs, token: () => mounted.secret(token.secretName, token.key, baseUrl) }
    } catch (cause) {
      if (!(cause instanceof TemplateError)) throw cause
      const message = PLUGIN_SETTINGS_PREFIX + cause.message
      throw new HostError('HOST_CONFIG_INVALID', message, { retry: true, cause })
    }
  }
}

/** @throws HostError `HOST_CONFIG_INVALID` */
function executeUrl(baseUrl: string): URL {
  const base = baseUrl.endsWith('/') ? baseUrl : `${baseUrl}/`
  const url = URL.canParse(base) ? new URL('api/v1/getparams.execute', base) : undefined
  if (url?.protocol === 'http:' || url?.protocol === 'https:') return url
  const message = `${PLUGIN_SETTINGS_PREFIX}baseUrl of the plugin is not a URL of http or https`
  throw new HostError('HOST_CONFIG_INVALID', message, { retry: true })
}

function readOutput({ status, text }: HttpReply, setName: string, token: string): readonly JsonObject[] {
  const fail = (code: 'HOST_FAILED' | 'HOST_ANSWER_INVALID', what: string, retry: boolean): HostError =>
    new HostError(code, `${LISTING}error get api '${setName}': ${what}`, { retry, status })
  const shown = (words: string): string => stableText(words, [token])
  if (status < 200 || status > 299) {
    throw fail('HOST_FAILED', `API error with status code ${status}: ${shown(wordsOf(text))}`, status >= 500)
  }
  if (text.trim() === '') return []
  let body: Json
  try {
    body = parseJson(text)
  } catch {
    throw fail('HOST_ANSWER_INVALID', `the answer is not JSON: ${shown(text)}`, true)
  }
  const output = isJsonObject(body) ? (body['output'] ?? null) : undefined
  const parameters = output === null ? [] : isJsonObject(output) ? (output['parameters'] ?? []) : undefined
  if (!Array.isArray(parameters) || !parameters.every(each => isJsonObject(each as Json))) {
    throw fail('HOST_ANSWER_INVALID', `the answer is not {"output": {"parameters": [{…}]}}: ${shown(text)}`, true)
  }
  return parameters as readonly JsonObject[]
}

/** What a plugin says of its refusal: `message` or `error` of a JSON body, else the body itself. */
function wordsOf(text: string): string {
  try {
    const body = parseJson(text)
    return textAt(body, 'message') || textAt(body, 'error') || text
  } catch {
    return text
  }
}

async function wrapped<Value>(prefix: string, work: () => Promise<Value>): Promise<Value> {
  try {
    return await work()
  } catch (cause) {
    if (!(cause instanceof HostError)) throw cause
    const { code, message, retry, status, notBefore } = cause
    throw new HostError(code, prefix + message, {
      ...{ retry, cause },
      ...(status !== undefined && { status }),
      ...(notBefore !== undefined && { notBefore }),
    })
  }
}
