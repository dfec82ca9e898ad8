import { nearest } from '@flotilla/core/text/nearest'
import { DEFAULT_PLUGIN_TIMEOUT_MS } from '@flotilla/generators/plugin-settings'
import type { SettingProblem } from './compile-hub-options.ts'
import { parsedJson } from './read-config-sources.ts'
import { readDuration } from './setting-readers.ts'

/** A service that gives parameters to `plugin` generators; its files are read when they are used. */
export interface ConfiguredPlugin {
  readonly name: string
  readonly baseUrl: string
  readonly token?: string
  readonly tokenFile?: string
  readonly certificateAuthorityFile?: string
  readonly requestTimeoutMs: number
  /** Without it: sets of config sources that may declare everything. */
  readonly projects?: readonly string[]
}

const TEXTS = ['token', 'tokenFile', 'certificateAuthorityFile'] as const
const KEYS = ['name', 'baseUrl', ...TEXTS, 'requestTimeout', 'projects']
const readTimeout = readDuration(1000, 3_600_000)

/** Reads `plugins`. What is refused is named by its field; its value is never repeated. */
export function readPlugins(loose: unknown, refuse: (problem: SettingProblem) => void): readonly ConfiguredPlugin[] {
  const field = 'plugins'
  if (loose === undefined) return []
  const list = typeof loose === 'string' ? parsedJson(loose) : loose
  if (!Array.isArray(list)) {
    refuse({ field, message: 'must be a list of plugins' })
    return []
  }
  const plugins = list.map((entry: unknown, index) => readPlugin(entry, `${field}[${index}]`, refuse))
  const seen = new Set<string>()
  plugins.forEach(({ name }, index) => {
    if (seen.has(name)) refuse({ field: `${field}[${index}].name`, message: 'is the name of another plugin' })
    seen.add(name)
  })
  return plugins
}

function readPlugin(entry: unknown, field: string, refuse: (problem: SettingProblem) => void): ConfiguredPlugin {
  const given = (typeof entry === 'object' && entry !== null && !Array.isArray(entry) ? entry : {}) as Readonly<
    Record<string, unknown>
  >
  const wrong = (key: string, message: string, hint?: string): void =>
    refuse({ field: `${field}.${key}`, message, ...(hint !== undefined && { hint }) })
  for (const key of Object.keys(given)) {
    if (KEYS.includes(key)) continue
    const near = nearest(key, KEYS)
    wrong(key, 'is not a field of a plugin', near === undefined ? undefined : `did you mean "${near}"?`)
  }
  const texts: { -readonly [Key in (typeof TEXTS)[number]]?: string } = {}
  for (const key of TEXTS) {
    const value = given[key]
    if (value === undefined) continue
    if (typeof value === 'string' && value !== '') texts[key] = value
    else wrong(key, 'must be a text that is not empty')
  }
  if ((texts.token === undefined) === (texts.tokenFile === undefined)) {
    wrong(
      texts.token === undefined ? 'tokenFile' : 'token',
      texts.token === undefined ? 'is needed' : 'cannot stand beside tokenFile',
    )
  }
  const name = typeof given['name'] === 'string' ? given['name'] : ''
  if (name === '') wrong('name', 'is needed: sets name it as configMapRef.name')
  const baseUrl = typeof given['baseUrl'] === 'string' ? given['baseUrl'] : ''
  if (!isPlainUrl(baseUrl)) wrong('baseUrl', 'must be a URL of http or https, without user, query or fragment')
  const timeout = given['requestTimeout'] === undefined ? undefined : readTimeout(given['requestTimeout'])
  if (timeout !== undefined && 'rule' in timeout) wrong('requestTimeout', timeout.rule)
  const projects = readProjects(given['projects'], rule => wrong('projects', rule))
  return {
    name,
    baseUrl,
    ...texts,
    requestTimeoutMs: timeout !== undefined && 'value' in timeout ? timeout.value : DEFAULT_PLUGIN_TIMEOUT_MS,
    ...(projects !== undefined && { projects }),
  }
}

function isPlainUrl(text: string): boolean {
  if (!URL.canParse(text)) return false
  const { protocol, username, password, search, hash } = new URL(text)
  return ['http:', 'https:'].includes(protocol) && username + password + search + hash === ''
}

function readProjects(loose: unknown, wrong: (rule: string) => void): readonly string[] | undefined {
  if (loose === undefined) return undefined
  if (Array.isArray(loose) && loose.length > 0 && loose.every(each => typeof each === 'string' && each !== '')) {
    return loose as string[]
  }
  wrong('must be a list of project names, or ["*"]')
  return undefined
}
