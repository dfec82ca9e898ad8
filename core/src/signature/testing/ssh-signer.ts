import { createHash, createPrivateKey, createPublicKey, type KeyObject, sign } from 'node:crypto'

/** Somebody with an SSH key, who signs as Git has OpenSSH sign. */
export interface SshSigner {
  /** `ssh-ed25519 AAAA… name`, as in a SigningKeys document. */
  readonly line: string
  readonly fingerprint: string
  /** In armour. */
  sign(payload: Uint8Array, how?: { readonly namespace?: string; readonly hash?: string }): string
}

/** @param name Two signers of one name have one key. */
export function sshSigner(name: string): SshSigner {
  const seed = createHash('sha256').update(name).digest()
  // The fixed beginning of a PKCS#8 Ed25519 key, before its 32 bytes.
  const der = Buffer.concat([Buffer.from('302e020100300506032b657004220420', 'hex'), seed])
  const key = createPrivateKey({ key: der, format: 'der', type: 'pkcs8' })
  const point = createPublicKey(key).export({ format: 'der', type: 'spki' }).subarray(-32)
  const blob = Buffer.concat([field('ssh-ed25519'), field(point)])
  const digest = createHash('sha256').update(blob).digest('base64').replace(/=+$/, '')
  return {
    line: `ssh-ed25519 ${blob.toString('base64')} ${name}`,
    fingerprint: `SHA256:${digest}`,
    sign: (payload, { namespace = 'git', hash = 'sha512' } = {}) => sshSignature(key, blob, payload, namespace, hash),
  }
}

function sshSignature(key: KeyObject, blob: Buffer, payload: Uint8Array, namespace: string, hash: string): string {
  const digest = createHash(hash).update(payload).digest()
  const common = [field(namespace), field(''), field(hash)]
  const signed = Buffer.concat([Buffer.from('SSHSIG'), ...common, field(digest)])
  const signature = Buffer.concat([field('ssh-ed25519'), field(sign(null, signed, key))])
  const whole = Buffer.concat([Buffer.from('SSHSIG\0\0\0\x01'), field(blob), ...common, field(signature)])
  const lines = whole.toString('base64').match(/.{1,70}/g) ?? []
  return ['-----BEGIN SSH SIGNATURE-----', ...lines, '-----END SSH SIGNATURE-----', ''].join('\n')
}

function field(value: string | Uint8Array): Buffer {
  const bytes = Buffer.from(value as string)
  const length = Buffer.alloc(4)
  length.writeUInt32BE(bytes.length)
  return Buffer.concat([length, bytes])
}

/** Puts a signature into a commit where Git does: as the last of its headers. */
export function withSignature(payload: string, armoured: string, header = 'gpgsig'): string {
  const end = payload.indexOf('\n\n')
  return `${payload.slice(0, end)}\n${header} ${armoured.trimEnd().replaceAll('\n', '\n ')}${payload.slice(end)}`
}
