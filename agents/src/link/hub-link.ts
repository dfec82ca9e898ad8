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

export interface UploadAnswer {
  readonly taken: boolean
  readonly message: string
}

/**
 * What the engine of an agent sees of its hub: the documents it holds, the permissions to start, and a place to
 * report to. Reading is from memory and works while the hub is away.
 */
export interface HubLink {
  /** Loads what is kept, then dials. Resolves when the kept documents are readable, not when the hub answers. */
  start(): Promise<void>
  stop(): Promise<void>
  /**
   * Resolves once this process is the agent of its cluster. What was readable before may since have been changed by the
   * one that was; from now on it is what that one left. Rejects when the signal ends it.
   */
  becomesAgent(signal: AbortSignal): Promise<void>
  /** The current Offer or Tombstone of each Application, by Application id. */
  held(): ReadonlyMap<string, OfferPayload | TombstonePayload>
  calendar(): CalendarPayload | undefined
  /** Grants taken and not yet answered, oldest first. */
  grants(): readonly GrantPayload[]
  /** The hub's time, from pulses, moved on monotonically; undefined before the first pulse of this process. */
  hubTime(): EpochMs | undefined
  connected(): boolean
  /** The Bundle, from what is kept or from the hub; undefined while it cannot be had. Checked against its digest. */
  bundle(digest: Digest): Promise<Bundle | undefined>
  /**
   * Says which Bundles are needed besides those that are offered: of operations that have not ended, and of each last
   * success. While it answers undefined nothing is swept.
   */
  keepBundles(named: () => ReadonlySet<Digest> | undefined): void
  /** Called after documents, Grants or the calendar changed, and when a Bundle may now be had. */
  onChange(listener: () => void): void
  /** Tells the hub what became of a Grant; repeated until it has acknowledged. */
  settleGrant(id: string, outcome: 'started' | 'refused' | 'lapsed', reason?: string): Promise<void>
  /** Commands taken and not answered, in order; not those that this process is doing. */
  commands(): readonly HeldCommand[]
  /** Keeps the id of a command, before anything is done of it. */
  beginCommand(command: CommandPayload): Promise<void>
  /** Tells the hub what became of a command; repeated until it has acknowledged. */
  answerCommand(answer: CommandAnswer): Promise<void>
  /**
   * Streams to who waits for a command's id, as fast as that is read; ends when the hub wants no more. `taken` is false,
   * with the hub's reason, where it was not read to its end.
   *
   * @throws Error when the hub cannot be reached, or the signal ends it.
   */
  upload(commandId: string, body: AsyncIterable<Uint8Array>, signal: AbortSignal): Promise<UploadAnswer>
  /** Takes the whole state of Applications; the newest of each replaces what was not sent yet. */
  report(entries: readonly ReportEntry[]): Promise<void>
  /** This process's incarnation and the next report number, kept over restarts. */
  nextReportNumber(): Promise<{ readonly inc: number; readonly n: number }>
}
