import type { FreezeRule, WindowRule } from '@flotilla/core/gates/rules'
import type { OperationDesk } from '../operations/operation-desk.ts'
import { SyncSchedule } from '../scheduled-sync/sync-schedule.ts'
import { CalendarDesk, type CalendarParts } from './calendar-desk.ts'
import type { DeskServices } from './desk.ts'
import { GateClock } from './gate-clock.ts'
import type { LoggedEvents } from './logged-events.ts'
import { MadeGateDesk } from './made-gate-desk.ts'
import { FREEZES, WINDOWS } from './made-kind.ts'
import { OverrideDesk } from './override-desk.ts'
import type { RuleKeeper } from './rule-keeper.ts'

/** Where people come with what they want of gates: freezes, windows, break-glass, calendars. One a hub. */
export class GateDesk {
  readonly freezes: MadeGateDesk<FreezeRule>
  readonly windows: MadeGateDesk<WindowRule>
  readonly overrides: OverrideDesk
  readonly calendars: CalendarDesk
  readonly keeper: RuleKeeper
  /** What config sources declare. */
  readonly fleet: DeskServices['fleet']
  readonly events: LoggedEvents
  readonly clock: GateClock
  /** Syncs that are to come. */
  readonly schedule: SyncSchedule

  /** @param sync Does what a sync by hand does. */
  constructor(
    services: DeskServices & { readonly events: LoggedEvents },
    calendars: CalendarParts,
    sync: OperationDesk['sync'],
  ) {
    this.keeper = services.keeper
    this.fleet = services.fleet
    this.events = services.events
    this.freezes = new MadeGateDesk(services, FREEZES)
    this.windows = new MadeGateDesk(services, WINDOWS)
    this.overrides = new OverrideDesk(services, { FreezePeriod: this.freezes, SyncWindow: this.windows })
    this.calendars = new CalendarDesk(services, calendars)
    this.clock = new GateClock(services, this.overrides)
    this.schedule = new SyncSchedule({ ...services, sync })
  }

  start(): void {
    this.clock.start()
    this.schedule.start()
    this.calendars.start()
  }

  async stop(): Promise<void> {
    await this.clock.stop()
    await this.schedule.stop()
    await this.calendars.stop()
  }
}
