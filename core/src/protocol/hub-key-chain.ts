import type { KeyObject } from 'node:crypto'
import type { HubKeysPayload } from './documents.ts'
import { importPublicKey, keyThumbprint, type PublicKeys, type SigningKey } from './ed25519.ts'
import { readJws, signatureHolds, signJws } from './jws.ts'
import { decodeHubKeys } from './signed-document.ts'

const MAX_LINK_BYTES = 4096

/** One link of the chain, signed by its predecessor; the first signs itself. */
export function signHubKeysLink(payload: HubKeysPayload, signer: SigningKey): string {
  return signJws('hub-keys', payload, signer)
}

export type ChainWalk =
  | {
      readonly kind: 'walked'
      readonly keys: PublicKeys
      /** The newest key's `kid`. */
      readonly newest: string
      readonly hubId: string
    }
  | { readonly kind: 'refused'; readonly message: string }

/**
 * Walks a chain of hub keys from one that is trusted already: by its pin (the thumbprint that a join token carries).
 * Links before the pinned one are passed over; every later one has to be signed by its predecessor, whatever that
 * one's end, and belong to the same hub. Never throws.
 */
export function walkHubKeys(links: readonly string[], pinnedKid: string): ChainWalk {
  const keys = new Map<string, KeyObject>()
  let newest: { readonly kid: string; readonly key: KeyObject; readonly hubId: string } | undefined
  for (const link of links) {
    const jws = readJws(link, MAX_LINK_BYTES)
    if (jws.kind === 'refused' || jws.typ !== 'hub-keys') return refused('a link of the hub’s keys is malformed')
    const decoded = decodeHubKeys(jws.payload)
    if (decoded.kind === 'refused') return refused(`a link of the hub’s keys is malformed: ${decoded.message}`)
    const { kid, key: raw, hubId, previous } = decoded.value
    const key = importPublicKey(raw)
    if (!key || keyThumbprint(raw) !== kid) return refused('a hub key does not have the name that its link gives it')
    if (!newest) {
      if (kid !== pinnedKid) continue
      // The pin proves the key, so that a signature by a predecessor unknown here need not be checked.
      if (jws.kid === kid && !signatureHolds(jws, key)) return refused('the first hub key does not sign itself')
    } else if (previous !== newest.kid || jws.kid !== newest.kid || hubId !== newest.hubId) {
      return refused('a link of the hub’s keys does not follow its predecessor')
    } else if (!signatureHolds(jws, newest.key)) {
      return refused('a link of the hub’s keys is not signed by its predecessor')
    }
    newest = { kid, key, hubId }
    keys.set(kid, key)
  }
  if (!newest) return refused('the hub’s keys do not contain the one that is pinned')
  return { kind: 'walked', keys, newest: newest.kid, hubId: newest.hubId }
}

function refused(message: string): ChainWalk {
  return { kind: 'refused', message }
}

/** What a link of one's own chain says; its signature is not looked at. Undefined for text that is no link. */
export function linkClaims(link: string): HubKeysPayload | undefined {
  const read = readJws(link, MAX_LINK_BYTES)
  const decoded = read.kind === 'refused' || read.typ !== 'hub-keys' ? undefined : decodeHubKeys(read.payload)
  return decoded?.kind === 'decoded' ? decoded.value : undefined
}

/**
 * The keys by which a document may be signed now. A key is announced by the one before it, which goes on signing until
 * agents know the new one; so beside the newest key the one before it counts, until a signature by the newest was
 * seen. Everything older is refused: whoever finds an old private key can say nothing with it.
 *
 * @param keys A walked chain, oldest first.
 * @param proved The newest key by which a signature was seen, if any.
 */
export function acceptedHubKeys(keys: PublicKeys, proved: string | undefined): PublicKeys {
  const kids = [...keys.keys()]
  const from = Math.max(kids.length - 2, proved === undefined ? 0 : kids.indexOf(proved), 0)
  return new Map([...keys].slice(from))
}

/** The newer of two keys of a chain: what was proved before, and what has just been seen to sign. */
export function newerHubKey(keys: PublicKeys, proved: string | undefined, seen: string): string {
  const kids = [...keys.keys()]
  return proved !== undefined && kids.indexOf(proved) >= kids.indexOf(seen) ? proved : seen
}

/**
 * Names of the clusters that do not know the newest hub key yet, for which the hub waits before it signs with it.
 * Those that never joined or were revoked hold nothing back.
 */
export function clustersWithoutKey(
  newest: string,
  clusters: Iterable<{
    readonly name: string
    readonly agentKey?: string
    readonly revokedAt?: number
    readonly hubKid?: string
  }>,
): readonly string[] {
  return [...clusters]
    .filter(({ agentKey, revokedAt, hubKid }) => agentKey !== undefined && revokedAt === undefined && hubKid !== newest)
    .map(({ name }) => name)
    .sort()
}
