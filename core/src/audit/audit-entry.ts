import { canonicalJson, type Digest, sha256 } from '../json/canonical-json.ts'
import type { Json, JsonObject } from '../json/json.ts'
import type { EpochMs } from '../time/epoch-ms.ts'

/** What became of it: done, or refused, with the code that was answered. */
export type AuditOutcome = 'done' | 'refused' | 'failed'

/** One act as whoever did it tells it; the chain adds its place. */
export interface AuditNote {
  readonly at: EpochMs
  /** Name of the token, `hub` for what it does by itself, or the cluster of an agent. */
  readonly actor: string
  /** `freeze.create`, `override.use`, `gate.decide`. */
  readonly action: string
  /** What it was done to: `FreezePeriod/year-end`. */
  readonly subject: string
  readonly detail: JsonObject
  /** Done when absent. */
  readonly outcome?: AuditOutcome
  /** What it was before, for an edit. */
  readonly before?: JsonObject
  readonly after?: JsonObject
  /** The address that asked. */
  readonly from?: string
  /** Of the request that did it: the hub's log has it too. */
  readonly requestId?: string
  /** Digest of the rules that it was decided by. */
  readonly policyVersion?: string
}

/** A note in its place: each entry names the one before it by hash, so that none can be changed or taken out unseen. */
export interface AuditEntry extends AuditNote {
  /** 1, 2, 3 …: without gaps. */
  readonly sequence: number
  /** Hash of the entry before; {@link CHAIN_START} for the first. */
  readonly previous: Digest
  /** Of everything above. */
  readonly hash: Digest
}

/** The end of the chain: whoever keeps it elsewhere can tell later whether anything before it was cut off. */
export interface AuditHead {
  readonly sequence: number
  readonly hash: Digest
}

/** What the first entry follows. */
export const CHAIN_START: Digest = `sha256:${'0'.repeat(64)}`

export const EMPTY_HEAD: AuditHead = { sequence: 0, hash: CHAIN_START }

/** The entry that follows `head` for this note. */
export function chainEntry(head: AuditHead, note: AuditNote): AuditEntry {
  const { at, actor, action, subject, detail, outcome, before, after, from, requestId, policyVersion } = note
  // Built member by member: what a caller hands in besides must not become part of what is hashed.
  const entry = {
    ...{ sequence: head.sequence + 1, previous: head.hash, at, actor, action, subject, detail },
    ...(outcome !== undefined && { outcome }),
    ...(before !== undefined && { before }),
    ...(after !== undefined && { after }),
    ...(from !== undefined && { from }),
    ...(requestId !== undefined && { requestId }),
    ...(policyVersion !== undefined && { policyVersion }),
  }
  return { ...entry, hash: hashOfEntry(entry) }
}

/** SHA-256 of the entry as canonical JSON, its own hash left out. */
export function hashOfEntry(entry: Omit<AuditEntry, 'hash'>): Digest {
  const { hash: _, ...hashed } = entry as AuditEntry
  return sha256(canonicalJson(hashed as unknown as Json))
}
