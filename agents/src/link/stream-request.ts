import { once } from 'node:events'
import http, { type Agent, type ClientRequest, type IncomingMessage } from 'node:http'
import https from 'node:https'
import type { HubStreamRequest } from '@flotilla/core/ports/hub-transport'

/** Waiting for an answer that is to be read while it comes; a stream itself may last as long as it likes. */
const CONNECT_TIMEOUT_MS = 15_000

export interface StreamPlace {
  readonly url: URL
  readonly agent: Agent
  readonly ca?: string
}

/**
 * A request whose body is sent, and whose answer is read, as fast as the other side goes. An answer that comes before
 * the body has ended ends the body: it is all that the other side has to say.
 *
 * @throws Error when no answer came.
 */
export async function streamRequest(request: HubStreamRequest, place: StreamPlace): Promise<IncomingMessage> {
  const { method, headers, body, signal } = request
  const { request: start } = place.url.protocol === 'https:' ? https : http
  signal?.throwIfAborted()
  const sending = start(place.url, {
    method,
    headers: { ...headers, ...(body && { 'transfer-encoding': 'chunked' }) },
    agent: place.agent,
    ...(place.ca !== undefined && { ca: place.ca }),
    ...(signal && { signal }),
  })
  sending.once('socket', socket => {
    if (!socket.connecting) return
    socket.setTimeout(CONNECT_TIMEOUT_MS, () => sending.destroy(new Error('connecting took too long')))
    socket.once(place.url.protocol === 'https:' ? 'secureConnect' : 'connect', () => socket.setTimeout(0))
  })
  const answered = new Promise<IncomingMessage>((resolve, reject) => {
    sending.once('response', resolve)
    sending.once('error', reject)
    sending.once('close', () => reject(new Error('the hub hung up without an answer')))
  })
  // The hub is to know at once that the stream has begun, also where there is nothing to say yet.
  sending.flushHeaders()
  if (body) send(body, sending, answered).catch((error: Error) => sending.destroy(error))
  else sending.end()
  return await answered
}

/** Ends with the answer, whichever came first: what was not sent by then is not wanted. */
async function send(
  body: AsyncIterable<Uint8Array>,
  sending: ClientRequest,
  answered: Promise<IncomingMessage>,
): Promise<void> {
  const over = new AbortController()
  const end = (): void => over.abort()
  answered.then(end, end)
  for await (const chunk of body) {
    if (over.signal.aborted) return
    if (!sending.write(chunk)) await once(sending, 'drain', { signal: over.signal }).catch(() => undefined)
  }
  if (!over.signal.aborted) sending.end()
}
