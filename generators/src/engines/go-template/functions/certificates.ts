import type { KeyObject } from 'node:crypto'
import type { FunctionScope } from '../go-function.ts'
import { GoFunctionError } from '../go-function.ts'
import { GoStruct, type GoValue, isGoList } from '../go-value.ts'
import { printValue } from '../print-value.ts'
import { decodeBase64 } from './base-encoding.ts'
import { type CertificateRequest, createCertificate, issuerOf, parseCertificate } from './certificate.ts'
import { countArgument, define, type FunctionGroup, textArgument } from './define.ts'
import { textOfBytes } from './go-bytes.ts'
import { parseIpv4, parseIpv6 } from './ip-address.ts'
import { generateEcKey, generateEd25519Key, generateRsaKey, keyText, parsePrivateKey } from './private-keys.ts'

const ONCE = { repeatable: false } as const

/** Keys and certificates, in PEM; each call makes new ones, so that a set that calls them never rests. */
export const CERTIFICATES: FunctionGroup = {
  genPrivateKey: define('string', ([type], scope) => generatePrivateKey(textArgument(type), scope), ONCE),
  genCA: define(
    'string int',
    ([name, days], scope) => selfSigned(request(name, null, null, days, true), generateRsaKey(2048, scope), scope),
    ONCE,
  ),
  genCAWithKey: define(
    'string int string',
    ([name, days, key], scope) => selfSigned(request(name, null, null, days, true), givenKey(key), scope),
    ONCE,
  ),
  genSelfSignedCert: define(
    'string list list int',
    ([name, ips, names, days], scope) =>
      selfSigned(request(name, ips, names, days, false), generateRsaKey(2048, scope), scope),
    ONCE,
  ),
  genSelfSignedCertWithKey: define(
    'string list list int string',
    ([name, ips, names, days, key], scope) => {
      const own = givenKey(key)
      return selfSigned(request(name, ips, names, days, false), own, scope)
    },
    ONCE,
  ),
  genSignedCert: define(
    'string list list int certificate',
    ([name, ips, names, days, authority], scope) =>
      signed(() => request(name, ips, names, days, false), generateRsaKey(2048, scope), authority, scope),
    ONCE,
  ),
  genSignedCertWithKey: define(
    'string list list int certificate string',
    ([name, ips, names, days, authority, key], scope) =>
      signed(() => request(name, ips, names, days, false), givenKey(key), authority, scope),
    ONCE,
  ),
  buildCustomCert: define('string string', ([certificate, key], scope) =>
    customCertificate(textArgument(certificate), textArgument(key), scope),
  ),
}

function generatePrivateKey(type: string, scope: FunctionScope): string {
  switch (type) {
    case '':
    case 'rsa':
      return keyText(generateRsaKey(4096, scope))
    case 'ecdsa':
      return keyText(generateEcKey(scope))
    case 'ed25519':
      return keyText(generateEd25519Key(scope))
    case 'dsa':
      throw new GoFunctionError('DSA keys are not made any more: ask for "ed25519", "ecdsa" or "rsa"')
    default:
      return `Unknown type ${type}`
  }
}

function givenKey(key: GoValue): KeyObject {
  try {
    return parsePrivateKey(textArgument(key))
  } catch (error) {
    if (error instanceof GoFunctionError) throw new GoFunctionError(`parsing private key: ${error.message}`)
    throw error
  }
}

function request(name: GoValue, ips: GoValue, names: GoValue, days: GoValue, authority: boolean): CertificateRequest {
  return {
    commonName: textArgument(name),
    addresses: itemsOf(ips).map(ipAddress),
    names: itemsOf(names).map(alternateName),
    days: countArgument(days),
    authority,
  }
}

function itemsOf(list: GoValue): readonly GoValue[] {
  return isGoList(list) ? list : []
}

function ipAddress(ip: GoValue): Uint8Array {
  if (typeof ip !== 'string') throw new GoFunctionError(`error parsing ip: ${printValue(ip)} is not a string`)
  const bytes = parseIpv4(ip) ?? parseIpv6(ip)
  if (bytes === undefined) throw new GoFunctionError(`error parsing ip: ${ip}`)
  const mapped =
    bytes.length === 16 && bytes.slice(0, 10).every(byte => byte === 0) && bytes[10] === 0xff && bytes[11] === 0xff
  return Uint8Array.from(mapped ? bytes.slice(12) : bytes)
}

function alternateName(name: GoValue): string {
  if (typeof name === 'string') return name
  throw new GoFunctionError(`error processing alternate dns name: ${printValue(name)} is not a string`)
}

function selfSigned(asked: CertificateRequest, key: KeyObject, scope: FunctionScope): GoValue {
  return certificateValue(createCertificate(asked, key, { key }, scope), keyText(key))
}

function signed(asked: () => CertificateRequest, key: KeyObject, authority: GoValue, scope: FunctionScope): GoValue {
  if (!(authority instanceof GoStruct)) throw new GoFunctionError('an authority is what genCA gives')
  const certificate = parseCertificate(
    textArgument(authority.fields['Cert']),
    'error parsing certificate: decodedSignerCert.Bytes',
  )
  const signer = signerKey(textArgument(authority.fields['Key']))
  const request = asked()
  return certificateValue(createCertificate(request, key, issuerOf(certificate, signer), scope), keyText(key))
}

function signerKey(text: string): KeyObject {
  try {
    return parsePrivateKey(text)
  } catch (error) {
    if (error instanceof GoFunctionError) throw new GoFunctionError(`error parsing private key: ${error.message}`)
    throw error
  }
}

function customCertificate(certificate: string, key: string, scope: FunctionScope): GoValue {
  scope.spend(certificate.length + key.length)
  const certificateBytes = decodeBase64(certificate)
  if (typeof certificateBytes === 'string') throw new GoFunctionError('unable to decode base64 certificate')
  const keyBytes = decodeBase64(key)
  if (typeof keyBytes === 'string') throw new GoFunctionError('unable to decode base64 private key')
  const certificateText = textOfBytes(certificateBytes)
  const privateKey = textOfBytes(keyBytes)
  parseCertificate(certificateText, 'error parsing certificate: decodedCert.Bytes')
  signerKey(privateKey)
  return certificateValue(certificateText, privateKey)
}

function certificateValue(certificate: string, key: string): GoStruct {
  return new GoStruct('sprig.certificate', { Cert: certificate, Key: key }, new Map(), `{${certificate} ${key}}`)
}
