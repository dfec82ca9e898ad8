import type { Digest } from '@flotilla/core/json/canonical-json'
import type { Bundle } from '@flotilla/core/model/bundle'
import type {
  CalendarPayload,
  CommandPayload,
  GrantPayload,
  OfferPayload,
  TombstonePayload,
} from '@flotilla/core/protocol/documents'
import type { CommandAnswer } from '@flotilla/core/protocol/frames'
import type { ReportEntry } from '@flotilla/core/protocol/report'
import type { EpochMs } from '@flotilla/core/time/epoch-ms'
import type { HeldCommand } from './held-commands.ts'
import type { HubLink, UploadAnswer } from './hub-link.ts'

/** A hub in memory: whoever holds it puts documents in and reads reports out. For tests and for a dry look. */
export class MemoryLink implements HubLink {
  readonly documents = new Map<string, OfferPayload | TombstonePayload>()
  readonly bundles = new Map<Digest, Bundle>()
  readonly openGrants: GrantPayload[] = []
  readonly settled: { readonly id: string; readonly outcome: string; readonly reason?: string }[] = []
  readonly openCommands: CommandPayload[] = []
  readonly begun = new Set<string>()
  readonly answers: CommandAnswer[] = []
  readonly reports: ReportEntry[] = []
  /** What was uploaded under each command's id. */
  readonly uploads = new Map<string, string>()
  /** Whether who asked goes on reading, given what came so far. */
  readUploads: (text: string) => boolean = () => true
  currentCalendar: CalendarPayload | undefined
  now: () => EpochMs | undefined
  reachable = true
  #listeners: (() => void)[] = []
  #reportNumber = 0
  /** Begun by the present process: it answers by itself. */
  readonly #doing = new Set<string>()

  constructor(now: () => EpochMs | undefined) {
    this.now = now
  }

  /** Tells the agent that something is new. */
  changed(): void {
    for (const listener of this.#listeners) listener()
  }

  /** The newest report of each Application. */
  latest(application: string): ReportEntry | undefined {
    return this.reports.findLast(entry => entry.application === application)
  }

  async start(): Promise<void> {
    this.#doing.clear()
  }

  async becomesAgent(): Promise<void> {}

  async stop(): Promise<void> {
    this.#listeners = []
  }

  held(): ReadonlyMap<string, OfferPayload | TombstonePayload> {
    return this.documents
  }

  calendar(): CalendarPayload | undefined {
    return this.currentCalendar
  }

  grants(): readonly GrantPayload[] {
    return this.openGrants
  }

  hubTime(): EpochMs | undefined {
    return this.now()
  }

  connected(): boolean {
    return this.reachable
  }

  async bundle(digest: Digest): Promise<Bundle | undefined> {
    return this.bundles.get(digest)
  }

  keepBundles(): void {}

  onChange(listener: () => void): void {
    this.#listeners.push(listener)
  }

  async settleGrant(id: string, outcome: 'started' | 'refused' | 'lapsed', reason?: string): Promise<void> {
    this.settled.push({ id, outcome, ...(reason === undefined ? {} : { reason }) })
    const index = this.openGrants.findIndex(grant => grant.id === id)
    if (index >= 0) this.openGrants.splice(index, 1)
  }

  commands(): readonly HeldCommand[] {
    const waiting = this.openCommands.filter(({ id }) => !this.#doing.has(id))
    return waiting.map(command => ({ command, memory: this.begun.has(command.id) ? 'begun' : 'new' }))
  }

  async beginCommand({ id }: CommandPayload): Promise<void> {
    this.begun.add(id)
    this.#doing.add(id)
  }

  async answerCommand(answer: CommandAnswer): Promise<void> {
    this.answers.push(answer)
    const index = this.openCommands.findIndex(({ id }) => id === answer.id)
    if (index >= 0) this.openCommands.splice(index, 1)
  }

  async upload(commandId: string, body: AsyncIterable<Uint8Array>, signal: AbortSignal): Promise<UploadAnswer> {
    const reader = body[Symbol.asyncIterator]()
    const leave = (): void => void reader.return?.()
    signal.addEventListener('abort', leave, { once: true })
    let text = ''
    for (let next = await reader.next(); next.done !== true; next = await reader.next()) {
      text += Buffer.from(next.value).toString('utf8')
      this.uploads.set(commandId, text)
      if (this.readUploads(text)) continue
      await reader.return?.()
      return { taken: false, message: 'nobody reads it any more' }
    }
    this.uploads.set(commandId, text)
    return { taken: true, message: '' }
  }

  async report(entries: readonly ReportEntry[]): Promise<void> {
    this.reports.push(...entries)
  }

  async nextReportNumber(): Promise<{ readonly inc: number; readonly n: number }> {
    return { inc: 1, n: ++this.#reportNumber }
  }
}
