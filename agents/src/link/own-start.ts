import type { HeldDocuments } from './held-documents.ts'
import type { Incarnation, IncarnationNumber } from './incarnation.ts'
import type { Outbox } from './outbox.ts'

export interface OwnStartParts {
  readonly incarnation: Incarnation
  readonly documents: Pick<HeldDocuments, 'highest'>
  readonly outbox: Pick<Outbox, 'renumber'>
  /** The cluster id of the hub; undefined before the first admission. */
  readonly clusterId: () => string | undefined
  /** Reads anew who this agent is and what it holds. */
  readonly readAnew: () => Promise<void>
  /** What another place than the folder remembers of how far this agent has come. */
  readonly protect: (noted: ReturnType<NonNullable<Incarnation['notedNumber']>>) => Promise<void>
}

/** This start of the agent: whether it may speak, by which incarnation, and how its Reports are numbered. */
export class OwnStart {
  readonly #parts: OwnStartParts
  readonly #became = Promise.withResolvers<void>()
  #hasBecome = false
  #acquiring: Promise<IncarnationNumber> | undefined
  #current: IncarnationNumber | undefined
  #reportNumber = 0
  #highestInc: number | undefined

  constructor(parts: OwnStartParts) {
    this.#parts = parts
  }

  /** The incarnation, once there was one; {@link maySpeak} says whether it counts. */
  get current(): IncarnationNumber | undefined {
    return this.#current
  }

  /** Resolves when this process has become the agent of its cluster for the first time. */
  get became(): Promise<void> {
    return this.#became.promise
  }

  /** Whether the hub knows a newer start than this one. */
  get outranked(): boolean {
    return this.#highestInc !== undefined
  }

  maySpeak(): boolean {
    return !this.outranked && this.#parts.incarnation.held()
  }

  /** The hub knows this start of the agent: nothing is said by a lower one. */
  hearOf(highestInc: number): void {
    this.#highestInc = highestInc
  }

  /** The incarnation, raised where it is lost or outranked; everyone who asks meanwhile waits for the same. */
  async acquired(): Promise<IncarnationNumber> {
    if (this.#current && this.maySpeak()) return this.#current
    this.#acquiring ??= this.#acquire().finally(() => {
      this.#acquiring = undefined
    })
    return await this.#acquiring
  }

  async nextReportNumber(): Promise<{ readonly inc: number; readonly n: number }> {
    const { inc } = await this.acquired()
    return { inc, n: ++this.#reportNumber }
  }

  /** The Lease remembers how far this cluster's agents have come, where a folder was lost; and the other way round. */
  async compareNumbers(): Promise<void> {
    await this.#parts.protect(this.#parts.incarnation.notedNumber?.(this.#parts.clusterId() ?? ''))
    this.noteNumber()
  }

  noteNumber(): void {
    const cluster = this.#parts.clusterId()
    const highest = this.#parts.documents.highest()
    if (cluster !== undefined && highest) this.#parts.incarnation.noteNumber?.(cluster, highest)
  }

  async #acquire(): Promise<IncarnationNumber> {
    const { incarnation, outbox, clusterId } = this.#parts
    const acquired = await incarnation.acquire(this.#highestInc)
    if (!this.#hasBecome) await this.#readAnew()
    const isAnother = this.#current !== undefined && this.#current.inc !== acquired.inc
    this.#current = acquired
    // What was numbered by the incarnation before may be older at the hub than what another process said.
    if (isAnother) outbox.renumber(() => ({ inc: acquired.inc, n: ++this.#reportNumber }))
    if (clusterId() !== undefined) await this.compareNumbers()
    if (this.#highestInc !== undefined && acquired.inc > this.#highestInc) this.#highestInc = undefined
    return acquired
  }

  /**
   * While this process waited another one was the agent: who it is, what it holds and what it has answered are as that
   * one left them, and by what was read before it would lead the cluster back.
   */
  async #readAnew(): Promise<void> {
    await this.#parts.readAnew()
    this.#hasBecome = true
    this.#became.resolve()
  }
}
