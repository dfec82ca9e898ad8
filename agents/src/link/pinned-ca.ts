import { X509Certificate } from 'node:crypto'
import type http from 'node:http'
import type { Agent } from 'node:http'
import https from 'node:https'
import type { DetailedPeerCertificate, TLSSocket } from 'node:tls'
import type { Digest } from '@flotilla/core/json/canonical-json'
import { HubUnreachable } from '@flotilla/core/ports/hub-transport'

const TIMEOUT_MS = 15_000
const LONGEST_CHAIN = 10

/**
 * Finds the certificate that a join token pins in the chain that the hub shows. Nothing is sent that matters and
 * nothing believed: the certificate is then the only authority of every real connection, which is verified in full.
 *
 * @throws HubUnreachable when no certificate of the chain has that SHA-256.
 */
export async function fetchPinnedCa(url: URL, pin: Digest, agent: Agent | undefined): Promise<string> {
  const certificate = await shownCertificate(url, agent)
  let current: DetailedPeerCertificate | undefined = certificate
  for (let depth = 0; current && depth < LONGEST_CHAIN; depth++) {
    const x509 = new X509Certificate(current.raw)
    if (`sha256:${x509.fingerprint256.replaceAll(':', '').toLowerCase()}` === pin) return x509.toString()
    const issuer: DetailedPeerCertificate | undefined = current.issuerCertificate
    current = issuer === current ? undefined : issuer
  }
  throw new HubUnreachable('the hub does not show the certificate that is pinned')
}

function shownCertificate(url: URL, agent: Agent | undefined): Promise<DetailedPeerCertificate> {
  return new Promise((resolve, reject) => {
    const request = https.request(url, { method: 'GET', path: '/healthz', agent, rejectUnauthorized: false })
    request.setTimeout(TIMEOUT_MS, () => request.destroy(new Error('no answer in time')))
    request.on('error', cause => reject(new HubUnreachable('the hub cannot be reached', { cause })))
    request.on('response', (response: http.IncomingMessage) => {
      const socket = response.socket as TLSSocket
      resolve(socket.getPeerCertificate(true))
      request.destroy()
    })
    request.end()
  })
}
