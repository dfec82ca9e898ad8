import { type FileHandle, link, mkdir, open, readFile, rename, rm } from 'node:fs/promises'
import { dirname } from 'node:path'
import { uuidV7 } from '@flotilla/core/identity/uuid'
import { canonicalJson } from '@flotilla/core/json/canonical-json'
import { isJsonObject, type Json, type JsonObject } from '@flotilla/core/json/json'
import type { Clock } from '@flotilla/core/ports/clock'
import type { Random } from '@flotilla/core/ports/random'
import { importPublicKey, type PublicKeys, type SigningKey, signingKeyFromSeed } from '@flotilla/core/protocol/ed25519'
import { signHubKeysLink, walkHubKeys } from '@flotilla/core/protocol/hub-key-chain'
import { readJws, signJws } from '@flotilla/core/protocol/jws'
import type { EpochMs } from '@flotilla/core/time/epoch-ms'

/** What the hub signs and hides with (architecture.md, decision 23). Loaded once; never in the store or its backups. */
export interface HubKeys {
  /** The audience of everything that agents sign. */
  readonly hubId: string
  /** The key that signs now. */
  readonly kid: string
  sign(typ: string, payload: object): string
  /** Every key of the chain. */
  readonly publicKeys: PublicKeys
  /** The chain as signed, oldest first. */
  readonly links: readonly string[]
  /** 32 bytes that Bundles are encrypted with at rest. */
  readonly bundleKey: Uint8Array
  /** The hub's own certificate authority, once it has made one. */
  readonly ca: HubCa | undefined
}

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

/** New keys for a hub that has none. */
export function newHubKeyFile(random: Random, now: EpochMs, hubId: string): HubKeyFile {
  const seed = random.bytes(32)
  const key = signingKeyFromSeed(seed)
  const first = signHubKeysLink({ typ: 'hub-keys', hubId, kid: key.kid, key: key.publicKey, iat: now }, key)
  return {
    version: 1,
    hubId,
    seed: Buffer.from(seed).toString('base64url'),
    links: [first],
    bundleKey: Buffer.from(random.bytes(32)).toString('base64url'),
  }
}

/** @throws HubKeyError `HUB_KEY_MALFORMED` when the chain does not lead to the signing key. */
export function hubKeysOf(file: HubKeyFile, subject = 'hub.key'): HubKeys {
  const fail = (message: string): never => {
    throw new HubKeyError('HUB_KEY_MALFORMED', subject, message)
  }
  const seed = Buffer.from(file.seed, 'base64url')
  const bundleKey = Buffer.from(file.bundleKey, 'base64url')
  if (seed.length !== 32 || bundleKey.length !== 32) return fail('a key in it does not have 32 bytes')
  const key: SigningKey = signingKeyFromSeed(seed)
  const first = kidOfLink(file.links[0]) ?? fail('its chain of keys is empty')
  const chain = walkHubKeys(file.links, first)
  if (chain.kind === 'refused') return fail(chain.message)
  if (chain.newest !== key.kid || chain.hubId !== file.hubId) return fail('its chain does not lead to the signing key')
  if (!importPublicKey(key.publicKey)) return fail('its signing key cannot be used')
  return {
    hubId: file.hubId,
    kid: key.kid,
    sign: (typ, payload) => signJws(typ, payload, key),
    publicKeys: chain.keys,
    links: file.links,
    bundleKey,
    ca: file.ca,
  }
}

/**
 * Reads `hub.key`, or makes it. Two hubs that start on one empty folder end with the same keys: the file is linked
 * into place, which only the first can do.
 *
 * @throws HubKeyError; a file that is there and cannot be read is never replaced.
 */
export async function loadOrCreateHubKeys(path: string, random: Random, clock: Clock): Promise<HubKeys> {
  const existing = await readHubKeyFile(path)
  if (existing) return hubKeysOf(existing, path)
  await mkdir(dirname(path), { recursive: true, mode: 0o700 })
  const file = newHubKeyFile(random, clock.now(), uuidV7(clock.now(), random.bytes(10)))
  const temporary = await writeTemporary(path, file)
  try {
    await link(temporary, path)
    await syncFolder(path)
  } catch (error) {
    if (codeOf(error) !== 'EEXIST') throw unreadable(path, error)
  } finally {
    await rm(temporary, { force: true })
  }
  const winner = await readHubKeyFile(path)
  if (!winner) throw new HubKeyError('HUB_KEY_UNREADABLE', path, 'the file went away while it was made')
  return hubKeysOf(winner, path)
}

/** Adds the hub's own CA to the file, atomically, and returns the keys with it. */
export async function saveHubCa(path: string, ca: HubCa): Promise<HubKeys> {
  const file = await readHubKeyFile(path)
  if (!file) throw new HubKeyError('HUB_KEY_UNREADABLE', path, 'there is no such file')
  const changed: HubKeyFile = { ...file, ca }
  const temporary = await writeTemporary(path, changed)
  await rename(temporary, path)
  await syncFolder(path)
  return hubKeysOf(changed, path)
}

async function readHubKeyFile(path: string): Promise<HubKeyFile | undefined> {
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
  const { hubId, seed, links, bundleKey, ca } = value
  const strings = typeof hubId === 'string' && typeof seed === 'string' && typeof bundleKey === 'string'
  if (!strings || !Array.isArray(links) || !links.every(entry => typeof entry === 'string')) {
    throw malformed('a field is missing or of another type')
  }
  return { version: 1, hubId, seed, bundleKey, links, ...(ca !== undefined && { ca: readCa(ca, malformed) }) }
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

/** The chain from the link of this key on; all of it for a key that is not in it. */
export function linksFrom(links: readonly string[], kid: string | null): readonly string[] {
  return links.slice(
    Math.max(
      0,
      links.findIndex(link => kidOfLink(link) === kid),
    ),
  )
}

/** The key that a link of our own brings. */
function kidOfLink(link: string | undefined): string | undefined {
  const read = link === undefined ? undefined : readJws(link)
  const kid = read?.kind === 'unverified' ? read.payload['kid'] : undefined
  return typeof kid === 'string' ? kid : undefined
}

function unreadable(path: string, cause: unknown): HubKeyError {
  return new HubKeyError('HUB_KEY_UNREADABLE', path, 'it cannot be read or written', { cause })
}

function codeOf(error: unknown): string | undefined {
  return error instanceof Error && 'code' in error ? String(error.code) : undefined
}
