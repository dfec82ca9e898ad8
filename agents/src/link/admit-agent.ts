import type { AgentState } from '@flotilla/core/ports/agent-state'
import type { Clock } from '@flotilla/core/ports/clock'
import type { Log } from '@flotilla/core/ports/log'
import type { Random } from '@flotilla/core/ports/random'
import type { SigningKey } from '@flotilla/core/protocol/ed25519'
import { type JoinToken, parseJoinToken } from '@flotilla/core/protocol/join-token'
import { enrolAgent } from './enrol-agent.ts'
import type { HubClient } from './hub-client.ts'
import type { KeptAdmission } from './identity.ts'
import { type LinkStatus, sleepUnlessStopped } from './link-status.ts'
import { redialAfterFailureMs } from './redial.ts'

const REFUSED_RETRY_MS = 60_000

export interface AdmissionOptions {
  readonly client: HubClient
  readonly state: AgentState
  readonly clock: Clock
  readonly random: Random
  readonly log: Log
  readonly signal: AbortSignal
  readonly key: SigningKey
  /** As pasted. */
  readonly joinToken: string | undefined
  readonly clusterUid: () => Promise<string>
  readonly versions: Readonly<Record<string, string>>
  /** The admission that is kept. */
  readonly kept: KeptAdmission | undefined
  readonly setStatus: (status: LinkStatus) => void
}

/**
 * Resolves with this agent's admission: the kept one, or a new one by a join token that was not used for it. Asks until
 * it is admitted; undefined when the link stops, or, after a while, when there is no token to ask with.
 */
export async function admitAgent(options: AdmissionOptions): Promise<KeptAdmission | undefined> {
  const { log, kept, setStatus, signal } = options
  const token = readToken(options)
  if (kept && (!token || token.id === kept.tokenId)) return kept
  if (!token) {
    const message = 'this agent was never admitted and has no join token'
    setStatus({ kind: 'refused', code: 'NO_JOIN_TOKEN', message })
    log.error(message)
    await sleepUnlessStopped(options.clock, REFUSED_RETRY_MS, signal)
    return undefined
  }
  setStatus({ kind: 'enrolling' })
  for (let failures = 1; !signal.aborted; failures++) {
    const outcome = await enrolOnce(options, token, failures)
    if (outcome === 'keep') return kept
    if (typeof outcome !== 'number') return outcome
    await sleepUnlessStopped(options.clock, outcome, signal)
  }
  return undefined
}

/** The admission, or how long to wait, or `keep` where the token was refused and there is an admission already. */
async function enrolOnce(
  options: AdmissionOptions,
  token: JoinToken,
  failures: number,
): Promise<KeptAdmission | number | 'keep'> {
  const { log, random, setStatus, kept, clusterUid } = options
  const backOffMs = Math.max(500, redialAfterFailureMs(failures, random.fraction()))
  try {
    const outcome = await enrolAgent({ ...options, token, uid: await clusterUid() })
    switch (outcome.kind) {
      case 'admitted':
        log.info('this agent was admitted', { cluster: outcome.kept.admission.payload.clusterName })
        return outcome.kept
      case 'refused':
        log.error(`the hub refused to admit this agent: ${outcome.message}`, { code: outcome.code })
        // An admission that we have is better than a token that is not taken.
        if (kept) return 'keep'
        setStatus(outcome)
        return REFUSED_RETRY_MS * (0.8 + 0.4 * random.fraction())
      case 'waiting':
        setStatus({ kind: 'waiting', message: 'waits for the approval of an operator' })
        return outcome.retryAfterMs
      case 'failed':
        log.warn('the enrolment failed; it is tried again', { why: outcome.message })
        return Math.max(outcome.retryAfterMs ?? 0, backOffMs)
    }
  } catch (error) {
    log.warn('the enrolment failed; it is tried again', { error })
    return backOffMs
  }
}

function readToken({ joinToken, log }: AdmissionOptions): JoinToken | undefined {
  if (joinToken === undefined) return undefined
  const parsed = parseJoinToken(joinToken)
  if (parsed.kind === 'token') return parsed.token
  log.error(`the join token cannot be read: ${parsed.message}`)
  return undefined
}
