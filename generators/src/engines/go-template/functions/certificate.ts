import { Buffer } from 'node:buffer'
import { createHash, createPublicKey, type KeyObject, sign, X509Certificate } from 'node:crypto'
import type { FunctionScope } from '../go-function.ts'
import { GoFunctionError } from '../go-function.ts'
import { GoTime } from '../go-value.ts'
import { formatTime, shownAt } from '../time/format-time.ts'
import {
  bitString,
  DER_NULL,
  DER_TRUE,
  type DerValue,
  der,
  integer,
  objectIdentifier,
  octetString,
  readDer,
  sequence,
} from './der.ts'
import { decodePem, encodePem } from './pem.ts'
import { chanceBytes, currentTime } from './surroundings.ts'

export interface CertificateRequest {
  readonly commonName: string
  /** Four bytes or sixteen each. */
  readonly addresses: readonly Uint8Array[]
  readonly names: readonly string[]
  readonly days: number
  readonly authority: boolean
}

/** Who signs. */
export interface Issuer {
  readonly key: KeyObject
  /** Its name in DER, and what others call its key by; absent for a certificate that signs itself. */
  readonly subject?: Buffer
  readonly keyIdentifier?: Buffer
}

const DAY_NANOSECONDS = 86_400_000_000_000n
const COMMON_NAME = '2.5.4.3'
const SUBJECT_KEY_IDENTIFIER = '2.5.29.14'
/** Beyond this Go's count of nanoseconds turns over. */
const MOST_DAYS = 106_751

/**
 * A certificate (X.509 version 3) for a server and client, in PEM: valid from now for the days given, with a random
 * serial number of 128 bits.
 */
export function createCertificate(
  request: CertificateRequest,
  key: KeyObject,
  issuer: Issuer,
  scope: FunctionScope,
): string {
  if (Math.abs(request.days) > MOST_DAYS) throw new GoFunctionError(`a certificate for ${request.days} days`)
  const algorithm = signatureAlgorithm(issuer.key)
  const subject = nameOf(request.commonName)
  const publicKey = createPublicKey(key).export({ format: 'der', type: 'spki' })
  const now = currentTime(scope)
  const end = new GoTime(now.nanoseconds + BigInt(request.days) * DAY_NANOSECONDS, 'UTC')
  const content = sequence(
    der(0xa0, integer(2n)),
    integer(BigInt(`0x${Buffer.from(chanceBytes(16, scope)).toString('hex')}`)),
    algorithm.identifier,
    issuer.subject ?? subject,
    sequence(timeOf(now), timeOf(end)),
    subject,
    publicKey,
    der(0xa3, sequence(...extensionsOf(request, publicKey, issuer, subject))),
  )
  const signature = sign(algorithm.digest, content, issuer.key)
  return encodePem({ type: 'CERTIFICATE', bytes: sequence(content, algorithm.identifier, bitString(signature)) })
}

function signatureAlgorithm(key: KeyObject): { readonly identifier: Buffer; readonly digest: string | null } {
  switch (key.asymmetricKeyType) {
    case 'rsa':
      return { identifier: sequence(objectIdentifier('1.2.840.113549.1.1.11'), DER_NULL), digest: 'sha256' }
    case 'ec': {
      const [size, arc] = EC_DIGESTS.get(key.asymmetricKeyDetails?.namedCurve ?? '') ?? [256, 2]
      return { identifier: sequence(objectIdentifier(`1.2.840.10045.4.3.${arc}`)), digest: `sha${size}` }
    }
    default:
      return { identifier: sequence(objectIdentifier('1.3.101.112')), digest: null }
  }
}

const EC_DIGESTS: ReadonlyMap<string, readonly [size: number, arc: number]> = new Map([
  ['secp384r1', [384, 3]],
  ['secp521r1', [512, 4]],
])

function nameOf(commonName: string): Buffer {
  if (commonName === '') return sequence()
  const printable = /^[A-Za-z0-9 '()+,\-./:=?]*$/.test(commonName)
  const text = der(printable ? 0x13 : 0x0c, Buffer.from(commonName.toWellFormed(), 'utf8'))
  return sequence(der(0x31, sequence(objectIdentifier(COMMON_NAME), text)))
}

/** Two digits for the year until 2049. */
function timeOf(time: GoTime): Buffer {
  const { year } = shownAt(time)
  const short = year >= 1950 && year < 2050
  return der(short ? 0x17 : 0x18, Buffer.from(formatTime(time, short ? '060102150405Z' : '20060102150405Z'), 'ascii'))
}

function extensionsOf(
  request: CertificateRequest,
  publicKey: Buffer,
  issuer: Issuer,
  subject: Buffer,
): readonly Buffer[] {
  const usage = request.authority ? bitString(Buffer.from([0xa4]), 2) : bitString(Buffer.from([0xa0]), 5)
  const purposes = ['1.3.6.1.5.5.7.3.1', '1.3.6.1.5.5.7.3.2'].map(objectIdentifier)
  const extensions = [
    extension('2.5.29.15', true, usage),
    extension('2.5.29.37', false, sequence(...purposes)),
    extension('2.5.29.19', true, request.authority ? sequence(DER_TRUE) : sequence()),
  ]
  if (request.authority) {
    extensions.push(extension(SUBJECT_KEY_IDENTIFIER, false, octetString(keyIdentifierOf(publicKey))))
  }
  if (issuer.keyIdentifier !== undefined && issuer.subject !== undefined && !issuer.subject.equals(subject)) {
    extensions.push(extension('2.5.29.35', false, sequence(der(0x80, issuer.keyIdentifier))))
  }
  const names = [...request.names.map(dnsName), ...request.addresses.map(address => der(0x87, address))]
  if (names.length > 0) extensions.push(extension('2.5.29.17', request.commonName === '', sequence(...names)))
  return extensions
}

function extension(identifier: string, critical: boolean, content: Buffer): Buffer {
  return sequence(objectIdentifier(identifier), ...(critical ? [DER_TRUE] : []), octetString(content))
}

function dnsName(name: string): Buffer {
  if (/^[\0-\x7f]*$/.test(name)) return der(0x82, Buffer.from(name, 'ascii'))
  throw new GoFunctionError(
    `error creating certificate: x509: ${JSON.stringify(name)} cannot be encoded as an IA5String`,
  )
}

/** The first 160 bits of the sum of the key's bits. */
function keyIdentifierOf(publicKey: Buffer): Buffer {
  const bits = readDer(readDer(publicKey)?.[0]?.content ?? Buffer.alloc(0))?.[1]?.content.subarray(1)
  return createHash('sha256')
    .update(bits ?? publicKey)
    .digest()
    .subarray(0, 20)
}

/** The certificate in a PEM text. @throws GoFunctionError that begins with the words given. */
export function parseCertificate(text: string, words: string): X509Certificate {
  const block = decodePem(text)
  if (block === undefined) throw new GoFunctionError('unable to decode certificate')
  try {
    return new X509Certificate(block.bytes)
  } catch {
    throw new GoFunctionError(`${words}: x509: malformed certificate`)
  }
}

/** What a certificate says of the authority that it is for. */
export function issuerOf(certificate: X509Certificate, key: KeyObject): Issuer {
  if (!certificate.checkPrivateKey(key)) {
    throw new GoFunctionError("error creating certificate: x509: provided PrivateKey doesn't match parent's PublicKey")
  }
  const content = childrenOf(childrenOf({ content: certificate.raw })[0])[0]
  const fields = childrenOf(content)
  // Version, serial number, algorithm, issuer, validity, subject.
  const subject = fields[fields[0]?.tag === 0xa0 ? 5 : 4]?.whole
  const extensions = childrenOf(childrenOf(fields.find(({ tag }) => tag === 0xa3))[0])
  const wanted = objectIdentifier(SUBJECT_KEY_IDENTIFIER)
  const found = extensions.map(childrenOf).find(([identifier]) => identifier?.whole.equals(wanted))
  const keyIdentifier = childrenOf(found?.at(-1))[0]?.content
  return { key, ...(subject && { subject }), ...(keyIdentifier && { keyIdentifier }) }
}

function childrenOf(value: Pick<DerValue, 'content'> | undefined): readonly DerValue[] {
  return value === undefined ? [] : (readDer(value.content) ?? [])
}
