import { differenceOfLines } from '@flotilla/core/protocol/digest-lines'
import { type HeartbeatFrame, type HubFrame, MAX_IDS_PER_FRAME } from '@flotilla/core/protocol/frames'
import { reportedDigest } from '@flotilla/core/protocol/reported-digest'
import type { ClusterTruth } from './cluster-truth.ts'

export type Which = 'held' | 'reported'

/** What one connection remembers of one digest between heartbeats. */
export interface Disagreement {
  /** Heartbeats in a row whose digest differed. */
  readonly rounds: number
  /** The pair of digests that lines were last asked for, and how often. */
  readonly askedPair: string
  readonly asks: number
  /** Rounds to let pass before lines are asked for again. */
  readonly pauseRounds: number
}

export const AGREED: Disagreement = { rounds: 0, askedPair: '', asks: 0, pauseRounds: 0 }

const MAX_PAUSE_ROUNDS = 64

/**
 * What a differing digest leads to (protocol.md 6): a first time, nothing but what is on its way anyhow; then the
 * lines are asked for; and once more over the same pair of digests is a diagnostic, asked ever more rarely.
 */
export function weigh(
  before: Disagreement,
  theirs: string,
  ours: string,
  /** Whether lines are wanted at the first difference already. */
  atOnce = false,
): { readonly next: Disagreement; readonly ask: boolean; readonly diagnostic: boolean } {
  if (theirs === ours) return { next: AGREED, ask: false, diagnostic: false }
  const rounds = before.rounds + 1
  const pair = `${theirs} ${ours}`
  if (rounds === 1 && !atOnce) return { next: { ...before, rounds }, ask: false, diagnostic: false }
  if (pair !== before.askedPair) {
    return { next: { rounds, askedPair: pair, asks: 1, pauseRounds: 0 }, ask: true, diagnostic: false }
  }
  if (before.pauseRounds > 0) {
    return { next: { ...before, rounds, pauseRounds: before.pauseRounds - 1 }, ask: false, diagnostic: false }
  }
  const asks = before.asks + 1
  const pauseRounds = Math.min(2 ** (asks - 1), MAX_PAUSE_ROUNDS)
  return { next: { rounds, askedPair: pair, asks, pauseRounds }, ask: true, diagnostic: true }
}

/** The digest of the reports, without those that this connection cannot name (the agent lost them with its folder). */
export function reportedWithout(truth: ClusterTruth, excused: ReadonlySet<string>): string {
  if (excused.size === 0) return truth.reported
  return reportedDigest([...truth.reportedLines].filter(([id]) => !excused.has(id)).map(([, line]) => line))
}

/** The answer to an agent's lines, and what of ours it did not name. */
export function answerLines(
  of: Which,
  truth: ClusterTruth,
  theirs: readonly string[],
): { readonly frame: HubFrame; readonly missing: readonly string[] } {
  const ours = of === 'held' ? truth.heldLines : [...truth.reportedLines.values()]
  const { changed, onlyOurs, onlyTheirs } = differenceOfLines(ours, theirs)
  const wanted = of === 'held' ? [...changed, ...onlyOurs] : [...changed, ...onlyTheirs]
  const frame: HubFrame = {
    kind: 'differ',
    of,
    ids: wanted.slice(0, MAX_IDS_PER_FRAME),
    unclaimed: of === 'held' ? onlyTheirs.slice(0, MAX_IDS_PER_FRAME) : [],
  }
  return { frame, missing: onlyOurs }
}

/** Whether a heartbeat agrees with the truth in both digests. */
export function agrees(heartbeat: HeartbeatFrame, truth: ClusterTruth, excused: ReadonlySet<string>): boolean {
  return heartbeat.held === truth.held && heartbeat.reported === reportedWithout(truth, excused)
}
