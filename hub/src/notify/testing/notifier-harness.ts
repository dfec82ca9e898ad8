import { load } from '@flotilla/config'
import { seededRandom } from '@flotilla/core/ports/create-random'
import type { Log } from '@flotilla/core/ports/log'
import type { ApplicationRow, MessageRow, ReportRow, Store } from '@flotilla/core/ports/store'
import { VirtualClock } from '@flotilla/core/ports/virtual-clock'
import { keepGateEvent } from '../../activity/record-gate-events.ts'
import { FleetView } from '../../api/fleet-view.ts'
import type { GateEvent } from '../../gate-desk/gate-events.ts'
import { MemoryStore } from '../../store/memory-store.ts'
import { digestOf, sampleApplication, sampleCluster, sampleReport } from '../../store/sample-rows.ts'
import { silentLog } from '../../store/test-store.ts'
import { Notifier } from '../notifier.ts'
import type { MessageContent, Sending } from '../send.ts'

export const COMMIT = '9f2c5b1d2e3f4a5b6c7d8e9f0a1b2c3d4e5f6a7b'
export const REPOSITORY = 'https://git.example.com/shop/deploy.git'
const START = Date.UTC(2026, 10, 20, 9)

export interface Sent {
  readonly target: string
  readonly id: string
  readonly kind: MessageRow['kind']
  readonly title: string
  readonly body: string
  readonly context: MessageContent['context']
  readonly first: string | undefined
}

/** A notifier on a virtual clock, over a fleet whose states a test says; what it sends is kept. */
export class NotifierHarness {
  readonly clock = new VirtualClock({ startAt: START, settle: () => new Promise(setImmediate) })
  readonly random = seededRandom(7)
  readonly store: Store
  view = new FleetView({ run: 'run', now: START })
  readonly sent: Sent[] = []
  /** What the next sending does instead of working. */
  fail: ((sending: Sending) => Error | undefined) | undefined
  readonly lines: string[] = []
  notifier!: Notifier
  readonly #apps = new Map<string, { row: ApplicationRow; report: ReportRow }>()
  #fleet: Parameters<typeof load>[0] | undefined
  #loaded: ReturnType<typeof load>['fleet'] | undefined

  constructor(store: Store = new MemoryStore()) {
    this.store = store
  }

  /** The routes (and Teams) in force from now on, as YAML. */
  routes(text: string): void {
    this.#fleet = { source: '', trust: { kind: 'all' }, files: [{ path: 'routes.yaml', text }] }
    const { fleet, diagnostics } = load(this.#fleet)
    if (diagnostics.length > 0) throw new Error(JSON.stringify(diagnostics))
    this.#loaded = fleet
  }

  async start(): Promise<void> {
    const log: Log = {
      ...silentLog,
      warn: (message, fields) => void this.lines.push(`${message} ${JSON.stringify(fields)}`),
      error: (message, fields) => void this.lines.push(`${message} ${String((fields as { error?: unknown }).error)}`),
    }
    this.notifier = new Notifier({
      ...{ store: this.store, view: this.view, clock: this.clock, random: this.random, log },
      fleet: () => this.#loaded ?? {},
      hubUrl: () => 'https://hub.example.com',
      send: async (target, sending) => {
        const error = this.fail?.(sending)
        if (error !== undefined) throw error
        const { message, content, first } = sending
        this.sent.push({ target: target.name, id: message.id, kind: message.kind, ...content, first })
        return `receipt-${message.id}`
      },
    })
    await this.notifier.start()
    await this.pass(0)
  }

  /** Ends without a word, as a crash does: what was not written is gone. */
  async restart(): Promise<void> {
    await this.notifier.stop()
    this.view = new FleetView({ run: 'again', now: this.clock.now() })
    for (const id of this.#apps.keys()) this.#apply(id)
    await this.start()
  }

  /** A gate does something: it stands in the feed. */
  async emit(event: Pick<GateEvent, 'kind' | 'subject'> & Partial<GateEvent>): Promise<void> {
    const whole = { at: this.clock.now(), by: 'ana', message: 'because', ...event }
    await this.store.write(rows => keepGateEvent(rows, whole))
  }

  /** An Application on a cluster of its own, Synced and Healthy; its agent is heard all the time. */
  app(name: string, over: Partial<ApplicationRow> = {}): void {
    const clusterId = `id-of-${over.clusterName ?? `cluster-${name}`}`
    const row = sampleApplication({
      ...{ id: `id-of-${name}`, name, clusterId, clusterName: `cluster-${name}`, digest: digestOf('bundle') },
      ...{ holdsSecrets: false, revision: COMMIT },
      document: { spec: { source: { repoURL: REPOSITORY, path: name } } },
      ...over,
    })
    const report = sampleReport({ applicationId: row.id, clusterId }, { held: row.digest! })
    this.#apps.set(row.id, { row, report })
    this.view.apply(
      { clusters: [sampleCluster({ id: clusterId, name: row.clusterName, agentKey: 'key', joinedAt: 1 })] },
      this.clock.now(),
    )
    this.#apply(row.id)
  }

  change(name: string, entry: Partial<ReportRow['entry']>, row: Partial<ApplicationRow> = {}): void {
    const id = `id-of-${name}`
    const known = this.#apps.get(id)!
    this.#apps.set(id, {
      row: { ...known.row, ...row },
      report: { ...known.report, entry: { ...known.report.entry, ...entry } },
    })
    this.#apply(id)
  }

  health(name: string, status: 'Healthy' | 'Degraded', message = ''): void {
    this.change(name, { health: { status, since: this.clock.now(), ...(message !== '' && { message }) } })
  }

  remove(name: string): void {
    this.#apps.delete(`id-of-${name}`)
    this.view.apply({ removedApplications: [`id-of-${name}`] }, this.clock.now())
  }

  /** Time goes on, and agents are heard meanwhile, but for those of the clusters that are named. */
  async pass(ms: number, silent: readonly string[] = []): Promise<void> {
    let left = ms
    do {
      const step = Math.min(left, 30_000)
      const now = this.clock.now()
      const connections = [...this.#apps.values()].flatMap(({ row }) =>
        silent.includes(row.clusterName) ? [] : { clusterId: row.clusterId!, connected: true, lastSeenAt: now },
      )
      this.view.apply({ connections }, now)
      this.view.age(now)
      await this.clock.advance(step)
      left -= step
    } while (left > 0)
    // Looking breathes now and then, which takes a turn of the clock.
    let looked = false
    const looking = this.notifier.look()
    const done = () => {
      looked = true
    }
    looking.then(done, done)
    while (!looked) await this.clock.advance(0)
    await looking
    await this.clock.advance(0)
  }

  titles(): readonly string[] {
    return this.sent.map(({ target, title }) => `${target}: ${title}`)
  }

  #apply(id: string): void {
    const { row, report } = this.#apps.get(id)!
    const now = this.clock.now()
    this.view.apply({ applications: [row], reports: [{ ...report, receivedAt: now }] }, now)
  }
}
