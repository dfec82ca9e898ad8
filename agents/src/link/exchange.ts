import type { AgentState } from '@flotilla/core/ports/agent-state'
import type { Clock, Timer } from '@flotilla/core/ports/clock'
import type { HubResponse } from '@flotilla/core/ports/hub-transport'
import type { Log } from '@flotilla/core/ports/log'
import type { Random } from '@flotilla/core/ports/random'
import { compareNumbers, type DocumentNumber, numberText } from '@flotilla/core/protocol/documents'
import {
  type AgentFrame,
  decodeDocumentsAnswer,
  type HubFrame,
  MAX_IDS_PER_FRAME,
  MAX_LINES_PER_FRAME,
} from '@flotilla/core/protocol/frames'
import { HUB_KEYS_ID } from '@flotilla/core/protocol/held-digest'
import { verifyJws } from '@flotilla/core/protocol/jws'
import { encodeProofPages } from '@flotilla/core/protocol/proofs'
import type { ReportEntry } from '@flotilla/core/protocol/report'
import { decodeReportsAnswer, encodeReportBatch } from '@flotilla/core/protocol/report-batch'
import { parseNumberText } from '@flotilla/core/protocol/schema'
import { type DocumentContext, decodePulse } from '@flotilla/core/protocol/signed-document'
import { HeldCommands } from './held-commands.ts'
import { HeldDocuments } from './held-documents.ts'
import { HeldGrants } from './held-grants.ts'
import { retryAfterMs } from './hub-client.ts'
import { HubClock } from './hub-clock.ts'
import { grownTrust, keepTrust, provedTrust, type Trust } from './hub-trust.ts'
import { Outbox } from './outbox.ts'
import { redialAfterFailureMs } from './redial.ts'

/** Ids asked for in one question, so that its path stays short. */
const IDS_PER_QUESTION = 50

export interface ExchangeOptions {
  readonly state: AgentState
  readonly clock: Clock
  readonly random: Random
  readonly log: Log
  /** A signed request. @throws HubUnreachable */
  readonly request: (request: {
    readonly method: 'GET' | 'POST'
    readonly path: string
    readonly body?: Uint8Array
  }) => Promise<HubResponse>
  /** The hub refused this process: `highestInc` when a newer start is known. */
  readonly refused: (response: HubResponse) => void
  /** Documents were taken. */
  readonly took?: () => void
  /** Documents, Grants, calendar or the first pulse are new. */
  readonly changed: () => void
}

/**
 * What passes between an agent and its hub, however it travels: answers to frames, and the bulk over requests, one
 * thing after the other. Level-based: what is wanted is a flag, and a lost answer is asked for again.
 */
export class Exchange {
  readonly documents: HeldDocuments
  readonly grants: HeldGrants
  readonly commands: HeldCommands
  readonly outbox = new Outbox()
  readonly hubClock: HubClock
  readonly #options: ExchangeOptions
  #trust: Trust | undefined
  #standing = false
  #cursor: DocumentNumber | undefined
  #wantDocuments = false
  /** The hub has a newer key than we know. */
  #wantKeys = false
  /** By a key that is not known yet: looked at again once it is. */
  #earlyPulse: string | undefined
  /** The hub wants to be shown what is held. */
  #wantProof = false
  readonly #wantIds = new Set<string>()
  #calendarAsked: string | undefined
  #working: Promise<void> | undefined
  #failures = 0
  #retry: Timer | undefined

  constructor(options: ExchangeOptions) {
    this.#options = options
    this.documents = new HeldDocuments(options.state, options.log)
    this.grants = new HeldGrants(options.state, options.log)
    this.commands = new HeldCommands(options.state, options.log)
    this.hubClock = new HubClock(options.clock, options.state)
  }

  /** Loads what is kept for this admission. */
  async trust(trust: Trust): Promise<void> {
    const admittedAgain = this.#trust !== undefined && this.#trust.adm !== trust.adm
    this.#trust = trust
    // A new admission voids what was reported under the earlier one.
    if (admittedAgain) this.outbox.resendAll()
    await this.documents.load(trust)
    await this.grants.load(trust)
    await this.commands.load()
    this.#cursor = this.documents.highest()
  }

  /** What another place than the folder remembers of how far this agent has come; before anything is asked. */
  async protect(noted: DocumentNumber | undefined): Promise<void> {
    await this.documents.protect(noted)
    this.#cursor = this.documents.highest()
  }

  /** A connection stands, by socket or by a poll that was answered. */
  stands(upTo: string, newestKid?: string): void {
    this.#standing = true
    if (newestKid !== undefined) this.#hearOfKey(newestKid)
    const number = parseNumberText(upTo)
    if (number && (!this.#cursor || compareNumbers(number, this.#cursor) > 0)) this.#wantDocuments = true
    this.kick()
  }

  #hearOfKey(newestKid: string): void {
    const trust = this.#trust
    // A key that is known already is of a hub whose hub.key is behind; it finds out by what we say.
    if (trust && !trust.keys.has(newestKid)) this.#wantKeys = true
  }

  lost(): void {
    this.#standing = false
    this.#retry?.cancel()
    this.#retry = undefined
  }

  heartbeat(): AgentFrame {
    const { random } = this.#options
    const newestKid = this.#trust?.newestKid ?? ''
    const nonce = Buffer.from(random.bytes(16)).toString('base64url')
    this.hubClock.asked(nonce)
    this.#calendarAsked = undefined
    const skewMs = this.hubClock.skewMs()
    const floor = this.documents.floor()
    return {
      kind: 'heartbeat',
      held: this.documents.digest(newestKid) as `sha256:${string}`,
      reported: this.outbox.digest(),
      nonce,
      ...(skewMs !== undefined && { skewMs }),
      kid: newestKid,
      unclaimed: this.documents.unclaimed().slice(0, MAX_IDS_PER_FRAME) as string[],
      ...(floor && { floor: numberText(floor) }),
    }
  }

  /** What became of Grants and commands, as far as the hub has not acknowledged it. */
  outcomes(): readonly AgentFrame[] {
    const grants = this.grants.unacknowledged()
    const commands = this.commands.unacknowledged()
    const frames: AgentFrame[] = []
    if (grants.length > 0) frames.push({ kind: 'settled', grants: [...grants] })
    if (commands.length > 0) frames.push({ kind: 'answered', commands: [...commands] })
    return frames
  }

  /** Takes one frame of the hub; returns what to answer. */
  async take(frame: HubFrame): Promise<readonly AgentFrame[]> {
    switch (frame.kind) {
      case 'pulse':
        await this.#takePulse(frame.pulse)
        return []
      case 'keys':
        this.#hearOfKey(frame.newest)
        this.kick()
        return []
      case 'changed':
        // Before anything is asked for, and so without waiting to be let in: a freeze reaches all of a fleet at once.
        if (frame.calendar !== undefined && (await this.documents.take([frame.calendar], this.#context()))) {
          this.#options.took?.()
          this.#options.changed()
        }
        if (this.#isAllThatChanged(frame)) return []
        this.#wantDocuments = true
        this.kick()
        return []
      case 'grants':
        if (await this.grants.take(frame.grants, this.#context())) this.#options.changed()
        return []
      case 'settled':
        await this.grants.acknowledged(frame.ids)
        return []
      case 'commands':
        if (await this.commands.take(frame.commands, this.#context())) this.#options.changed()
        return []
      case 'answered':
        await this.commands.acknowledged(frame.ids)
        return []
      case 'ask':
        return linesFrames(
          frame.of,
          frame.of === 'held' ? this.documents.lines(this.#trust?.newestKid ?? '') : this.outbox.lines(),
        )
      case 'differ':
        if (frame.of === 'held') {
          this.documents.leaveOut(frame.unclaimed)
          for (const id of frame.ids) {
            // However many a hub names: what is left out differs at the next heartbeat, too.
            if (this.#wantIds.size >= MAX_IDS_PER_FRAME) break
            if (id !== HUB_KEYS_ID) this.#wantIds.add(id)
          }
        } else this.outbox.resend(frame.ids)
        this.kick()
        return []
      case 'error':
        this.#options.log.warn('the hub refused a frame', { code: frame.code, why: frame.message })
        return []
      case 'prove':
        this.#wantProof = true
        this.kick()
        return []
      case 'nonce':
      case 'welcome':
      case 'closing':
        return []
    }
  }

  /**
   * Whether a calendar that came with the word is everything that is new: its number follows what is known, and nothing
   * that has no number is open. Then a freeze of the fleet is no storm of questions.
   */
  #isAllThatChanged({ upTo, calendar, nothingOpen }: Extract<HubFrame, { readonly kind: 'changed' }>): boolean {
    const number = parseNumberText(upTo)
    const cursor = this.#cursor
    if (calendar === undefined || !nothingOpen || !number || !cursor || this.#wantDocuments) return false
    const held = this.documents.calendar()?.number
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
      if (this.#wantKeys || this.#wantProof || this.#wantDocuments || this.#wantIds.size > 0 || !this.outbox.empty)
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
    if (this.#wantKeys) {
      await this.#fetchKeys()
      this.#wantKeys = false
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
    const batches = this.outbox.batches()
    for (const batch of batches) await this.#sendReports(batch)
    return batches.length > 0
  }

  /** Shows the hub what its own key has signed; one that doubts its memory asks again until it has all. */
  async #showEverything(): Promise<void> {
    const showing = Buffer.from(this.#options.random.bytes(16)).toString('base64url')
    for (const body of encodeProofPages(showing, this.documents.signed())) {
      const response = await this.#options.request({ method: 'POST', path: '/agent/v1/proofs', body })
      // Another showing of ours has begun, or the hub has no use for it: it asks again if it has.
      if (response.status === 409 || response.status === 404) return
      this.#expectOk(response)
    }
  }

  /** Walks the hub's chain on from the newest key known; what was refused meanwhile for its key is asked for again. */
  async #fetchKeys(): Promise<void> {
    const { state, log } = this.#options
    const trust = this.#trust
    if (!trust) return
    const response = await this.#ask({ method: 'GET', path: `/agent/v1/keys?from=${trust.newestKid}` })
    const grown = grownTrust(trust, response.body)
    if (!grown) return log.warn('the hub’s keys do not go on from the newest one known', { kid: trust.newestKid })
    await keepTrust(state, grown)
    this.#trust = grown
    log.info('the hub has another key', { kid: grown.newestKid })
    this.#cursor = this.documents.highest()
    this.#wantDocuments = true
    const early = this.#earlyPulse
    this.#earlyPulse = undefined
    if (early !== undefined) await this.#takePulse(early)
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
    const context = this.#context()
    const newDocuments = await this.documents.take(documents, context)
    const newGrants = await this.grants.take(grants, context)
    const newCommands = await this.commands.take(commands, context)
    const behind = this.documents.calendarBehind()
    if (behind && this.#calendarAsked !== numberText(behind)) {
      // An Offer that was decided with a newer calendar than ours waits for it: the calendar first.
      this.#calendarAsked = numberText(behind)
      this.#wantIds.add('calendar')
    }
    if (newDocuments) this.outbox.resendIgnored(new Set(this.documents.unclaimed()))
    if (newDocuments) this.#options.took?.()
    if (newDocuments || newGrants || newCommands) this.#options.changed()
    return { upTo, more }
  }

  async #sendReports(batch: readonly ReportEntry[]): Promise<void> {
    const { log } = this.#options
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
      return this.outbox.drop(entry)
    }
    this.#expectOk(response)
    const answer = decodeReportsAnswer(response.body)
    if (answer.kind === 'refused') throw new Error(`the hub’s answer cannot be read: ${answer.message}`)
    const { ended, unanswered } = this.outbox.answered(batch, answer.value)
    if (unanswered > 0) throw new Error('the hub did not answer for every report of a batch')
    for (const entry of ended) {
      const { application, document } = entry
      if (document && (await this.documents.retire(application, document))) this.#options.changed()
      this.outbox.drop(entry)
    }
  }

  async #takePulse(jws: string): Promise<void> {
    const { log } = this.#options
    const trust = this.#trust
    const verified = verifyJws(jws, { typ: 'pulse', key: kid => trust?.accepted.get(kid), maxBytes: 4096 })
    if (verified.kind === 'refused' && verified.code === 'JWS_KEY' && this.#wantKeys) {
      this.#earlyPulse = jws
      return
    }
    const decoded = verified.kind === 'verified' ? decodePulse(verified.payload) : verified
    if (decoded.kind === 'refused' || decoded.value.cluster !== trust?.cluster) {
      return log.warn('a pulse was refused', { code: decoded.kind === 'refused' ? decoded.code : 'OTHER_CLUSTER' })
    }
    if (verified.kind === 'verified') await this.#prove(verified.kid)
    const first = this.hubClock.now() === undefined
    if (!(await this.hubClock.heard(decoded.value))) return
    await this.commands.sweep(decoded.value.now)
    if (first) this.#options.changed()
  }

  /** The hub signs with this key now: by those before it nothing is taken any more. */
  async #prove(kid: string): Promise<void> {
    const trust = this.#trust
    const proved = trust && provedTrust(trust, kid)
    if (!proved || proved === trust) return
    await keepTrust(this.#options.state, proved)
    this.#trust = proved
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

  #context(): DocumentContext {
    const trust = this.#trust
    return { cluster: trust?.cluster ?? '', adm: trust?.adm ?? 0, keys: trust?.accepted ?? new Map() }
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

function linesFrames(of: 'held' | 'reported', lines: readonly string[]): readonly AgentFrame[] {
  const frames: AgentFrame[] = []
  for (let from = 0; from === 0 || from < lines.length; from += MAX_LINES_PER_FRAME) {
    const until = from + MAX_LINES_PER_FRAME
    frames.push({ kind: 'lines', of, lines: lines.slice(from, until), more: until < lines.length })
  }
  return frames
}
