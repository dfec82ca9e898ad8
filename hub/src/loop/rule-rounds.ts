import { waitsForTime } from '../gates/gate-hold.ts'
import type { RulesChange } from '../gates/gates.ts'
import { Mutex } from '../store/mutex.ts'
import type { FleetIndex } from './fleet-index.ts'
import { BOUNDARY_JITTER_MS } from './judge-start.ts'
import type { LoopServices } from './services.ts'
import type { World } from './world.ts'

/** Makes rules and puts them in force, one change at a time, and says what is to be looked at because of it. */
export class RuleRounds {
  readonly #world: World
  readonly #services: LoopServices
  readonly #one = new Mutex()

  constructor(world: World, services: LoopServices) {
    this.#world = world
    this.#services = services
  }

  /**
   * @param fleet Asked once it is this change's turn.
   * @param together Whatever has to be in force at the same moment.
   * @returns Keys of the loop's queue: clusters whose calendars may be others, and what waits for a gate.
   */
  async take(fleet: () => FleetIndex, together: () => void = () => undefined): Promise<readonly string[]> {
    const { gates } = this.#world
    const { store, clock, gateNews } = this.#services
    const change = await this.#one.run(async () => {
      const next = await store.write(writer => gates.prepare(fleet(), writer, clock.now()))
      together()
      return gates.take(next)
    })
    if (change.before.version === change.after.version) return []
    gateNews?.rulesChanged(change)
    return this.#concerned(change)
  }

  /** What waits for a gate whose time has come: of a clock that was set, or a machine that slept. */
  due(): readonly string[] {
    const now = this.#services.clock.now()
    const late = [...this.#world.applications()].filter(({ hold }) => {
      return waitsForTime(hold) && hold?.nextOpening !== undefined && hold.nextOpening + BOUNDARY_JITTER_MS < now
    })
    return late.map(({ id }) => `application/${id}`)
  }

  #concerned(change: RulesChange): readonly string[] {
    const rows = [...this.#world.applications()].filter(change.concerns)
    const clusters = new Set(rows.map(({ clusterName }) => clusterName).filter(name => name !== ''))
    const waiting = rows.filter(({ hold }) => waitsForTime(hold))
    return [...[...clusters].map(name => `cluster/${name}`), ...waiting.map(({ id }) => `application/${id}`)]
  }
}
