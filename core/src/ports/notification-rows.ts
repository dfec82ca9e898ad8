import type { JsonObject } from '../json/json.ts'
import type { EpochMs } from '../time/epoch-ms.ts'

/**
 * What a route knows of one Application or cluster for one of its triggers. It is what tells a change of state from a
 * state, so that a restart says nothing twice and misses nothing.
 */
export interface AlertRow {
  /** {@link alertId} of route, trigger and subject. */
  readonly id: string
  readonly route: string
  readonly trigger: string
  /** An Application’s or a cluster’s name. */
  readonly subject: string
  /** Since when its condition has held; of an event, when it happened. */
  readonly since: EpochMs
  /** The incident that it is part of; absent while its time (`for`) has not come. */
  readonly incident?: string
  /** Of an event, which one it was (an operation's id, a revision): the same is told once. */
  readonly mark?: string
}

/** Everything that one root cause has done to what a route tells of: one message each for its beginning and its end. */
export interface IncidentRow {
  /** UUIDv7: in order of opening. */
  readonly id: string
  readonly route: string
  readonly trigger: string
  /** What holds it together: a commit, a rule, a cluster. */
  readonly cause: JsonObject
  /** The key of `cause`: subjects with the same key belong together. */
  readonly key: string
  readonly openedAt: EpochMs
  /** When a subject last came or went. */
  readonly changedAt: EpochMs
  /** Subjects that ever were part of it. */
  readonly total: number
  /** When the last message about it was made; absent before the first. */
  readonly toldAt?: EpochMs
  /** `total` of that message. */
  readonly toldTotal?: number
  readonly resolvedAt?: EpochMs
}

/** `waiting`: to be sent at `dueAt`; `sent`: it was acknowledged; `dead`: nobody tries any more. */
export type MessageState = 'waiting' | 'sent' | 'dead'

/** One message to one target: written with the change that it tells of, sent later, as often as it takes. */
export interface MessageRow {
  /** UUIDv7; whoever gets it sees the same one at each attempt. */
  readonly id: string
  readonly route: string
  /** Name of the target in its route. */
  readonly target: string
  readonly incident: string
  readonly kind: 'firing' | 'update' | 'resolved' | 'event' | 'test'
  readonly state: MessageState
  readonly createdAt: EpochMs
  readonly dueAt: EpochMs
  /** Attempts that have failed. */
  readonly attempts: number
  /** Why the last attempt failed, without anything secret. */
  readonly error?: { readonly code: string; readonly message: string; readonly at: EpochMs }
  readonly sentAt?: EpochMs
  /** What the target gave back for it, for messages that belong to it: a thread, a message's id. */
  readonly receipt?: string
  /** What is sent, ready but for credentials. */
  readonly content: JsonObject
}

/** Names of routes and triggers hold no blank. */
export function alertId(route: string, trigger: string, subject: string): string {
  return `${route} ${trigger} ${subject}`
}
