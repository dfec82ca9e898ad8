import { uuidV7 } from '@flotilla/core/identity/uuid'
import type { Clock } from '@flotilla/core/ports/clock'
import type { Random } from '@flotilla/core/ports/random'
import { type PublicKeys, type SigningKey, signingKeyFromSeed } from '@flotilla/core/protocol/ed25519'
import { linkClaims, signHubKeysLink, walkHubKeys } from '@flotilla/core/protocol/hub-key-chain'
import { readJws, signatureHolds, signJws } from '@flotilla/core/protocol/jws'
import type { EpochMs } from '@flotilla/core/time/epoch-ms'
import {
  backUpHubKeyFile,
  createHubKeyFile,
  type HubCa,
  HubKeyError,
  type HubKeyFile,
  readHubKeyFile,
  replaceHubKeyFile,
} from './hub-key-file.ts'

export { type HubCa, HubKeyError, type HubKeyFile } from './hub-key-file.ts'

/** One key of the chain, as people read it. */
export interface HubKeyEntry {
  readonly kid: string
  readonly since: EpochMs
  /** `announced`: agents learn it, the one before still signs. */
  readonly state: 'announced' | 'signing' | 'retired'
}

/** What the hub signs and hides with (architecture.md, decision 23). Never in the store or its backups. */
export interface HubKeys {
  /** The audience of everything that agents sign. */
  readonly hubId: string
  /** The key that signs now. */
  readonly kid: string
  /** The newest key of the chain, which agents are to know: `kid`, but while a rotation is on its way. */
  readonly newest: string
  sign(typ: string, payload: object): string
  /** The same document under the key that signs now: agents take nothing by an old key once they know a newer one. */
  fresh(jws: string): string
  /** Every key of the chain. */
  readonly publicKeys: PublicKeys
  /** The chain as signed, oldest first. */
  readonly links: readonly string[]
  /** 32 bytes that Bundles are encrypted with at rest. */
  readonly bundleKey: Uint8Array
  /** The hub's own certificate authority, once it has made one. */
  readonly ca: HubCa | undefined
}

/** Everything that follows from a `hub.key`. */
interface Ring {
  readonly file: HubKeyFile
  readonly signing: SigningKey
  readonly publicKeys: PublicKeys
  readonly newest: string
  readonly bundleKey: Uint8Array
}

/**
 * The hub's keys while it runs. They rotate in two steps: a new key is *announced* as a link of the chain, signed by
 * the one before it, and *signs* only once agents know it. Each step is one write of `hub.key`, backed up before.
 */
export class HubKeyRing implements HubKeys {
  readonly #path: string | undefined
  #ring: Ring
  #writing: Promise<unknown> = Promise.resolve()

  /** @throws HubKeyError `HUB_KEY_MALFORMED` */
  constructor(file: HubKeyFile, path?: string) {
    this.#path = path
    this.#ring = ringOf(file, path ?? 'hub.key')
  }

  get hubId(): string {
    return this.#ring.file.hubId
  }

  get kid(): string {
    return this.#ring.signing.kid
  }

  get newest(): string {
    return this.#ring.newest
  }

  get publicKeys(): PublicKeys {
    return this.#ring.publicKeys
  }

  get links(): readonly string[] {
    return this.#ring.file.links
  }

  get bundleKey(): Uint8Array {
    return this.#ring.bundleKey
  }

  get ca(): HubCa | undefined {
    return this.#ring.file.ca
  }

  sign(typ: string, payload: object): string {
    return signJws(typ, payload, this.#ring.signing)
  }

  fresh(jws: string): string {
    const { signing, publicKeys } = this.#ring
    const read = readJws(jws)
    if (read.kind === 'refused' || read.kid === signing.kid) return jws
    const key = publicKeys.get(read.kid)
    // What an old key of ours did not sign does not become ours: whoever can write into the store cannot speak.
    return key && signatureHolds(read, key) ? signJws(read.typ, read.payload, signing) : jws
  }

  /** Oldest first. */
  list(): readonly HubKeyEntry[] {
    return this.links.flatMap(link => {
      const claims = linkClaims(link)
      if (!claims) return []
      const state = claims.kid === this.kid ? 'signing' : this.newest === claims.kid ? 'announced' : 'retired'
      return [{ kid: claims.kid, since: claims.iat, state }]
    })
  }

  /** Adds a key to the chain; the one that signs goes on signing. Undefined while one is announced already. */
  async announce(random: Random, now: EpochMs): Promise<HubKeyEntry | undefined> {
    return await this.#change(file => {
      if (file.next !== undefined) return undefined
      const { signing } = this.#ring
      const seed = random.bytes(32)
      const key = signingKeyFromSeed(seed)
      const payload = { typ: 'hub-keys', hubId: file.hubId, kid: key.kid, key: key.publicKey, previous: signing.kid }
      const link = signHubKeysLink({ ...payload, typ: 'hub-keys', iat: Math.floor(now) }, signing)
      return { ...file, next: Buffer.from(seed).toString('base64url'), links: [...file.links, link] }
    })
  }

  /** The announced key signs from now on, and the one before is forgotten. Undefined when none is announced. */
  async activate(): Promise<HubKeyEntry | undefined> {
    return await this.#change(({ next, ...file }) => (next === undefined ? undefined : { ...file, seed: next }))
  }

  /** One change after the other; what counts is what stands in the file. */
  async #change(change: (file: HubKeyFile) => HubKeyFile | undefined): Promise<HubKeyEntry | undefined> {
    const work = this.#writing.then(async () => {
      const path = this.#path
      const file = (path === undefined ? undefined : await readHubKeyFile(path)) ?? this.#ring.file
      const changed = change(file)
      if (!changed) return undefined
      const ring = ringOf(changed, path ?? 'hub.key')
      if (path !== undefined) {
        await backUpHubKeyFile(path, changed)
        await replaceHubKeyFile(path, changed)
      }
      this.#ring = ring
      return this.list().at(-1)
    })
    this.#writing = work.catch(() => undefined)
    return await work
  }
}

/** The same keys with something between them and whoever signs. */
export function signingThrough(keys: HubKeys, sign: HubKeys['sign']): HubKeys {
  return new Proxy(keys, {
    get: (target, name) => {
      if (name === 'sign') return sign
      const value: unknown = Reflect.get(target, name, target)
      return typeof value === 'function' ? value.bind(target) : value
    },
  })
}

/** New keys for a hub that has none. */
export function newHubKeyFile(random: Random, now: EpochMs, hubId: string): HubKeyFile {
  const seed = random.bytes(32)
  const key = signingKeyFromSeed(seed)
  const iat = Math.floor(now)
  const first = signHubKeysLink({ typ: 'hub-keys', hubId, kid: key.kid, key: key.publicKey, iat }, key)
  return {
    version: 1,
    hubId,
    seed: Buffer.from(seed).toString('base64url'),
    links: [first],
    bundleKey: Buffer.from(random.bytes(32)).toString('base64url'),
  }
}

/** Keys in memory alone, for tests and for what signs nothing that leaves. @throws HubKeyError */
export function hubKeysOf(file: HubKeyFile): HubKeyRing {
  return new HubKeyRing(file)
}

/**
 * Reads `hub.key`, or makes it. Two hubs that start on one empty folder end with the same keys: the file is linked
 * into place, which only the first can do.
 *
 * @throws HubKeyError; a file that is there and cannot be read is never replaced.
 */
export async function loadOrCreateHubKeys(path: string, random: Random, clock: Clock): Promise<HubKeyRing> {
  const existing = await readHubKeyFile(path)
  if (existing) return new HubKeyRing(existing, path)
  const file = newHubKeyFile(random, clock.now(), uuidV7(clock.now(), random.bytes(10)))
  await createHubKeyFile(path, file)
  const winner = await readHubKeyFile(path)
  if (!winner) throw new HubKeyError('HUB_KEY_UNREADABLE', path, 'the file went away while it was made')
  return new HubKeyRing(winner, path)
}

/** Adds the hub's own CA to the file, atomically, and returns the keys with it. */
export async function saveHubCa(path: string, ca: HubCa): Promise<HubKeys> {
  const file = await readHubKeyFile(path)
  if (!file) throw new HubKeyError('HUB_KEY_UNREADABLE', path, 'there is no such file')
  const changed: HubKeyFile = { ...file, ca }
  await replaceHubKeyFile(path, changed)
  return new HubKeyRing(changed, path)
}

/** The chain from the link of this key on; all of it for a key that is not in it. */
export function linksFrom(links: readonly string[], kid: string | null): readonly string[] {
  return links.slice(
    Math.max(
      0,
      links.findIndex(link => linkClaims(link)?.kid === kid),
    ),
  )
}

function ringOf(file: HubKeyFile, subject: string): Ring {
  const fail = (message: string): never => {
    throw new HubKeyError('HUB_KEY_MALFORMED', subject, message)
  }
  const keyOf = (seed: string): SigningKey => {
    const bytes = Buffer.from(seed, 'base64url')
    return bytes.length === 32 ? signingKeyFromSeed(bytes) : fail('a key in it does not have 32 bytes')
  }
  const bundleKey = Buffer.from(file.bundleKey, 'base64url')
  if (bundleKey.length !== 32) return fail('a key in it does not have 32 bytes')
  const signing = keyOf(file.seed)
  const newest = file.next === undefined ? signing : keyOf(file.next)
  const [first] = file.links
  const pin = (first === undefined ? undefined : linkClaims(first)?.kid) ?? fail('its chain of keys is empty')
  const chain = walkHubKeys(file.links, pin)
  if (chain.kind === 'refused') return fail(chain.message)
  if (chain.newest !== newest.kid || chain.hubId !== file.hubId)
    return fail('its chain does not lead to the signing key')
  if (!chain.keys.has(signing.kid)) return fail('its signing key is not in its chain')
  return { file, signing, publicKeys: chain.keys, newest: newest.kid, bundleKey }
}
