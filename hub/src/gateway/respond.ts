import { canonicalJson } from '@flotilla/core/json/canonical-json'
import type { Json } from '@flotilla/core/json/json'
import type { HubResponse } from '@flotilla/core/ports/hub-transport'

/** A JSON answer. Never cached: what an agent is told is for now. */
export function respond(status: number, body: object, headers: Readonly<Record<string, string>> = {}): HubResponse {
  return {
    status,
    headers: { 'content-type': 'application/json', 'cache-control': 'no-store', ...headers },
    body: Buffer.from(canonicalJson(body as unknown as Json)),
  }
}

/** A refusal, with a code for the agent and a sentence for people. */
export function refuse(
  status: number,
  code: string,
  message: string,
  headers: Readonly<Record<string, string>> = {},
): HubResponse {
  return respond(status, { code, message }, headers)
}

/** One answer for what is unknown and what is forbidden, byte for byte the same. */
export function notFound(): HubResponse {
  return refuse(404, 'NOT_FOUND', 'there is nothing here for this agent')
}

/** `Retry-After` in whole seconds, at least one. */
export function retryAfter(delayMs: number): Readonly<Record<string, string>> {
  return { 'retry-after': String(Math.max(1, Math.ceil(delayMs / 1000))) }
}
