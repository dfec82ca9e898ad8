import { nearest } from '@flotilla/core/text/nearest'
import type { SecretGrant } from '../hosts/host-secrets.ts'
import type { SettingProblem } from './compile-hub-options.ts'

/** Which Git hosts are asked, how they are reached, and whose Secrets they may be shown. */
export interface ConfiguredHosts {
  readonly enabled: boolean
  readonly allowedProviders: readonly string[]
  /** PEM certificates trusted besides the machine's. */
  readonly rootCAFile?: string
  readonly proxy?: string
  readonly noProxy?: readonly string[]
  readonly secretsFolder?: string
  readonly configMapsFolder?: string
  readonly secrets: readonly SecretGrant[]
}

interface PlainHosts {
  readonly enabled: 'true' | 'false' | undefined
  readonly allowedProviders: readonly string[] | undefined
  readonly rootCAFile: string | undefined
  readonly proxy: string | undefined
  readonly noProxy: readonly string[] | undefined
  readonly secretsFolder: string | undefined
  readonly configMapsFolder: string | undefined
}

/** Puts the settings of hosts together and reads the list `secrets`; every mistake is told with its field. */
export function compileHosts(
  plain: PlainHosts,
  secrets: unknown,
  refuse: (problem: SettingProblem) => void,
): ConfiguredHosts {
  const { allowedProviders = [], rootCAFile, proxy, noProxy, secretsFolder, configMapsFolder } = plain
  allowedProviders.forEach((url, index) => {
    if (!isPlainUrl(url)) refuse({ field: `scm.allowedProviders[${index}]`, message: PLAIN_URL })
  })
  if (proxy !== undefined && !isProxyUrl(proxy)) {
    refuse({ field: 'scm.proxy', message: 'must be a URL like http://proxy.example.com:3128' })
  }
  if (noProxy !== undefined && proxy === undefined) {
    const hint = 'without scm.proxy the variables HTTPS_PROXY and NO_PROXY count'
    refuse({ field: 'scm.noProxy', message: 'is for scm.proxy alone', hint })
  }
  return {
    enabled: plain.enabled !== 'false',
    allowedProviders,
    ...(rootCAFile !== undefined && { rootCAFile }),
    ...(proxy !== undefined && { proxy }),
    ...(noProxy !== undefined && { noProxy }),
    ...(secretsFolder !== undefined && { secretsFolder }),
    ...(configMapsFolder !== undefined && { configMapsFolder }),
    secrets: readSecrets(secrets, refuse),
  }
}

const PLAIN_URL = 'must be a URL of http or https, without user, query or fragment'
const KEYS = ['name', 'projects', 'hosts']
const NAME = /^[a-z0-9]([-a-z0-9.]{0,251}[a-z0-9])?$/

function readSecrets(loose: unknown, refuse: (problem: SettingProblem) => void): readonly SecretGrant[] {
  const field = 'secrets'
  if (loose === undefined) return []
  const list = typeof loose === 'string' ? parsedJson(loose) : loose
  if (!Array.isArray(list)) {
    refuse({ field, message: 'must be a list of secrets, each with its name' })
    return []
  }
  const grants = list.map((entry: unknown, index) => readGrant(entry, `${field}[${index}]`, refuse))
  const seen = new Set<string>()
  grants.forEach(({ name }, index) => {
    if (seen.has(name)) refuse({ field: `${field}[${index}].name`, message: 'is the name of another secret' })
    seen.add(name)
  })
  return grants
}

function readGrant(entry: unknown, field: string, refuse: (problem: SettingProblem) => void): SecretGrant {
  const given = (typeof entry === 'object' && entry !== null && !Array.isArray(entry) ? entry : {}) as Readonly<
    Record<string, unknown>
  >
  for (const key of Object.keys(given)) {
    if (KEYS.includes(key)) continue
    const near = nearest(key, KEYS)
    const hint = near === undefined ? {} : { hint: `did you mean "${near}"?` }
    refuse({ field: `${field}.${key}`, message: 'is not a field of a secret', ...hint })
  }
  const name = typeof given['name'] === 'string' ? given['name'] : ''
  if (!NAME.test(name)) refuse({ field: `${field}.name`, message: 'must be the name of a folder in secretsFolder' })
  const texts = (key: 'projects' | 'hosts'): readonly string[] | undefined => {
    const value = given[key]
    if (value === undefined) return undefined
    if (Array.isArray(value) && value.every(each => typeof each === 'string' && each !== '')) return value as string[]
    refuse({ field: `${field}.${key}`, message: 'must be a list of texts' })
    return []
  }
  const projects = texts('projects')
  const hosts = texts('hosts')
  hosts?.forEach((url, index) => {
    if (!isPlainUrl(url)) refuse({ field: `${field}.hosts[${index}]`, message: PLAIN_URL })
  })
  return { name, ...(projects !== undefined && { projects }), ...(hosts !== undefined && { hosts }) }
}

function isPlainUrl(text: string): boolean {
  if (!URL.canParse(text)) return false
  const { protocol, username, password, search, hash } = new URL(text)
  return ['http:', 'https:'].includes(protocol) && username + password + search + hash === ''
}

function isProxyUrl(text: string): boolean {
  return URL.canParse(text) && ['http:', 'https:'].includes(new URL(text).protocol)
}

/** A list given as flag or variable is JSON. */
function parsedJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch (error) {
    if (error instanceof SyntaxError) return undefined
    throw error
  }
}
