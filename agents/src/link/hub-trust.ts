import { canonicalJson } from '@flotilla/core/json/canonical-json'
import { isJsonObject } from '@flotilla/core/json/json'
import type { AgentState } from '@flotilla/core/ports/agent-state'
import { parseBoundedJsonBytes } from '@flotilla/core/protocol/bounded-json'
import type { PublicKeys } from '@flotilla/core/protocol/ed25519'
import { acceptedHubKeys, linkClaims, newerHubKey, walkHubKeys } from '@flotilla/core/protocol/hub-key-chain'
import type { KeptAdmission } from './identity.ts'

const KEY = 'hub-keys'
const MAX_CHAIN_BYTES = 4 * 1024 * 1024
const MAX_LINKS = 1000

/** Who this agent is, and whose word counts for it. */
export interface Trust {
  readonly cluster: string
  readonly adm: number
  /** Every key of the hub's chain that is known, oldest first: what is kept may be signed by any of them. */
  readonly keys: PublicKeys
  /** Those by which something may be said now. */
  readonly accepted: PublicKeys
  readonly newestKid: string
  /** The chain as signed, from the pinned key on. */
  readonly links: readonly string[]
  /** The newest key by which a signature was seen. */
  readonly proved?: string
}

/**
 * The trust that an admission gives, with what was learned of the hub's keys since. Keys from before the one that
 * admitted say nothing any more, and are known all the same: what an agent that is admitted anew holds may be signed by
 * them, and has to be read, and shown to a hub that lost its memory.
 */
export async function loadTrust(state: AgentState, kept: KeptAdmission): Promise<Trust> {
  const { payload, keys, newestKid, kid } = kept.admission
  const known = wholeChain(payload.hubKeys, kept) ?? { keys, newest: newestKid }
  const admitted = trustOf({
    cluster: payload.cluster,
    adm: payload.adm,
    keys: known.keys,
    newestKid: known.newest,
    links: payload.hubKeys,
    proved: kid,
  })
  const bytes = await state.get(KEY)
  const value = bytes && parseBoundedJsonBytes(bytes, MAX_CHAIN_BYTES)
  const stored = isJsonObject(value) && Array.isArray(value['links']) ? value['links'] : []
  const links = stored.filter(link => typeof link === 'string')
  // What is kept counts only as far as it goes on from what the admission proves.
  const walk = wholeChain(links, kept)
  if (!walk) return admitted
  const proved = isJsonObject(value) ? value['proved'] : undefined
  const seen = typeof proved === 'string' && walk.keys.has(proved) ? proved : undefined
  return trustOf({
    ...admitted,
    keys: walk.keys,
    newestKid: walk.newest,
    links,
    proved: newerHubKey(walk.keys, seen, kid),
  })
}

/** A chain from its very beginning, when it is this hub's and what the admission proves is part of it. */
function wholeChain(links: readonly string[], { admission: { payload, kid, newestKid } }: KeptAdmission) {
  const first = links[0] === undefined ? undefined : linkClaims(links[0])?.kid
  const walk = first === undefined ? undefined : walkHubKeys(links, first)
  if (walk?.kind !== 'walked' || walk.hubId !== payload.hubId) return undefined
  return walk.keys.has(kid) && walk.keys.has(newestKid) ? walk : undefined
}

/**
 * What the hub's answer adds to the chain: its links go on from the newest key known, each signed by the one before.
 * Undefined when they do not, or add nothing.
 */
export function grownTrust(trust: Trust, body: Uint8Array): Trust | undefined {
  const value = parseBoundedJsonBytes(body, MAX_CHAIN_BYTES)
  const links = isJsonObject(value) && Array.isArray(value['links']) ? value['links'] : []
  if (links.length > MAX_LINKS || !links.every(link => typeof link === 'string')) return undefined
  const walk = walkHubKeys(links, trust.newestKid)
  if (walk.kind === 'refused' || walk.newest === trust.newestKid) return undefined
  const added = links.slice(-(walk.keys.size - 1))
  return trustOf({
    ...trust,
    keys: new Map([...trust.keys, ...walk.keys]),
    newestKid: walk.newest,
    links: [...trust.links, ...added],
  })
}

/** A signature by this key was seen: keys before it say nothing any more. The same trust when that is no news. */
export function provedTrust(trust: Trust, kid: string): Trust {
  const proved = newerHubKey(trust.keys, trust.proved, kid)
  return proved === trust.proved ? trust : trustOf({ ...trust, proved })
}

export async function keepTrust(state: AgentState, { links, proved }: Trust): Promise<void> {
  await state.put(KEY, Buffer.from(canonicalJson({ links, ...(proved !== undefined && { proved }) })))
}

function trustOf(trust: Omit<Trust, 'accepted'>): Trust {
  return { ...trust, accepted: acceptedHubKeys(trust.keys, trust.proved) }
}
