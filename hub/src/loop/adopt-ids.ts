import type { ApplicationRow, ClusterRow, DocumentRow, StoreReader, StoreWriter } from '@flotilla/core/ports/store'
import { compareNumbers } from '@flotilla/core/protocol/documents'
import { admissionOf, readJws } from '@flotilla/core/protocol/jws'
import { type Adoption, decideAdoptions, type KnownApplication } from '@flotilla/core/protocol/recovery'
import { applicationLine } from '@flotilla/core/protocol/take-document'
import type { ShownDocument } from '../recovery/take-proofs.ts'
import type { Mutex } from '../store/mutex.ts'
import type { LoopServices } from './services.ts'
import type { World } from './world.ts'

/** What an agent holds under which id, for Applications that the hub makes a row of later (protocol.md 5.7). */
export class AdoptedIds {
  readonly #byCluster = new Map<string, ReadonlyMap<string, string>>()

  async restore(rows: StoreReader, clusters: Iterable<ClusterRow>): Promise<void> {
    for (const { id, name, epoch, admission } of clusters) {
      // Ids are taken over after a recovery, which raises the epoch, and from clones, one of which is admitted again.
      const stored = epoch > 1 || admission > 1 ? await rows.setting(settingOf(id)) : undefined
      if (stored) this.take(name, new Map(Object.entries(stored).map(([key, value]) => [key, String(value)])))
    }
  }

  take(clusterName: string, ids: ReadonlyMap<string, string>): void {
    this.#byCluster.set(clusterName, ids)
  }

  /** It is gone from its cluster: what has its name next is another thing. */
  async forget({ id, name, clusterId, clusterName }: ApplicationRow, writer: StoreWriter): Promise<void> {
    const known = this.#byCluster.get(clusterName)
    if (clusterId === undefined || known?.get(name) !== id) return
    const rest = new Map([...known].filter(([, adopted]) => adopted !== id))
    await writer.putSetting(settingOf(clusterId), Object.fromEntries(rest))
    this.take(clusterName, rest)
  }

  /** The id under which the cluster's agent holds an Application of that name. */
  idOf(name: string, clusterName: string): string | undefined {
    return this.#byCluster.get(clusterName)?.get(name)
  }
}

export interface AdoptionBench {
  readonly world: World
  readonly services: LoopServices
  /** Held while rows are written and taken over in memory. */
  readonly rows: Mutex
  register(row: ApplicationRow): void
}

/**
 * Takes over the ids under which a cluster's agent holds its Applications, all that it showed in one transaction. An
 * id that the hub has made for the same name meanwhile, and that no agent holds, gives way.
 *
 * @returns The Applications to look at again.
 */
export async function adoptIds(
  cluster: ClusterRow,
  shown: readonly ShownDocument[],
  { world, services, rows: mutex, register }: AdoptionBench,
): Promise<readonly string[]> {
  const { store, clock, log } = services
  return await mutex.run(async () => {
    const now = clock.now()
    const plan = await store.write(async writer => {
      const offered = new Map((await writer.documents(cluster.id)).map(row => [row.applicationId, row]))
      const known = (row: ApplicationRow | undefined): KnownApplication | undefined => {
        if (!row) return undefined
        const document = offered.get(row.id)
        const unheld = row.clusterId === undefined || !document || isOfBefore(document, cluster)
        return { id: row.id, unheld, ...(row.clusterId !== undefined && { clusterId: row.clusterId }) }
      }
      const adoptions = decideAdoptions(
        cluster.id,
        shown.map(({ payload: { typ, number, application } }) => ({ typ, number, application })),
        id => known(world.application(id)),
        name => {
          const row = world.applicationNamed(name)
          return row?.clusterName === cluster.name ? known(row) : undefined
        },
      )
      const renamed: { readonly before: ApplicationRow; readonly after: ApplicationRow }[] = []
      for (const adoption of adoptions) {
        const before =
          adoption.kind === 'adopted' && adoption.replaces ? world.application(adoption.replaces) : undefined
        if (!before) continue
        const { clusterId: _id, syncFrom: _from, hold: _hold, ...rest } = before
        const after: ApplicationRow = { ...rest, id: adoption.id, clusterId: cluster.id, changedAt: now }
        await replaceRow(writer, before, after)
        renamed.push({ before, after })
      }
      await dropUnheld(writer, cluster, shown)
      await keepOffers(writer, cluster, adoptions, shown)
      const ids = Object.fromEntries(
        adoptions.flatMap(({ kind, name, id }) => (kind === 'adopted' ? [[name, id]] : [])),
      )
      await writer.putSetting(settingOf(cluster.id), ids)
      const current = (await writer.cluster(cluster.id)) ?? cluster
      await writer.putCluster({ ...current, recovery: 'proved' })
      return { adoptions, renamed, ids }
    })
    world.adopted.take(cluster.name, new Map(Object.entries(plan.ids)))
    for (const { before, after } of plan.renamed) {
      world.removeApplication(before.id)
      world.readers.remove(`application/${before.id}`)
      world.putApplication(after)
      register(after)
    }
    const refused = plan.adoptions.filter(({ kind }) => kind === 'refused')
    log.info('an agent has shown what it holds', {
      cluster: cluster.name,
      adopted: Object.keys(plan.ids).length,
      known: plan.adoptions.filter(({ kind }) => kind === 'known').length,
      refused: refused.map(({ name }) => name).slice(0, 20),
    })
    return [
      ...plan.renamed.flatMap(({ before, after }) => [before.id, after.id]),
      ...plan.adoptions.map(({ id }) => id),
    ]
  })
}

/** Said before the last recovery, or to an agent that was let go of: whoever speaks now has shown whether it heard it. */
function isOfBefore({ number, jws }: DocumentRow, { epoch, admission }: ClusterRow): boolean {
  const read = readJws(jws)
  return number.epoch < epoch || (read.kind === 'unverified' && admissionOf(read.payload) < admission)
}

async function replaceRow(writer: StoreWriter, before: ApplicationRow, after: ApplicationRow): Promise<void> {
  if (before.clusterId !== undefined) await writer.deleteDocument(before.clusterId, applicationLine(before.id))
  await writer.deleteReport(before.id)
  await writer.deleteApplication(before.id)
  await writer.putApplication(after)
}

/** What an earlier epoch offered and nobody holds is over; what is still wanted is offered anew. */
async function dropUnheld(writer: StoreWriter, cluster: ClusterRow, shown: readonly ShownDocument[]): Promise<void> {
  const held = new Set(shown.map(({ payload }) => payload.application.id))
  for (const { key, applicationId, number } of await writer.documents(cluster.id)) {
    const isOld = applicationId !== undefined && number.epoch < cluster.epoch
    if (isOld && !held.has(applicationId)) await writer.deleteDocument(cluster.id, key)
  }
}

/**
 * What the agent holds is what was offered last: so the next Offer is compared with that, and asks for a new sync only
 * where it asks for something else. Only of before a recovery: what this epoch issued and the store has no more has
 * ended, and is nobody's until it is declared again.
 */
async function keepOffers(
  writer: StoreWriter,
  cluster: ClusterRow,
  adoptions: readonly Adoption[],
  shown: readonly ShownDocument[],
): Promise<void> {
  const kept = new Set(adoptions.flatMap(({ kind, id }) => (kind === 'refused' ? [] : [id])))
  for (const { payload, jws } of shown) {
    if (payload.typ !== 'offer' || payload.number.epoch >= cluster.epoch || !kept.has(payload.application.id)) continue
    const key = applicationLine(payload.application.id)
    const current = await writer.document(cluster.id, key)
    if (current && compareNumbers(current.number, payload.number) >= 0) continue
    await writer.putDocument({
      clusterId: cluster.id,
      key,
      typ: 'offer',
      number: payload.number,
      applicationId: payload.application.id,
      digest: payload.digest,
      meaning: 'shown by its agent',
      jws,
      issuedAt: payload.iat,
    })
  }
}

function settingOf(clusterId: string): string {
  return `adopted-ids/${clusterId}`
}
