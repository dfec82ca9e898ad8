import * as v from 'valibot'
import { canonicalJson, type Digest } from '../json/canonical-json.ts'
import { isJsonObject, type Json, type JsonObject } from '../json/json.ts'
import { HEALTH_STATUSES } from '../model/status.ts'
import { MOST_NAMED_ORPHANS } from '../orphans/orphan-report.ts'
import { HOOK_PHASES } from '../plan/read-hook.ts'
import { DELIVERY_TOOLS } from '../plan/tracking.ts'
import { MOST_LOG_BYTES } from '../sync/hook-log.ts'
import type { EpochMs } from '../time/epoch-ms.ts'
import { parseBoundedJsonBytes } from './bounded-json.ts'
import type { ReportEntry } from './report.ts'
import { reportHash } from './reported-digest.ts'
import { agentText, count, type Decoded, decode, digest, documentNumber, epochMs, id, listOf } from './schema.ts'

/** Entries in one batch of reports. */
export const MAX_REPORT_ENTRIES = 200
/** Bytes of one batch, inflated. */
export const MAX_REPORT_BYTES = 1024 * 1024
/** Objects and results listed in one entry; the rest is counted in `objectsCut` and `resultsCut`. */
export const MAX_LISTED_OBJECTS = 1000

const name = agentText(253)
const message = v.exactOptional(agentText(2048))
const key = v.object({ group: name, kind: name, namespace: name, name })
const healthStatus = v.picklist(HEALTH_STATUSES)
const syncStatus = v.picklist(['Synced', 'OutOfSync', 'Unknown'])

const hookLog = v.object({
  pod: name,
  container: name,
  reason: v.exactOptional(name),
  exitCode: v.exactOptional(v.pipe(v.number(), v.safeInteger())),
  message: v.exactOptional(agentText(4096)),
  text: agentText(MOST_LOG_BYTES),
  cut: v.boolean(),
  note: v.exactOptional(agentText(1024)),
})

const result = v.object({
  key,
  wave: v.pipe(v.number(), v.safeInteger()),
  phase: v.picklist(HOOK_PHASES),
  outcome: v.picklist(['created', 'configured', 'unchanged', 'pruned', 'skipped', 'failed', 'pending']),
  hook: v.exactOptional(v.picklist(['Pending', 'Running', 'Succeeded', 'Failed', 'Error'])),
  message,
  log: v.exactOptional(hookLog),
})

const stalled = v.object({
  since: epochMs,
  blocking: listOf(v.object({ key, message: agentText(2048) }), 20),
})

const operation = v.object({
  id,
  trigger: v.picklist(['automated', 'manual', 'override', 'delete', 'heal']),
  by: name,
  phase: v.picklist(['Running', 'Paused', 'Terminating', 'Succeeded', 'Failed', 'Error']),
  message: agentText(4096),
  digest,
  revision: name,
  startedAt: epochMs,
  finishedAt: v.exactOptional(epochMs),
  resumesAt: v.exactOptional(epochMs),
  attempts: v.exactOptional(count),
  retryAt: v.exactOptional(epochMs),
  stalled: v.exactOptional(stalled),
  terminatedBy: v.exactOptional(name),
  results: listOf(result, MAX_LISTED_OBJECTS),
  resultsCut: count,
})

const objectState = v.object({
  key,
  version: name,
  sync: syncStatus,
  reason: v.exactOptional(
    v.picklist(['Modified', 'Missing', 'Extra', 'NotPermitted', 'OwnedByOther', 'DiffUnavailable', 'DiffUnauthorised']),
  ),
  health: v.exactOptional(healthStatus),
  message,
})

const orphans = v.object({
  warn: v.boolean(),
  count,
  more: v.exactOptional(v.literal(true)),
  objects: listOf(key, MOST_NAMED_ORPHANS),
  unseenKinds: count,
})

export const entrySchema = v.object({
  application: id,
  inc: count,
  n: count,
  gone: v.boolean(),
  document: v.exactOptional(documentNumber),
  held: v.exactOptional(digest),
  lastSucceeded: v.exactOptional(digest),
  sync: v.object({ status: syncStatus, message }),
  health: v.object({ status: healthStatus, message, since: epochMs }),
  operation: v.exactOptional(operation),
  objects: listOf(objectState, MAX_LISTED_OBJECTS),
  objectsCut: count,
  objectCount: count,
  heldPrunes: v.exactOptional(v.object({ count, digest, reason: agentText(1024) })),
  adoptions: v.exactOptional(listOf(v.object({ tool: v.picklist(DELIVERY_TOOLS), count }), DELIVERY_TOOLS.length)),
  orphans: v.exactOptional(orphans),
  images: listOf(agentText(1024), 1000),
  inventory: v.exactOptional(digest),
  observedAt: epochMs,
})

/** One entry as the hub keeps it, with the hash of what was sent. */
export interface ReceivedEntry {
  readonly entry: ReportEntry
  readonly hash: Digest
}

/**
 * Reads a batch of reports. One entry that cannot be read refuses the batch: agents are ours, and half a truth would
 * never agree with a digest. Times later than `now` become `now`. Never throws.
 */
export function decodeReportBatch(body: Uint8Array, now: EpochMs): Decoded<readonly ReceivedEntry[]> {
  const raw = parseBoundedJsonBytes(body, MAX_REPORT_BYTES)
  const list = isJsonObject(raw) ? raw['entries'] : undefined
  if (!Array.isArray(list) || list.length > MAX_REPORT_ENTRIES) {
    return { kind: 'refused', code: 'MALFORMED', message: `entries must be a list of at most ${MAX_REPORT_ENTRIES}` }
  }
  const entries: ReceivedEntry[] = []
  for (const sent of list as readonly Json[]) {
    const decoded = decode(entrySchema, sent)
    if (decoded.kind === 'refused') return decoded
    entries.push({ entry: clamped(decoded.value, now), hash: reportHash(sent) })
  }
  return { kind: 'decoded', value: entries }
}

/** The bodies of as many requests as these entries need, each within the limits, in the order given. */
export function reportBatches(entries: readonly ReportEntry[]): readonly (readonly ReportEntry[])[] {
  const batches: ReportEntry[][] = []
  let bytes = 0
  for (const entry of entries) {
    const size = Buffer.byteLength(canonicalJson(entry as unknown as Json)) + 1
    const last = batches.at(-1)
    if (last && last.length < MAX_REPORT_ENTRIES && bytes + size <= MAX_REPORT_BYTES - 64) {
      last.push(entry)
      bytes += size
    } else {
      batches.push([entry])
      bytes = size
    }
  }
  return batches
}

export function encodeReportBatch(entries: readonly ReportEntry[]): Uint8Array {
  return Buffer.from(canonicalJson({ entries: entries as unknown as readonly JsonObject[] }))
}

/**
 * An entry that one batch can hold: its lists are halved, the newest objects first, until it fits, and say by how much
 * they were cut.
 */
export function fitEntry(entry: ReportEntry, maxBytes = MAX_REPORT_BYTES / 4): ReportEntry {
  let fitted = cutLists(entry, MAX_LISTED_OBJECTS)
  let limit = MAX_LISTED_OBJECTS
  while (limit > 0 && Buffer.byteLength(canonicalJson(fitted as unknown as Json)) > maxBytes) {
    limit = Math.floor(limit / 2)
    fitted = cutLists(entry, limit)
  }
  return fitted
}

function cutLists(entry: ReportEntry, limit: number): ReportEntry {
  const { operation } = entry
  return {
    ...entry,
    images: entry.images.slice(0, limit),
    objects: entry.objects.slice(0, limit),
    objectsCut: entry.objectsCut + Math.max(0, entry.objects.length - limit),
    ...(operation && {
      operation: {
        ...operation,
        results: operation.results.slice(0, limit),
        resultsCut: operation.resultsCut + Math.max(0, operation.results.length - limit),
      },
    }),
  }
}

function clamped(entry: ReportEntry, now: EpochMs): ReportEntry {
  const { operation } = entry
  return {
    ...entry,
    observedAt: Math.min(entry.observedAt, now),
    health: { ...entry.health, since: Math.min(entry.health.since, now) },
    ...(operation && {
      operation: {
        ...operation,
        startedAt: Math.min(operation.startedAt, now),
        ...(operation.finishedAt !== undefined && { finishedAt: Math.min(operation.finishedAt, now) }),
        ...(operation.stalled && {
          stalled: { ...operation.stalled, since: Math.min(operation.stalled.since, now) },
        }),
      },
    }),
  }
}

/** The answer to a batch, after a durable commit. Every id of the batch is in exactly one list. */
export interface ReportsAnswer {
  readonly taken: readonly string[]
  /** The hub has this entry or a newer one already. */
  readonly known: readonly string[]
  /** No Application of this cluster: sending it again would change nothing. */
  readonly ignored: readonly string[]
}

export const reportsAnswer = v.object({
  taken: listOf(id, MAX_REPORT_ENTRIES),
  known: listOf(id, MAX_REPORT_ENTRIES),
  ignored: listOf(id, MAX_REPORT_ENTRIES),
})

export function decodeReportsAnswer(body: Uint8Array): Decoded<ReportsAnswer> {
  return decode(reportsAnswer, parseBoundedJsonBytes(body, MAX_REPORT_BYTES))
}
