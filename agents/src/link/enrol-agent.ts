import { isJsonObject } from '@flotilla/core/json/json'
import type { AgentState } from '@flotilla/core/ports/agent-state'
import { parseBoundedJsonBytes } from '@flotilla/core/protocol/bounded-json'
import { makeEnrolment, readAdmission, readEnrolmentAnswer } from '@flotilla/core/protocol/enrolment'
import type { JoinToken } from '@flotilla/core/protocol/join-token'
import { type HubClient, retryAfterMs } from './hub-client.ts'
import { forgetNextKey, type HeldKey, type KeptAdmission, keepAdmission } from './identity.ts'

export type EnrolmentOutcome =
  | { readonly kind: 'admitted'; readonly kept: KeptAdmission; readonly key: HeldKey }
  /** Waits for an operator; ask again after so many milliseconds. */
  | { readonly kind: 'waiting'; readonly retryAfterMs: number; readonly enrolment: string }
  /** The token is good and the key is not: it was revoked, or another cluster has it. */
  | { readonly kind: 'new-key' }
  /** Refused in a way that only a person can mend. */
  | { readonly kind: 'refused'; readonly code: 'JOIN_TOKEN' | 'NAME_TAKEN'; readonly message: string }
  /** The hub cannot be reached or cannot do it now. */
  | { readonly kind: 'failed'; readonly message: string; readonly retryAfterMs?: number }

/** What an agent with a pending token would like to be called. */
export interface Proposal {
  readonly name: string
  readonly labels: Readonly<Record<string, string>>
}

/** One text for all: whoever guesses tokens learns nothing from it. */
const TOKEN_REFUSED =
  'the join token is unknown, expired, revoked or used up; make another with: flotilla cluster join-token --cluster NAME'

/**
 * Asks once to be admitted (protocol.md 2). Asking again with the same key and token is harmless, whatever became of
 * the answer. @throws HubUnreachable
 */
export async function enrolAgent(options: {
  readonly client: HubClient
  readonly state: AgentState
  readonly key: HeldKey
  readonly token: JoinToken
  readonly uid: string
  readonly versions: Readonly<Record<string, string>>
  readonly proposal?: Proposal
}): Promise<EnrolmentOutcome> {
  const { client, state, key, token, uid, versions, proposal } = options
  const secret = Buffer.from(token.secret).toString('base64url')
  const proposed = token.pending && proposal && { name: proposal.name, labels: { ...proposal.labels } }
  const body = makeEnrolment(
    {
      aud: token.hubId,
      token: token.id,
      secret,
      uid,
      versions: { ...versions },
      iat: client.assertionTime(),
      ...(proposed && { proposed }),
    },
    key.signing,
  )
  const response = await client.anonymous({
    method: 'POST',
    path: '/agent/v1/enrol',
    headers: { 'content-type': 'application/jose' },
    body: Buffer.from(body),
  })
  const waitMs = retryAfterMs(response.headers)
  switch (response.status) {
    case 200:
      return await believe(Buffer.from(response.body).toString('utf8'), { state, key, token })
    case 202:
      return { kind: 'waiting', retryAfterMs: waitMs || 30_000, enrolment: wordOf(response.body, 'enrolment') }
    case 401:
      return { kind: 'refused', code: 'JOIN_TOKEN', message: TOKEN_REFUSED }
    case 409: {
      if (wordOf(response.body, 'code').startsWith('KEY_')) return { kind: 'new-key' }
      const message = 'the name belongs to another agent; an operator has to approve the replacement'
      return { kind: 'refused', code: 'NAME_TAKEN', message }
    }
    default:
      return {
        kind: 'failed',
        message: `the hub answered ${response.status}`,
        ...(waitMs > 0 && { retryAfterMs: waitMs }),
      }
  }
}

async function believe(
  body: string,
  { state, key, token }: { readonly state: AgentState; readonly key: HeldKey; readonly token: JoinToken },
): Promise<EnrolmentOutcome> {
  const answer = readEnrolmentAnswer(body)
  if (!answer) return { kind: 'failed', message: 'the hub’s answer cannot be read' }
  const { kid, hubId, name, id: tokenId } = token
  const { publicKey: agentKey } = key.signing
  const reading = readAdmission(answer.admission, { kid, hubId, agentKey, ...(name && { name }) })
  if (reading.kind === 'refused')
    return { kind: 'failed', message: `the admission is not believed: ${reading.message}` }
  const { admission: jws } = answer
  await keepAdmission(state, { jws, kid, hubId, tokenId, seed: key.seed })
  await forgetNextKey(state)
  return { kind: 'admitted', kept: { admission: reading.admission, jws, tokenId }, key }
}

/** A word of an answer that is shown and compared, and believed nothing. */
function wordOf(body: Uint8Array, field: string): string {
  const value = parseBoundedJsonBytes(body, 64 * 1024)
  const word = isJsonObject(value) ? value[field] : undefined
  return typeof word === 'string' ? word.replace(/[^\w.-]/g, '').slice(0, 64) : ''
}
