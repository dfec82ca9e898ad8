import { uuidV7 } from '@flotilla/core/identity/uuid'
import type { JsonObject } from '@flotilla/core/json/json'
import type { CompiledTrigger, Hit } from '@flotilla/core/notify/judge-trigger'
import { isEventTrigger } from '@flotilla/core/notify/route'
import { alertId } from '@flotilla/core/ports/notification-rows'
import type { Random } from '@flotilla/core/ports/random'
import type { AlertRow, IncidentRow, Store, StoreReader, StoreWriter } from '@flotilla/core/ports/store'
import type { EpochMs } from '@flotilla/core/time/epoch-ms'

/** States that last less long than this are remembered by the process alone while they wait. */
const KEPT_FROM_MS = 60_000
/** Something that happened takes others with the same cause along for so long. */
const EVENT_LASTS_MS = 60 * 60_000
const WRITTEN_TOGETHER = 250
const RESOLVED_KEPT_MS = 24 * 60 * 60_000

/** What is true of one subject for one trigger: a hit, nothing, or nobody knows (its agent is silent). */
export type Verdict = Hit | 'unknown' | undefined

/**
 * What routes know: which subject is part of which incident. Changes are collected and written together; nothing here
 * sends anything.
 */
export class AlertBook {
  readonly #random: Random
  readonly #alerts = new Map<string, AlertRow>()
  readonly #incidents = new Map<string, IncidentRow>()
  readonly #open = new Map<string, string>()
  readonly #members = new Map<string, Set<string>>()
  /** Subjects that ever were part of an incident, as far as this process knows: one that comes back is no other. */
  readonly #ever = new Map<string, Set<string>>()
  /** Ids of alerts by subject, and those that wait for their time. */
  readonly #bySubject = new Map<string, Set<string>>()
  readonly #pending = new Map<string, { readonly dueAt: EpochMs; readonly hit: Hit }>()
  readonly #changed = { alerts: new Set<string>(), incidents: new Set<string>() }

  constructor(random: Random) {
    this.#random = random
  }

  async load(rows: StoreReader): Promise<void> {
    for (const row of await rows.alerts()) this.#place(row)
    for (const row of await rows.incidents()) {
      this.#incidents.set(row.id, row)
      if (row.resolvedAt === undefined) this.#open.set(openKey(row), row.id)
    }
  }

  /** Takes what is true of a subject now. */
  take(route: string, trigger: CompiledTrigger, subject: string, verdict: Verdict, now: EpochMs): void {
    if (verdict === 'unknown') return
    const id = alertId(route, trigger.name, subject)
    const known = this.#alerts.get(id)
    if (isEventTrigger(trigger.kind)) {
      if (verdict === undefined || known?.mark === verdict.mark) return
      this.#leave(known, now)
      this.#join(
        { id, route, trigger: trigger.name, subject, since: verdict.since ?? now, mark: verdict.mark },
        verdict,
        now,
      )
      return
    }
    if (verdict === undefined) {
      if (known !== undefined) this.#drop(known, now)
      return
    }
    if (known?.incident !== undefined) {
      if (this.#incidents.get(known.incident)?.key === verdict.key) return
      this.#leave(known, now)
      this.#join({ ...known, incident: undefined }, verdict, now)
      return
    }
    const since = known?.since ?? Math.min(verdict.since ?? now, now)
    const alert = { id, route, trigger: trigger.name, subject, since }
    const dueAt = since + trigger.forMs
    if (dueAt <= now) {
      this.#join(alert, verdict, now)
      return
    }
    this.#pending.set(id, { dueAt, hit: verdict })
    if (known !== undefined) return
    this.#place(alert)
    if (trigger.forMs >= KEPT_FROM_MS) this.#changed.alerts.add(id)
  }

  /** Those whose time has come join their incident. */
  ripen(now: EpochMs): void {
    for (const [id, { dueAt, hit }] of this.#pending) {
      const alert = this.#alerts.get(id)
      if (alert !== undefined && dueAt <= now) this.#join(alert, hit, now)
    }
  }

  subjects(): Iterable<string> {
    return [...this.#bySubject.keys()]
  }

  /** Nothing is known of it any more by anyone: it is gone. */
  forget(subject: string, now: EpochMs): void {
    for (const id of [...(this.#bySubject.get(subject) ?? [])]) this.#drop(this.#alerts.get(id)!, now)
  }

  /** Alerts and incidents of routes and triggers that are no more go without a word. */
  retain(isThere: (route: string, trigger: string) => boolean): void {
    for (const alert of [...this.#alerts.values()]) {
      if (!isThere(alert.route, alert.trigger)) this.#remove(alert)
    }
    for (const row of [...this.#incidents.values()]) {
      if (!isThere(row.route, row.trigger)) this.removeIncident(row)
    }
  }

  /** Something that happened, by itself. */
  happened(route: string, trigger: string, cause: JsonObject, now: EpochMs): IncidentRow {
    const id = this.#newId(now)
    const row: IncidentRow = {
      ...{ id, route, trigger, cause, key: `event ${id}`, openedAt: now, changedAt: now, total: 1 },
      resolvedAt: now,
    }
    this.#putIncident(row)
    return row
  }

  incidents(): Iterable<IncidentRow> {
    return this.#incidents.values()
  }

  incident(id: string): IncidentRow | undefined {
    return this.#incidents.get(id)
  }

  /** Subjects that are part of it now, in order of name. */
  subjectsOf(incident: string): readonly string[] {
    return [...(this.#members.get(incident) ?? [])].map(id => this.#alerts.get(id)!.subject).sort()
  }

  sizeOf(incident: string): number {
    return this.#members.get(incident)?.size ?? 0
  }

  update(row: IncidentRow): void {
    this.#putIncident(row)
    if (row.resolvedAt !== undefined && this.#open.get(openKey(row)) === row.id) this.#open.delete(openKey(row))
  }

  removeIncident(row: IncidentRow): void {
    this.#incidents.delete(row.id)
    this.#members.delete(row.id)
    this.#ever.delete(row.id)
    if (this.#open.get(openKey(row)) === row.id) this.#open.delete(openKey(row))
    this.#changed.incidents.add(row.id)
  }

  /** What happened long enough ago takes nobody along any more, and what is over is forgotten a day later. */
  sweep(now: EpochMs, isEvent: (row: IncidentRow) => boolean): void {
    for (const row of [...this.#incidents.values()]) {
      if (row.resolvedAt !== undefined) {
        if (now - row.resolvedAt > RESOLVED_KEPT_MS) this.removeIncident(row)
      } else if (isEvent(row) && now - row.changedAt > EVENT_LASTS_MS) this.update({ ...row, resolvedAt: now })
    }
  }

  /** Writes what has changed; what could not be written stays changed. @param more Written in the same transaction. */
  async flush(store: Pick<Store, 'write'>, more: (rows: StoreWriter) => Promise<void>): Promise<void> {
    const alerts = [...this.#changed.alerts]
    const incidents = [...this.#changed.incidents]
    // What changes while it is written is written the next time.
    this.#changed.alerts.clear()
    this.#changed.incidents.clear()
    try {
      // Alerts go before, a few at a time, so that nobody waits long for the store: one whose incident is not there yet
      // joins another after a crash, and of that nobody was told.
      for (let at = 0; at < alerts.length; at += WRITTEN_TOGETHER) {
        await store.write(async rows => {
          for (const id of alerts.slice(at, at + WRITTEN_TOGETHER)) {
            const row = this.#alerts.get(id)
            if (row === undefined) await rows.deleteAlert(id)
            else await rows.putAlert(row)
          }
        })
      }
      await store.write(async rows => {
        for (const id of incidents) {
          const row = this.#incidents.get(id)
          if (row === undefined) await rows.deleteIncident(id)
          else await rows.putIncident(row)
        }
        await more(rows)
      })
    } catch (error) {
      for (const id of alerts) this.#changed.alerts.add(id)
      for (const id of incidents) this.#changed.incidents.add(id)
      throw error
    }
  }

  get hasChanges(): boolean {
    return this.#changed.alerts.size + this.#changed.incidents.size > 0
  }

  #join(alert: AlertRow, hit: Hit, now: EpochMs): void {
    const { route, trigger } = alert
    const key = openKey({ route, trigger, key: hit.key })
    const open = this.#incidents.get(this.#open.get(key) ?? '')
    const incident: IncidentRow =
      open === undefined
        ? {
            ...{ id: this.#newId(now), route, trigger, key: hit.key, cause: hit.cause as unknown as JsonObject },
            ...{ openedAt: now, changedAt: now, total: 1 },
          }
        : { ...open, changedAt: now, total: open.total + (this.#ever.get(open.id)?.has(alert.subject) ? 0 : 1) }
    add(this.#ever, incident.id, alert.subject)
    this.#open.set(key, incident.id)
    this.#putIncident(incident)
    this.#pending.delete(alert.id)
    this.#place({ ...alert, incident: incident.id, ...(hit.mark !== undefined && { mark: hit.mark }) })
    this.#changed.alerts.add(alert.id)
  }

  #leave(alert: AlertRow | undefined, now: EpochMs): void {
    if (alert?.incident === undefined) return
    this.#members.get(alert.incident)?.delete(alert.id)
    const incident = this.#incidents.get(alert.incident)
    if (incident?.resolvedAt === undefined && incident !== undefined) this.#putIncident({ ...incident, changedAt: now })
  }

  #drop(alert: AlertRow, now: EpochMs): void {
    this.#leave(alert, now)
    this.#remove(alert)
  }

  #remove(alert: AlertRow): void {
    this.#alerts.delete(alert.id)
    this.#pending.delete(alert.id)
    if (alert.incident !== undefined) this.#members.get(alert.incident)?.delete(alert.id)
    const ids = this.#bySubject.get(alert.subject)
    ids?.delete(alert.id)
    if (ids?.size === 0) this.#bySubject.delete(alert.subject)
    this.#changed.alerts.add(alert.id)
  }

  #place(alert: AlertRow): void {
    this.#alerts.set(alert.id, alert)
    add(this.#bySubject, alert.subject, alert.id)
    if (alert.incident === undefined) return
    add(this.#members, alert.incident, alert.id)
    add(this.#ever, alert.incident, alert.subject)
  }

  #putIncident(row: IncidentRow): void {
    this.#incidents.set(row.id, row)
    this.#changed.incidents.add(row.id)
  }

  #newId(now: EpochMs): string {
    return uuidV7(now, this.#random.bytes(10))
  }
}

function openKey({ route, trigger, key }: Pick<IncidentRow, 'route' | 'trigger' | 'key'>): string {
  return `${route} ${trigger} ${key}`
}

function add(map: Map<string, Set<string>>, key: string, value: string): void {
  const set = map.get(key)
  if (set === undefined) map.set(key, new Set([value]))
  else set.add(value)
}
