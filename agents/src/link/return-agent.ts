import type { AgentState } from '@flotilla/core/ports/agent-state'
import { HubUnreachable } from '@flotilla/core/ports/hub-transport'
import type { Random } from '@flotilla/core/ports/random'
import type { SigningKey } from '@flotilla/core/protocol/ed25519'
import { readAdmission, readEnrolmentAnswer } from '@flotilla/core/protocol/enrolment'
import { walkHubKeys } from '@flotilla/core/protocol/hub-key-chain'
import { readJws } from '@flotilla/core/protocol/jws'
import { makeReturn } from '@flotilla/core/protocol/return'
import { decodeAdmission } from '@flotilla/core/protocol/signed-document'
import { type HubClient, retryAfterMs } from './hub-client.ts'
import { type KeptAdmission, keepAdmission, loadKey } from './identity.ts'

export type ReturnOutcome =
  | { readonly kind: 'admitted'; readonly kept: KeptAdmission }
  /** An operator has to approve it; ask again after so many milliseconds. */
  | { readonly kind: 'waiting'; readonly retryAfterMs: number }
  /** The hub remembers that this key is not good any more, or is another hub. */
  | { readonly kind: 'refused' }
  | { readonly kind: 'failed'; readonly message: string; readonly retryAfterMs?: number }

/**
 * Shows the hub the admission that it once signed, when it does not know this agent any more: it may have lost its
 * store, or was restored from before the agent joined (protocol.md 5.7). Everything that is held stays as it is
 * meanwhile. Never throws for what the network does.
 */
export async function returnToHub(options: {
  readonly client: HubClient
  readonly state: AgentState
  readonly random: Random
  readonly key: SigningKey
  readonly kept: KeptAdmission
  readonly uid: string
  readonly versions: Readonly<Record<string, string>>
}): Promise<ReturnOutcome> {
  const { client, state, random, key, kept, uid, versions } = options
  const { hubId } = kept.admission.payload
  const iat = client.assertionTime()
  const body = Buffer.from(makeReturn({ aud: hubId, admission: kept.jws, uid, versions: { ...versions }, iat }, key))
  try {
    const headers = { 'content-type': 'application/jose' }
    const response = await client.anonymous({ method: 'POST', path: '/agent/v1/return', headers, body })
    const waitMs = retryAfterMs(response.headers)
    if (response.status === 202) return { kind: 'waiting', retryAfterMs: waitMs || 30_000 }
    if (response.status === 401 || response.status === 404) return { kind: 'refused' }
    if (response.status !== 200)
      return {
        kind: 'failed',
        message: `the hub answered ${response.status}`,
        ...(waitMs > 0 && { retryAfterMs: waitMs }),
      }
    const jws = readEnrolmentAnswer(Buffer.from(response.body).toString('utf8'))?.admission ?? ''
    const kid = signerInChain(jws, kept.admission.kid)
    if (kid === undefined) return { kind: 'failed', message: 'the admission is not signed by a key of this hub' }
    const reading = readAdmission(jws, { kid, hubId, agentKey: key.publicKey })
    if (reading.kind === 'refused')
      return { kind: 'failed', message: `the admission is not believed: ${reading.message}` }
    const { tokenId, previous } = kept
    const { seed } = await loadKey(state, random)
    await keepAdmission(state, { jws, kid, hubId, tokenId, seed, ...(previous && { previousSeed: previous.seed }) })
    return { kind: 'admitted', kept: { ...kept, admission: reading.admission, jws } }
  } catch (error) {
    if (!(error instanceof HubUnreachable)) throw error
    return { kind: 'failed', message: error.message }
  }
}

/** Who signed an admission, when its chain leads there from the key that was pinned at the first one. */
function signerInChain(jws: string, pinned: string): string | undefined {
  const read = readJws(jws)
  if (read.kind === 'refused') return undefined
  const decoded = decodeAdmission(read.payload)
  if (decoded.kind === 'refused') return undefined
  const chain = walkHubKeys(decoded.value.hubKeys, pinned)
  return chain.kind === 'walked' && chain.keys.has(read.kid) ? read.kid : undefined
}
