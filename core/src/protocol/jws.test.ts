import { describe, expect, test } from 'vitest'
import { importPublicKey, keyThumbprint } from './ed25519.ts'
import { fromBase64url, readJws, signJws, verifyJws } from './jws.ts'
import { sampleKey } from './samples.ts'

const key = sampleKey(1)
const other = sampleKey(2)
const publicKey = importPublicKey(key.publicKey)
const verify = (text: string, typ = 'offer') =>
  verifyJws(text, { typ, key: kid => (kid === key.kid ? publicKey : undefined) })
const b64 = (value: unknown): string => Buffer.from(JSON.stringify(value)).toString('base64url')

describe('a JWS', () => {
  const good = signJws('offer', { a: 1, big: 12345678901234567890n }, key)
  const [header = '', payload = '', signature = ''] = good.split('.')

  test('that is as signed is believed, digits beyond 2^53 included', () => {
    expect(verify(good)).toEqual({
      kind: 'verified',
      typ: 'offer',
      kid: key.kid,
      payload: { a: 1, big: 12345678901234567890n },
    })
  })

  const altered: Record<string, [string, string]> = {
    'with a changed payload does not hold': [`${header}.${b64({ a: 2 })}.${signature}`, 'JWS_SIGNATURE'],
    'of another kind proves nothing': [signJws('pulse', { a: 1 }, key), 'JWS_TYP'],
    'by an unknown key is refused': [signJws('offer', { a: 1 }, other), 'JWS_KEY'],
    'with alg none is refused': [`${b64({ alg: 'none', kid: key.kid, typ: 'offer' })}.${payload}.`, 'JWS_ALGORITHM'],
    'with alg HS256 is refused': [
      `${b64({ alg: 'HS256', kid: key.kid, typ: 'offer' })}.${payload}.${signature}`,
      'JWS_ALGORITHM',
    ],
    'that brings its own key is refused': [
      `${b64({ alg: 'EdDSA', jwk: { x: other.publicKey }, kid: key.kid, typ: 'offer' })}.${payload}.${signature}`,
      'JWS_MALFORMED',
    ],
    'with crit is refused': [
      `${b64({ alg: 'EdDSA', crit: ['b64'], kid: key.kid, typ: 'offer' })}.${payload}.${signature}`,
      'JWS_MALFORMED',
    ],
    'with padding is refused': [`${header}=.${payload}.${signature}`, 'JWS_MALFORMED'],
    'with a fourth part is refused': [`${good}.x`, 'JWS_MALFORMED'],
    'with a cut signature is refused': [good.slice(0, -4), 'JWS_MALFORMED'],
    'with a payload that is a list is refused': [`${header}.${b64([1])}.${signature}`, 'JWS_MALFORMED'],
    'that is empty is refused': ['', 'JWS_MALFORMED'],
  }
  for (const [sentence, [text, code]] of Object.entries(altered)) {
    test(sentence, () => expect(verify(text)).toMatchObject({ kind: 'refused', code }))
  }

  test('that names another key with this signature is not believed', () => {
    const renamed = `${b64({ alg: 'EdDSA', kid: keyThumbprint(other.publicKey), typ: 'offer' })}.${payload}.${signature}`
    const result = verifyJws(renamed, { typ: 'offer', key: () => publicKey })
    expect(result).toMatchObject({ kind: 'refused', code: 'JWS_SIGNATURE' })
  })

  test('nested too deeply or too long is refused before anything recurses', () => {
    const deep = `${header}.${Buffer.from(`{"a":${'['.repeat(5000)}${']'.repeat(5000)}}`).toString('base64url')}.${signature}`
    expect(readJws(deep)).toMatchObject({ kind: 'refused', code: 'JWS_MALFORMED' })
    expect(readJws('a'.repeat(2_000_000))).toMatchObject({ kind: 'refused', code: 'JWS_MALFORMED' })
  })

  test('of equal content is equal, whatever order it was built in', () => {
    expect(signJws('offer', { b: 1, a: 2 }, key)).toBe(signJws('offer', { a: 2, b: 1 }, key))
  })
})

test.each([
  ['the other alphabet', 'ab+/'],
  ['padding', 'YQ=='],
  ['white space', 'YW Jj'],
  ['a line break at the end', 'YWJj\n'],
  ['a letter that is not of the alphabet', 'YWJé'],
  ['a letter that is left over', 'YWJjY'],
  ['bits that are left over', 'YR'],
])('base64url is read strictly: %s', (_what, text) => {
  expect(fromBase64url(text)).toBeUndefined()
})

test('base64url is read whole', () => {
  expect(fromBase64url('YWJj-_8')).toEqual(Buffer.from('YWJj-_8', 'base64url'))
  expect(fromBase64url('')).toHaveLength(0)
})
