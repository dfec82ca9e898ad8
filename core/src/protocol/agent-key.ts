import * as v from 'valibot'
import type { EpochMs } from '../time/epoch-ms.ts'
import { importPublicKey, keyThumbprint, type SigningKey } from './ed25519.ts'
import { readJws, signatureHolds, signJws } from './jws.ts'
import { count, decode, epochMs, id, publicKey } from './schema.ts'

/** How old an agent's key gets before the agent makes another one by itself. */
export const AGENT_KEY_LIFE_MS = 90 * 24 * 60 * 60_000
/** Where an agent brings its new key. */
export const AGENT_KEY_PATH = '/agent/v1/key'
/** Of the JWS that brings it. */
export const MAX_KEY_CHANGE_BYTES = 4096
const TYP = 'agent-key'

export const keyChange = v.object({
  cluster: id,
  adm: count,
  /** The hub id. */
  aud: id,
  /** The new key, by which this is signed. */
  key: publicKey,
  /** The key that it follows, by which the request's assertion is signed. */
  previous: publicKey,
  iat: epochMs,
})

/**
 * The change of an agent's key (protocol.md 1): signed by the new key, brought in a request that the old one asserts, so
 * that whoever has only one of them changes nothing.
 */
export type KeyChange = v.InferOutput<typeof keyChange>

export function makeKeyChange(change: Omit<KeyChange, 'key'>, key: SigningKey): string {
  return signJws(TYP, { ...change, key: key.publicKey }, key)
}

/** Reads a change and checks that it is signed by the key that it brings; undefined otherwise. Never throws. */
export function readKeyChange(text: string): KeyChange | undefined {
  const read = readJws(text, MAX_KEY_CHANGE_BYTES)
  if (read.kind === 'refused' || read.typ !== TYP) return undefined
  const decoded = decode(keyChange, read.payload)
  if (decoded.kind === 'refused') return undefined
  const key = importPublicKey(decoded.value.key)
  if (!key || read.kid !== keyThumbprint(decoded.value.key) || !signatureHolds(read, key)) return undefined
  return decoded.value
}

export type KeyChangeDecision =
  | { readonly kind: 'change' }
  /** It was made before: the same answer once more. */
  | { readonly kind: 'again' }
  | { readonly kind: 'refused' }

/**
 * Decides on a change. `provedBy` is the key that signed the request's assertion: the present one, or the one before,
 * which is good for nothing but asking again for the answer that was lost.
 */
export function decideKeyChange(facts: {
  readonly change: KeyChange
  readonly hubId: string
  readonly cluster: {
    readonly id: string
    readonly admission: number
    readonly agentKey?: string
    readonly previousKey?: string
    readonly revokedAt?: EpochMs
    readonly cloned?: object
  }
  readonly provedBy: string
  /** The new key was revoked before, or is another Cluster's. */
  readonly keyIsNoGood: boolean
}): KeyChangeDecision {
  const { change, hubId, cluster, provedBy, keyIsNoGood } = facts
  const ours = change.aud === hubId && change.cluster === cluster.id && change.adm === cluster.admission
  // Which of two clones is the right one is for a person to say.
  if (!ours || cluster.revokedAt !== undefined || cluster.cloned || change.previous !== provedBy) {
    return { kind: 'refused' }
  }
  if (change.key === cluster.agentKey && change.previous === cluster.previousKey) return { kind: 'again' }
  if (change.previous !== cluster.agentKey || change.key === change.previous || keyIsNoGood) return { kind: 'refused' }
  return { kind: 'change' }
}
