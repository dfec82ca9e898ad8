import { differenceOfLines } from '@flotilla/core/protocol/digest-lines'
import { compareNumbers, type DocumentNumber, numberText, type PulsePayload } from '@flotilla/core/protocol/documents'
import type { AgentFrame, HeartbeatFrame, HubFrame, LinesFrame } from '@flotilla/core/protocol/frames'
import { parseNumberText } from '@flotilla/core/protocol/schema'
import { CALENDAR_LINE } from '@flotilla/core/protocol/take-document'
import { AGREED, agrees, answerLines, type Disagreement, reportedWithout, type Which, weigh } from './agree.ts'
import { type ClusterTruth, openFrames, readTruth } from './cluster-truth.ts'
import type { GatewayOptions } from './gateway-options.ts'
import { takeAnswers } from './issue-command.ts'
import type { GatewayLimits } from './limits.ts'
import { reissueDocuments } from './reissue-documents.ts'
import { settleGrants } from './take-reports.ts'

/** Of a calendar in a frame; a longer one is asked for. */
const MOST_PUSHED = 256 * 1024

/**
 * What the hub says to one agent, and why: the same on a socket and in polls. Frames in, frames out; how they travel
 * is the caller's work. One at a time: the caller awaits each answer.
 */
export class Conversation {
  readonly clusterId: string
  skewMs: number | undefined
  #floor: DocumentNumber | undefined
  /** The number up to which the agent has shown that it holds what the store says. */
  heldUpTo: DocumentNumber | undefined
  /** Applications that the agent holds and this hub does not name. */
  unclaimed = 0
  /** The newest hub key that the agent has named. */
  #kid: string | undefined
  #namedStrangeKey = false
  readonly #hub: GatewayOptions
  readonly #limits: GatewayLimits
  #truth: ClusterTruth | undefined
  #calendarTold: DocumentNumber | undefined
  #generation = 0
  #disagreements: Record<Which, Disagreement> = { held: AGREED, reported: AGREED }
  #excused: ReadonlySet<string> = new Set()
  #lines: { readonly of: Which; readonly lines: string[] } | undefined

  constructor(clusterId: string, hub: GatewayOptions, limits: GatewayLimits) {
    this.clusterId = clusterId
    this.#hub = hub
    this.#limits = limits
  }

  /** Whether both sides still differed after comparing line by line. */
  get differs(): boolean {
    return Object.values(this.#disagreements).some(({ asks }) => asks > 1)
  }

  /** The store has changed for this cluster: nothing remembered of it counts. */
  forget(): void {
    this.#truth = undefined
    this.#generation++
  }

  /** What the store says, remembered for a while between changes. */
  async truth(): Promise<ClusterTruth> {
    const { store, clock, keys } = this.#hub
    const known = this.#truth
    if (known && clock.monotonicMs() - known.readAt < this.#limits.truthMs) return known
    return await this.#readTruth(store, clock, keys.newest)
  }

  /**
   * That something new was committed; a newer calendar goes with it. Reads no more than that: a freeze of the fleet is told
   * to a thousand at once.
   */
  async changed(): Promise<HubFrame> {
    const { cluster, calendar, open } = await this.#hub.store.read(async rows => ({
      cluster: await rows.cluster(this.clusterId),
      calendar: await rows.document(this.clusterId, CALENDAR_LINE),
      open: [...(await rows.openGrants(this.clusterId)), ...(await rows.openCommands(this.clusterId))].length,
    }))
    const upTo = numberText({ epoch: cluster?.epoch ?? 0, n: cluster?.lastNumber ?? 0 })
    const told = this.#calendarTold
    const news =
      calendar?.number.epoch === cluster?.epoch &&
      calendar &&
      calendar.jws.length <= MOST_PUSHED &&
      (!told || compareNumbers(calendar.number, told) > 0)
    if (!news) return { kind: 'changed', upTo }
    this.#calendarTold = calendar.number
    return { kind: 'changed', upTo, calendar: calendar.jws, nothingOpen: open === 0 }
  }

  async answer(frame: AgentFrame): Promise<readonly HubFrame[]> {
    switch (frame.kind) {
      case 'heartbeat':
        return await this.#heartbeat(frame)
      case 'settled': {
        const changed = await settleGrants(this.#hub.store, this.#hub.clock, this.clusterId, frame)
        this.forget()
        if (changed.length > 0) this.#hub.events.reported(this.clusterId, changed)
        return [{ kind: 'settled', ids: frame.grants.map(grant => grant.id) }]
      }
      case 'answered': {
        const touched = await takeAnswers(this.#hub.store, this.#hub.clock, this.clusterId, frame)
        this.forget()
        if (touched.length > 0) this.#hub.events.answered?.(this.clusterId, touched)
        return [{ kind: 'answered', ids: frame.commands.map(({ id }) => id) }]
      }
      case 'lines':
        return await this.#takeLines(frame)
      case 'hello':
        return [{ kind: 'error', code: 'UNEXPECTED', message: 'a hello comes once, and first' }]
    }
  }

  async #heartbeat(frame: HeartbeatFrame): Promise<readonly HubFrame[]> {
    const { clock, keys, log, store, proofs } = this.#hub
    this.skewMs = frame.skewMs
    this.#floor = frame.floor === undefined ? undefined : parseNumberText(frame.floor)
    this.unclaimed = frame.unclaimed.length
    let truth = await this.truth()
    // What is remembered may be old; before a difference is believed the store is asked again.
    if (!agrees(frame, truth, this.#excused)) truth = await this.#readTruth(store, clock, keys.newest)
    const pulse: PulsePayload = {
      typ: 'pulse',
      cluster: this.clusterId,
      nonce: frame.nonce,
      now: Math.floor(clock.now()),
    }
    const frames: HubFrame[] = [{ kind: 'pulse', pulse: keys.sign('pulse', pulse) }]
    if (frame.kid !== keys.newest) frames.unshift({ kind: 'keys', newest: keys.newest })
    if (frame.kid !== this.#kid) {
      this.#kid = frame.kid
      // Whatever an agent makes up is told once.
      const isOurs = keys.publicKeys.has(frame.kid)
      if (isOurs || !this.#namedStrangeKey) this.#hub.events.knowsKey?.(this.clusterId, frame.kid)
      this.#namedStrangeKey ||= !isOurs
    }
    if (proofs?.wants({ id: this.clusterId, recovery: truth.recovery })) frames.push({ kind: 'prove' })
    // What this store says is not to be compared with, nor acted on, before it is known what was issued.
    if (proofs?.behind || truth.recovery === 'unproved') {
      this.#hub.events.heartbeat(this.clusterId)
      return frames
    }
    frames.push(...openFrames(truth))
    if (frame.held === truth.held) this.heldUpTo = parseNumberText(truth.upTo)
    const ours = { held: truth.held, reported: reportedWithout(truth, this.#excused) }
    for (const which of ['held', 'reported'] as const) {
      // Nothing that is on its way would mend a lost folder: its lines are wanted at once.
      const lost = which === 'held' && this.#floor !== undefined
      const weighed = weigh(this.#disagreements[which], frame[which], ours[which], lost)
      this.#disagreements[which] = weighed.next
      if (weighed.diagnostic) {
        const fields = { cluster: this.clusterId, of: which, asks: weighed.next.asks }
        log.warn('agent and hub still differ after a resync', fields)
      }
      if (weighed.ask) frames.push({ kind: 'ask', of: which })
      else if (which === 'held' && frame.held !== ours.held) frames.push({ kind: 'changed', upTo: truth.upTo })
    }
    if (truth.recovery === 'proved' && truth.everyReport && frame.reported === ours.reported) {
      await proofs?.reported(this.clusterId)
      this.forget()
    }
    this.#hub.events.heartbeat(this.clusterId)
    return frames
  }

  async #takeLines(frame: LinesFrame): Promise<readonly HubFrame[]> {
    const gathered = this.#lines?.of === frame.of ? this.#lines : { of: frame.of, lines: [] }
    this.#lines = gathered
    if (gathered.lines.length + frame.lines.length > this.#limits.maxLines) {
      this.#lines = undefined
      return [{ kind: 'error', code: 'TOO_MANY', message: `at most ${this.#limits.maxLines} lines are compared` }]
    }
    for (const line of frame.lines) gathered.lines.push(line)
    if (frame.more) return []
    this.#lines = undefined
    const { store, clock, keys, log } = this.#hub
    let truth = await this.#readTruth(store, clock, keys.newest)
    if (frame.of === 'held' && (await this.#reissue(truth, gathered.lines))) {
      truth = await this.#readTruth(store, clock, keys.newest)
    }
    const { frame: differ, missing } = answerLines(frame.of, truth, gathered.lines)
    if (frame.of === 'reported') {
      this.#excused = new Set(missing)
      if (missing.length > 0) {
        log.warn('an agent does not know reports that it made', { cluster: this.clusterId, count: missing.length })
      }
    }
    const { proofs } = this.#hub
    const differing = differ.kind === 'differ' ? differ.ids.length : 0
    const allReported = truth.everyReport && missing.length + differing === 0
    if (frame.of === 'reported' && truth.recovery === 'proved' && allReported) {
      await proofs?.reported(this.clusterId)
      this.forget()
    }
    // A number that was never given out: polls have no hello in which it would be proved.
    const above = frame.of === 'held' && proofs !== undefined && isAnyAbove(gathered.lines, truth.upTo)
    // Nothing of ours before that: under another id it would be a second one of what is there.
    return [above ? { kind: 'prove' } : differ]
  }

  /** An agent that lost its folder cannot take what was issued before; true when it was issued again. */
  async #reissue(truth: ClusterTruth, lines: readonly string[]): Promise<boolean> {
    const { store, clock, keys, log, events } = this.#hub
    if (!this.#floor) return false
    const { onlyOurs } = differenceOfLines(truth.heldLines, lines)
    const { ids, ahead } = await reissueDocuments(store, keys, clock, this.clusterId, onlyOurs, this.#floor)
    if (ahead) log.error('an agent has taken documents that this store never issued', { cluster: this.clusterId })
    if (ids.length === 0) return false
    log.warn('an agent lost its folder; documents were issued again', { cluster: this.clusterId, count: ids.length })
    this.forget()
    events.reported(this.clusterId, ids)
    return true
  }

  async #readTruth(store: GatewayOptions['store'], clock: GatewayOptions['clock'], kid: string): Promise<ClusterTruth> {
    const generation = this.#generation
    const read = await readTruth(store, clock, this.clusterId, kid)
    const fresh = (jws: string): string => this.#hub.keys.fresh(jws)
    const truth = { ...read, grants: read.grants.map(fresh), commands: read.commands.map(fresh) }
    // What was read before the last change must not be remembered after it.
    if (generation === this.#generation) this.#truth = truth
    return truth
  }
}

function isAnyAbove(lines: readonly string[], upTo: string): boolean {
  const highest = parseNumberText(upTo)
  return lines.some(line => {
    const number = parseNumberText(line.split(' ')[1] ?? '')
    return number !== undefined && highest !== undefined && compareNumbers(number, highest) > 0
  })
}
