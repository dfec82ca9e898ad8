import type { AgentState } from '@flotilla/core/ports/agent-state'
import type { Clock } from '@flotilla/core/ports/clock'
import type { Log } from '@flotilla/core/ports/log'
import type { Random } from '@flotilla/core/ports/random'
import { type JoinToken, parseJoinToken } from '@flotilla/core/protocol/join-token'
import { enrolAgent, type Proposal } from './enrol-agent.ts'
import type { HubClient } from './hub-client.ts'
import { type HeldKey, type KeptAdmission, loadNextKey, makeNextKey } from './identity.ts'
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
  /** The key in force. */
  readonly key: HeldKey
  /** As pasted. */
  readonly joinToken: string | undefined
  readonly clusterUid: () => Promise<string>
  readonly versions: Readonly<Record<string, string>>
  /** For a token for many: what to be called. */
  readonly proposal?: Proposal
  /** The admission that is kept. */
  readonly kept: KeptAdmission | undefined
  readonly setStatus: (status: LinkStatus) => void
}

/** Who the agent is, as far as its hub has said. */
export interface AdmittedAs {
  readonly key: HeldKey
  readonly kept: KeptAdmission
  /** The hub could not be asked with the join token, and the admission from before goes on meanwhile. */
  readonly unasked?: true
}

/**
 * Resolves with this agent's admission: the kept one, or a new one by a join token that was not used for it. Asks until
 * it is admitted; undefined when the link stops, or, after a while, when there is no token to ask with.
 */
export async function admitAgent(options: AdmissionOptions): Promise<AdmittedAs | undefined> {
  const { log, kept, key, setStatus, signal, state } = options
  const token = readToken(options)
  if (kept && (!token || token.id === kept.tokenId)) return { kept, key }
  if (!token) {
    const message = 'this agent was never admitted and has no join token'
    setStatus({ kind: 'refused', code: 'NO_JOIN_TOKEN', message })
    log.error(message)
    await sleepUnlessStopped(options.clock, REFUSED_RETRY_MS, signal)
    return undefined
  }
  setStatus({ kind: 'enrolling' })
  const next = await loadNextKey(state)
  // A key that was made for this token already: of an attempt whose answer was lost.
  let asking: HeldKey = next?.why === 'enrolment' && next.tokenId === token.id ? next : key
  for (let failures = 1; !signal.aborted; failures++) {
    const outcome = await enrolOnce(options, token, asking, failures)
    if (outcome === 'keep') return kept && { kept, key }
    if (outcome === 'unasked') return kept && { kept, key, unasked: true }
    if (outcome === 'new-key') {
      const fresh = asking === key
      asking = await makeNextKey(state, options.random, { why: 'enrolment', tokenId: token.id })
      log.warn(
        'this agent’s key is not good any more: it was revoked, or another cluster has it; it asks with a new one',
      )
      // A hub that refuses new keys too is not asked without end.
      if (!fresh) await sleepUnlessStopped(options.clock, REFUSED_RETRY_MS, signal)
      continue
    }
    if (typeof outcome !== 'number') return outcome
    await sleepUnlessStopped(options.clock, outcome, signal)
  }
  return undefined
}

/**
 * The admission, or how long to wait; where there is an admission already, `keep` when the token was not taken, and
 * `unasked` when nobody could be asked.
 */
async function enrolOnce(
  options: AdmissionOptions,
  token: JoinToken,
  key: HeldKey,
  failures: number,
): Promise<AdmittedAs | number | 'keep' | 'unasked' | 'new-key'> {
  const { log, random, setStatus, kept, clusterUid } = options
  const backOffMs = Math.max(500, redialAfterFailureMs(failures, random.fraction()))
  try {
    const outcome = await enrolAgent({ ...options, key, token, uid: await clusterUid() })
    switch (outcome.kind) {
      case 'admitted':
        log.info('this agent was admitted', { cluster: outcome.kept.admission.payload.clusterName })
        return outcome
      case 'new-key':
        return 'new-key'
      case 'refused':
        log.error(`the hub refused to admit this agent: ${outcome.message}`, { code: outcome.code })
        // An admission that we have is better than a token that is not taken.
        if (kept) return 'keep'
        setStatus(outcome)
        return REFUSED_RETRY_MS * (0.8 + 0.4 * random.fraction())
      case 'waiting': {
        const { enrolment } = outcome
        if (kept) return 'keep'
        setStatus({
          kind: 'waiting',
          message: `waits for the approval of an operator: flotilla cluster approve ${enrolment}`,
        })
        return outcome.retryAfterMs
      }
      case 'failed':
        log.warn('the enrolment failed; it is tried again', { why: outcome.message })
        // The hub is away: what is kept goes on meanwhile.
        if (kept) return 'unasked'
        return Math.max(outcome.retryAfterMs ?? 0, backOffMs)
    }
  } catch (error) {
    log.warn('the enrolment failed; it is tried again', { error })
    if (kept) return 'unasked'
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
