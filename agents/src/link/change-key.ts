import type { AgentState } from '@flotilla/core/ports/agent-state'
import type { HubResponse } from '@flotilla/core/ports/hub-transport'
import type { Log } from '@flotilla/core/ports/log'
import type { Random } from '@flotilla/core/ports/random'
import { AGENT_KEY_LIFE_MS, AGENT_KEY_PATH, makeKeyChange } from '@flotilla/core/protocol/agent-key'
import { readAdmission, readEnrolmentAnswer } from '@flotilla/core/protocol/enrolment'
import type { EpochMs } from '@flotilla/core/time/epoch-ms'
import type { HubClient, Speaker } from './hub-client.ts'
import {
  forgetNextKey,
  type HeldKey,
  type KeptAdmission,
  keepAdmission,
  loadNextKey,
  makeNextKey,
  type NextKey,
} from './identity.ts'

export interface KeyChangeOptions {
  readonly client: HubClient
  readonly state: AgentState
  readonly random: Random
  readonly log: Log
  /** The hub knows a newer start of this agent, as it may say to any request. */
  readonly outranked: (response: HubResponse) => void
}

export type KeyChangeOutcome =
  | { readonly kind: 'changed'; readonly key: HeldKey; readonly kept: KeptAdmission }
  /** The hub has another opinion of who this is. */
  | { readonly kind: 'refused'; readonly message: string }
  /** It could not be asked now; it is asked again. */
  | { readonly kind: 'failed'; readonly message: string }

/** Whether it is time for another key, or one was begun on and its answer is still to come. */
export async function isKeyChangeDue(state: AgentState, kept: KeptAdmission, now: EpochMs): Promise<boolean> {
  if (now - kept.admission.payload.iat >= AGENT_KEY_LIFE_MS) return true
  return (await loadNextKey(state))?.why === 'rotation'
}

/**
 * Gives the agent another key (protocol.md 1): made and kept, brought to the hub in a request that the present key
 * asserts, and put in force together with the admission that the hub answers, in one write. Whatever is cut off, the
 * next attempt ends it: the hub gives the same answer to the same change.
 *
 * @throws HubUnreachable
 */
export async function changeKey(
  speaker: Speaker,
  present: HeldKey,
  kept: KeptAdmission,
  options: KeyChangeOptions,
): Promise<KeyChangeOutcome> {
  const { state, random } = options
  const begun = await loadNextKey(state)
  const next = begun?.why === 'rotation' ? begun : await makeNextKey(state, random, { why: 'rotation' })
  return await bring(speaker, present, next, kept, options)
}

/**
 * Brings the key in force once more, as the one before it: a hub that was restored from a backup of before the change
 * knows only that one.
 *
 * @throws HubUnreachable
 */
export async function repeatKeyChange(
  speaker: Speaker,
  present: HeldKey,
  kept: KeptAdmission,
  options: KeyChangeOptions,
): Promise<KeyChangeOutcome> {
  const { previous } = kept
  if (!previous) return { kind: 'refused', message: 'there was no key before this one' }
  const next: NextKey = { ...present, why: 'rotation' }
  return await bring({ ...speaker, key: previous.signing }, previous, next, kept, options)
}

async function bring(
  speaker: Speaker,
  present: HeldKey,
  next: NextKey,
  kept: KeptAdmission,
  { client, state, log, outranked }: KeyChangeOptions,
): Promise<KeyChangeOutcome> {
  const { cluster, admission: adm, hubId } = speaker
  const { publicKey: previous } = present.signing
  const change = makeKeyChange({ cluster, adm, aud: hubId, previous, iat: client.assertionTime() }, next.signing)
  const response = await client.request(speaker, { method: 'POST', path: AGENT_KEY_PATH, body: Buffer.from(change) })
  if (response.status === 401 || response.status === 403) {
    if (response.status === 403) await forgetNextKey(state)
    return { kind: 'refused', message: `the hub does not take the new key (${response.status})` }
  }
  if (response.status === 409) outranked(response)
  if (response.status !== 200) return { kind: 'failed', message: `the hub answered ${response.status}` }
  const answer = readEnrolmentAnswer(Buffer.from(response.body).toString('utf8'))
  if (!answer) return { kind: 'failed', message: 'the hub’s answer cannot be read' }
  const { kid } = kept.admission
  const { clusterName: name } = kept.admission.payload
  const reading = readAdmission(answer.admission, { kid, hubId, agentKey: next.signing.publicKey, name })
  if (reading.kind === 'refused')
    return { kind: 'failed', message: `the admission is not believed: ${reading.message}` }
  const { tokenId } = kept
  const { admission: jws } = answer
  // The switch: from here on the agent is who the new key says.
  await keepAdmission(state, { jws, kid, hubId, tokenId, seed: next.seed, previousSeed: present.seed })
  await forgetNextKey(state)
  log.info('the agent has another key', { kid: next.signing.kid })
  const admitted: KeptAdmission = { admission: reading.admission, jws, tokenId, previous: present }
  return { kind: 'changed', key: next, kept: admitted }
}
