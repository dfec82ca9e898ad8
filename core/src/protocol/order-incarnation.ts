import type { EpochMs } from '../time/epoch-ms.ts'

/** How far back overtakings and other instances are remembered. */
export const CLONE_WINDOW_MS = 10 * 60_000
/** So many overtakings within the window are no accident. */
export const OVERTAKINGS_OF_A_CLONE = 3
/** Instances remembered, and shown of a clone. */
const MOST_INSTANCES = 8
/** An instance that is heard again is written down again only after so long. */
const NOTE_EVERY_MS = 60_000

/** One start of an agent that has asked for something. */
export interface Speaker {
  readonly inc: number
  readonly inst: string
  /** When it was last heard, to about a minute. */
  readonly at: EpochMs
  /** Whether it ever spoke for the cluster; absent for one that was only refused. */
  readonly spoke?: true
}

type Heard = Pick<Speaker, 'inc' | 'inst'>

/** Why two agents are taken for one cluster's clones. */
export type CloneReason = 'one-incarnation' | 'overtakings'

export interface Cloned {
  readonly since: EpochMs
  readonly why: CloneReason
  /** Every instance that took part, oldest first. */
  readonly instances: readonly Speaker[]
}

/** What the hub remembers of who spoke for a cluster. A new admission begins it anew. */
export interface SpeakingState {
  /** The highest incarnation known, and whose it is. */
  readonly incarnation: number
  readonly instance?: string
  /** Other instances heard within the window, oldest first. */
  readonly speakers?: readonly Speaker[]
  /** When an instance that had been outranked came back above the one that outranked it. */
  readonly overtakings?: readonly EpochMs[]
  readonly cloned?: Cloned
}

export type IncarnationVerdict =
  | { readonly kind: 'speaks'; readonly state: SpeakingState; readonly changed: boolean }
  /** A newer start is known: whoever holds the Lease raises above `highestInc`. */
  | {
      readonly kind: 'outranked'
      readonly highestInc: number
      readonly state: SpeakingState
      readonly changed: boolean
    }
  /** One of the clones, and not the one that speaks: raising would change nothing. */
  | { readonly kind: 'cloned'; readonly state: SpeakingState; readonly changed: boolean }

/**
 * Decides whether this start of an agent may speak (protocol.md 1): the highest incarnation speaks, and of one
 * incarnation the instance that had it first.
 *
 * A process that ends is never heard again. So a cluster counts as cloned only when an instance is heard *after*
 * another one took its place: with the same incarnation, or three times by raising above the other. Restarts, a lost
 * folder and a deleted Lease never look like that, however often they happen.
 */
export function orderIncarnation(before: SpeakingState, heard: Heard, now: EpochMs): IncarnationVerdict {
  const state = withoutOld(before, now)
  if (state.instance === undefined || heard.inst === state.instance) return ofSpeaker(state, heard, now)
  const shared = sharesIncarnation(state, heard)
  const clone = state.cloned?.instances.some(({ inst }) => inst === heard.inst) ?? false
  if (clone || shared) {
    const noted = noteSpeaker(state, heard, now)
    const next = shared ? withClone(noted.state, 'one-incarnation', heard, now) : noted.state
    return { kind: 'cloned', state: next, changed: next !== noted.state || noted.changed }
  }
  if (heard.inc <= state.incarnation) {
    return { kind: 'outranked', highestInc: state.incarnation, ...noteSpeaker(state, heard, now) }
  }
  return { kind: 'speaks', state: overtaken(state, heard, now), changed: true }
}

/** The instance that speaks, or the first one ever. */
function ofSpeaker(state: SpeakingState, heard: Heard, now: EpochMs): IncarnationVerdict {
  if (heard.inc < state.incarnation) {
    return { kind: 'outranked', highestInc: state.incarnation, state, changed: false }
  }
  const contender = state.instance !== undefined && sharesIncarnation(state, heard)
  if (contender && !state.cloned) {
    return { kind: 'speaks', state: withClone(state, 'one-incarnation', heard, now), changed: true }
  }
  if (heard.inc === state.incarnation && state.instance !== undefined) return { kind: 'speaks', state, changed: false }
  return { kind: 'speaks', state: { ...state, incarnation: heard.inc, instance: heard.inst }, changed: true }
}

/** Another instance above the one that spoke: a restart, or somebody who had been outranked and came back. */
function overtaken(state: SpeakingState, heard: Heard, now: EpochMs): SpeakingState {
  const returned = state.speakers?.some(({ inst, spoke }) => inst === heard.inst && spoke) ?? false
  const overtakings = returned ? [...(state.overtakings ?? []), now] : state.overtakings
  const left: Speaker = { inc: state.incarnation, inst: state.instance ?? '', at: now, spoke: true }
  const speakers = bounded([...(state.speakers ?? []), left])
  const next: SpeakingState = {
    ...state,
    incarnation: heard.inc,
    instance: heard.inst,
    speakers,
    ...(overtakings && { overtakings }),
  }
  const often = (overtakings?.length ?? 0) >= OVERTAKINGS_OF_A_CLONE
  if (state.cloned) return withClone(next, state.cloned.why, heard, now)
  return often ? withClone(next, 'overtakings', heard, now) : next
}

/**
 * Whether another instance used this incarnation, and the one that had it first is heard yet. That the other one is
 * heard twice says nothing: the first may be dead.
 */
function sharesIncarnation(state: SpeakingState, heard: Heard): boolean {
  const speakers = state.speakers ?? []
  const first =
    heard.inst === state.instance ||
    speakers.some(({ inc, inst, spoke }) => spoke && inc === heard.inc && inst === heard.inst)
  return first && speakers.some(({ inc, inst }) => inc === heard.inc && inst !== heard.inst)
}

function noteSpeaker(
  state: SpeakingState,
  heard: Heard,
  now: EpochMs,
): { readonly state: SpeakingState; readonly changed: boolean } {
  const speakers = state.speakers ?? []
  const known = speakers.find(({ inc, inst }) => inc === heard.inc && inst === heard.inst)
  if (known && now - known.at < NOTE_EVERY_MS) return { state, changed: false }
  const others = speakers.filter(speaker => speaker !== known)
  return { state: { ...state, speakers: bounded([...others, { ...known, ...heard, at: now }]) }, changed: true }
}

function withClone(state: SpeakingState, why: CloneReason, heard: Heard, now: EpochMs): SpeakingState {
  const seen = [...(state.cloned?.instances ?? []), ...(state.speakers ?? []), { ...heard, at: now }]
  const latest = new Map<string, Speaker>()
  for (const speaker of seen) {
    latest.delete(speaker.inst)
    latest.set(speaker.inst, speaker)
  }
  const speaks = { inc: state.incarnation, inst: state.instance ?? heard.inst, at: now }
  if (!latest.has(speaks.inst)) latest.set(speaks.inst, speaks)
  return { ...state, cloned: { since: state.cloned?.since ?? now, why, instances: bounded([...latest.values()]) } }
}

function withoutOld(state: SpeakingState, now: EpochMs): SpeakingState {
  const recent = (at: EpochMs): boolean => now - at < CLONE_WINDOW_MS
  const speakers = state.speakers?.filter(({ at }) => recent(at))
  const overtakings = state.overtakings?.filter(recent)
  const same = speakers?.length === state.speakers?.length && overtakings?.length === state.overtakings?.length
  return same ? state : { ...state, ...(speakers && { speakers }), ...(overtakings && { overtakings }) }
}

function bounded<T>(list: readonly T[]): readonly T[] {
  return list.slice(-MOST_INSTANCES)
}
