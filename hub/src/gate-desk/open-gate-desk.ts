import type { Clock } from '@flotilla/core/ports/clock'
import type { Log } from '@flotilla/core/ports/log'
import type { Random } from '@flotilla/core/ports/random'
import type { Store } from '@flotilla/core/ports/store'
import type { HttpClient } from '../hosts/http-client.ts'
import type { Loop } from '../loop/loop.ts'
import type { OperationDesk } from '../operations/operation-desk.ts'
import type { RepositoryMirrors } from '../source/mirror.ts'
import type { CalendarSetting } from './calendar-desk.ts'
import { fetchCalendar } from './fetch-calendar.ts'
import { GateDesk } from './gate-desk.ts'
import { HubRuleKeeper, type KeeperParts } from './hub-rule-keeper.ts'
import type { LoggedEvents } from './logged-events.ts'

export interface DeskParts {
  readonly store: Store
  readonly clock: Clock
  readonly random: Random
  readonly log: Log
  readonly mirrors: RepositoryMirrors
  readonly hosts?: { readonly http?: HttpClient | undefined } | undefined
}

/** What hub.yaml says for it. */
export interface GateDeskSettings {
  /** iCalendars that freezes may name. */
  readonly calendars?: readonly CalendarSetting[]
}

/** The hub as its desk sees it. */
export interface HubOfDesk {
  readonly loop: Loop
  readonly gates: { readonly events: LoggedEvents; readonly calendarReach: NonNullable<KeeperParts['reached']> }
  /** What people do to Applications by hand. */
  readonly desk: Pick<OperationDesk, 'sync'>
}

/** The desk of a hub: by the rules that its loop goes by. */
export function openGateDesk(
  hub: HubOfDesk,
  { store, clock, random, log, mirrors, hosts }: DeskParts,
  { calendars = [] }: GateDeskSettings,
): GateDesk {
  const { loop, gates } = hub
  const { events } = gates
  const { world } = loop
  const keeper = new HubRuleKeeper({
    gates: world.gates,
    rows: () => world.applications(),
    refresh: () => loop.gatesChanged(),
    reached: clusters => gates.calendarReach(clusters),
  })
  const sourceOf = async (name: string) => {
    const config = loop.sources.config(name)
    if (config === undefined) return undefined
    const repository = await mirrors.open(config.repository)
    const commit = await repository?.resolve(config.revision)
    return repository === undefined || commit === undefined ? undefined : { repository, commit, path: config.path }
  }
  return new GateDesk(
    { store, keeper, fleet: () => world.fleet.fleet, clock, random, log, events },
    {
      settings: calendars,
      fetch: (setting, etag) => fetchCalendar(setting, etag, { ...(hosts?.http && { http: hosts.http }), sourceOf }),
    },
    (name, wish) => hub.desk.sync(name, wish),
  )
}
