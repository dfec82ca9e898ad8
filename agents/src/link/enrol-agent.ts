import type { AgentState } from '@flotilla/core/ports/agent-state'
import type { SigningKey } from '@flotilla/core/protocol/ed25519'
import { makeEnrolment, readAdmission, readEnrolmentAnswer } from '@flotilla/core/protocol/enrolment'
import type { JoinToken } from '@flotilla/core/protocol/join-token'
import { type HubClient, retryAfterMs } from './hub-client.ts'
import { type KeptAdmission, keepAdmission } from './identity.ts'

export type EnrolmentOutcome =
  | { readonly kind: 'admitted'; readonly kept: KeptAdmission }
  /** Waits for an operator; ask again after so many milliseconds. */
  | { readonly kind: 'waiting'; readonly retryAfterMs: number }
  /** Refused in a way that only a person can mend. */
  | { readonly kind: 'refused'; readonly code: 'JOIN_TOKEN' | 'NAME_TAKEN'; readonly message: string }
  /** The hub cannot be reached or cannot do it now. */
  | { readonly kind: 'failed'; readonly message: string; readonly retryAfterMs?: number }

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
  readonly key: SigningKey
  readonly token: JoinToken
  readonly uid: string
  readonly versions: Readonly<Record<string, string>>
}): Promise<EnrolmentOutcome> {
  const { client, state, key, token, uid, versions } = options
  const secret = Buffer.from(token.secret).toString('base64url')
  const body = makeEnrolment(
    { aud: token.hubId, token: token.id, secret, uid, versions: { ...versions }, iat: client.assertionTime() },
    key,
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
      break
    case 202:
      return { kind: 'waiting', retryAfterMs: waitMs || 30_000 }
    case 401:
      return { kind: 'refused', code: 'JOIN_TOKEN', message: TOKEN_REFUSED }
    case 409:
      return {
        kind: 'refused',
        code: 'NAME_TAKEN',
        message: 'the name belongs to another agent; an operator has to approve the replacement',
      }
    default:
      return {
        kind: 'failed',
        message: `the hub answered ${response.status}`,
        ...(waitMs > 0 && { retryAfterMs: waitMs }),
      }
  }
  const answer = readEnrolmentAnswer(Buffer.from(response.body).toString('utf8'))
  if (!answer) return { kind: 'failed', message: 'the hub’s answer cannot be read' }
  const expected = {
    kid: token.kid,
    hubId: token.hubId,
    agentKey: key.publicKey,
    ...(token.name && { name: token.name }),
  }
  const reading = readAdmission(answer.admission, expected)
  if (reading.kind === 'refused')
    return { kind: 'failed', message: `the admission is not believed: ${reading.message}` }
  await keepAdmission(state, { jws: answer.admission, kid: token.kid, hubId: token.hubId, tokenId: token.id })
  return { kind: 'admitted', kept: { admission: reading.admission, tokenId: token.id } }
}
