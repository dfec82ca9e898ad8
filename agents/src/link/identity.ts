import { canonicalJson } from '@flotilla/core/json/canonical-json'
import { isJsonObject, type JsonObject } from '@flotilla/core/json/json'
import type { AgentState } from '@flotilla/core/ports/agent-state'
import type { Random } from '@flotilla/core/ports/random'
import { parseBoundedJsonBytes } from '@flotilla/core/protocol/bounded-json'
import { type SigningKey, signingKeyFromSeed } from '@flotilla/core/protocol/ed25519'
import { type Admission, readAdmission } from '@flotilla/core/protocol/enrolment'

const KEY_NAME = 'agent-key'
const NEXT_KEY_NAME = 'agent-key-next'
const ADMISSION_NAME = 'admission'
const MAX_ADMISSION_BYTES = 8 * 1024 * 1024

/** A key pair with the 32 bytes that it grows from, which is what is kept. */
export interface HeldKey {
  readonly seed: Uint8Array
  readonly signing: SigningKey
}

function heldKey(seed: Uint8Array): HeldKey {
  return { seed, signing: signingKeyFromSeed(seed) }
}

/**
 * The agent's key pair: made and stored before the first request. Of two pods that start at once the loser reads the
 * winner's. A later key is kept inside the admission that it got, so that both change in one write.
 */
export async function loadKey(state: AgentState, random: Random): Promise<HeldKey> {
  const seed = (await readKept(state))?.seed
  if (seed) return heldKey(seed)
  return heldKey((await state.get(KEY_NAME)) ?? (await state.putIfAbsent(KEY_NAME, random.bytes(32))))
}

/** The key pair in force; see {@link loadKey}. */
export async function loadOrMakeKey(state: AgentState, random: Random): Promise<SigningKey> {
  return (await loadKey(state, random)).signing
}

/** An admission that was kept, with what it takes to believe it again. */
export interface KeptAdmission {
  readonly admission: Admission
  /** As signed. */
  readonly jws: string
  /** The join token that brought it: another one given later is tried. */
  readonly tokenId: string
  /** The key before this one: good for asking the hub again for a change that it may have forgotten. */
  readonly previous?: HeldKey
}

/** Undefined when there is none that holds for this key. */
export async function loadAdmission(state: AgentState, key: SigningKey): Promise<KeptAdmission | undefined> {
  const kept = await readKept(state)
  if (!kept) return undefined
  const { jws, kid, hubId, tokenId, previousSeed } = kept
  const reading = readAdmission(jws, { kid, hubId, agentKey: key.publicKey })
  if (reading.kind !== 'admitted') return undefined
  return { admission: reading.admission, jws, tokenId, ...(previousSeed && { previous: heldKey(previousSeed) }) }
}

/** What stands under one name of the state: admission and key are never of different times. */
export interface AdmissionToKeep {
  readonly jws: string
  /** The hub key that the join token pinned. */
  readonly kid: string
  readonly hubId: string
  readonly tokenId: string
  /** Of the key that is admitted; without it the agent's first one. */
  readonly seed?: Uint8Array
  readonly previousSeed?: Uint8Array
}

export async function keepAdmission(state: AgentState, kept: AdmissionToKeep): Promise<void> {
  const { seed, previousSeed, ...texts } = kept
  const value = {
    ...texts,
    ...(seed && { seed: Buffer.from(seed).toString('base64url') }),
    ...(previousSeed && { previousSeed: Buffer.from(previousSeed).toString('base64url') }),
  }
  await state.put(ADMISSION_NAME, Buffer.from(canonicalJson(value)))
}

async function readKept(state: AgentState): Promise<AdmissionToKeep | undefined> {
  const value = await readObject(state, ADMISSION_NAME)
  if (!value) return undefined
  const { jws, kid, hubId, tokenId } = value
  if (typeof jws !== 'string' || typeof kid !== 'string' || typeof hubId !== 'string' || typeof tokenId !== 'string') {
    return undefined
  }
  const seed = seedOf(value['seed'])
  const previousSeed = seedOf(value['previousSeed'])
  return { jws, kid, hubId, tokenId, ...(seed && { seed }), ...(previousSeed && { previousSeed }) }
}

/** A key that is to follow the one in force. It is kept before anyone hears of it, and until the hub has answered. */
export interface NextKey extends HeldKey {
  readonly why: 'enrolment' | 'rotation'
  /** For an enrolment: the token that it is made for. */
  readonly tokenId?: string
}

export async function loadNextKey(state: AgentState): Promise<NextKey | undefined> {
  const value = await readObject(state, NEXT_KEY_NAME)
  const seed = seedOf(value?.['seed'])
  const why = value?.['why']
  const tokenId = value?.['tokenId']
  if (!seed || (why !== 'enrolment' && why !== 'rotation')) return undefined
  return { ...heldKey(seed), why, ...(typeof tokenId === 'string' && { tokenId }) }
}

export async function makeNextKey(
  state: AgentState,
  random: Random,
  purpose: Pick<NextKey, 'why' | 'tokenId'>,
): Promise<NextKey> {
  const seed = random.bytes(32)
  await state.put(
    NEXT_KEY_NAME,
    Buffer.from(canonicalJson({ seed: Buffer.from(seed).toString('base64url'), ...purpose })),
  )
  return { ...heldKey(seed), ...purpose }
}

export async function forgetNextKey(state: AgentState): Promise<void> {
  await state.delete(NEXT_KEY_NAME)
}

async function readObject(state: AgentState, name: string): Promise<JsonObject | undefined> {
  const bytes = await state.get(name)
  const value = bytes && parseBoundedJsonBytes(bytes, MAX_ADMISSION_BYTES)
  return isJsonObject(value) ? value : undefined
}

function seedOf(value: unknown): Uint8Array | undefined {
  const bytes = typeof value === 'string' ? Buffer.from(value, 'base64url') : undefined
  return bytes?.length === 32 ? bytes : undefined
}
