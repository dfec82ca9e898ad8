import { type FileHandle, link, mkdir, open, readdir, readFile, rename, rm } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import { canonicalJson } from '@flotilla/core/json/canonical-json'
import { isJsonObject, type Json, type JsonObject } from '@flotilla/core/json/json'

export interface HubCa {
  readonly certificatePem: string
  readonly privateKeyPem: string
}

/** The content of `hub.key`. */
export interface HubKeyFile {
  readonly version: 1
  readonly hubId: string
  /** Base64url of the 32 bytes that the signing key grows from. */
  readonly seed: string
  /** Those of the newest key, while agents learn it and the one before still signs. */
  readonly next?: string
  readonly links: readonly string[]
  readonly bundleKey: string
  readonly ca?: HubCa
}

export class HubKeyError extends Error {
  readonly code: 'HUB_KEY_UNREADABLE' | 'HUB_KEY_MALFORMED'
  readonly subject: string
  readonly retry = false
  constructor(code: HubKeyError['code'], subject: string, message: string, options?: { cause?: unknown }) {
    super(`${subject}: ${message} (${code})`, options)
    this.name = 'HubKeyError'
    this.code = code
    this.subject = subject
  }
}

/** Backups that are kept beside `hub.key`: enough to go back to, few enough that old private keys do not gather. */
const KEPT_BACKUPS = 3

/** The folder of the copies that each rotation makes: to be copied away by whoever looks after the hub. */
export function keyBackupFolder(path: string): string {
  return `${path}.backups`
}

/** Undefined when there is no such file. @throws HubKeyError */
export async function readHubKeyFile(path: string): Promise<HubKeyFile | undefined> {
  let text: string
  try {
    text = await readFile(path, 'utf8')
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return undefined
    throw unreadable(path, error)
  }
  const malformed = (message: string, cause?: unknown): HubKeyError =>
    new HubKeyError('HUB_KEY_MALFORMED', path, message, { cause })
  let value: Json
  try {
    value = JSON.parse(text)
  } catch (error) {
    throw malformed('it is not JSON', error)
  }
  if (!isJsonObject(value) || value['version'] !== 1) throw malformed('it is not a hub.key of version 1')
  const { hubId, seed, next, links, bundleKey, ca } = value
  const strings = typeof hubId === 'string' && typeof seed === 'string' && typeof bundleKey === 'string'
  const listed = Array.isArray(links) && links.every(entry => typeof entry === 'string')
  if (!strings || !listed || (next !== undefined && typeof next !== 'string')) {
    throw malformed('a field is missing or of another type')
  }
  return {
    version: 1,
    hubId,
    seed,
    bundleKey,
    links,
    ...(next !== undefined && { next }),
    ...(ca !== undefined && { ca: readCa(ca, malformed) }),
  }
}

/** Puts the file where none is. False: another process was faster. @throws HubKeyError */
export async function createHubKeyFile(path: string, file: HubKeyFile): Promise<boolean> {
  await mkdir(dirname(path), { recursive: true, mode: 0o700 })
  const temporary = await writeTemporary(path, file)
  try {
    // A link, unlike a rename, refuses to replace.
    await link(temporary, path)
    await syncFolder(path)
    return true
  } catch (error) {
    if (codeOf(error) !== 'EEXIST') throw unreadable(path, error)
    return false
  } finally {
    await rm(temporary, { force: true })
  }
}

/** Replaces the file: the old one is there or the new one, whatever is cut off. @throws HubKeyError */
export async function replaceHubKeyFile(path: string, file: HubKeyFile): Promise<void> {
  const temporary = await writeTemporary(path, file)
  try {
    await rename(temporary, path)
    await syncFolder(path)
  } catch (error) {
    await rm(temporary, { force: true })
    throw unreadable(path, error)
  }
}

/**
 * Copies what is about to become `hub.key` into the folder beside it, before it does: a key that signs anything has a
 * copy. The newest few stay. Returns the copy's path.
 *
 * @throws HubKeyError
 */
export async function backUpHubKeyFile(path: string, file: HubKeyFile): Promise<string> {
  const folder = keyBackupFolder(path)
  const step = file.next === undefined ? 'signing' : 'announced'
  const copy = join(folder, `${String(file.links.length).padStart(4, '0')}-${step}.key`)
  try {
    await mkdir(folder, { recursive: true, mode: 0o700 })
    await replaceHubKeyFile(copy, file)
    const copies = (await readdir(folder)).filter(name => /^\d{4,}-(?:announced|signing)\.key$/.test(name)).sort()
    const newest = copies.filter(name => name !== basename(copy)).slice(-(KEPT_BACKUPS - 1))
    for (const name of copies) {
      if (name !== basename(copy) && !newest.includes(name)) await rm(join(folder, name), { force: true })
    }
  } catch (error) {
    throw error instanceof HubKeyError ? error : unreadable(folder, error)
  }
  return copy
}

function readCa(value: Json, malformed: (message: string) => HubKeyError): HubCa {
  const { certificatePem, privateKeyPem } = isJsonObject(value) ? value : ({} as JsonObject)
  if (typeof certificatePem !== 'string' || typeof privateKeyPem !== 'string') {
    throw malformed('its certificate authority is incomplete')
  }
  return { certificatePem, privateKeyPem }
}

async function writeTemporary(path: string, file: HubKeyFile): Promise<string> {
  try {
    const { temporary, handle } = await openTemporary(path)
    try {
      await handle.writeFile(`${canonicalJson(file as unknown as JsonObject)}\n`)
      await handle.sync()
    } finally {
      await handle.close()
    }
    return temporary
  } catch (error) {
    throw unreadable(path, error)
  }
}

/** A new file beside `path`, under a name that no other process has taken. */
async function openTemporary(path: string): Promise<{ readonly temporary: string; readonly handle: FileHandle }> {
  for (let attempt = 0; ; attempt++) {
    const temporary = `${path}.tmp-${process.pid}-${attempt}`
    try {
      return { temporary, handle: await open(temporary, 'wx', 0o600) }
    } catch (error) {
      if (codeOf(error) !== 'EEXIST') throw error
    }
  }
}

async function syncFolder(path: string): Promise<void> {
  const folder = await open(dirname(path), 'r')
  try {
    await folder.sync()
  } finally {
    await folder.close()
  }
}

function unreadable(path: string, cause: unknown): HubKeyError {
  return new HubKeyError('HUB_KEY_UNREADABLE', path, 'it cannot be read or written', { cause })
}

function codeOf(error: unknown): string | undefined {
  return error instanceof Error && 'code' in error ? String(error.code) : undefined
}
