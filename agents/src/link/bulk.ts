import type { Timer } from '@flotilla/core/ports/clock'
import type { HubResponse } from '@flotilla/core/ports/hub-transport'
import { compareNumbers, type DocumentNumber, numberText } from '@flotilla/core/protocol/documents'
import { decodeDocumentsAnswer, type HubFrame, MAX_IDS_PER_FRAME } from '@flotilla/core/protocol/frames'
import { encodeProofPages } from '@flotilla/core/protocol/proofs'
import type { ReportEntry } from '@flotilla/core/protocol/report'
import { decodeReportsAnswer, encodeReportBatch } from '@flotilla/core/protocol/report-batch'
import { parseNumberText } from '@flotilla/core/protocol/schema'
import type { ExchangeOptions } from './exchange.ts'
import type { HeldCommands } from './held-commands.ts'
import type { HeldDocuments } from './held-documents.ts'
import type { HeldGrants } from './held-grants.ts'
import { retryAfterMs } from './hub-client.ts'
import type { KnownHub } from './known-hub.ts'
import type { Outbox } from './outbox.ts'
import { redialAfterFailureMs } from './redial.ts'

/** Ids asked for in one question, so that its path stays short. */
const IDS_PER_QUESTION = 50

/** What passes in bulk: what is held of what the hub said, and what it is to be told. */
export interface BulkParts {
  readonly hub: KnownHub
  readonly documents: HeldDocuments
  readonly grants: HeldGrants
  readonly commands: HeldCommands
  readonly outbox: Outbox
  /** A pulse that came before its key is known. */
  readonly earlyPulse: (jws: string) => Promise<void>
}

/**
 * What goes over requests and not in frames: keys, documents, proofs and reports, one thing after the other. What is
 * wanted is a flag, and a lost answer is asked for again.
 */
export class Bulk {
  readonly #options: ExchangeOptions
  readonly #parts: BulkParts
  #standing = false
  /** The number up to which everything was asked for. */
  #cursor: DocumentNumber | undefined
  #wantDocuments = false
  /** The hub wants to be shown what is held. */
  #wantProof = false
  readonly #wantIds = new Set<string>()
  #calendarAsked: string | undefined
  #working: Promise<void> | undefined
  #failures = 0
  #retry: Timer | undefined

  constructor(options: ExchangeOptions, parts: BulkParts) {
    this.#options = options
    this.#parts = parts
  }

  /** What is held was read anew: from there on it is asked for. */
  fromHeld(): void {
    this.#cursor = this.#parts.documents.highest()
  }

  /** A connection stands, and the hub has issued up to this number. */
  stands(upTo: string): void {
    this.#standing = true
    const number = parseNumberText(upTo)
    if (number && (!this.#cursor || compareNumbers(number, this.#cursor) > 0)) this.#wantDocuments = true
    this.kick()
  }

  lost(): void {
    this.#standing = false
    this.#retry?.cancel()
    this.#retry = undefined
  }

  /** A calendar that is lacked is asked for once a heartbeat. */
  beat(): void {
    this.#calendarAsked = undefined
  }

  wantDocuments(): void {
    this.#wantDocuments = true
    this.kick()
  }

  wantProof(): void {
    this.#wantProof = true
    this.kick()
  }

  /** However many a hub names: what is left out differs at the next heartbeat, too. */
  wantIds(ids: readonly string[]): void {
    for (const id of ids) if (this.#wantIds.size < MAX_IDS_PER_FRAME) this.#wantIds.add(id)
  }

  /**
   * Whether a calendar that came with the word is everything that is new: its number follows what is known, and nothing
   * that has no number is open. Then a freeze of the fleet is no storm of questions.
   */
  isAllThatChanged({ upTo, calendar, nothingOpen }: Extract<HubFrame, { readonly kind: 'changed' }>): boolean {
    const number = parseNumberText(upTo)
    const cursor = this.#cursor
    if (calendar === undefined || !nothingOpen || !number || !cursor || this.#wantDocuments) return false
    const held = this.#parts.documents.calendar()?.number
    const follows = number.epoch === cursor.epoch && number.n === cursor.n + 1
    if (!follows || !held || compareNumbers(held, number) !== 0) return false
    this.#cursor = number
    return true
  }

  /** Works on what is wanted, unless that is being done. */
  kick(): void {
    if (this.#working || !this.#standing || this.#retry) return
    this.#working = this.#work().finally(() => {
      this.#working = undefined
      // What became wanted after the last look, and before this.
      if (
        this.#parts.hub.lacksKey ||
        this.#wantProof ||
        this.#wantDocuments ||
        this.#wantIds.size > 0 ||
        !this.#parts.outbox.empty
      )
        this.kick()
    })
  }

  /** Resolves when nothing is being worked on. */
  async idle(): Promise<void> {
    while (this.#working) await this.#working
  }

  async #work(): Promise<void> {
    try {
      while (this.#standing && (await this.#workOnce())) this.#failures = 0
    } catch (error) {
      this.#later(error)
    }
  }

  async #workOnce(): Promise<boolean> {
    const { hub, outbox } = this.#parts
    if (hub.lacksKey) {
      await this.#fetchKeys()
      hub.askedForKeys()
      return true
    }
    if (this.#wantProof) {
      this.#wantProof = false
      await this.#showEverything()
      return true
    }
    if (this.#wantDocuments) {
      this.#wantDocuments = false
      if (!(await this.#fetchDocuments())) this.#wantDocuments = true
      return true
    }
    const ids = [...this.#wantIds].slice(0, IDS_PER_QUESTION)
    if (ids.length > 0) {
      await this.#fetchNamed(ids)
      return true
    }
    const batches = outbox.batches()
    for (const batch of batches) await this.#sendReports(batch)
    return batches.length > 0
  }

  /** Shows the hub what its own key has signed; one that doubts its memory asks again until it has all. */
  async #showEverything(): Promise<void> {
    const showing = Buffer.from(this.#options.random.bytes(16)).toString('base64url')
    for (const body of encodeProofPages(showing, this.#parts.documents.signed())) {
      const response = await this.#options.request({ method: 'POST', path: '/agent/v1/proofs', body })
      // Another showing of ours has begun, or the hub has no use for it: it asks again if it has.
      if (response.status === 409 || response.status === 404) return
      this.#expectOk(response)
    }
  }

  /** What was refused for its key, while the chain was not walked on, is asked for again. */
  async #fetchKeys(): Promise<void> {
    const { hub } = this.#parts
    if (!hub.trust) return
    const response = await this.#ask({ method: 'GET', path: `/agent/v1/keys?from=${hub.newestKid}` })
    const grown = await hub.grow(response.body)
    if (!grown) return
    this.fromHeld()
    this.#wantDocuments = true
    if (grown.early !== undefined) await this.#parts.earlyPulse(grown.early)
  }

  async #fetchDocuments(): Promise<boolean> {
    const since = this.#cursor ? `?since=${numberText(this.#cursor)}` : ''
    const answer = await this.#documents(`/agent/v1/documents${since}`)
    const upTo = parseNumberText(answer.upTo)
    if (upTo && (!this.#cursor || compareNumbers(upTo, this.#cursor) > 0)) this.#cursor = upTo
    else if (answer.more) throw new Error('the hub’s pages do not go on')
    return !answer.more
  }

  async #fetchNamed(ids: readonly string[]): Promise<void> {
    await this.#documents(`/agent/v1/documents?ids=${ids.map(encodeURIComponent).join(',')}`)
    for (const id of ids) this.#wantIds.delete(id)
  }

  async #documents(path: string): Promise<{ readonly upTo: string; readonly more: boolean }> {
    const response = await this.#ask({ method: 'GET', path })
    const decoded = decodeDocumentsAnswer(response.body)
    if (decoded.kind === 'refused') throw new Error(`the hub’s documents cannot be read: ${decoded.message}`)
    const { documents, grants, commands, upTo, more } = decoded.value
    const { hub, documents: held, outbox } = this.#parts
    const context = hub.context()
    const newDocuments = await held.take(documents, context)
    const newGrants = await this.#parts.grants.take(grants, context)
    const newCommands = await this.#parts.commands.take(commands, context)
    const behind = held.calendarBehind()
    if (behind && this.#calendarAsked !== numberText(behind)) {
      // An Offer that was decided with a newer calendar than ours waits for it: the calendar first.
      this.#calendarAsked = numberText(behind)
      this.#wantIds.add('calendar')
    }
    if (newDocuments) outbox.resendIgnored(new Set(held.unclaimed()))
    if (newDocuments) this.#options.took?.()
    if (newDocuments || newGrants || newCommands) this.#options.changed()
    return { upTo, more }
  }

  async #sendReports(batch: readonly ReportEntry[]): Promise<void> {
    const { log } = this.#options
    const { outbox, documents } = this.#parts
    const body = encodeReportBatch(batch)
    const response = await this.#options.request({ method: 'POST', path: '/agent/v1/reports', body })
    if (response.status === 400 || response.status === 413) {
      if (batch.length > 1) {
        for (const entry of batch) await this.#sendReports([entry])
        return
      }
      const [entry] = batch
      if (!entry) return
      log.error('the hub cannot read a report; it is left out', {
        application: entry.application,
        status: response.status,
      })
      return outbox.drop(entry)
    }
    this.#expectOk(response)
    const answer = decodeReportsAnswer(response.body)
    if (answer.kind === 'refused') throw new Error(`the hub’s answer cannot be read: ${answer.message}`)
    const { ended, unanswered } = outbox.answered(batch, answer.value)
    if (unanswered > 0) throw new Error('the hub did not answer for every report of a batch')
    for (const entry of ended) {
      const { application, document } = entry
      if (document && (await documents.retire(application, document))) this.#options.changed()
      outbox.drop(entry)
    }
  }

  async #ask(request: { readonly method: 'GET'; readonly path: string }): Promise<HubResponse> {
    const response = await this.#options.request(request)
    this.#expectOk(response)
    return response
  }

  #expectOk(response: HubResponse): void {
    if (response.status === 200) return
    if (response.status === 401 || response.status === 409 || response.status === 426) this.#options.refused(response)
    throw new HubAnswered(response.status, retryAfterMs(response.headers))
  }

  #later(error: unknown): void {
    const { clock, random, log } = this.#options
    const asked = error instanceof HubAnswered ? error.retryAfterMs : 0
    const delayMs = Math.max(asked, 200, redialAfterFailureMs(++this.#failures, random.fraction()))
    log.warn('an exchange with the hub failed; it is tried again', { delayMs, error })
    if (!this.#standing) return
    this.#retry = clock.setTimer(delayMs, () => {
      this.#retry = undefined
      this.kick()
    })
  }
}

class HubAnswered extends Error {
  readonly retryAfterMs: number
  constructor(status: number, retryAfterMs: number) {
    super(`the hub answered ${status}`)
    this.name = 'HubAnswered'
    this.retryAfterMs = retryAfterMs
  }
}
