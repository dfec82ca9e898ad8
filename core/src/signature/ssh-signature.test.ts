import { generateKeyPairSync } from 'node:crypto'
import { expect, test } from 'vitest'
import { namesOpenPgpKey, readKeyId } from './key-id.ts'
import { readSshKey, verifySshSignature } from './ssh-signature.ts'
import { sshSigner } from './testing/ssh-signer.ts'

const ann = sshSigner('ann')
const eve = sshSigner('eve')
const keys = [readSshKey(ann.line)!]
const payload = Buffer.from('tree …\n\nwork\n')

test('a signature by a known key is good', () => {
  expect(keys[0]?.fingerprint).toBe(ann.fingerprint)
  for (const hash of ['sha256', 'sha512']) {
    expect(verifySshSignature(ann.sign(payload, { hash }), payload, keys)).toEqual({
      kind: 'good',
      fingerprint: ann.fingerprint,
    })
  }
})

test('one by another key is of an unknown key', () => {
  expect(verifySshSignature(eve.sign(payload), payload, keys)).toEqual({
    kind: 'unknown-key',
    fingerprint: eve.fingerprint,
  })
})

test('one that shows a known key and was made by another is not good', () => {
  // Eve's bytes under Ann's name.
  const [mine, hers] = [eve, ann].map(one => Buffer.from(one.sign(payload).replace(/-.*-\n?/g, ''), 'base64'))
  const forged = Buffer.concat([hers!.subarray(0, -64), mine!.subarray(-64)]).toString('base64')
  const armoured = `-----BEGIN SSH SIGNATURE-----\n${forged}\n-----END SSH SIGNATURE-----\n`
  expect(verifySshSignature(armoured, payload, keys)).toMatchObject({ kind: 'bad' })
})

test('one for other bytes, another purpose or by a weak hash is not good', () => {
  expect(verifySshSignature(ann.sign(payload), Buffer.from('other'), keys).kind).toBe('bad')
  expect(verifySshSignature(ann.sign(payload, { namespace: 'file' }), payload, keys)).toEqual({
    kind: 'bad',
    message: 'it was made for "file", not for Git',
  })
  expect(verifySshSignature(ann.sign(payload, { hash: 'sha1' }), payload, keys).kind).toBe('bad')
})

test('every byte of a signature counts, and none may be added or missing', () => {
  const whole = Buffer.from(ann.sign(payload).replace(/-.*-\n?/g, ''), 'base64')
  const armoured = (bytes: Buffer): string =>
    `-----BEGIN SSH SIGNATURE-----\n${bytes.toString('base64')}\n-----END SSH SIGNATURE-----\n`
  for (let at = 0; at < whole.length; at++) {
    const other = Buffer.from(whole)
    other[at] = other[at]! ^ 1
    expect(verifySshSignature(armoured(other), payload, keys).kind, `byte ${at}`).not.toBe('good')
    expect(verifySshSignature(armoured(whole.subarray(0, at)), payload, keys).kind).toBe('bad')
  }
  expect(verifySshSignature(armoured(Buffer.concat([whole, Buffer.from([0])])), payload, keys).kind).toBe('bad')
})

test('what is no public key that can be checked is none', () => {
  const short = generateKeyPairSync('rsa', { modulusLength: 1024 }).publicKey.export({ format: 'jwk' })
  const part = (text: string): Buffer => {
    const bytes = Buffer.concat([Buffer.alloc(1), Buffer.from(text, 'base64url')])
    const length = Buffer.alloc(4)
    length.writeUInt32BE(bytes.length)
    return Buffer.concat([length, bytes])
  }
  const rsa = Buffer.concat([Buffer.from('\0\0\0\x07ssh-rsa'), part(short.e!), part(short.n!)]).toString('base64')
  for (const line of [
    '',
    'ssh-ed25519',
    `ssh-rsa ${ann.line.split(' ')[1]}`,
    `ssh-rsa ${rsa}`,
    'ssh-dss AAAA',
    `${ann.line.slice(0, 40)}`,
  ]) {
    expect(readSshKey(line), line).toBeUndefined()
  }
})

test('keys are named by enough digits', () => {
  expect(readKeyId(' 0x4aee18f83afdeb23 ')).toEqual({ kind: 'openpgp', id: '4AEE18F83AFDEB23' })
  expect(readKeyId(`${ann.fingerprint}=`)).toEqual({ kind: 'ssh', id: ann.fingerprint })
  for (const text of ['', '3AFDEB23', '4AEE18F83AFDEB2', 'SHA256:short', 'MD5:aa', '4AEE18F83AFDEB2G']) {
    expect(readKeyId(text).kind, text).toBe('mistake')
  }
})

test('an id names a key by its end, or as a whole, and never by a part in between', () => {
  const fingerprint = '5DE3E0509C47EA3CF04A42D34AEE18F83AFDEB23'
  const names = (id: string): boolean => namesOpenPgpKey([readKeyId(id)], [fingerprint])
  expect([names('4AEE18F83AFDEB23'), names(fingerprint)]).toEqual([true, true])
  expect([names('5DE3E0509C47EA3C'), names('A'.repeat(40))]).toEqual([false, false])
  expect(namesOpenPgpKey([readKeyId('1111111111111111')], ['1'.repeat(64)])).toBe(true)
})
