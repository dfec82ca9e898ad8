import type { JsonObject } from '@flotilla/core/json/json'
import type { Fleet } from '@flotilla/core/model/fleet'
import type { IncidentRow } from '@flotilla/core/ports/store'
import type { EpochMs } from '@flotilla/core/time/epoch-ms'
import { type RouteInForce, routesOf } from './routes-in-force.ts'

/** The setting that remembers since when each route is known. */
export const ROUTES_SEEN = 'notifications.routes'

/** The routes in force, and since when each is known: what happened before is none of its business. */
export class KnownRoutes {
  readonly #fleet: () => Pick<Fleet, 'notificationRoutes' | 'teams'>
  #all: readonly RouteInForce[] = []
  #ofFleet: unknown
  readonly #since = new Map<string, EpochMs>()
  #changed = false

  constructor(fleet: () => Pick<Fleet, 'notificationRoutes' | 'teams'>) {
    this.#fleet = fleet
  }

  /** @param seen As {@link written} has said it. */
  load(seen: JsonObject | undefined): void {
    for (const [name, since] of Object.entries(seen ?? {})) if (typeof since === 'number') this.#since.set(name, since)
  }

  /** Looks what the fleet declares now. @returns Whether that is another fleet than at the last look. */
  refresh(now: EpochMs): boolean {
    const fleet = this.#fleet()
    if (this.#ofFleet === fleet) return false
    this.#ofFleet = fleet
    this.#all = routesOf(fleet)
    const known = new Set(this.#all.map(({ name }) => name))
    for (const name of [...this.#since.keys()]) {
      if (known.has(name)) continue
      this.#since.delete(name)
      this.#changed = true
    }
    for (const name of known) {
      if (this.#since.has(name)) continue
      this.#since.set(name, now)
      this.#changed = true
    }
    return true
  }

  get all(): readonly RouteInForce[] {
    return this.#all
  }

  named(name: string): RouteInForce | undefined {
    return this.#all.find(one => one.name === name)
  }

  has(route: string, trigger: string): boolean {
    return this.named(route)?.spec.triggers.some(({ name }) => name === trigger) === true
  }

  triggerOf({ route, trigger }: Pick<IncidentRow, 'route' | 'trigger'>) {
    return this.named(route)?.triggers.find(({ name }) => name === trigger)
  }

  /** @returns 0 for one that is not known: nothing is too old for it. */
  since(name: string): EpochMs {
    return this.#since.get(name) ?? 0
  }

  /** What is to be remembered of it, when that has changed; {@link keep} says that it could not be. */
  takeChanges(): JsonObject | undefined {
    if (!this.#changed) return undefined
    this.#changed = false
    return Object.fromEntries(this.#since)
  }

  keep(changes: JsonObject | undefined): void {
    this.#changed ||= changes !== undefined
  }

  get hasChanges(): boolean {
    return this.#changed
  }
}
