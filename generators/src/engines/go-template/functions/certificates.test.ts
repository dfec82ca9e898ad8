import { createHash, createPrivateKey, X509Certificate } from 'node:crypto'
import { describe, expect, test } from 'vitest'
import { type FunctionScope, GoFunctionError } from '../go-function.ts'
import { GoInteger, GoStruct, type GoValue } from '../go-value.ts'
import { SPRIG_FUNCTIONS } from './index.ts'

const NOW = Date.UTC(2026, 10, 21, 18, 0, 0)

/** Bytes that are the same for the same seed. */
function scopeOf(seed: string): FunctionScope {
  let drawn = 0
  return {
    environment: {
      now: () => NOW,
      bytes: length => {
        const blocks = Array.from({ length: Math.ceil(length / 32) }, () =>
          createHash('sha256').update(`${seed} ${drawn++}`).digest(),
        )
        return Uint8Array.from(Buffer.concat(blocks).subarray(0, length))
      },
    },
    spend: () => {},
  }
}

function call(name: string, args: readonly GoValue[], scope = scopeOf('a')): GoValue {
  return SPRIG_FUNCTIONS.get(name)!.call(args, scope)
}

function certificateOf(value: GoValue): { readonly certificate: X509Certificate; readonly key: string } {
  if (!(value instanceof GoStruct)) throw new Error('no certificate')
  return { certificate: new X509Certificate(String(value.fields['Cert'])), key: String(value.fields['Key']) }
}

const days = new GoInteger(30)

describe.each(['ecdsa', 'ed25519'])('certificates of %s keys', type => {
  const authority = call('genCAWithKey', ['our ca', new GoInteger(365), call('genPrivateKey', [type], scopeOf('ca'))])
  const { certificate: root } = certificateOf(authority)

  test('an authority signs itself', () => {
    expect(root.ca).toBe(true)
    expect(root.verify(root.publicKey)).toBe(true)
    expect(root.subject).toBe('CN=our ca')
  })

  test('what it signs is issued by it, for the names and the days that were asked', () => {
    const key = call('genPrivateKey', [type], scopeOf('leaf'))
    const args = ['host', ['10.0.0.1', '::1', '::ffff:10.1.1.1'], ['a.example.com', '*.b'], days, authority, key]
    const { certificate, key: ownKey } = certificateOf(call('genSignedCertWithKey', args))
    expect(certificate.checkIssued(root)).toBe(true)
    expect(certificate.verify(root.publicKey)).toBe(true)
    expect(certificate.ca).toBe(false)
    expect(certificate.checkPrivateKey(createPrivateKey(ownKey))).toBe(true)
    expect(certificate.subjectAltName).toBe(
      'DNS:a.example.com, DNS:*.b, IP Address:10.0.0.1, IP Address:0:0:0:0:0:0:0:1, IP Address:10.1.1.1',
    )
    expect(certificate.validFromDate.getTime()).toBe(NOW)
    expect(certificate.validToDate.getTime()).toBe(NOW + 30 * 86_400_000)
  })

  test('a certificate that is used as it came out is accepted by buildCustomCert', () => {
    const { fields } = authority as GoStruct
    const encode = (text: GoValue): string => Buffer.from(String(text)).toString('base64')
    const built = call('buildCustomCert', [encode(fields['Cert']), encode(fields['Key'])]) as GoStruct
    expect(built.fields).toEqual(fields)
  })
})

test('without a key genCA and genSignedCert make RSA keys of 2,048 bits', () => {
  const authority = call('genCA', ['ca', new GoInteger(365)])
  const { certificate } = certificateOf(call('genSignedCert', ['', null, ['x'], days, authority], scopeOf('b')))
  expect(certificate.verify(certificateOf(authority).certificate.publicKey)).toBe(true)
  expect(certificate.publicKey.asymmetricKeyDetails?.modulusLength).toBe(2048)
})

test('the same bytes of chance make the same certificate, others another', () => {
  const make = (seed: string): GoValue =>
    (call('genSelfSignedCert', ['a', null, null, days], scopeOf(seed)) as GoStruct).text
  expect(make('a')).toBe(make('a'))
  expect(make('a')).not.toBe(make('b'))
})

test('a year after 2049 is written with four digits', () => {
  const key = call('genPrivateKey', ['ed25519'])
  const { certificate } = certificateOf(call('genCAWithKey', ['ca', new GoInteger(365 * 40), key]))
  expect(certificate.validToDate.getUTCFullYear()).toBe(2066)
})

test.each([...SPRIG_FUNCTIONS].filter(([name]) => /^(gen|rand|uuid|now|bcrypt|htpasswd)/.test(name)))(
  '%s is refused where the shell gives neither time nor chance',
  (name, fun) => {
    expect(fun.repeatable).toBe(false)
    const scope: FunctionScope = { environment: undefined, spend: () => {} }
    const key = call('genPrivateKey', ['ed25519'])
    const certificate = call('genCAWithKey', ['ca', days, key])
    const values: { readonly [type: string]: GoValue } = { string: 'a', int: new GoInteger(5), list: null, certificate }
    const args = fun.parameters.map(type => values[type])
    if (name === 'genPrivateKey') args[0] = 'ed25519'
    if (name === 'randInt') args[1] = new GoInteger(9)
    if (name.endsWith('WithKey')) args[args.length - 1] = key
    expect(() => fun.call(args, scope)).toThrow(GoFunctionError)
    expect(() => fun.call(args, scope)).toThrow(/is not known here|no chance here/)
  },
)
