import type { Clock } from '@flotilla/core/ports/clock'
import type { HubResponse } from '@flotilla/core/ports/hub-transport'
import type { Random } from '@flotilla/core/ports/random'
import type { ClusterRow, EnrolmentRow, Store, StoreWriter } from '@flotilla/core/ports/store'
import { enrolmentId } from '@flotilla/core/protocol/decide-enrolment'
import type { AdmissionPayload } from '@flotilla/core/protocol/documents'
import { judgeAdmission } from '@flotilla/core/protocol/recovery'
import { type ReturnRequest, readReturn } from '@flotilla/core/protocol/return'
import { signAdmission } from '../gateway/enrol.ts'
import type { HubKeys } from '../gateway/hub-keys.ts'
import { refuse, respond, retryAfter } from '../gateway/respond.ts'
import type { Revocations } from '../gateway/revocations.ts'
import type { Recovery } from './recovery.ts'
import { epochNow } from './recovery-state.ts'

export interface ReturnOptions {
  readonly store: Store
  readonly keys: HubKeys
  readonly clock: Clock
  readonly random: Random
  readonly revocations?: Revocations
  readonly recovery: Recovery
}

export interface Returned {
  readonly response: HubResponse
  /** Why not, for the counters; `RETURN` for what nobody of ours has sent. */
  readonly code?: string
  /** It waits for a person since now. */
  readonly waitsFor?: string
  /** The Cluster that has its id back. */
  readonly clusterId?: string
}

const ASK_AGAIN_MS = 20_000
const NOTED_EVERY_MS = 60 * 60_000

/**
 * Hears an agent that this hub does not know, and that shows an admission by this hub's own signature (protocol.md
 * 5.7): the store has forgotten it. The Cluster gets its id back at once, which gives nobody a right; the key waits for
 * an operator, because the store may have forgotten as well that it was replaced.
 */
export async function takeReturn(
  body: Uint8Array | undefined,
  remoteAddress: string,
  options: ReturnOptions,
): Promise<Returned> {
  const { keys, store, clock, recovery } = options
  const reading = readReturn(Buffer.from(body ?? []).toString('utf8'), {
    hubId: keys.hubId,
    keys: keys.publicKeys,
  })
  if (reading.kind === 'refused') return unknown('RETURN')
  const { request, admission } = reading
  if (options.revocations?.hasKey(request.key)) return unknown('RETURN_REFUSED')
  const now = Math.floor(clock.now())
  const known = await store.read(rows => rows.cluster(admission.cluster))
  if (known?.agentKey === request.key && known.revokedAt === undefined && !known.cloned) {
    // Its own admission is lower than what it is told now, or the answer that told it was lost.
    return { response: respond(200, { admission: signAdmission(known, request.key, keys, now) }) }
  }
  const epoch = epochNow(recovery.state)
  const verdict = judgeAdmission({ ...admission, admission: admission.adm }, known, epoch)
  // That it was replaced or revoked since is remembered: then this is an old key, and nothing was forgotten.
  if (verdict === 'superseded' && !(await isWaiting(store, request, admission))) return unknown('RETURN_REFUSED')
  if (verdict === 'not-issued') {
    await recovery.found('admitted', {
      cluster: admission.cluster,
      clusterName: admission.clusterName,
      shown: admissionText(admission.adm, admission.keyNumber),
      known: known ? admissionText(known.admission, known.keyNumber) : 'no such cluster',
    })
  }
  const noted = await store.write(rows => note(rows, request, admission, { remoteAddress, now, epoch }))
  if (noted.state === 'rejected') return unknown('RETURN_REFUSED')
  const waitMs = ASK_AGAIN_MS * (1 + options.random.fraction())
  const response = respond(202, { code: 'WAITING', enrolment: noted.id }, retryAfter(waitMs))
  const isNew = noted.requestedAt === now
  return { response, ...(isNew && { waitsFor: admission.clusterName, clusterId: admission.cluster }) }
}

/** `admission 2`, `admission 2, key 3`: the first key of an admission is not counted aloud. */
function admissionText(admission: number, keyNumber = 0): string {
  return `admission ${admission}${keyNumber > 0 ? `, key ${keyNumber + 1}` : ''}`
}

async function isWaiting(store: Store, request: ReturnRequest, admission: AdmissionPayload): Promise<boolean> {
  return (await store.read(rows => rows.enrolment(idOf(request, admission)))) !== undefined
}

function idOf({ key }: ReturnRequest, { cluster, adm }: AdmissionPayload): string {
  return enrolmentId(`return ${cluster} ${adm}`, key)
}

async function note(
  rows: StoreWriter,
  request: ReturnRequest,
  admission: AdmissionPayload,
  { remoteAddress, now, epoch }: { readonly remoteAddress: string; readonly now: number; readonly epoch: number },
): Promise<EnrolmentRow> {
  const id = idOf(request, admission)
  const before = await rows.enrolment(id)
  if (before && (before.state !== 'waiting' || now - before.askedAt < NOTED_EVERY_MS)) return before
  if (!before) await giveIdBack(rows, admission, epoch)
  const { key, uid, versions } = request
  const row: EnrolmentRow = before
    ? { ...before, askedAt: now, address: remoteAddress }
    : {
        id,
        tokenId: '',
        kind: 'return',
        key,
        uid,
        versions,
        clusterName: admission.clusterName,
        proposedLabels: {},
        address: remoteAddress,
        requestedAt: now,
        askedAt: now,
        state: 'waiting',
      }
  await rows.putEnrolment(row)
  if (!before) {
    await rows.appendAudit({
      at: now,
      actor: `cluster/${admission.clusterName}`,
      action: 'cluster.return',
      subject: admission.clusterName,
      detail: { enrolment: id, cluster: admission.cluster, admission: admission.adm, uid, address: remoteAddress },
    })
  }
  return row
}

/**
 * The Cluster's record under the id and at least the admission that it had; without a key. The one that the store still
 * names gave way to this one long ago: whoever has it speaks for nobody, and it is refused for good once this is approved.
 */
async function giveIdBack(rows: StoreWriter, admission: AdmissionPayload, epoch: number): Promise<void> {
  const { cluster: id, clusterName: name, adm, keyNumber = 0 } = admission
  const known = await rows.cluster(id)
  if (known) {
    if (judgeAdmission({ admission: adm, keyNumber }, known) === 'superseded') return
    const { agentKey: gaveWay, ...rest } = known
    const previousKey = gaveWay ?? known.previousKey
    const behind: ClusterRow = { ...rest, admission: adm, keyNumber, recovery: 'unproved' }
    await rows.putCluster(previousKey === undefined ? behind : { ...behind, previousKey })
    return
  }
  const namesake = await rows.clusterByName(name)
  if (namesake) {
    // Somebody joined under the name meanwhile: a person has to choose, and the id is theirs.
    const used = namesake.agentKey !== undefined || (await rows.documents(namesake.id)).length > 0
    if (used || namesake.admission > 0) return
    await rows.deleteCluster(namesake.id)
  }
  const row: ClusterRow = {
    id,
    name,
    admission: adm,
    incarnation: 0,
    epoch,
    lastNumber: 0,
    versions: {},
    recovery: 'unproved',
  }
  await rows.putCluster(row)
}

/** The same for whatever does not hold: a stranger learns nothing. */
function unknown(code: string): Returned {
  return { code, response: refuse(401, 'UNAUTHORISED', 'this hub does not know that admission') }
}
