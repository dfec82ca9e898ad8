import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Clock } from '@flotilla/core/ports/clock'

const BODY_WITHIN_MS = 120_000
const STREAMED = '/agent/v1/uploads/'

/**
 * Cuts who takes too long to send a body. An upload is a stream: its time is its command's, and one that falls silent ends.
 */
export function limitBody(request: IncomingMessage, response: ServerResponse, clock: Clock): void {
  const { headers, url } = request
  const bodiless = headers['transfer-encoding'] === undefined && (headers['content-length'] ?? '0') === '0'
  if (bodiless || url?.startsWith(STREAMED)) return
  const timer = clock.setTimer(BODY_WITHIN_MS, () => {
    if (!request.complete) request.destroy()
  })
  response.once('close', () => timer.cancel())
}
