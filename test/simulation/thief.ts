import type { Digest } from '@flotilla/core/json/canonical-json'
import { decodeReportsAnswer, encodeReportBatch } from '@flotilla/core/protocol/report-batch'
import type { SimulatedFleet } from './fleet.ts'

/**
 * Somebody with the key of one cluster's agent, who knows ids and digests of other clusters, tries what the key does
 * not open: their Bundles, and reports about their Applications.
 */
export async function stealFrom(
  fleet: SimulatedFleet,
  cluster: string,
  wants: 'bundle' | 'report',
  pick: number,
): Promise<void> {
  const rows = await fleet.store.read(reader => reader.applications())
  const own = new Set(rows.filter(({ clusterName }) => clusterName === cluster).map(({ digest }) => digest))
  const others = rows.filter(({ clusterName, digest }) => clusterName !== cluster && digest && !own.has(digest))
  const victim = others[Math.floor(pick * others.length)]
  if (!victim?.digest) return
  const agent = fleet.agent(cluster)
  if (wants === 'bundle') {
    const response = await agent.impersonate('GET', `/agent/v1/bundles/${victim.digest}`)
    if (response?.status === 200) await fleet.laws.fetched(cluster, victim.digest as Digest)
    return fleet.trace.say(cluster, `a thief asks for the Bundle of ${victim.name}: ${response?.status ?? 'no answer'}`)
  }
  const body = encodeReportBatch([
    {
      application: victim.id,
      inc: 1_000_000,
      n: 1,
      gone: true,
      sync: { status: 'Synced' },
      health: { status: 'Healthy', since: 0 },
      objects: [],
      objectCount: 0,
      objectsCut: 0,
      observedAt: fleet.clock.now(),
      images: [],
    },
  ])
  const response = await agent.impersonate('POST', '/agent/v1/reports', body)
  fleet.trace.say(cluster, `a thief reports ${victim.name} gone: ${response?.status ?? 'no answer'}`)
  const answer = response?.status === 200 ? decodeReportsAnswer(response.body) : undefined
  if (answer?.kind !== 'decoded') return
  if (!answer.value.ignored.includes(victim.id))
    fleet.laws.breach(`${cluster} may report on ${victim.name}, which is another cluster's`)
}
