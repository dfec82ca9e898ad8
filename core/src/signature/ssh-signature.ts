import { createHash, createPublicKey, type JsonWebKey, type KeyObject, verify } from 'node:crypto'

/** What is known of an SSH signature: whether it is good, and by which key. */
export type SshVerdict =
  | { readonly kind: 'good'; readonly fingerprint: string }
  /** Made by a key that is not among the known ones. */
  | { readonly kind: 'unknown-key'; readonly fingerprint: string }
  | { readonly kind: 'bad'; readonly message: string }

/** A public key that may have signed. */
export interface SshKey {
  /** `SHA256:…`, as `ssh-keygen -l` prints it. */
  readonly fingerprint: string
  /** As it stands, base64 decoded, in a line of `authorized_keys`. */
  readonly blob: Uint8Array
}

const MAGIC = 'SSHSIG'
const NAMESPACE = 'git'
const LEAST_RSA_BITS = 2048
const CURVES: Readonly<Record<string, { readonly name: string; readonly hash: string }>> = {
  nistp256: { name: 'P-256', hash: 'sha256' },
  nistp384: { name: 'P-384', hash: 'sha384' },
  nistp521: { name: 'P-521', hash: 'sha512' },
}
/** Somebody touched the security key. */
const USER_PRESENT = 1

/**
 * Reads a line such as `ssh-ed25519 AAAA… ana@example.com`; options before the type are not read.
 *
 * @returns Undefined for what is no public key of a kind that can be checked here.
 */
export function readSshKey(line: string): SshKey | undefined {
  const [type = '', encoded = ''] = line.trim().split(/\s+/)
  if (!/^[A-Za-z0-9+/]+={0,2}$/.test(encoded)) return undefined
  const blob = Buffer.from(encoded, 'base64')
  try {
    if (readText(new Reader(blob)) !== type) return undefined
    publicKeyOf(blob)
  } catch {
    return undefined // any malformed key: there is nothing to tell apart
  }
  return { fingerprint: fingerprintOf(blob), blob }
}

/**
 * Checks a signature as Git has OpenSSH make them (format `SSHSIG`, version 1, namespace `git`).
 *
 * @param payload What is signed, to the byte.
 */
export function verifySshSignature(armoured: string, payload: Uint8Array, keys: readonly SshKey[]): SshVerdict {
  try {
    return check(armoured, payload, keys)
  } catch (error) {
    return { kind: 'bad', message: error instanceof Malformed ? error.message : 'it cannot be read' }
  }
}

function check(armoured: string, payload: Uint8Array, keys: readonly SshKey[]): SshVerdict {
  const encoded = armoured.split(/\r?\n/).filter(line => line !== '' && !line.startsWith('-----'))
  if (!encoded.every(line => /^[A-Za-z0-9+/]+={0,2}$/.test(line))) throw new Malformed('its armour is damaged')
  const whole = new Reader(Buffer.from(encoded.join(''), 'base64'))
  if (whole.take(MAGIC.length).toString('latin1') !== MAGIC || whole.uint32() !== 1) {
    throw new Malformed('it is no SSH signature of version 1')
  }
  const blob = whole.bytes()
  const namespace = readText(whole)
  const reserved = whole.bytes()
  const hash = readText(whole)
  const signature = whole.bytes()
  whole.end()
  if (namespace !== NAMESPACE) throw new Malformed(`it was made for "${printable(namespace)}", not for Git`)
  if (hash !== 'sha256' && hash !== 'sha512') throw new Malformed('its hash function is none that is taken')
  const fingerprint = fingerprintOf(blob)
  if (!keys.some(key => key.fingerprint === fingerprint)) return { kind: 'unknown-key', fingerprint }
  const digest = createHash(hash).update(payload).digest()
  const signed = Buffer.concat([
    Buffer.from(MAGIC),
    ...[Buffer.from(namespace), reserved, Buffer.from(hash), digest].map(withLength),
  ])
  return isGood(blob, signature, signed) ? { kind: 'good', fingerprint } : { kind: 'bad', message: 'it does not fit' }
}

function isGood(blob: Buffer, signature: Buffer, signed: Buffer): boolean {
  const { key, type, curve, application } = publicKeyOf(blob)
  const reader = new Reader(signature)
  const format = readText(reader)
  const value = reader.bytes()
  let message = signed
  if (application !== undefined) {
    const tail = reader.take(5)
    if ((tail[0]! & USER_PRESENT) === 0) throw new Malformed('nobody touched the security key that made it')
    message = Buffer.concat([sha256(application), tail, sha256(signed)])
  }
  reader.end()
  if (type === 'ssh-rsa') {
    if (format !== 'rsa-sha2-256' && format !== 'rsa-sha2-512') throw new Malformed('it is RSA with a weak hash')
    return verify(format === 'rsa-sha2-256' ? 'sha256' : 'sha512', message, key, value)
  }
  if (format !== type) throw new Malformed('its algorithm is not that of its key')
  if (curve === undefined) return verify(null, message, key, value)
  const { hash } = CURVES[curve]!
  const numbers = new Reader(value)
  const size = Math.ceil((Number(curve.slice(-3)) || 0) / 8)
  const both = Buffer.concat([numbers.bytes(), numbers.bytes()].map(number => sized(number, size)))
  numbers.end()
  return verify(hash, message, { key, dsaEncoding: 'ieee-p1363' }, both)
}

interface PublicKey {
  readonly type: string
  readonly key: KeyObject
  readonly curve?: string
  /** Of a security key: what it was registered for. */
  readonly application?: Buffer
}

function publicKeyOf(blob: Buffer): PublicKey {
  const reader = new Reader(blob)
  const type = readText(reader)
  const known = readPublicKey(type, reader)
  reader.end()
  return known
}

function readPublicKey(type: string, reader: Reader): PublicKey {
  const application = (): { readonly application?: Buffer } =>
    type.startsWith('sk-') ? { application: reader.bytes() } : {}
  switch (type) {
    case 'ssh-ed25519':
    case 'sk-ssh-ed25519@openssh.com': {
      const key = keyFrom({ kty: 'OKP', crv: 'Ed25519', x: base64Url(sized(reader.bytes(), 32)) })
      return { type, key, ...application() }
    }
    case 'ssh-rsa': {
      const [e, n] = [reader.bytes(), reader.bytes()]
      const key = keyFrom({ kty: 'RSA', e: base64Url(unsigned(e)), n: base64Url(unsigned(n)) })
      if ((key.asymmetricKeyDetails?.modulusLength ?? 0) < LEAST_RSA_BITS)
        throw new Malformed('its RSA key is too short')
      return { type, key }
    }
    case 'ecdsa-sha2-nistp256':
    case 'ecdsa-sha2-nistp384':
    case 'ecdsa-sha2-nistp521':
    case 'sk-ecdsa-sha2-nistp256@openssh.com': {
      const curve = readText(reader)
      const point = reader.bytes()
      const half = (point.length - 1) / 2
      const named = CURVES[curve]
      if (named === undefined || !type.includes(curve) || point[0] !== 4) throw new Malformed('its key is damaged')
      const x = base64Url(point.subarray(1, 1 + half))
      const y = base64Url(point.subarray(1 + half))
      return { type, key: keyFrom({ kty: 'EC', crv: named.name, x, y }), curve, ...application() }
    }
    default:
      throw new Malformed('its key is of a kind that cannot be checked here')
  }
}

class Malformed extends Error {}

/** Reads the fields of SSH's wire format, and no byte beyond them. */
class Reader {
  readonly #bytes: Buffer
  #at = 0

  constructor(bytes: Buffer) {
    this.#bytes = bytes
  }

  take(count: number): Buffer {
    if (count > this.#bytes.length - this.#at) throw new Malformed('it is cut off')
    this.#at += count
    return this.#bytes.subarray(this.#at - count, this.#at)
  }

  uint32(): number {
    return this.take(4).readUInt32BE()
  }

  bytes(): Buffer {
    return this.take(this.uint32())
  }

  end(): void {
    if (this.#at !== this.#bytes.length) throw new Malformed('there is more behind it')
  }
}

function readText(reader: Reader): string {
  return reader.bytes().toString('latin1')
}

function keyFrom(jwk: JsonWebKey): KeyObject {
  return createPublicKey({ key: jwk, format: 'jwk' })
}

function unsigned(number: Buffer): Buffer {
  let start = 0
  while (start < number.length - 1 && number[start] === 0) start++
  return number.subarray(start)
}

function sized(number: Buffer, size: number): Buffer {
  const plain = unsigned(number)
  if (number.length === size) return number
  if (plain.length > size) throw new Malformed('a number in it is too long')
  return Buffer.concat([Buffer.alloc(size - plain.length), plain])
}

function withLength(bytes: Buffer): Buffer {
  const length = Buffer.alloc(4)
  length.writeUInt32BE(bytes.length)
  return Buffer.concat([length, bytes])
}

function base64Url(bytes: Buffer): string {
  return bytes.toString('base64url')
}

function sha256(bytes: Uint8Array): Buffer {
  return createHash('sha256').update(bytes).digest()
}

function fingerprintOf(blob: Uint8Array): string {
  return `SHA256:${sha256(blob).toString('base64').replace(/=+$/, '')}`
}

function printable(text: string): string {
  return text.slice(0, 40).replace(/[^\x20-\x7e]/g, '?')
}
