import { X509Certificate } from 'node:crypto'
import { existsSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { type EpochMs, isoTime } from '@flotilla/core/time/epoch-ms'
import { CERTIFICATE_FILE } from '@flotilla/hub/tls/hub-certificate'
import { inspectCertificate } from '@flotilla/hub/tls/inspect-certificate'
import { type Finding, failed, ok, reasonOf, skipped, warning } from './finding.ts'

const DAY_MS = 24 * 60 * 60_000
/** A certificate of others is renewed by people: this long before is the time. */
const GIVEN_WARNING_DAYS = 21

export type WantedTls =
  | { readonly kind: 'off' }
  | { readonly kind: 'own' }
  | { readonly kind: 'given'; readonly certificateFile: string; readonly privateKeyFile: string }

/** The certificate that the hub shows, as it is on the disk. */
export async function checkCertificate(tls: WantedTls, keyFile: string, now: EpochMs): Promise<readonly Finding[]> {
  switch (tls.kind) {
    case 'off':
      return [skipped('certificate', 'tls', 'TLS is off: a proxy in front of the hub has to speak it')]
    case 'own':
      return await checkOwn(join(dirname(keyFile), CERTIFICATE_FILE), now)
    case 'given':
      return await checkGiven(tls.certificateFile, tls.privateKeyFile, now)
  }
}

async function checkOwn(file: string, now: EpochMs): Promise<readonly Finding[]> {
  if (!existsSync(file)) return [skipped('certificate', file, 'the hub makes it when it starts')]
  try {
    const until = new X509Certificate(await readFile(file, 'utf8')).validToDate.getTime()
    if (until > now) return [ok('certificate', file, `good until ${isoTime(until)}; the hub renews it by itself`)]
    return [failed('certificate', file, `it ended at ${isoTime(until)}`, 'start the hub: it renews it by itself')]
  } catch (error) {
    return [failed('certificate', file, reasonOf(error), 'remove the file and start the hub: it makes another one')]
  }
}

async function checkGiven(certificate: string, key: string, now: EpochMs): Promise<readonly Finding[]> {
  try {
    const pem = { chainPem: await readFile(certificate, 'utf8'), privateKeyPem: await readFile(key, 'utf8') }
    const { notAfter } = inspectCertificate(pem, certificate, now)
    const days = Math.floor((notAfter - now) / DAY_MS)
    const message = `good for ${days} days, until ${isoTime(notAfter)}`
    if (days >= GIVEN_WARNING_DAYS) return [ok('certificate', certificate, message)]
    return [warning('certificate', certificate, message, 'renew it; the hub reads the files again by itself')]
  } catch (error) {
    return [failed('certificate', certificate, reasonOf(error), 'give the hub a certificate and its private key, PEM')]
  }
}
