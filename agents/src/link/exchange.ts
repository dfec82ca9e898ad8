import type { AgentState } from '@flotilla/core/ports/agent-state'
import type { Clock } from '@flotilla/core/ports/clock'
import type { HubResponse } from '@flotilla/core/ports/hub-transport'
import type { Log } from '@flotilla/core/ports/log'
import type { Random } from '@flotilla/core/ports/random'
import { type DocumentNumber, numberText } from '@flotilla/core/protocol/documents'
import { type AgentFrame, type HubFrame, MAX_IDS_PER_FRAME, MAX_LINES_PER_FRAME } from '@flotilla/core/protocol/frames'
import { HUB_KEYS_ID } from '@flotilla/core/protocol/held-digest'
import { Bulk } from './bulk.ts'
import { HeldCommands } from './held-commands.ts'
import { HeldDocuments } from './held-documents.ts'
import { HeldGrants } from './held-grants.ts'
import type { HubClock } from './hub-clock.ts'
import type { Trust } from './hub-trust.ts'
import { KnownHub } from './known-hub.ts'
import { Outbox } from './outbox.ts'

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
 * What passes between an agent and its hub in frames, however they travel: heartbeats, and answers to what the hub says
 * and asks. Level-based: where both sides differ they compare line by line, and what is lacked goes the way of {@link Bulk}.
 */
export class Exchange {
  readonly documents: HeldDocuments
  readonly grants: HeldGrants
  readonly commands: HeldCommands
  readonly outbox = new Outbox()
  readonly #options: ExchangeOptions
  readonly #hub: KnownHub
  readonly #bulk: Bulk

  constructor(options: ExchangeOptions) {
    this.#options = options
    this.documents = new HeldDocuments(options.state, options.log)
    this.grants = new HeldGrants(options.state, options.log)
    this.commands = new HeldCommands(options.state, options.log)
    this.#hub = new KnownHub(options)
    const { documents, grants, commands, outbox } = this
    const earlyPulse = (jws: string) => this.#takePulse(jws)
    this.#bulk = new Bulk(options, { documents, grants, commands, outbox, earlyPulse, hub: this.#hub })
  }

  get hubClock(): HubClock {
    return this.#hub.clock
  }

  /** Loads what is kept for this admission. */
  async trust(trust: Trust): Promise<void> {
    // A new admission voids what was reported under the earlier one.
    if (this.#hub.take(trust)) this.outbox.resendAll()
    await this.documents.load(trust)
    await this.grants.load(trust)
    await this.commands.load()
    this.#bulk.fromHeld()
  }

  /** What another place than the folder remembers of how far this agent has come; before anything is asked. */
  async protect(noted: DocumentNumber | undefined): Promise<void> {
    await this.documents.protect(noted)
    this.#bulk.fromHeld()
  }

  /** A connection stands, by socket or by a poll that was answered. */
  stands(upTo: string, newestKid?: string): void {
    if (newestKid !== undefined) this.#hub.hearOfKey(newestKid)
    this.#bulk.stands(upTo)
  }

  lost(): void {
    this.#bulk.lost()
  }

  /** Works on what is wanted, unless that is being done. */
  kick(): void {
    this.#bulk.kick()
  }

  /** Resolves when nothing is being worked on. */
  async idle(): Promise<void> {
    await this.#bulk.idle()
  }

  heartbeat(): AgentFrame {
    const { random } = this.#options
    const newestKid = this.#hub.newestKid
    const nonce = Buffer.from(random.bytes(16)).toString('base64url')
    this.hubClock.asked(nonce)
    this.#bulk.beat()
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
        this.#hub.hearOfKey(frame.newest)
        this.kick()
        return []
      case 'changed':
        // Before anything is asked for, and so without waiting to be let in: a freeze reaches all of a fleet at once.
        if (frame.calendar !== undefined && (await this.documents.take([frame.calendar], this.#hub.context()))) {
          this.#options.took?.()
          this.#options.changed()
        }
        if (!this.#bulk.isAllThatChanged(frame)) this.#bulk.wantDocuments()
        return []
      case 'grants':
        if (await this.grants.take(frame.grants, this.#hub.context())) this.#options.changed()
        return []
      case 'settled':
        await this.grants.acknowledged(frame.ids)
        return []
      case 'commands':
        if (await this.commands.take(frame.commands, this.#hub.context())) this.#options.changed()
        return []
      case 'answered':
        await this.commands.acknowledged(frame.ids)
        return []
      case 'ask':
        return linesFrames(
          frame.of,
          frame.of === 'held' ? this.documents.lines(this.#hub.newestKid) : this.outbox.lines(),
        )
      case 'differ':
        if (frame.of === 'held') {
          if (await this.documents.leaveOut(frame.unclaimed)) this.#options.changed()
          this.#bulk.wantIds(frame.ids.filter(id => id !== HUB_KEYS_ID))
        } else this.outbox.resend(frame.ids)
        this.kick()
        return []
      case 'error':
        this.#options.log.warn('the hub refused a frame', { code: frame.code, why: frame.message })
        return []
      case 'prove':
        this.#bulk.wantProof()
        return []
      case 'nonce':
      case 'welcome':
      case 'closing':
        return []
    }
  }

  async #takePulse(jws: string): Promise<void> {
    const heard = await this.#hub.pulse(jws)
    if (!heard) return
    await this.commands.sweep(heard.now)
    if (heard.first) this.#options.changed()
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
