import { canonicalJson } from '@flotilla/core/json/canonical-json'
import { isJsonObject } from '@flotilla/core/json/json'
import type { AgentState } from '@flotilla/core/ports/agent-state'
import type { Random } from '@flotilla/core/ports/random'
import { parseBoundedJsonBytes } from '@flotilla/core/protocol/bounded-json'
import { type SigningKey, signingKeyFromSeed } from '@flotilla/core/protocol/ed25519'
import { type Admission, readAdmission } from '@flotilla/core/protocol/enrolment'

const KEY_NAME = 'agent-key'
const ADMISSION_NAME = 'admission'

/**
 * The agent's key pair: made and stored before the first request. Of two pods that start at once the loser reads the
 * winner's.
 */
export async function loadOrMakeKey(state: AgentState, random: Random): Promise<SigningKey> {
  const stored = await state.get(KEY_NAME)
  return signingKeyFromSeed(stored ?? (await state.putIfAbsent(KEY_NAME, random.bytes(32))))
}

/** An admission that was kept, with what it takes to believe it again. */
export interface KeptAdmission {
  readonly admission: Admission
  /** The join token that brought it: another one given later is tried. */
  readonly tokenId: string
}

/** Undefined when there is none that holds for this key. */
export async function loadAdmission(state: AgentState, key: SigningKey): Promise<KeptAdmission | undefined> {
  const bytes = await state.get(ADMISSION_NAME)
  const value = bytes && parseBoundedJsonBytes(bytes, 2 * 1024 * 1024)
  if (!isJsonObject(value)) return undefined
  const { jws, kid, hubId, tokenId } = value
  if (typeof jws !== 'string' || typeof kid !== 'string' || typeof hubId !== 'string' || typeof tokenId !== 'string') {
    return undefined
  }
  const reading = readAdmission(jws, { kid, hubId, agentKey: key.publicKey })
  return reading.kind === 'admitted' ? { admission: reading.admission, tokenId } : undefined
}

/** The admission as the hub signed it, whatever it is worth now. */
export async function admissionText(state: AgentState): Promise<string | undefined> {
  const bytes = await state.get(ADMISSION_NAME)
  const value = bytes && parseBoundedJsonBytes(bytes, 2 * 1024 * 1024)
  return isJsonObject(value) && typeof value['jws'] === 'string' ? value['jws'] : undefined
}

export async function keepAdmission(
  state: AgentState,
  kept: { readonly jws: string; readonly kid: string; readonly hubId: string; readonly tokenId: string },
): Promise<void> {
  await state.put(ADMISSION_NAME, Buffer.from(canonicalJson(kept)))
}
