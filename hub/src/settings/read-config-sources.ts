import type { Trust } from '@flotilla/core/model/fleet'
import { nearest } from '@flotilla/core/text/nearest'
import type { ConfigSource } from '../loop/config-sources.ts'
import type { SettingProblem } from './compile-hub-options.ts'

/** A config source as hub.yaml names it, and the credential that its repository wants. */
export interface ConfiguredSource extends ConfigSource {
  readonly credentials?: string
}

const KEYS = ['name', 'repository', 'revision', 'path', 'trust', 'namePrefix', 'credentials']
const NAME = /^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$/
const PREFIX = /^[a-z0-9]([-a-z0-9]{0,29})$/

/** Reads `configSources`; every mistake is told, with its place in the list. */
export function readConfigSources(
  loose: unknown,
  refuse: (problem: SettingProblem) => void,
): readonly ConfiguredSource[] {
  const field = 'configSources'
  if (loose === undefined) return []
  const list = typeof loose === 'string' ? parsedJson(loose) : loose
  if (!Array.isArray(list)) {
    refuse({ field, message: 'must be a list of config sources' })
    return []
  }
  const sources = list.map((entry: unknown, index) => readSource(entry, `${field}[${index}]`, refuse))
  const seen = new Set<string>()
  sources.forEach((source, index) => {
    if (source === undefined) return
    if (seen.has(source.name)) refuse({ field: `${field}[${index}].name`, message: 'is the name of another source' })
    seen.add(source.name)
  })
  return sources.filter(source => source !== undefined)
}

function readSource(
  entry: unknown,
  field: string,
  refuse: (problem: SettingProblem) => void,
): ConfiguredSource | undefined {
  if (typeof entry !== 'object' || entry === null || Array.isArray(entry)) {
    refuse({ field, message: 'must be a map with name, repository and trust' })
    return undefined
  }
  const given = entry as Readonly<Record<string, unknown>>
  let right = true
  const wrong = (key: string, message: string, hint?: string): void => {
    right = false
    refuse({ field: `${field}.${key}`, message, ...(hint !== undefined && { hint }) })
  }
  for (const key of Object.keys(given)) {
    if (KEYS.includes(key)) continue
    const near = nearest(key, KEYS)
    wrong(key, 'is not a field of a config source', near === undefined ? undefined : `did you mean "${near}"?`)
  }
  const text = (key: string, fallback?: string): string => {
    const value = given[key] ?? fallback
    if (typeof value === 'string' && (value !== '' || fallback === '')) return value
    wrong(key, given[key] === undefined ? 'is needed' : 'must be a text that is not empty')
    return ''
  }
  const name = text('name')
  if (name !== '' && !NAME.test(name)) wrong('name', 'must be lower-case letters, digits and dashes, at most 63')
  const repository = text('repository')
  const revision = text('revision', 'HEAD')
  const path = text('path', '').replace(/^\.?\/+|\/+$/g, '')
  if (path.split('/').includes('..')) wrong('path', 'must stay inside the repository')
  const trust = readTrust(given['trust'], message => wrong('trust', message))
  const { namePrefix, credentials } = given
  if (namePrefix !== undefined && !(typeof namePrefix === 'string' && PREFIX.test(namePrefix))) {
    wrong('namePrefix', 'must be lower-case letters, digits and dashes, at most 30, and begin with none')
  }
  if (credentials !== undefined && typeof credentials !== 'string')
    wrong('credentials', 'must be the name of a credential')
  if (!right || trust === undefined) return undefined
  return {
    name,
    repository,
    revision,
    path: path === '.' ? '' : path,
    trust,
    ...(typeof namePrefix === 'string' && { namePrefix }),
    ...(typeof credentials === 'string' && { credentials }),
  }
}

/** Trust is never assumed: a source says what it may declare. */
function readTrust(loose: unknown, wrong: (message: string) => void): Trust | undefined {
  if (loose === 'all') return { kind: 'all' }
  const projects = typeof loose === 'object' && loose !== null && 'projects' in loose ? loose.projects : undefined
  const right =
    Array.isArray(projects) &&
    projects.length > 0 &&
    projects.every(project => typeof project === 'string' && project !== '') &&
    Object.keys(loose as object).length === 1
  if (right) return { kind: 'projects', projects: projects as string[] }
  wrong(loose === undefined ? 'is needed: all, or { projects: […] }' : 'must be all, or { projects: […] }')
  return undefined
}

/** A list given as flag or variable is JSON. */
export function parsedJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch (error) {
    if (error instanceof SyntaxError) return undefined
    throw error
  }
}
