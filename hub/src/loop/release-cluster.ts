import { canonicalJson, type Digest, sha256 } from '@flotilla/core/json/canonical-json'
import type { ApplicationRow } from '@flotilla/core/ports/store'
import { type NamesBench, namesInput, refreshPlans, takeRows } from './names-round.ts'
import { ownerOf, withdrawn } from './withdraw-names.ts'

/** What a person says of what a cluster has that nobody wants there any more. */
export interface ReleaseWish {
  readonly by: string
  readonly reason: string
  /** Of the list that was shown to them; absent: whatever there is now. */
  readonly digest?: string
  /** Lets go of nothing, and says what it would. */
  readonly dryRun: boolean
}

export interface ReleaseList {
  /** What is let go, in order of name: objects stay where they are, and nobody keeps them so any more. */
  readonly released: readonly ApplicationRow[]
  /** What is not, and why. */
  readonly kept: readonly { readonly row: ApplicationRow; readonly reason: string }[]
  /** Of what is let go. */
  readonly digest: Digest
}

export type ReleaseAnswer =
  | { readonly kind: 'planned' | 'released'; readonly list: ReleaseList }
  /** The list is another one by now. */
  | { readonly kind: 'changed'; readonly list: ReleaseList }

/**
 * Lets go of Applications that are held because their cluster is no longer declared, and of what Applications left on
 * it when they moved elsewhere (decisions 13 and 19): an explicit act that leaves every object where it is. Where no
 * agent is left to be told, they are forgotten at once.
 */
export async function releaseCluster(name: string, wish: ReleaseWish, bench: NamesBench): Promise<ReleaseAnswer> {
  const { services, queue, plans } = bench
  return await bench.rows.run(async () => {
    const list = releaseListOf(name, bench)
    if (wish.dryRun) return { kind: 'planned', list }
    if (wish.digest !== undefined && wish.digest !== list.digest) return { kind: 'changed', list }
    if (list.released.length === 0) return { kind: 'released', list }
    const { by, reason } = wish
    const input = namesInput(bench)
    const rows = list.released.map((row): ApplicationRow => {
      const gone = withdrawn(row, input, { plan: `release of ${name}`, policy: 'detach' })
      return { ...gone, removal: { ...gone.removal!, released: { by, at: input.now } } }
    })
    await services.store.write(async writer => {
      for (const row of rows) await writer.putApplication(row)
      await writer.appendAudit({
        ...{ at: input.now, actor: by, action: 'cluster.release', subject: name },
        detail: {
          reason,
          digest: list.digest,
          count: rows.length,
          applications: rows.slice(0, MOST_NAMED).map(row => row.name),
        },
      })
    })
    for (const owner of new Set(list.released.map(ownerOf))) plans.pending.add(owner)
    takeRows(rows, bench)
    queue.add(...rows.map(({ id }) => `application/${id}`))
    services.announce.applications(rows.map(({ id }) => id))
    services.log.info('Applications of a cluster were let go', { cluster: name, by, released: rows.length })
    await refreshPlans(bench)
    return { kind: 'released', list: { ...list, released: rows } }
  })
}

/** Of a cluster that is declared only what was left there; of another all that nobody declares. */
function releaseListOf(cluster: string, bench: NamesBench): ReleaseList {
  const { world } = bench
  const { origin } = namesInput(bench)
  const isDeclared = world.fleet.clusters.has(cluster)
  const rows = world.idsOf('cluster', cluster).flatMap(id => world.application(id) ?? [])
  const released: ApplicationRow[] = []
  const kept: { row: ApplicationRow; reason: string }[] = []
  for (const row of rows.sort((a, b) => (a.name < b.name ? -1 : a.name > b.name ? 1 : a.id < b.id ? -1 : 1))) {
    if (row.clusterId === undefined || row.removal?.released) continue
    if (row.state === 'orphaned') released.push(row)
    else if (isDeclared) continue
    else if (world.claimsOn(row.name).length > 0) {
      kept.push({ row, reason: 'it is still declared for this cluster: take it out of its set, or name another' })
    } else if (UNSURE.has(origin(row).kind)) {
      kept.push({ row, reason: 'an input of its set is away, so that nobody knows whether it is wanted' })
    } else released.push(row)
  }
  const digest = sha256(canonicalJson(released.map(({ id, name: of }) => [id, of])))
  return { released, kept, digest }
}

/** What an entry of the audit log names; it says how many there are. */
const MOST_NAMED = 100
const UNSURE: ReadonlySet<string> = new Set(['stale', 'pending'])
