import * as v from 'valibot'
import { canonicalJson } from '../json/canonical-json.ts'
import { isJsonObject, type Json } from '../json/json.ts'
import { parseBoundedJson, parseBoundedJsonBytes } from './bounded-json.ts'
import {
  agentText,
  count,
  type Decoded,
  decode,
  digest,
  id,
  jws,
  listOf,
  nonce,
  publicKey,
  shortText,
  text,
  textMap,
} from './schema.ts'

/**
 * The text frames of the socket, both ways (protocol.md 5.3, 6 and 8). A poll carries the same frames in one POST, so
 * that nothing works on a socket alone.
 */

/** Of one frame, and of a poll's body. */
export const MAX_FRAME_BYTES = 1024 * 1024
/** Lines in one frame; more go into the next, marked `more`. */
export const MAX_LINES_PER_FRAME = 4000
/** Ids in one frame. */
export const MAX_IDS_PER_FRAME = 10_000

const numberText = v.pipe(v.string(), v.regex(/^\d{1,15}\.\d{1,15}$/, 'a number like 3.41'))
const line = v.pipe(v.string(), v.maxLength(400))
const which = v.picklist(['held', 'reported'])
const ids = listOf(id, MAX_IDS_PER_FRAME)

const hello = v.object({
  kind: v.literal('hello'),
  /** The hub's nonce, signed (`makeHelloProof`). */
  proof: jws,
  /** The highest document held, as signed: proof of how far the hub once was (5.7). */
  highest: v.exactOptional(jws),
  versions: textMap(20),
})

const heartbeat = v.object({
  kind: v.literal('heartbeat'),
  held: digest,
  reported: digest,
  /** To be answered by a pulse. */
  nonce,
  /** The agent's machine clock minus hub time, milliseconds; absent before the first pulse. */
  skewMs: v.exactOptional(v.pipe(v.number(), v.safeInteger())),
  /** The newest hub key known. */
  kid: publicKey,
  /** What is held and the hub does not name. */
  unclaimed: ids,
  /** Nothing at or below is taken on a line that holds nothing: the folder was lost, and this was noted elsewhere. */
  floor: v.exactOptional(numberText),
})

const settled = v.object({
  kind: v.literal('settled'),
  grants: listOf(
    v.object({ id, outcome: v.picklist(['started', 'refused', 'lapsed']), reason: v.exactOptional(text) }),
    1000,
  ),
})

const lines = v.object({
  kind: v.literal('lines'),
  of: which,
  lines: listOf(line, MAX_LINES_PER_FRAME),
  /** Whether further frames of the same lines follow. */
  more: v.boolean(),
})

/** What an agent saw of an object, for a command that asked. */
const commandResult = v.object({
  uid: v.exactOptional(agentText(253)),
  version: v.exactOptional(agentText(253)),
  createdAt: v.exactOptional(agentText(64)),
  replicas: v.exactOptional(count),
  health: v.exactOptional(agentText(64)),
})

const answered = v.object({
  kind: v.literal('answered'),
  commands: listOf(
    v.object({
      id,
      outcome: v.picklist(['done', 'failed', 'refused', 'lapsed', 'unknown']),
      message: agentText(2048),
      result: v.exactOptional(commandResult),
    }),
    1000,
  ),
})

export const agentFrame = v.variant('kind', [hello, heartbeat, settled, answered, lines])

/** What an agent says. */
export type AgentFrame = v.InferOutput<typeof agentFrame>
export type HelloFrame = v.InferOutput<typeof hello>
export type HeartbeatFrame = v.InferOutput<typeof heartbeat>
export type SettledFrame = v.InferOutput<typeof settled>
export type AnsweredFrame = v.InferOutput<typeof answered>
export type CommandAnswer = AnsweredFrame['commands'][number]
export type CommandResult = v.InferOutput<typeof commandResult>
export type LinesFrame = v.InferOutput<typeof lines>

export const hubFrame = v.variant('kind', [
  /** The first frame of a socket. */
  v.object({ kind: v.literal('nonce'), nonce }),
  /** The hello was believed: the connection stands. */
  v.object({
    kind: v.literal('welcome'),
    version: count,
    heartbeatMs: count,
    upTo: numberText,
    /** The newest hub key: to be fetched first, because what follows may be signed by it. */
    newest: v.exactOptional(publicKey),
  }),
  /** The agent named another key as the newest one it knows than this. */
  v.object({ kind: v.literal('keys'), newest: publicKey }),
  /** The signed answer to a heartbeat's nonce. */
  v.object({ kind: v.literal('pulse'), pulse: jws }),
  /** There are documents up to this number. A calendar that is among them comes at once: nobody waits to ask for it. */
  v.object({
    kind: v.literal('changed'),
    upTo: numberText,
    calendar: v.exactOptional(jws),
    /** No Grant and no command is open: whoever has come as far as the calendar's number has nothing to ask for. */
    nothingOpen: v.exactOptional(v.boolean()),
  }),
  /** Every Grant that is still open; repeated until settled. */
  v.object({ kind: v.literal('grants'), grants: listOf(jws, 1000) }),
  /** Every command that is still open; repeated until answered. */
  v.object({ kind: v.literal('commands'), commands: listOf(jws, 1000) }),
  /** Answers to commands that are stored for good. */
  v.object({ kind: v.literal('answered'), ids }),
  /** Outcomes that are stored for good; the agent stops repeating them. */
  v.object({ kind: v.literal('settled'), ids }),
  /** The digests differ: send your lines. */
  v.object({ kind: v.literal('ask'), of: which }),
  /** The answer to lines: what to fetch (`held`) or to send again (`reported`), and what the hub does not name. */
  v.object({ kind: v.literal('differ'), of: which, ids, unclaimed: ids }),
  /** Show what you hold, as signed: this hub may not remember all that it has issued (5.7). */
  v.object({ kind: v.literal('prove') }),
  /** Something was refused. `highestInc` is given when a newer incarnation is known. */
  v.object({
    kind: v.literal('error'),
    code: shortText,
    message: text,
    retryAfterMs: v.exactOptional(count),
    highestInc: v.exactOptional(count),
  }),
  /** The hub stops in order: come back within so many milliseconds. */
  v.object({ kind: v.literal('closing'), spreadMs: count }),
])

/** What the hub says. */
export type HubFrame = v.InferOutput<typeof hubFrame>

/** By kind: what says its kind is looked at by that kind's schema alone. */
const agentFrames = new Map(agentFrame.options.map(option => [kindOf(option), option]))
const hubFrames = new Map(hubFrame.options.map(option => [kindOf(option), option]))

function kindOf({ entries }: { readonly entries: { readonly kind: { readonly literal: string } } }): string {
  return entries.kind.literal
}

function saidKind(value: Json | undefined): string {
  const kind = isJsonObject(value) ? value['kind'] : undefined
  return typeof kind === 'string' ? kind : ''
}

/** Reads one frame of an agent. Never throws. */
export function decodeAgentFrame(message: string): Decoded<AgentFrame> {
  const value = parseBoundedJson(message, MAX_FRAME_BYTES)
  return decode(agentFrames.get(saidKind(value)) ?? agentFrame, value)
}

/** Reads one frame of the hub; a `kind` that this program does not know is refused, and said so. Never throws. */
export function decodeHubFrame(message: string): Decoded<HubFrame> {
  const value = parseBoundedJson(message, MAX_FRAME_BYTES)
  return decode(hubFrames.get(saidKind(value)) ?? hubFrame, value)
}

export function encodeFrame(frame: AgentFrame | HubFrame): string {
  return canonicalJson(frame as unknown as Json)
}

const poll = v.object({ frames: listOf(agentFrame, 100) })

/** A poll: any frames of an agent but `hello`, which is the socket's. */
export function decodePoll(body: Uint8Array): Decoded<readonly AgentFrame[]> {
  const decoded = decode(poll, parseBoundedJsonBytes(body, MAX_FRAME_BYTES))
  return decoded.kind === 'decoded' ? { kind: 'decoded', value: decoded.value.frames } : decoded
}

/** The answer to a poll, with what a welcome says. */
export interface PollAnswer {
  readonly version: number
  readonly pollMs: number
  readonly upTo: string
  readonly frames: readonly HubFrame[]
}

export const pollAnswer = v.object({ version: count, pollMs: count, upTo: numberText, frames: listOf(hubFrame, 1000) })

export function decodePollAnswer(body: Uint8Array): Decoded<PollAnswer> {
  return decode(pollAnswer, parseBoundedJsonBytes(body, 4 * MAX_FRAME_BYTES))
}

export const documentsAnswer = v.object({
  /** Compact JWS, in order of number. */
  documents: listOf(jws, 10_000),
  /** Open Grants; on the last page. */
  grants: listOf(jws, 1000),
  /** Open commands; on the last page. */
  commands: v.optional(listOf(jws, 1000), []),
  /** The number up to which this answer is complete. */
  upTo: numberText,
  more: v.boolean(),
})

/** The answer to `GET /agent/v1/documents`. */
export type DocumentsAnswer = v.InferInput<typeof documentsAnswer>

/** Of a page of documents, inflated. */
export const MAX_DOCUMENTS_BYTES = 8 * 1024 * 1024

export function decodeDocumentsAnswer(body: Uint8Array): Decoded<v.InferOutput<typeof documentsAnswer>> {
  return decode(documentsAnswer, parseBoundedJsonBytes(body, MAX_DOCUMENTS_BYTES))
}
