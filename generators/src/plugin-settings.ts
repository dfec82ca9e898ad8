import { TemplateError } from './failure.ts'

/** Where a plugin listens, and how it is asked, as a ConfigMap has it. */
export interface PluginSettings {
  readonly baseUrl: string
  /** Where its token is: a key of a Secret. */
  readonly token: { readonly secretName: string; readonly key: string }
  readonly requestTimeoutMs: number
}

export const DEFAULT_PLUGIN_TIMEOUT_MS = 30_000
/** Nobody waits longer for parameters. */
const MOST_TIMEOUT_SECONDS = 3600
/** Where Argo CD keeps secrets that no name is given for. */
const DEFAULT_SECRET = 'argocd-secret'

/**
 * Reads the data of a ConfigMap that a plugin generator names (applicationsets.md 9.9): `baseUrl`, `token` (`$key` of
 * the Secret `argocd-secret`, or `$name:key`), and `requestTimeout` in seconds.
 *
 * @throws TemplateError `PLUGIN_SETTINGS_INVALID`, in Argo CD's words.
 */
export function readPluginSettings(data: { readonly [key: string]: string }): PluginSettings {
  const text = (key: string): string => (Object.hasOwn(data, key) ? data[key]! : '')
  const baseUrl = text('baseUrl')
  if (baseUrl === '') throw invalid('error fetching ConfigMap: baseUrl not found in ConfigMap')
  const token = text('token')
  if (token === '') throw invalid('error fetching ConfigMap: token not found in ConfigMap')
  const timeout = text('requestTimeout')
  const seconds = timeout === '' ? DEFAULT_PLUGIN_TIMEOUT_MS / 1000 : Number(timeout)
  if (!/^[+-]?\d*$/.test(timeout) || !(seconds >= 0 && seconds <= MOST_TIMEOUT_SECONDS)) {
    throw invalid(`error set requestTimeout : "${timeout}" is no number of seconds up to ${MOST_TIMEOUT_SECONDS}`)
  }
  return {
    baseUrl,
    token: readToken(token),
    requestTimeoutMs: seconds === 0 ? DEFAULT_PLUGIN_TIMEOUT_MS : seconds * 1000,
  }
}

/** Zero seconds mean the default, as in Argo CD; a token is never written in the ConfigMap itself. */
function readToken(token: string): PluginSettings['token'] {
  if (!token.startsWith('$') || token === '$') {
    throw invalid("token is empty, or does not reference a secret key starting with '$'")
  }
  const colon = token.indexOf(':')
  if (colon < 0) return { secretName: DEFAULT_SECRET, key: token.slice(1) }
  return { secretName: token.slice(1, colon), key: token.slice(colon + 1) }
}

/** Before every message about a plugin's settings. */
export const PLUGIN_SETTINGS_PREFIX = 'error getting plugin from generator: '

function invalid(message: string): TemplateError {
  return new TemplateError('PLUGIN_SETTINGS_INVALID', message)
}
