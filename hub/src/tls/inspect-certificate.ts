import { createPrivateKey, X509Certificate } from 'node:crypto'
import { isIP } from 'node:net'
import type { Digest } from '@flotilla/core/json/canonical-json'
import type { EpochMs } from '@flotilla/core/time/epoch-ms'
import { TlsError } from './tls-error.ts'

export interface InspectedCertificate {
  readonly notAfter: EpochMs
  readonly leaf: X509Certificate
}

/**
 * Looks at a chain and its key before it is served.
 *
 * @throws TlsError naming the file and what is wrong with it.
 */
export function inspectCertificate(
  pem: { readonly chainPem: string; readonly privateKeyPem: string },
  subject: string,
  now: EpochMs,
): InspectedCertificate {
  const malformed = (what: string, cause: unknown): TlsError =>
    new TlsError('CERTIFICATE_MALFORMED', subject, what, { cause })
  let leaf: X509Certificate
  try {
    leaf = new X509Certificate(pem.chainPem)
  } catch (cause) {
    throw malformed('it holds no certificate in PEM', cause)
  }
  let matches: boolean
  try {
    matches = leaf.checkPrivateKey(createPrivateKey(pem.privateKeyPem))
  } catch (cause) {
    throw malformed('its private key is not one in PEM', cause)
  }
  if (!matches) {
    throw new TlsError('CERTIFICATE_KEY_MISMATCH', subject, 'the private key is not that of the certificate')
  }
  const notAfter = leaf.validToDate.getTime()
  if (notAfter <= now) {
    throw new TlsError('CERTIFICATE_EXPIRED', subject, `the certificate ended at ${leaf.validToDate.toISOString()}`)
  }
  return { notAfter, leaf }
}

export function coversNames(certificate: X509Certificate, names: readonly string[]): boolean {
  return names.every(name =>
    isIP(name) === 0 ? certificate.checkHost(name) !== undefined : certificate.checkIP(name) !== undefined,
  )
}

/** What a join token pins: SHA-256 over the certificate's DER. */
export function certificateDigest(pem: string): Digest {
  return `sha256:${new X509Certificate(pem).fingerprint256.replaceAll(':', '').toLowerCase()}`
}
