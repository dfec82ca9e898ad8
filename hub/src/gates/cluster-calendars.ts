import { type CalendarContent, calendarContent } from '@flotilla/core/gates/calendar'
import type { CompiledRules } from '@flotilla/core/gates/compile-rules'
import type { GateTarget } from '@flotilla/core/gates/rules'
import { isJsonObject } from '@flotilla/core/json/json'
import type { Log } from '@flotilla/core/ports/log'
import type { ApplicationRow, ClusterRow, DocumentRow, GrantRow, StoreWriter } from '@flotilla/core/ports/store'
import { type ClosedInterval, compareNumbers, type DocumentNumber } from '@flotilla/core/protocol/documents'
import { readJws } from '@flotilla/core/protocol/jws'
import { CALENDAR_LINE } from '@flotilla/core/protocol/take-document'
import type { EpochMs } from '@flotilla/core/time/epoch-ms'
import { type Issued, saysCalendar } from '../gateway/issue-documents.ts'
import type { Gates } from './gates.ts'
import { grantStillOpen, isUseOf } from './grant-question.ts'

const DAY_MS = 86_400_000
/** How far a calendar reaches; it is renewed at half of that. A shorter one is for what would not fit otherwise. */
const HORIZONS_MS = [14 * DAY_MS, 7 * DAY_MS, 3 * DAY_MS, DAY_MS]
/** Of a calendar as JSON: a signed document has at most a mebibyte, and a third more as text. */
const MOST_BYTES = 600 * 1024
const MOST_INTERVALS = 10_000
/** So many ids fit; a cluster has never more Grants that wait. */
const MOST_VOID = 10_000

export interface CalendarBench {
  readonly gates: Gates
  readonly log: Log
  now(): EpochMs
  /** Every Application bound for the cluster, in whatever state. */
  applicationsOf(cluster: ClusterRow): readonly ApplicationRow[]
  application(id: string): ApplicationRow | undefined
  /** Signs and stores it for the cluster as this transaction has it; it is for [from, until). */
  issue(writer: StoreWriter, cluster: ClusterRow, content: CalendarContent & Period): Promise<Issued>
}

export interface CalendarRound {
  readonly kind: Issued['kind']
  /** Applications whose Grants were taken back. */
  readonly voided: readonly string[]
  /** When it has to be renewed. */
  readonly renewAt: EpochMs
}

interface Known {
  readonly rules: CompiledRules
  readonly admission: number
  readonly epoch: number
  readonly renewAt: EpochMs
  /** What each Application was then, by id. */
  readonly targets: ReadonlyMap<string, GateTarget>
}

/** What a calendar says beside what is closed. */
interface Period {
  readonly from: EpochMs
  readonly until: EpochMs
  readonly void: readonly string[]
}

interface Current extends Period {
  readonly number: DocumentNumber
  readonly adm: number
}

/**
 * Keeps one signed calendar for each cluster: issued when what it says of its own time is no longer true, and renewed
 * before its end. A fleet-wide freeze is one document for each cluster, and no Offer.
 */
export class ClusterCalendars {
  readonly #bench: CalendarBench
  readonly #known = new Map<string, Known>()
  /** What stands in the calendars that were issued here: taking a thousand of them apart again costs more than signing. */
  readonly #issued = new Map<string, Current>()

  constructor(bench: CalendarBench) {
    this.#bench = bench
  }

  /** Whether the cluster's calendar is known to say the truth of this Application. */
  isCurrent(cluster: ClusterRow, row: ApplicationRow): boolean {
    const known = this.#known.get(cluster.id)
    const { rules } = this.#bench.gates.current
    if (known?.rules !== rules || known.admission !== cluster.admission) return false
    // A recovered hub issues everything again.
    if (known.epoch !== cluster.epoch || known.renewAt <= this.#bench.now()) return false
    if (rules.rules.length === 0) return true
    const [before, now] = [known.targets.get(row.id), this.#bench.gates.target(row)]
    return before === now || (before !== undefined && alike(rules, before, now))
  }

  /**
   * Makes the cluster's current calendar true, within a transaction; if that fails, {@link forget} has to be called.
   *
   * @param row An Application as it is about to be, where that is not what is known of it yet.
   */
  async refresh(writer: StoreWriter, cluster: ClusterRow, row?: ApplicationRow): Promise<CalendarRound> {
    const { gates } = this.#bench
    const { rules } = gates.current
    const now = Math.floor(this.#bench.now())
    const rows = this.#bench.applicationsOf(cluster).filter(({ id }) => id !== row?.id)
    const targets = new Map([...rows, ...(row ? [row] : [])].map(each => [each.id, gates.target(each)]))
    const subjects = [...targets].map(([id, target]) => ({ id, target }))
    const document = await writer.document(cluster.id, CALENDAR_LINE)
    const current = document && this.#current(document)
    const remember = (renewAt: EpochMs) => {
      const { admission, epoch } = cluster
      this.#known.set(cluster.id, { rules, admission, epoch, renewAt, targets })
    }
    const isOfNow = current?.adm === cluster.admission && current.number.epoch === cluster.epoch
    const stands = isOfNow && now < renewalOf(current) && says(document!, current, rules, subjects)
    // An override that is over changes no calendar, but what may start: so Grants are asked about after every change.
    const same = stands && this.#known.get(cluster.id)?.rules === rules
    const taken = same ? [] : await this.#takeBack(writer, cluster, now)
    if (stands && taken.length === 0) {
      const renewAt = renewalOf(current)
      remember(renewAt)
      return { kind: 'unchanged', voided: [], renewAt }
    }
    const kept = await stillMatters(writer, current?.void ?? [], now)
    const { content, until } = this.#fresh(cluster, subjects, now)
    const voided = [...new Set([...kept, ...taken.map(({ id }) => id)])].slice(-MOST_VOID)
    const period: Period = { from: now, until, void: voided }
    const issued = await this.#bench.issue(writer, cluster, { ...content, ...period })
    this.#issued.set(cluster.id, { ...period, number: issued.number, adm: cluster.admission })
    const renewAt = renewalOf(period)
    remember(renewAt)
    return { kind: issued.kind, voided: taken.map(({ applicationId }) => applicationId), renewAt }
  }

  /** A transaction failed: what is stored is another thing than what was about to be. */
  forget(): void {
    this.#known.clear()
    this.#issued.clear()
  }

  /** Others issue calendars as well, which take Grants back: each has a number of its own. */
  #current(document: DocumentRow): Current | undefined {
    const known = this.#issued.get(document.clusterId)
    return known && compareNumbers(known.number, document.number) === 0 ? known : readCalendar(document)
  }

  /** Grants that nobody has used, and that the rules as they are now would not give: they must not start any more. */
  async #takeBack(writer: StoreWriter, cluster: ClusterRow, now: EpochMs): Promise<readonly GrantRow[]> {
    const { gates } = this.#bench
    const taken: GrantRow[] = []
    for (const grant of await writer.openGrants(cluster.id)) {
      const row = this.#bench.application(grant.applicationId)
      if (row === undefined || grant.payload.startBefore <= now) continue
      if (grantStillOpen(gates, row, grant.payload, now)) continue
      if (isUseOf(await writer.overrides(), gates, row, grant.payload, now)) continue
      const reason = 'the gates that it was decided on have changed'
      await writer.putGrant({ ...grant, state: 'void', reason })
      taken.push(grant)
    }
    return taken
  }

  #fresh(cluster: ClusterRow, subjects: Subjects, now: EpochMs) {
    const { rules } = this.#bench.gates.current
    for (const horizonMs of HORIZONS_MS) {
      const content = this.#fitting(rules, subjects, now, now + horizonMs)
      if (content !== undefined) return { content, until: now + horizonMs }
    }
    this.#bench.log.error('the gates of a cluster do not fit into a calendar: everything there is closed', {
      cluster: cluster.name,
    })
    const until = now + HORIZONS_MS.at(-1)!
    return { content: { intervals: [everythingClosed(now, until)], groups: {} }, until }
  }

  #fitting(rules: CompiledRules, subjects: Subjects, from: EpochMs, until: EpochMs): CalendarContent | undefined {
    const content = calendarContent(rules, subjects, from, until)
    return content.intervals.length <= MOST_INTERVALS && JSON.stringify(content).length <= MOST_BYTES
      ? content
      : undefined
  }
}

type Subjects = Parameters<typeof calendarContent>[1]

/** Half of its time is left then: an agent that is away for days is not without one when it comes back. */
function renewalOf({ from, until }: Pick<Period, 'from' | 'until'>): EpochMs {
  return from + (until - from) / 2
}

function alike(rules: CompiledRules, a: GateTarget, b: GateTarget): boolean {
  const same = (action: 'sync' | 'delete-app') => rules.groupOf(a, action) === rules.groupOf(b, action)
  return same('sync') && same('delete-app')
}

/** Whether a calendar says of its own time what is true now. */
function says(document: DocumentRow, current: Current, rules: CompiledRules, subjects: Subjects): boolean {
  const content = calendarContent(rules, subjects, current.from, current.until)
  return saysCalendar(document, current.adm, { ...content, void: current.void })
}

async function stillMatters(writer: StoreWriter, ids: readonly string[], now: EpochMs): Promise<readonly string[]> {
  const kept: string[] = []
  for (const id of ids) {
    const grant = await writer.grant(id)
    if (grant && now < grant.payload.startBefore) kept.push(id)
  }
  return kept
}

/** A calendar of our own; it was signed here, so its signature is not asked again. */
function readCalendar({ jws, number }: DocumentRow): Current | undefined {
  const read = readJws(jws)
  if (read.kind !== 'unverified' || !isJsonObject(read.payload)) return undefined
  const { from, until, void: taken, adm } = read.payload as unknown as Current
  return { from, until, void: taken, adm, number }
}

function everythingClosed(from: EpochMs, to: EpochMs): ClosedInterval {
  return {
    applications: 'all',
    from,
    to,
    rule: 'calendar-too-large',
    layer: 'freeze',
    triggers: ['automated', 'manual', 'override', 'delete'],
    blocks: ['sync', 'prune', 'heal'],
    inFlight: 'pauseAtWave',
    gracePeriodMs: 0,
    selfHeal: false,
  }
}
