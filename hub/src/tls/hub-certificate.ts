import { X509Certificate } from 'node:crypto'
import { open, readFile, rename, rm } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import type { Digest } from '@flotilla/core/json/canonical-json'
import type { Clock, Timer } from '@flotilla/core/ports/clock'
import type { Log } from '@flotilla/core/ports/log'
import type { EpochMs } from '@flotilla/core/time/epoch-ms'
import { type HubCa, type HubKeys, saveHubCa } from '../gateway/hub-keys.ts'
import { certificateDigest, coversNames, inspectCertificate } from './inspect-certificate.ts'
import { TlsError } from './tls-error.ts'

/** What the server shows at the handshake. */
export interface ShownCertificate {
  /** The certificate and what signed it. */
  readonly certificatePem: string
  readonly privateKeyPem: string
  readonly notAfter: EpochMs
  /** SHA-256 of the hub's own authority, for join tokens; absent for a certificate from elsewhere. */
  readonly ca?: Digest
}

/** The certificate as it is now, looked after: another one is there before the old one ends. */
export interface CertificateKeeper {
  current(): ShownCertificate
  /** Looks whether there is, or has to be, another one. Never rejects: what is wrong is logged, the old one stays. */
  check(): Promise<void>
  /** Called when {@link current} is another one; hand it to the server's `setSecureContext`. */
  onChange(listener: (certificate: ShownCertificate) => void): void
  stop(): void
}

/** The file beside `hub.key` that holds the server's own certificate and key. */
export const CERTIFICATE_FILE = 'hub-tls.pem'

const DAY_MS = 24 * 60 * 60_000
const CHECK_MS = 60 * 60_000
/** A third of its life: two months of a hub that is off do no harm. */
const RENEW_BEFORE_MS = 30 * DAY_MS
const WARN_BEFORE_MS = 14 * DAY_MS
const AUTHORITY_WARN_BEFORE_MS = 365 * DAY_MS

interface KeeperPorts {
  readonly clock: Clock
  readonly log: Log
}

/**
 * A certificate of the hub's own authority, which is made at the first start and kept in `hub.key`. The server's
 * certificate lies beside it (0600) and is made anew when it nears its end or does not cover all names.
 *
 * @throws HubKeyError when the authority cannot be kept; TlsError when the certificate cannot.
 */
export async function keepOwnCertificate(
  options: KeeperPorts & {
    readonly keyFile: string
    readonly keys: HubKeys
    /** Host names and addresses under which the hub is reached. */
    readonly names: readonly string[]
  },
): Promise<CertificateKeeper> {
  const { clock, log, keyFile, keys, names } = options
  const file = join(dirname(keyFile), CERTIFICATE_FILE)
  let authority = keys.ca

  const usableAuthority = async (now: EpochMs): Promise<HubCa> => {
    const left = authority === undefined ? 0 : endOf(authority) - now
    if (authority !== undefined && left > RENEW_BEFORE_MS) {
      if (left < AUTHORITY_WARN_BEFORE_MS) {
        log.warn("the hub's own certificate authority ends within a year; agents have to be given a new one", {
          endsAt: endOf(authority),
        })
      }
      return authority
    }
    if (authority !== undefined) log.error("the hub's own certificate authority has ended; agents must enrol again")
    const { createAuthority } = await import('./issue-certificate.ts')
    const made = await createAuthority(keys.hubId, now)
    await saveHubCa(keyFile, made)
    authority = made
    return made
  }

  const look = async (): Promise<ShownCertificate> => {
    const now = clock.now()
    const ca = await usableAuthority(now)
    const kept = await readOwn(file, ca, names, now)
    if (kept !== undefined) return kept
    const { issueCertificate } = await import('./issue-certificate.ts')
    const { chainPem, privateKeyPem } = await issueCertificate(ca, names, now)
    const { notAfter } = inspectCertificate({ chainPem, privateKeyPem }, file, now)
    await writeWhole(file, privateKeyPem + chainPem)
    log.info('server certificate made', { names, endsAt: notAfter })
    return { certificatePem: chainPem, privateKeyPem, notAfter, ca: certificateDigest(ca.certificatePem) }
  }
  return await keeperOf(look, options)
}

/**
 * A certificate that others made and renew: the files are looked at every hour, and what is new and whole is taken.
 *
 * @throws TlsError when they cannot be served at the start.
 */
export async function keepGivenCertificate(
  options: KeeperPorts & { readonly certificateFile: string; readonly privateKeyFile: string },
): Promise<CertificateKeeper> {
  const { clock, log, certificateFile, privateKeyFile } = options
  const read = (path: string): Promise<string> =>
    readFile(path, 'utf8').catch((cause: unknown) => {
      throw new TlsError('CERTIFICATE_UNREADABLE', path, 'the file cannot be read', { cause })
    })
  const look = async (): Promise<ShownCertificate> => {
    const now = clock.now()
    const [chainPem, privateKeyPem] = [await read(certificateFile), await read(privateKeyFile)]
    const { notAfter } = inspectCertificate({ chainPem, privateKeyPem }, certificateFile, now)
    if (notAfter - now < WARN_BEFORE_MS) log.warn('the server certificate ends soon', { certificateFile, notAfter })
    return { certificatePem: chainPem, privateKeyPem, notAfter }
  }
  return await keeperOf(look, options)
}

async function keeperOf(
  look: () => Promise<ShownCertificate>,
  { clock, log }: KeeperPorts,
): Promise<CertificateKeeper> {
  let current = await look()
  let timer: Timer | undefined
  let stopped = false
  const listeners: ((certificate: ShownCertificate) => void)[] = []
  const check = async (): Promise<void> => {
    try {
      const found = await look()
      if (found.certificatePem === current.certificatePem && found.privateKeyPem === current.privateKeyPem) return
      current = found
      log.info('server certificate changed', { endsAt: found.notAfter })
      for (const listener of listeners) listener(found)
    } catch (error) {
      log.error('the server certificate could not be renewed; the old one stays', { error, endsAt: current.notAfter })
    }
  }
  const arm = (): void => {
    timer = clock.setTimer(CHECK_MS, () => {
      void check().then(() => {
        if (!stopped) arm()
      })
    })
  }
  arm()
  return {
    current: () => current,
    check,
    onChange: listener => void listeners.push(listener),
    stop: () => {
      stopped = true
      timer?.cancel()
    },
  }
}

/** The kept certificate, while it is of this authority, covers the names and has time left. */
async function readOwn(
  file: string,
  ca: HubCa,
  names: readonly string[],
  now: EpochMs,
): Promise<ShownCertificate | undefined> {
  let text: string
  try {
    text = await readFile(file, 'utf8')
  } catch (cause) {
    if (cause instanceof Error && 'code' in cause && cause.code === 'ENOENT') return undefined
    throw new TlsError('CERTIFICATE_UNREADABLE', file, 'the file cannot be read', { cause })
  }
  const begin = text.indexOf('-----BEGIN CERTIFICATE-----')
  const [privateKeyPem, certificatePem] = [text.slice(0, begin), text.slice(Math.max(0, begin))]
  try {
    const { leaf, notAfter } = inspectCertificate({ chainPem: certificatePem, privateKeyPem }, file, now)
    const issuer = new X509Certificate(ca.certificatePem)
    const usable =
      leaf.checkIssued(issuer) &&
      leaf.verify(issuer.publicKey) &&
      coversNames(leaf, names) &&
      notAfter - now > Math.min(RENEW_BEFORE_MS, issuer.validToDate.getTime() - now - 1)
    return usable ? { certificatePem, privateKeyPem, notAfter, ca: certificateDigest(ca.certificatePem) } : undefined
  } catch (error) {
    // Damaged or past its time: it is ours to make again.
    if (error instanceof TlsError) return undefined
    throw error
  }
}

function endOf(ca: HubCa): EpochMs {
  return new X509Certificate(ca.certificatePem).validToDate.getTime()
}

async function writeWhole(file: string, text: string): Promise<void> {
  const partial = `${file}.partial`
  try {
    await rm(partial, { force: true })
    const handle = await open(partial, 'wx', 0o600)
    try {
      await handle.writeFile(text)
      await handle.sync()
    } finally {
      await handle.close()
    }
    await rename(partial, file)
  } catch (cause) {
    throw new TlsError('CERTIFICATE_UNREADABLE', file, 'the file cannot be written', { cause })
  }
}
