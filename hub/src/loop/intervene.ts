import type { ApplicationSource } from '@flotilla/core/model/application'
import type { Hold } from '@flotilla/core/model/hold'
import type { ApplicationRow, OperationRow, StoreWriter } from '@flotilla/core/ports/store'
import { sourcesOf } from '@flotilla/core/project/permit'
import type { ClusterCalendars } from '../gates/cluster-calendars.ts'
import type { Mutex } from '../store/mutex.ts'
import { decideRelease } from './decide-release.ts'
import { OpenGrants } from './open-grants.ts'
import { keepOffered, perform } from './reconcile-applications.ts'
import { newRound, type Round } from './round.ts'
import type { LoopServices } from './services.ts'
import { isLasting } from './withdraw-names.ts'
import { applicationOf, type World } from './world.ts'

export interface InterventionBench {
  readonly world: World
  readonly services: LoopServices
  readonly calendars: ClusterCalendars
  /** Held while rows are written and taken over in memory. */
  readonly rows: Mutex
  readonly holdOfSet: (row: ApplicationRow) => Hold | undefined
  /** What came of it, for the loop to act on. */
  readonly decided: (round: Round) => void
}

/** What a person lays over a row. Pure: it may be asked for again, of a newer row. */
export type LayOver = (row: ApplicationRow) => ApplicationRow

/** One that changes all the time is decided anew so often for one who acts on it. */
const MOST_ATTEMPTS = 5

/** What people hold Applications to: decided at once, and not when it is its turn. */
export class Interventions {
  readonly #bench: InterventionBench

  constructor(bench: InterventionBench) {
    this.#bench = bench
  }

  /**
   * Lays something over what Git says of one Application (a pin, a pause), or takes it away, and does `then` in the same
   * transaction: what is offered follows at once, and what `then` throws leaves nothing of either behind.
   *
   * @param lay The row with the Intervention, or without it.
   * @throws Whatever `then` throws.
   */
  async set<T>(id: string, lay: LayOver, then: (writer: StoreWriter) => Promise<T>): Promise<T> {
    for (let attempt = 1; ; attempt++) {
      const row = this.#bench.world.application(id)
      if (!row) throw new Error(`Application ${id} is gone`)
      try {
        const { result, round } = await intervene(row, lay(row), this.#bench, then)
        // Whatever was permitted with it is new there, too.
        if (row.clusterId !== undefined) round.clusterIds.add(row.clusterId)
        this.#bench.decided(round)
        return result
      } catch (error) {
        if (!(error instanceof Moved) || attempt >= MOST_ATTEMPTS) throw error
      }
    }
  }

  /** The commit that a revision of an Application's source stands at now; undefined where there is none. */
  async commitOf(id: string, revision: string): Promise<string | undefined> {
    const { world, services } = this.#bench
    const row = world.application(id)
    const source = row && sourcesOf(applicationOf(row))[0]
    if (!source) return undefined
    const repository = await services.repositories.open(source.repoURL)
    return await repository?.resolve(revision)
  }

  /** The Bundle that an operation applied, made again from where it came; undefined where that comes to another one. */
  async renderAgain(id: string, { operation, source: from }: OperationRow): Promise<Uint8Array | undefined> {
    const { world, services } = this.#bench
    const row = world.application(id)
    const source = (from as ApplicationSource | undefined) ?? (row && sourcesOf(applicationOf(row))[0])
    const repository = source && (await services.repositories.open(source.repoURL))
    const commit = await repository?.resolve(operation.revision)
    if (!source || !repository || commit === undefined) return undefined
    const rendered = await services.renderer.render({ source, repository, commit })
    return rendered.kind === 'rendered' && rendered.bundle.digest === operation.digest
      ? rendered.bundle.bytes
      : undefined
  }
}

/** The Application changed while it was decided: to be done anew. */
class Moved extends Error {}

async function intervene<T>(
  row: ApplicationRow,
  wanted: ApplicationRow,
  bench: InterventionBench,
  then: (writer: StoreWriter) => Promise<T>,
): Promise<{ readonly result: T; readonly round: Round }> {
  const { world, services, calendars, rows } = bench
  const hold = row.state === 'active' && isLasting(row.hold) ? row.hold : bench.holdOfSet(row)
  const decision = hold ? ({ kind: 'hold', hold } as const) : await decideRelease(wanted, world, services)
  const round = newRound()
  const result = await rows.run(async () => {
    if (world.application(row.id) !== row) throw new Moved()
    const done = await services.store
      .write(async writer => {
        const grants = new OpenGrants(writer, services.clock.now())
        const workbench = { writer, grants, world, services, round, calendars }
        if (decision.kind === 'keep') await keepOffered(wanted, workbench, row)
        else await perform(wanted, decision, workbench, row)
        return await then(writer)
      })
      .catch((error: unknown) => {
        calendars.forget()
        throw error
      })
    for (const put of round.put) world.putApplication(put)
    return done
  })
  return { result, round }
}
