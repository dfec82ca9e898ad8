import { canonicalJson } from '@flotilla/core/json/canonical-json'
import { isJsonObject, type Json } from '@flotilla/core/json/json'
import type { AgentState } from '@flotilla/core/ports/agent-state'
import type { Log } from '@flotilla/core/ports/log'
import { parseBoundedJsonBytes } from '@flotilla/core/protocol/bounded-json'
import {
  type CalendarPayload,
  compareNumbers,
  type DocumentNumber,
  numberText,
  type OfferPayload,
  type TombstonePayload,
} from '@flotilla/core/protocol/documents'
import { CALENDAR_ID, heldDigest, heldLineOf, hubKeysLine } from '@flotilla/core/protocol/held-digest'
import { admissionOf, readJws } from '@flotilla/core/protocol/jws'
import { floorAfterLoss } from '@flotilla/core/protocol/reissue'
import { parseNumberText } from '@flotilla/core/protocol/schema'
import type { DocumentContext } from '@flotilla/core/protocol/signed-document'
import {
  applicationLine,
  type HeldDocument,
  type HeldState,
  heldCalendar,
  highestNumber,
  type LineKey,
  NOTHING_HELD,
  outlivedLines,
  retireLine,
  takeDocument,
  withTaken,
} from '@flotilla/core/protocol/take-document'

type Applications = ReadonlyMap<string, OfferPayload | TombstonePayload>

const PREFIX = 'documents/'
const RETIRED = 'retired'

/**
 * The documents that this agent holds: in memory for the engine, and each as signed under one key of the state, so
 * that a number and its document are one atomic write.
 */
export class HeldDocuments {
  readonly #state: AgentState
  readonly #log: Log
  #held: HeldState = NOTHING_HELD
  #last: Promise<unknown> = Promise.resolve()
  /** Numbers are this cluster id's: another hub counts anew. */
  #cluster = ''
  /** Application ids that the hub does not name: still held, but not part of what both agree on. */
  #unclaimed: ReadonlySet<string> = new Set()
  /** What was made of the documents held; those are never changed, only replaced. */
  #byId: { readonly of: HeldState['documents']; readonly applications: Applications } | undefined
  #digested:
    | {
        readonly of: HeldState['documents']
        readonly unclaimed: ReadonlySet<string>
        readonly newestKid: string
        readonly digest: string
      }
    | undefined

  constructor(state: AgentState, log: Log) {
    this.#state = state
    this.#log = log
  }

  /** Reads what is kept. A document that no longer holds is left out, and said so. */
  async load(context: Omit<DocumentContext, 'adm'>): Promise<void> {
    // What is kept was taken once: only what comes from now on is held against the floor.
    this.#cluster = context.cluster
    const { floor, ...ended } = await this.#loadRetired()
    let held: HeldState = { ...NOTHING_HELD, ...ended }
    for (const key of await this.#state.list(PREFIX)) {
      const bytes = await this.#state.get(key)
      if (!bytes) continue
      const jws = Buffer.from(bytes).toString('utf8')
      // What an earlier admission brought stays in force until this one's documents arrive.
      const read = readJws(jws)
      const adm = read.kind === 'unverified' ? admissionOf(read.payload) : 0
      if (read.kind === 'unverified' && read.payload['cluster'] !== context.cluster) {
        // Of a hub whose keys are lost, under which this was another cluster: nobody can say anything about it any more.
        this.#log.info('a document of a former hub is let go; what it applied stays', { key })
        await this.#state.delete(key)
        continue
      }
      const taking = takeDocument(held, jws, { ...context, adm })
      if (taking.kind === 'refused') this.#log.warn('a kept document no longer holds', { key, code: taking.code })
      held = withTaken(held, taking)
    }
    this.#held = { ...held, ...(floor && { floor }) }
  }

  /**
   * Nothing at or below what was noted elsewhere is taken any more on a line that holds nothing, if the folder knows of
   * less: it was lost, and what comes now could be an old document that somebody kept.
   */
  async protect(noted: DocumentNumber | undefined): Promise<void> {
    const floor = floorAfterLoss(noted, this.highest())
    if (!floor) return
    this.#log.warn('this folder knows less than was taken before; documents up to there are not taken again', {
      upTo: numberText(floor),
    })
    const held = { ...this.#held, floor }
    await this.#state.put(RETIRED, encodeRetired(held, this.#cluster))
    this.#held = held
  }

  /** Below or at this, no line that holds nothing takes a document. */
  floor(): DocumentNumber | undefined {
    return this.#held.floor
  }

  /** Takes signed documents by the rules of `take-document.ts`; true when any was new. */
  take(documents: readonly string[], context: DocumentContext): Promise<boolean> {
    return this.#alone(() => this.#take(documents, context))
  }

  async #take(documents: readonly string[], context: DocumentContext): Promise<boolean> {
    let held = this.#held
    const taken = new Map<string, HeldDocument>()
    const named = new Set<string>()
    for (const jws of documents) {
      const taking = takeDocument(held, jws, context)
      if (taking.kind === 'refused') {
        this.#log.warn('a document was refused', { code: taking.code, why: taking.message })
        continue
      }
      named.add(taking.held.line)
      if (taking.kind === 'taken') taken.set(taking.held.line, taking.held)
      held = withTaken(held, taking)
    }
    await Promise.all([...taken.values()].map(({ line, jws }) => this.#state.put(PREFIX + line, Buffer.from(jws))))
    this.#held = held
    this.#unclaimed = new Set([...this.#unclaimed].filter(id => !named.has(applicationLine(id))))
    await this.#endOutlived()
    return taken.size > 0
  }

  /** The removal that a Tombstone asked for was reported and acknowledged: its line ends. */
  retire(applicationId: string, number: DocumentNumber): Promise<boolean> {
    return this.#alone(() => this.#retire(applicationId, number))
  }

  /** A calendar may be pushed while an answer is being taken: each begins from what the one before has left. */
  #alone<T>(work: () => Promise<T>): Promise<T> {
    const done = this.#last.then(work)
    this.#last = done.catch(() => undefined)
    return done
  }

  async #retire(applicationId: string, number: DocumentNumber): Promise<boolean> {
    const line = applicationLine(applicationId)
    const current = this.#held.documents.get(line)
    if (current?.payload.typ !== 'tombstone' || compareNumbers(current.payload.number, number) !== 0) return false
    await this.#end(line)
    return true
  }

  async #end(line: LineKey): Promise<void> {
    const held = retireLine(this.#held, line)
    // The memory of the number first: a crash between the two leaves a Tombstone that is done again, never an old Offer.
    await this.#state.put(RETIRED, encodeRetired(held, this.#cluster))
    await this.#state.delete(PREFIX + line)
    this.#held = held
  }

  /** Nothing is removed; its successor takes along what it wants of what is there. */
  async #endOutlived(): Promise<boolean> {
    const lines = outlivedLines(this.#held, this.#unclaimed)
    for (const line of lines) {
      this.#log.info('a document is let go: the hub offers its Application under another id', { line })
      await this.#end(line)
    }
    if (lines.length > 0) {
      const ended = new Set(lines)
      this.#unclaimed = new Set([...this.#unclaimed].filter(id => !ended.has(applicationLine(id))))
    }
    return lines.length > 0
  }

  /** By id; made once for what is held, since every look and every event asks. */
  applications(): Applications {
    const { documents } = this.#held
    if (this.#byId?.of === documents) return this.#byId.applications
    const applications = new Map<string, OfferPayload | TombstonePayload>()
    for (const { payload } of documents.values()) {
      if (payload.typ !== 'calendar') applications.set(payload.application.id, payload)
    }
    this.#byId = { of: documents, applications }
    return applications
  }

  application(id: string): OfferPayload | TombstonePayload | undefined {
    const payload = this.#held.documents.get(applicationLine(id))?.payload
    return payload?.typ === 'calendar' ? undefined : payload
  }

  calendar(): CalendarPayload | undefined {
    return heldCalendar(this.#held)
  }

  highest(): DocumentNumber | undefined {
    return highestNumber(this.#held)
  }

  /** The document with the highest number, as signed. */
  highestJws(): string | undefined {
    let highest: HeldDocument | undefined
    for (const held of this.#held.documents.values()) {
      if (!highest || compareNumbers(held.payload.number, highest.payload.number) > 0) highest = held
    }
    return highest?.jws
  }

  /** Everything held, as signed. */
  signed(): readonly string[] {
    return [...this.#held.documents.values()].map(({ jws }) => jws)
  }

  lines(newestKid: string): readonly string[] {
    const lines = [hubKeysLine(newestKid)]
    for (const { payload } of this.#held.documents.values()) {
      if (payload.typ === 'calendar' || !this.#unclaimed.has(payload.application.id)) lines.push(heldLineOf(payload))
    }
    return lines
  }

  /** Of {@link lines}; every heartbeat says it, and few come after a change. */
  digest(newestKid: string): string {
    const { documents } = this.#held
    const known = this.#digested
    if (known?.of === documents && known.unclaimed === this.#unclaimed && known.newestKid === newestKid) {
      return known.digest
    }
    const digest = heldDigest(this.lines(newestKid))
    this.#digested = { of: documents, unclaimed: this.#unclaimed, newestKid, digest }
    return digest
  }

  unclaimed(): readonly string[] {
    return [...this.#unclaimed].sort()
  }

  /** The hub does not name these of ours. True when any of them ended by that. */
  leaveOut(ids: readonly string[]): Promise<boolean> {
    return this.#alone(async () => {
      const known = ids.filter(id => id !== CALENDAR_ID && this.application(id))
      this.#unclaimed = new Set([...this.#unclaimed, ...known])
      return await this.#endOutlived()
    })
  }

  /** The newest calendar that any held Offer was decided with, if that is newer than ours. */
  calendarBehind(): DocumentNumber | undefined {
    let needed = this.calendar()?.number
    let behind: DocumentNumber | undefined
    for (const { payload } of this.#held.documents.values()) {
      if (payload.typ !== 'offer' || (needed && compareNumbers(payload.cal, needed) <= 0)) continue
      if (payload.cal.epoch === 0 && payload.cal.n === 0) continue
      needed = payload.cal
      behind = payload.cal
    }
    return behind
  }

  async #loadRetired(): Promise<Partial<HeldState>> {
    const bytes = await this.#state.get(RETIRED)
    const value = bytes && parseBoundedJsonBytes(bytes, 4 * 1024 * 1024)
    if (!isJsonObject(value) || value['cluster'] !== this.#cluster) return {}
    const lines = isJsonObject(value['lines']) ? value['lines'] : {}
    const retired = new Map<string, DocumentNumber>()
    for (const [line, text] of Object.entries(lines)) {
      const number = numberOf(text)
      if (number) retired.set(line, number)
    }
    const floor = numberOf(value['floor'])
    return { retired, ...(floor && { floor }) }
  }
}

function numberOf(value: Json | undefined): DocumentNumber | undefined {
  return typeof value === 'string' ? parseNumberText(value) : undefined
}

function encodeRetired(held: HeldState, cluster: string): Uint8Array {
  const lines = Object.fromEntries([...held.retired].map(([line, number]) => [line, numberText(number)]))
  return Buffer.from(canonicalJson({ cluster, lines, ...(held.floor && { floor: numberText(held.floor) }) }))
}
