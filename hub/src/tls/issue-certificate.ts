// tsyringe, inside the X.509 library, wants this polyfill before anything else.
import 'reflect-metadata'
import { createPrivateKey, webcrypto } from 'node:crypto'
import { isIP } from 'node:net'
import type { EpochMs } from '@flotilla/core/time/epoch-ms'
import * as x509 from '@peculiar/x509'
import type { HubCa } from '../gateway/hub-keys.ts'

const DAY_MS = 24 * 60 * 60_000

/** Agents pin the authority and have no other, so it lives long; the key never leaves `hub.key`. */
export const AUTHORITY_LIFE_MS = 3650 * DAY_MS
export const CERTIFICATE_LIFE_MS = 90 * DAY_MS
/** Certificates begin in the past, for clocks that are behind. */
const BACKDATED_MS = DAY_MS

const KEY = { name: 'ECDSA', namedCurve: 'P-256' } as const
const SIGNATURE = { name: 'ECDSA', hash: 'SHA-256' } as const

/** The hub's own certificate authority: it may sign servers' certificates and no further authority. */
export async function createAuthority(hubId: string, now: EpochMs): Promise<HubCa> {
  const keys = await webcrypto.subtle.generateKey(KEY, true, ['sign', 'verify'])
  const certificate = await x509.X509CertificateGenerator.createSelfSigned({
    name: [{ CN: [`Flotilla hub ${hubId}`] }],
    notBefore: new Date(now - BACKDATED_MS),
    notAfter: new Date(now + AUTHORITY_LIFE_MS),
    signingAlgorithm: SIGNATURE,
    keys,
    extensions: [
      new x509.BasicConstraintsExtension(true, 0, true),
      new x509.KeyUsagesExtension(x509.KeyUsageFlags.keyCertSign | x509.KeyUsageFlags.cRLSign, true),
      await x509.SubjectKeyIdentifierExtension.create(keys.publicKey),
    ],
  })
  return { certificatePem: `${certificate.toString('pem')}\n`, privateKeyPem: await privateKeyPem(keys.privateKey) }
}

export interface IssuedCertificate {
  /** The certificate, then its authority's: agents find the one that they pin in what the hub shows. */
  readonly chainPem: string
  readonly privateKeyPem: string
}

/** A server's certificate with a key of its own, for names and addresses. */
export async function issueCertificate(
  authority: HubCa,
  names: readonly string[],
  now: EpochMs,
): Promise<IssuedCertificate> {
  const issuer = new x509.X509Certificate(authority.certificatePem)
  const signingKey = await webcrypto.subtle.importKey(
    'pkcs8',
    createPrivateKey(authority.privateKeyPem).export({ format: 'der', type: 'pkcs8' }),
    KEY,
    false,
    ['sign'],
  )
  const keys = await webcrypto.subtle.generateKey(KEY, true, ['sign', 'verify'])
  const certificate = await x509.X509CertificateGenerator.create({
    subject: [{ CN: ['Flotilla hub'] }],
    issuer: issuer.subject,
    notBefore: new Date(now - BACKDATED_MS),
    notAfter: new Date(Math.min(now + CERTIFICATE_LIFE_MS, issuer.notAfter.getTime())),
    publicKey: keys.publicKey,
    signingKey,
    signingAlgorithm: SIGNATURE,
    extensions: [
      new x509.BasicConstraintsExtension(false, undefined, true),
      new x509.KeyUsagesExtension(x509.KeyUsageFlags.digitalSignature, true),
      new x509.ExtendedKeyUsageExtension([x509.ExtendedKeyUsage.serverAuth]),
      new x509.SubjectAlternativeNameExtension(
        names.map(name => ({ type: isIP(name) === 0 ? ('dns' as const) : ('ip' as const), value: name })),
      ),
      await x509.SubjectKeyIdentifierExtension.create(keys.publicKey),
      await x509.AuthorityKeyIdentifierExtension.create(issuer),
    ],
  })
  return {
    chainPem: `${certificate.toString('pem')}\n${authority.certificatePem}`,
    privateKeyPem: await privateKeyPem(keys.privateKey),
  }
}

async function privateKeyPem(key: webcrypto.CryptoKey): Promise<string> {
  const der = Buffer.from(await webcrypto.subtle.exportKey('pkcs8', key))
  return createPrivateKey({ key: der, format: 'der', type: 'pkcs8' })
    .export({ format: 'pem', type: 'pkcs8' })
    .toString()
}
