import type { HubResponse } from '@flotilla/core/ports/hub-transport'
import type { StoreWriter } from '@flotilla/core/ports/store'
import { decideKeyChange, type KeyChange, readKeyChange } from '@flotilla/core/protocol/agent-key'
import { keyThumbprint } from '@flotilla/core/protocol/ed25519'
import type { Caller } from './authenticate.ts'
import { type EnrolOptions, signAdmission } from './enrol.ts'
import { refuse, respond } from './respond.ts'

/**
 * Takes an agent's new key (protocol.md 1). The answer is its admission for that key; whoever did not get it asks again
 * with the old key, and gets the same.
 */
export async function changeAgentKey(
  body: Uint8Array | undefined,
  caller: Caller,
  options: EnrolOptions,
): Promise<{ readonly changed: boolean; readonly response: HubResponse }> {
  const change = readKeyChange(Buffer.from(body ?? []).toString('utf8'))
  if (!change) return { changed: false, response: refuse(400, 'MALFORMED', 'this is no change of a key') }
  return await options.store.write(rows => perform(rows, change, caller, options))
}

async function perform(rows: StoreWriter, change: KeyChange, caller: Caller, options: EnrolOptions) {
  const { keys, clock, revocations } = options
  const now = Math.floor(clock.now())
  const cluster = await rows.cluster(caller.cluster.id)
  const others = (await rows.clusters()).some(({ id, agentKey }) => agentKey === change.key && id !== caller.cluster.id)
  const keyIsNoGood = others || (revocations?.hasKey(change.key) ?? false)
  const facts = { change, hubId: keys.hubId, provedBy: caller.provedBy, keyIsNoGood }
  const decision = cluster ? decideKeyChange({ ...facts, cluster }) : ({ kind: 'refused' } as const)
  if (!cluster || decision.kind === 'refused') {
    return { changed: false, response: refuse(403, 'KEY_REFUSED', 'this key is not taken') }
  }
  let changed = cluster
  if (decision.kind === 'change') {
    const { key: agentKey, previous: previousKey } = change
    changed = { ...cluster, agentKey, previousKey, keySince: now, keyNumber: (cluster.keyNumber ?? 0) + 1 }
    await rows.putCluster(changed)
    await rows.appendAudit({
      at: now,
      actor: `cluster/${cluster.name}`,
      action: 'cluster.key',
      subject: cluster.name,
      detail: { cluster: cluster.id, kid: keyThumbprint(change.key), previous: keyThumbprint(change.previous) },
    })
  }
  const admission = signAdmission(changed, change.key, keys, now)
  return { changed: decision.kind === 'change', response: respond(200, { admission }) }
}
