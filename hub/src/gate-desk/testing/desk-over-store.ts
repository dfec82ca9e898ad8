import type { Clock } from '@flotilla/core/ports/clock'
import type { Random } from '@flotilla/core/ports/random'
import type { ApplicationRow, Store } from '@flotilla/core/ports/store'
import { Gates } from '../../gates/gates.ts'
import { EMPTY_FLEET, type FleetIndex, indexFleet } from '../../loop/fleet-index.ts'
import { silentLog } from '../../store/test-store.ts'
import type { CalendarParts } from '../calendar-desk.ts'
import { GateDesk } from '../gate-desk.ts'
import { HubRuleKeeper } from '../hub-rule-keeper.ts'
import { LoggedEvents } from '../logged-events.ts'

export interface DeskOverStore {
  readonly desk: GateDesk
  readonly events: LoggedEvents
  /** Reads what is stored and puts it in force. */
  refresh(): Promise<void>
}

/** The desk and the real rules over a store, without the hub's loop: whom the rules concern are the store's Applications. */
export async function deskOverStore(
  store: Store,
  ports: { readonly clock: Clock; readonly random: Random },
  more: { readonly index?: () => FleetIndex; readonly calendars?: CalendarParts } = {},
): Promise<DeskOverStore> {
  const { clock, random } = ports
  const gates = new Gates()
  const index = more.index ?? (() => indexFleet(EMPTY_FLEET, []))
  let rows: readonly ApplicationRow[] = []
  const refresh = async (): Promise<void> => {
    gates.take(await store.write(writer => gates.prepare(index(), writer, clock.now())))
    rows = await store.read(reader => reader.applications())
  }
  await refresh()
  const keeper = new HubRuleKeeper({ gates, rows: () => rows, refresh })
  const events = new LoggedEvents(silentLog)
  const services = { store, keeper, fleet: () => index().fleet, clock, random, log: silentLog, events }
  const calendars = more.calendars ?? { settings: [], fetch: () => Promise.reject(new Error('there is none')) }
  const sync = async (name: string) => ({ kind: 'accepted' as const, id: `operation of ${name}` })
  return { desk: new GateDesk(services, calendars, sync), events, refresh }
}
