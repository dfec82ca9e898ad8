import { isJsonObject } from '@flotilla/core/json/json'
import type { HubResponse } from '@flotilla/core/ports/hub-transport'
import { parseBoundedJsonBytes } from '@flotilla/core/protocol/bounded-json'
import { INCARNATION_HEADER, PROTOCOL_HEADER } from '@flotilla/core/protocol/versions'

/** An incarnation above this is not one of ours: one start in a second for a hundred years. */
const MOST_STARTS = 2 ** 32

/** Why a hub does not hear this process. */
export type Refusal =
  | { readonly kind: 'newer-start'; readonly highestInc: number }
  /** Raising above it would leave no numbers for later starts, whatever this hub is. */
  | { readonly kind: 'impossible-start'; readonly highestInc: number }
  /** Raising the incarnation would change nothing: a person says which of the two is the right one. */
  | { readonly kind: 'cloned' }
  | { readonly kind: 'unknown-agent' }
  | { readonly kind: 'protocol'; readonly spoken: string }

/** Reads what a hub answered; undefined when it is no refusal of the agent itself. */
export function readRefusal({ status, headers, body: bytes }: HubResponse): Refusal | undefined {
  if (status === 401) return { kind: 'unknown-agent' }
  if (status === 426) return { kind: 'protocol', spoken: headers[PROTOCOL_HEADER] ?? 'another version' }
  if (status !== 409) return undefined
  const body = parseBoundedJsonBytes(bytes, 64 * 1024)
  const highestInc = Number((isJsonObject(body) && body['highestInc']) || headers[INCARNATION_HEADER])
  if (!Number.isSafeInteger(highestInc)) return { kind: 'cloned' }
  return { kind: highestInc > MOST_STARTS ? 'impossible-start' : 'newer-start', highestInc }
}
