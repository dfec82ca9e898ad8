import { readdir, readFile, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { trusted } from '@flotilla/config/trust'
import { isJsonObject, type Json } from '@flotilla/core/json/json'
import type { Trust } from '@flotilla/core/model/fleet'
import { matchesWildcard } from '@flotilla/core/text/wildcard'
import { HostError } from './host-error.ts'
import type { HostSecrets } from './provider.ts'

/** Who may use a Secret, and where it may be sent (`secrets` in hub.yaml). */
export interface SecretGrant {
  readonly name: string
  /** Projects whose sets may name it; `*` stands for any characters. Without it: sets of config sources that may declare everything. */
  readonly projects?: readonly string[]
  /** URLs of hosts that may be given it. Without it: the providers' public addresses and `scm.allowedProviders`. */
  readonly hosts?: readonly string[]
}

export interface SecretSettings {
  /** `<folder>/<secretName>/<key>`, as Kubernetes mounts Secrets. */
  readonly secretsFolder?: string
  /** `<folder>/<configMapName>/<key>`. */
  readonly configMapsFolder?: string
  readonly secrets: readonly SecretGrant[]
  readonly allowedProviders: readonly string[]
}

/** For whom something is asked. */
export interface Asker {
  /** The set's project before rendering: it may hold a template. */
  readonly project: string
  readonly trust: Trust
}

/** Where providers are when a document says nothing. */
const PUBLIC_HOSTS = [
  'https://api.github.com/',
  'https://gitlab.com/',
  'https://api.bitbucket.org/',
  'https://dev.azure.com/',
]
const MOST_BYTES = 64 * 1024
const MOST_KEYS = 64
const NAME = /^[a-z0-9]([-a-z0-9.]{0,251}[a-z0-9])?$/
const KEY = /^[-._a-zA-Z0-9]{1,253}$/

/**
 * Why this asker may not use that Secret; undefined when it may.
 *
 * A set in Git names a Secret by its name alone, so whoever may write a set could spend anyone's. A set whose project is
 * written out needs a grant to that project; one whose project is a template needs a grant to all that its config
 * source may declare for. What nobody was granted is for config sources that may declare everything.
 */
export function secretRefusal(
  name: string,
  { project, trust }: Asker,
  grants: readonly SecretGrant[],
): string | undefined {
  const granted = grants.find(grant => grant.name === name)?.projects
  if (granted === undefined) {
    if (trust.kind === 'all') return undefined
    return `secret "${name}" is not granted to any project, and this config source is limited to projects`
  }
  if (!project.includes('{{')) {
    const written = project === '' ? 'default' : project
    if (!trusted(trust, written)) return `this config source may not use secrets of project "${written}"`
    if (granted.some(pattern => matchesWildcard(pattern, written))) return undefined
    return `secret "${name}" is not granted to project "${written}"`
  }
  if (trust.kind === 'all' || granted.includes('*')) return undefined
  const missed = trust.projects.find(each => !granted.includes(each))
  if (missed === undefined) return undefined
  return `secret "${name}" is not granted to project "${missed}", for which this set could be`
}

/** Every Secret that a configuration names, wherever in it. */
export function secretsNamed(value: Json | undefined): readonly string[] {
  if (Array.isArray(value)) return value.flatMap(item => secretsNamed(item as Json))
  if (!isJsonObject(value)) return []
  return Object.keys(value).flatMap(key => {
    const member = value[key]
    const named = key === 'secretName' || key === 'appSecretName'
    return named && typeof member === 'string' && member !== '' ? [member] : secretsNamed(member)
  })
}

/**
 * Secrets and ConfigMaps from folders, read when they are used, so that a rotated one needs no restart.
 *
 * @param allowed Names that the asker was found to be allowed to use: no other is read.
 */
export class FolderSecrets implements HostSecrets {
  readonly #settings: SecretSettings
  readonly #allowed: ReadonlySet<string>

  constructor(settings: SecretSettings, allowed: Iterable<string>) {
    this.#settings = settings
    this.#allowed = new Set(allowed)
  }

  async secret(reference: Json | undefined, baseUrl: string): Promise<string> {
    if (reference === undefined || reference === null) return ''
    const { name, key } = readReference(reference, 'secretName')
    this.#check(name, baseUrl)
    const text = await this.#read(this.#settings.secretsFolder, 'secret', name, key)
    if (text !== undefined) return text
    throw missing(`key "${key}" in secret ${name} not found`)
  }

  async secretKeys(name: string, baseUrl: string): Promise<ReadonlyMap<string, string>> {
    if (!NAME.test(name)) throw invalid(`"${name}" is not the name of a secret`)
    this.#check(name, baseUrl)
    const folder = this.#folder(this.#settings.secretsFolder, 'secret', name)
    // Kubernetes keeps its own entries beside the keys, with two dots in front.
    const keys = (await readdir(folder).catch(() => [])).filter(key => KEY.test(key) && !key.startsWith('..'))
    if (keys.length === 0) throw missing(`error fetching secret ${name}: there is none in secretsFolder`)
    const found = new Map<string, string>()
    for (const key of keys.slice(0, MOST_KEYS)) {
      const text = await this.#read(this.#settings.secretsFolder, 'secret', name, key)
      if (text !== undefined) found.set(key, text)
    }
    return found
  }

  async configMap(reference: Json | undefined): Promise<string | undefined> {
    if (reference === undefined || reference === null) return undefined
    const { name, key } = readReference(reference, 'configMapName')
    const text = await this.#read(this.#settings.configMapsFolder, 'configmap', name, key)
    if (text !== undefined) return text
    throw missing(`key "${key}" in configmap ${name} not found`)
  }

  #check(name: string, baseUrl: string): void {
    if (!this.#allowed.has(name)) throw forbidden(`secret "${name}" was not asked for`)
    const { secrets, allowedProviders } = this.#settings
    const hosts = secrets.find(grant => grant.name === name)?.hosts
    if (hosts === undefined ? isUnder(baseUrl, allowedProviders, 'origin') : isUnder(baseUrl, hosts, 'path')) return
    if (hosts === undefined && isUnder(baseUrl, PUBLIC_HOSTS, 'origin')) return
    const { origin } = new URL(baseUrl)
    throw forbidden(
      `secret "${name}" may not be sent to ${origin}; scm.allowedProviders or hosts of the secret allow it`,
    )
  }

  #folder(root: string | undefined, kind: 'secret' | 'configmap', name: string): string {
    if (root !== undefined) return join(root, name)
    const setting = kind === 'secret' ? 'secretsFolder' : 'configMapsFolder'
    throw missing(`error fetching ${kind} ${name}: ${setting} is not set in hub.yaml`)
  }

  /** Undefined when the key is not there. */
  async #read(
    root: string | undefined,
    kind: 'secret' | 'configmap',
    name: string,
    key: string,
  ): Promise<string | undefined> {
    const folder = this.#folder(root, kind, name)
    const path = join(folder, key)
    try {
      const found = await stat(path)
      if (!found.isFile() || found.size > MOST_BYTES) {
        throw missing(`key "${key}" in ${kind} ${name} is no file of at most ${MOST_BYTES} bytes`)
      }
      // Files written by hand end in a line break, and no token does.
      return (await readFile(path, 'utf8')).replace(/(?:\r?\n){1,8}$/, '')
    } catch (error) {
      if (error instanceof HostError) throw error
      const there = await stat(folder).catch(() => undefined)
      if (there?.isDirectory() && isMissing(error)) return undefined
      const why = there === undefined ? `there is none in the ${kind}s folder` : 'it cannot be read'
      throw missing(`error fetching ${kind} ${name}: ${why}`, error)
    }
  }
}

/** Names become parts of a path: nothing else than what Kubernetes allows as a name. */
function readReference(reference: Json, nameField: 'secretName' | 'configMapName'): { name: string; key: string } {
  const given = isJsonObject(reference) ? reference : {}
  const { [nameField]: name, key } = given
  if (typeof name !== 'string' || !NAME.test(name)) throw invalid(`"${String(name)}" cannot be a ${nameField}`)
  if (typeof key !== 'string' || !KEY.test(key) || key.startsWith('..'))
    throw invalid(`"${String(key)}" cannot be a key`)
  return { name, key }
}

function isUnder(url: string, allowed: readonly string[], extent: 'origin' | 'path'): boolean {
  const wanted = new URL(url)
  return allowed.some(each => {
    if (!URL.canParse(each)) return false
    const { origin, pathname } = new URL(each)
    if (origin !== wanted.origin) return false
    return extent === 'origin' || wanted.pathname.startsWith(pathname.endsWith('/') ? pathname : `${pathname}/`)
  })
}

function isMissing(error: unknown): boolean {
  return error instanceof Error && 'code' in error && (error.code === 'ENOENT' || error.code === 'ENOTDIR')
}

function missing(message: string, cause?: unknown): HostError {
  return new HostError('HOST_SECRET_MISSING', message, { retry: true, cause })
}

function forbidden(message: string): HostError {
  return new HostError('HOST_SECRET_FORBIDDEN', message, { retry: false })
}

function invalid(message: string): HostError {
  return new HostError('HOST_CONFIG_INVALID', message, { retry: false })
}
