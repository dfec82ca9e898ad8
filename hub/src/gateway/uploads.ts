import type { Clock } from '@flotilla/core/ports/clock'
import type { HubResponse } from '@flotilla/core/ports/hub-transport'
import type { Store } from '@flotilla/core/ports/store'
import { MAX_UPLOAD_BYTES, type StreamEnd } from '@flotilla/core/protocol/stream-records'
import type { Caller } from './authenticate.ts'
import { notFound, refuse, respond } from './respond.ts'

/** Streams that people read at once, of this hub and of one of them. */
const MOST_OPEN = 64
const MOST_OF_ONE = 8
/** An agent says something every ten seconds; one that is silent for so long is gone. */
const SILENT_MS = 60_000

/** Why an upload ended; `left`: nobody reads it any more. */
export type UploadEnd = StreamEnd | 'left'

/** A stream that somebody waits for, or reads. Nothing of it is kept: it is read as fast as its reader takes it. */
export class Upload {
  readonly id: string
  /** Who asked. */
  readonly owner: string
  readonly #begun = Promise.withResolvers<AsyncIterable<Uint8Array> | undefined>()
  readonly #ended = new AbortController()
  #taken = false
  #end: UploadEnd | undefined

  constructor(id: string, owner: string) {
    this.id = id
    this.owner = owner
  }

  /** The bytes, once its agent has come; undefined when it ended before. */
  get begun(): Promise<AsyncIterable<Uint8Array> | undefined> {
    return this.#begun.promise
  }

  /** Whether its agent has come. */
  get taken(): boolean {
    return this.#taken
  }

  get end(): UploadEnd | undefined {
    return this.#end
  }

  /** Aborted as soon as it has ended. */
  get signal(): AbortSignal {
    return this.#ended.signal
  }

  /** Its agent is here; false when it was before, or nobody waits any more. */
  take(): boolean {
    if (this.#taken || this.#end !== undefined) return false
    this.#taken = true
    return true
  }

  begin(body: AsyncIterable<Uint8Array>): void {
    this.#begun.resolve(body)
  }

  /** The first reason stands. */
  finish(end: UploadEnd): void {
    if (this.#end !== undefined) return
    this.#end = end
    this.#begun.resolve(undefined)
    this.#ended.abort()
  }
}

/** The uploads that people wait for (protocol.md 8), by the id of the command that asks for each. */
export class Uploads {
  readonly #open = new Map<string, Upload>()
  readonly #lookers = new Set<() => void>()
  #stopped = false

  get count(): number {
    return this.#open.size
  }

  /** Waits for the upload of a command that is about to be given; undefined when there are too many. */
  expect(id: string, owner: string): Upload | undefined {
    const all = [...this.#open.values()]
    if (this.#stopped || all.length >= MOST_OPEN) return undefined
    if (all.filter(upload => upload.owner === owner).length >= MOST_OF_ONE) return undefined
    const upload = new Upload(id, owner)
    this.#open.set(id, upload)
    upload.signal.addEventListener('abort', () => this.#open.delete(id), { once: true })
    return upload
  }

  /** The upload of an id, for the first that asks. */
  take(id: string): Upload | undefined {
    const upload = this.#open.get(id)
    return upload?.take() ? upload : undefined
  }

  /** Calls back whenever agents have answered commands; until the returned function is called. */
  onAnswered(look: () => void): () => void {
    this.#lookers.add(look)
    return () => void this.#lookers.delete(look)
  }

  answered(): void {
    for (const look of this.#lookers) look()
  }

  stop(): void {
    this.#stopped = true
    for (const upload of [...this.#open.values()]) upload.finish('stopping')
  }
}

/** Commands that are answered by an upload. */
const STREAMED: ReadonlySet<string> = new Set(['logs', 'events', 'children'])

/** Reads the body of an upload for who waits for it; resolves with the answer to its agent. */
export type TakeUpload = (body: AsyncIterable<Uint8Array>) => Promise<HubResponse>

/**
 * Whether an agent may upload under this id, before its body is read: once, for an outstanding command of its own cluster
 * and admission, while somebody waits for it. Unknown, foreign, used and over are one answer.
 */
export async function screenUpload(
  { store, clock }: { readonly store: Store; readonly clock: Clock },
  uploads: Uploads,
  id: string,
  { cluster, claims }: Caller,
): Promise<TakeUpload | HubResponse> {
  // A hash would be of what is not there yet.
  if (claims.bh !== undefined) return refuse(401, 'UNAUTHORISED', 'the assertion of this request does not hold')
  const row = await store.read(rows => rows.command(id))
  const verb = row?.payload.action.verb
  const isTheirs = row?.clusterId === cluster.id && row.payload.adm === cluster.admission
  const isOpen = row?.state === 'open' && clock.now() < row.payload.expires
  if (!isTheirs || !isOpen || verb === undefined || !STREAMED.has(verb)) return notFound()
  const upload = uploads.take(id)
  return upload ? async body => await receive(upload, body, clock) : notFound()
}

async function receive(upload: Upload, body: AsyncIterable<Uint8Array>, clock: Clock): Promise<HubResponse> {
  const { promise: over, resolve } = Promise.withResolvers<void>()
  upload.signal.addEventListener('abort', () => resolve(), { once: true })
  upload.begin(counted(upload, body, clock))
  if (upload.end === undefined) await over
  switch (upload.end) {
    case 'complete':
      return respond(200, {})
    case 'too-large':
      return refuse(413, 'TOO_LARGE', `an upload has at most ${MAX_UPLOAD_BYTES} bytes, inflated`)
    case 'broken':
      return refuse(400, 'MALFORMED', 'that cannot be read')
    default:
      return refuse(410, 'GONE', 'nobody reads it any more')
  }
}

/** The body as far as it is wanted: within the limit, and until the upload ends for another reason. */
async function* counted(upload: Upload, body: AsyncIterable<Uint8Array>, clock: Clock): AsyncGenerator<Uint8Array> {
  const reader = body[Symbol.asyncIterator]()
  let bytes = 0
  for (;;) {
    const next = await nextUnlessOver(reader, upload, clock)
    if (next === undefined) return
    bytes += next.length
    if (bytes > MAX_UPLOAD_BYTES) return upload.finish('too-large')
    yield next
  }
}

/** The next bytes; undefined at the end, of which the upload then knows the reason. */
async function nextUnlessOver(
  reader: AsyncIterator<Uint8Array>,
  upload: Upload,
  clock: Clock,
): Promise<Uint8Array | undefined> {
  if (upload.end !== undefined) return undefined
  const silent = Promise.withResolvers<undefined>()
  const leave = (): void => silent.resolve(undefined)
  const timer = clock.setTimer(SILENT_MS, () => {
    upload.finish('broken')
    leave()
  })
  upload.signal.addEventListener('abort', leave, { once: true })
  try {
    const next = await Promise.race([reader.next(), silent.promise])
    if (next === undefined) return undefined
    if (next.done !== true) return next.value
    upload.finish('complete')
    return undefined
  } catch {
    // It broke off, or cannot be inflated: who reads is told that there was more.
    upload.finish('broken')
    return undefined
  } finally {
    timer.cancel()
    upload.signal.removeEventListener('abort', leave)
  }
}
