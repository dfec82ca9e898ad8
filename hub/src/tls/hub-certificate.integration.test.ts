import { X509Certificate } from 'node:crypto'
import { copyFile, readdir, readFile, stat, writeFile } from 'node:fs/promises'
import { createServer, request } from 'node:https'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import type { TLSSocket } from 'node:tls'
import { seededRandom } from '@flotilla/core/ports/create-random'
import { VirtualClock } from '@flotilla/core/ports/virtual-clock'
import { expect, it } from 'vitest'
import { loadOrCreateHubKeys } from '../gateway/hub-keys.ts'
import { silentLog, withDirectory } from '../store/test-store.ts'
import { type CertificateKeeper, keepGivenCertificate, keepOwnCertificate } from './hub-certificate.ts'
import { certificateDigest } from './inspect-certificate.ts'
import { TlsError } from './tls-error.ts'

const DAY_MS = 24 * 60 * 60_000
const NAMES = ['localhost', '127.0.0.1', '::1', 'hub.example.com']

/** Real time, because the handshake below looks at the machine's clock. */
const clockAt = (offsetMs = 0): VirtualClock =>
  new VirtualClock({ startAt: Date.now() + offsetMs, settle: () => new Promise(resolve => setImmediate(resolve)) })

async function own(directory: string, clock = clockAt(), names = NAMES): Promise<CertificateKeeper> {
  const keyFile = join(directory, 'hub.key')
  const keys = await loadOrCreateHubKeys(keyFile, seededRandom(1), clock)
  return await keepOwnCertificate({ keyFile, keys, names, clock, log: silentLog })
}

async function handshake(keeper: CertificateKeeper, ca: string, servername: string): Promise<string> {
  const { certificatePem, privateKeyPem } = keeper.current()
  const server = createServer({ cert: certificatePem, key: privateKeyPem }, (_request, response) => response.end('ok'))
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  try {
    return await new Promise<string>((resolve, reject) => {
      const asked = request({ host: '127.0.0.1', port, ca, servername, agent: false }, response => {
        const shown = (response.socket as TLSSocket).getPeerCertificate(true)
        response.resume()
        response.on('end', () =>
          resolve(certificateDigest(new X509Certificate(shown.issuerCertificate.raw).toString())),
        )
      })
      asked.on('error', reject)
      asked.end()
    })
  } finally {
    server.closeAllConnections()
    await new Promise(resolve => server.close(resolve))
  }
}

const authorityOf = async (directory: string): Promise<string> =>
  JSON.parse(await readFile(join(directory, 'hub.key'), 'utf8')).ca.certificatePem

it('a real handshake trusts the own authority and finds it pinned in what the server shows', () =>
  withDirectory(async directory => {
    const keeper = await own(directory)
    const ca = await authorityOf(directory)
    expect(await handshake(keeper, ca, 'hub.example.com')).toBe(keeper.current().ca)
    expect(await handshake(keeper, ca, 'localhost')).toBe(keeper.current().ca)
    await expect(handshake(keeper, ca, 'elsewhere.example.com')).rejects.toThrow(/altnames/)
    keeper.stop()
  }))

it('the key is readable by its owner alone, and an authority may sign no other', () =>
  withDirectory(async directory => {
    const keeper = await own(directory)
    for (const name of await readdir(directory)) {
      expect([name, (await stat(join(directory, name))).mode & 0o077]).toEqual([name, 0])
    }
    const ca = new X509Certificate(await authorityOf(directory))
    const leaf = new X509Certificate(keeper.current().certificatePem)
    expect([ca.ca, leaf.ca]).toEqual([true, false])
    expect(leaf.publicKey.asymmetricKeyDetails?.namedCurve).toBe('prime256v1')
    expect(leaf.subjectAltName).toBe(
      'DNS:localhost, IP Address:127.0.0.1, IP Address:0:0:0:0:0:0:0:1, DNS:hub.example.com',
    )
    keeper.stop()
  }))

it('after a restart the same certificate is shown; another name makes another one of the same authority', () =>
  withDirectory(async directory => {
    const first = await own(directory)
    const again = await own(directory)
    expect(again.current()).toEqual(first.current())
    const more = await own(directory, clockAt(), [...NAMES, 'other.example.com'])
    expect(more.current().certificatePem).not.toBe(first.current().certificatePem)
    expect(more.current().ca).toBe(first.current().ca)
    for (const keeper of [first, again, more]) keeper.stop()
  }))

it('it is renewed while the hub runs, a month before it ends, and who serves it is told', () =>
  withDirectory(async directory => {
    const clock = clockAt()
    const keeper = await own(directory, clock)
    const first = keeper.current()
    const told: string[] = []
    keeper.onChange(certificate => told.push(certificate.certificatePem))
    clock.step(59 * DAY_MS)
    await keeper.check()
    expect(keeper.current()).toEqual(first)
    clock.step(2 * DAY_MS)
    await keeper.check()
    expect(told).toEqual([keeper.current().certificatePem])
    expect(keeper.current().notAfter - first.notAfter).toBeGreaterThan(60 * DAY_MS)
    expect(keeper.current().ca).toBe(first.ca)
    expect(clock.pendingTimers).toBe(1)
    keeper.stop()
    expect(clock.pendingTimers).toBe(0)
  }))

it('an authority at its end is replaced, and a damaged certificate is made again', () =>
  withDirectory(async directory => {
    const first = await own(directory)
    await writeFile(join(directory, 'hub-tls.pem'), 'damaged')
    const second = await own(directory)
    expect(second.current().ca).toBe(first.current().ca)
    const late = await own(directory, clockAt(3640 * DAY_MS))
    expect(late.current().ca).not.toBe(first.current().ca)
    for (const keeper of [first, second, late]) keeper.stop()
  }))

it('a given certificate is taken as it is, looked at again, and kept when the new one is no good', () =>
  withDirectory(async directory => {
    const made = await own(directory)
    const other = await own(join(directory, 'other'))
    const files = { certificateFile: join(directory, 'given.crt'), privateKeyFile: join(directory, 'given.key') }
    const write = async ({ current }: CertificateKeeper): Promise<void> => {
      await writeFile(files.certificateFile, current().certificatePem)
      await writeFile(files.privateKeyFile, current().privateKeyPem)
    }
    await write(made)
    const keeper = await keepGivenCertificate({ ...files, clock: clockAt(), log: silentLog })
    expect(keeper.current().certificatePem).toBe(made.current().certificatePem)
    expect(keeper.current().ca).toBeUndefined()
    await writeFile(files.certificateFile, other.current().certificatePem)
    await keeper.check()
    expect(keeper.current().certificatePem).toBe(made.current().certificatePem)
    await write(other)
    await keeper.check()
    expect(keeper.current().certificatePem).toBe(other.current().certificatePem)
    for (const each of [made, other, keeper]) each.stop()
  }))

it('a given certificate that cannot be served is refused at the start, with the file and the reason', () =>
  withDirectory(async directory => {
    const made = await own(directory)
    const other = await own(join(directory, 'other'))
    const files = { certificateFile: join(directory, 'given.crt'), privateKeyFile: join(directory, 'given.key') }
    const codeOf = async (clock = clockAt()): Promise<string> => {
      const error = await keepGivenCertificate({ ...files, clock, log: silentLog }).then(
        () => undefined,
        (cause: unknown) => cause,
      )
      expect(error).toBeInstanceOf(TlsError)
      return (error as TlsError).code
    }
    expect(await codeOf()).toBe('CERTIFICATE_UNREADABLE')
    await writeFile(files.certificateFile, 'no certificate')
    await writeFile(files.privateKeyFile, 'no key')
    expect(await codeOf()).toBe('CERTIFICATE_MALFORMED')
    await copyFile(join(directory, 'hub-tls.pem'), files.certificateFile)
    expect(await codeOf()).toBe('CERTIFICATE_MALFORMED')
    await writeFile(files.privateKeyFile, other.current().privateKeyPem)
    expect(await codeOf()).toBe('CERTIFICATE_KEY_MISMATCH')
    await writeFile(files.privateKeyFile, made.current().privateKeyPem)
    expect(await codeOf(clockAt(91 * DAY_MS))).toBe('CERTIFICATE_EXPIRED')
    for (const each of [made, other]) each.stop()
  }))
