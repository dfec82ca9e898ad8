import { decodeOperation } from '@flotilla/agents/operation-record'
import type { ClusterRequest } from '@flotilla/core/ports/cluster-transport'
import { seededRandom } from '@flotilla/core/ports/create-random'
import type { GrantPayload } from '@flotilla/core/protocol/documents'
import { expect, test } from 'vitest'
import { CONFIG } from './declared-fleet.ts'
import { SimulatedFleet } from './fleet.ts'
import { People } from './people.ts'
import { drawSchedule } from './schedule.ts'
import { objectOf } from './start-law.ts'

const MINUTE_MS = 60_000
/** How far an agent's hub time may lag behind the hub's, and how long a request may be under way. */
const LAG_MS = 15_000
/** Of 5 Git is away whenever a freeze is declared: it would prove nothing. */
const SEEDS = [1, 2, 3, 4, 6, 7]
/** Of the hub's store or clock going back, and of clusters that are copied, other laws tell. */
const LEFT_OUT: ReadonlySet<string> = new Set(['freeze', 'restore', 'back up', 'clone', 'revoke'])

interface Freeze {
  readonly name: string
  readonly cluster: string
  readonly from: number
  readonly until: number
}

/**
 * Under any faults and clock skews, no apply starts inside a hard freeze that it is subject to. The one exception is
 * what a freeze that is made now cannot reach: an agent that is cut off may start, under a Grant of before.
 */
class FreezeLaw {
  readonly breaches: string[] = []
  starts = 0
  kept = 0
  readonly #fleet: SimulatedFleet
  readonly #freezes: Freeze[] = []
  /** Since when the hub goes by it. */
  readonly #inForce = new Map<string, number>()
  /** By cluster and freeze: since when its agent's calendar says so. */
  readonly #known = new Map<string, number>()

  constructor(fleet: SimulatedFleet) {
    this.#fleet = fleet
    const { laws } = fleet
    const asked = laws.asked.bind(laws)
    const granted = laws.granted.bind(laws)
    Object.assign(laws, {
      asked: async (...[cluster, held, request]: Parameters<typeof asked>) => {
        this.#asked(cluster.name, request)
        await asked(cluster, held, request)
      },
      granted: async (...[store, grant]: Parameters<typeof granted>) => {
        await this.#granted(grant)
        await granted(store, grant)
      },
    })
  }

  /** Somebody commits it; it may begin later than that. */
  make(freeze: Freeze): void {
    this.#freezes.push(freeze)
    const instant = (at: number): string => new Date(at).toISOString()
    const document = {
      apiVersion: 'flotilla.dev/v1alpha1',
      kind: 'FreezePeriod',
      metadata: { name: freeze.name },
      spec: {
        level: 'hard',
        reason: 'the law',
        scope: { clusters: { names: [freeze.cluster] } },
        when: [{ from: instant(freeze.from), until: instant(freeze.until) }],
      },
    }
    this.#fleet.commit(CONFIG, { [`freezes/${freeze.name}.yaml`]: JSON.stringify(document) }, true)
  }

  look(): void {
    const now = this.#fleet.clock.now()
    for (const { name } of this.#fleet.hub?.loop.world.gates.current.rules.rules ?? []) {
      const freeze = name.replace('FreezePeriod/', '')
      this.#inForce.set(freeze, this.#inForce.get(freeze) ?? now)
    }
    for (const [cluster, { link }] of this.#fleet.agents) {
      const rules = JSON.stringify(link?.calendar()?.intervals ?? [])
      for (const { name } of this.#freezes) {
        const key = `${cluster} ${name}`
        if (rules.includes(`FreezePeriod/${name}@`)) this.#known.set(key, this.#known.get(key) ?? now)
      }
    }
    for (const { hold } of this.#fleet.hub?.loop.world.applications() ?? []) if (hold?.code === 'FROZEN') this.kept++
  }

  async #granted(grant: GrantPayload): Promise<void> {
    const row = await this.#fleet.store.read(rows => rows.cluster(grant.cluster))
    for (const freeze of this.#freezes) {
      const inside = freeze.from <= grant.iat && grant.iat < freeze.until
      if (!inside || freeze.cluster !== row?.name || (this.#inForce.get(freeze.name) ?? grant.iat) >= grant.iat)
        continue
      this.breaches.push(`Grant ${grant.id} of ${grant.application} was given inside ${freeze.name}`)
    }
  }

  #asked(cluster: string, { method, path, body }: ClusterRequest): void {
    if (method !== 'POST' || !path.includes('/namespaces/flotilla-system/configmaps')) return
    const object = objectOf(body)
    const record = object?.metadata.name?.startsWith('flotilla-operation') ? decodeOperation(object) : undefined
    if (!record || record.grant.options.dryRun) return
    this.starts++
    const now = this.#fleet.clock.now()
    for (const freeze of this.#freezes) {
      const inside = freeze.from + LAG_MS <= now && now < freeze.until - LAG_MS
      if (!inside || freeze.cluster !== cluster) continue
      const since = this.#known.get(`${cluster} ${freeze.name}`)
      const reached = since !== undefined && now - since > LAG_MS
      const of = `${cluster} starts ${record.application.name} inside ${freeze.name}`
      if (reached) this.breaches.push(`${of}, which it knows of`)
      // While Git is away the hub cannot know of a freeze that was committed meanwhile.
      const heard = (this.#inForce.get(freeze.name) ?? Number.POSITIVE_INFINITY) < record.grant.iat
      if (heard && record.grant.iat >= freeze.from + LAG_MS)
        this.breaches.push(`${of}, under a Grant that was given in it`)
    }
  }
}

test.each(SEEDS)('nothing starts inside a hard freeze, whatever fails (seed %i)', async seed => {
  const clusters = ['eu', 'us']
  const { deeds } = drawSchedule(seed, { clusters, deeds: 30, crashes: 4 })
  const fleet = await SimulatedFleet.start({ seed, clusters })
  const law = new FreezeLaw(fleet)
  const random = seededRandom(seed + 1000)
  const people = new People(fleet, deeds.filter(({ at, kind }) => at === 0 && kind === 'add').length + 3)
  let freezes = 0
  let nextAt = 2 * MINUTE_MS
  const run = async (ms: number): Promise<void> => {
    for (let left = ms; left > 0; left -= 5_000) {
      await fleet.run(Math.min(5_000, left))
      law.look()
      if (fleet.clock.monotonicMs() < nextAt) continue
      const now = fleet.clock.now()
      const from = now + Math.floor(random.fraction() * 2 * MINUTE_MS)
      const until = Math.floor(from + (2 + random.fraction() * 4) * MINUTE_MS)
      const cluster = clusters[freezes % clusters.length]!
      law.make({ name: `freeze-${++freezes}`, cluster, from: Math.floor(from / 1000) * 1000, until })
      nextAt = fleet.clock.monotonicMs() + 4 * MINUTE_MS
    }
  }
  for (const deed of deeds) {
    await run(deed.at - fleet.clock.monotonicMs())
    if (!LEFT_OUT.has(deed.kind) && !(deed.kind === 'clock' && deed.of === 'hub')) people.do(deed)
  }
  await fleet.faultsOff()
  people.mendAll()
  nextAt = Number.POSITIVE_INFINITY
  let missing: readonly string[] = []
  for (let minutes = 0; minutes < 40; minutes++) {
    await people.releaseHeld()
    await run(MINUTE_MS)
    missing = await fleet.converged()
    if (missing.length === 0 && minutes > 8) break
  }
  await fleet.stop()
  expect(law.breaches).toEqual([])
  expect(fleet.laws.breaches).toEqual([])
  // A law that watches nothing proves nothing, and a freeze that never ends is no freeze.
  expect([law.starts > 5, law.kept > 0, freezes > 0]).toEqual([true, true, true])
  expect(missing).toEqual([])
})
