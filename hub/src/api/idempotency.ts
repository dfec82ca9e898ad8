import { canonicalJson, sha256 } from '@flotilla/core/json/canonical-json'
import type { Json } from '@flotilla/core/json/json'
import type { Clock } from '@flotilla/core/ports/clock'
import type { KeptAnswerRow, Store } from '@flotilla/core/ports/store'
import { jsonText } from './json-text.ts'
import { Problem } from './problem.ts'
import type { KeepAnswer, Reply } from './route.ts'

const KEPT_MS = 24 * 60 * 60_000
const KEY = /^[\x21-\x7e]{1,128}$/
/** Between two looks for answers whose time is over. */
const SWEEP_MS = 60 * 60_000
const REPLAYED = { 'Idempotency-Replayed': 'true' } as const

/** A write as it has to come again to be the same. */
export interface KeyedRequest {
  readonly principal: string
  /** The header as it came. */
  readonly key: string
  readonly requestId: string
  readonly method: string
  /** With its query. */
  readonly url: string
  readonly body: unknown
  /** Its answer holds something that is shown once and kept nowhere. */
  readonly secretAnswer: boolean
}

/**
 * Does a write once for a key: whoever sends the same again within a day is answered the same, also after a restart.
 * That it was begun is durable before it begins, so that a crash in the middle is never followed by doing it twice
 * unasked; what then became of it is not known, and said so.
 */
export class KeptAnswers {
  readonly #store: Store
  readonly #clock: Clock
  readonly #run: string
  readonly #underWay = new Map<string, { readonly request: string; readonly ended: Promise<unknown> }>()
  #sweptAt = 0

  /** @param run Names this process: what another one began has ended with it. */
  constructor(store: Store, clock: Clock, run: string) {
    this.#store = store
    this.#clock = clock
    this.#run = run
  }

  /**
   * @param work Gets a way to keep an answer with the transaction that begins it: it is what counts if the hub ends
   *   before there is another one.
   * @throws Problem `IDEMPOTENCY_KEY_INVALID`, `IDEMPOTENCY_KEY_REUSED`, `IDEMPOTENCY_UNFINISHED`,
   *   `IDEMPOTENCY_SECRET`; and what the work throws.
   */
  async once(asked: KeyedRequest, work: (keep: KeepAnswer) => Promise<Reply>): Promise<Reply> {
    const { principal, key } = asked
    if (!KEY.test(key)) throw new Problem('IDEMPOTENCY_KEY_INVALID')
    const request = sha256(canonicalJson([asked.method, asked.url, (asked.body ?? null) as Json]))
    const place = canonicalJson([principal, key])
    for (;;) {
      const other = this.#underWay.get(place)
      if (other === undefined) break
      if (other.request !== request) throw new Problem('IDEMPOTENCY_KEY_REUSED')
      // Whatever became of it: what is kept now says it, and if nothing is, this one does it.
      await other.ended
    }
    const { promise: ended, resolve } = Promise.withResolvers<void>()
    this.#underWay.set(place, { request, ended })
    try {
      return await this.#begin(asked, request, work)
    } finally {
      this.#underWay.delete(place)
      resolve()
    }
  }

  async #begin(
    asked: KeyedRequest,
    request: KeptAnswerRow['request'],
    work: (keep: KeepAnswer) => Promise<Reply>,
  ): Promise<Reply> {
    const { principal, key, requestId } = asked
    const now = this.#clock.now()
    const row = { principal, key, request, requestId, run: this.#run, expiresAt: now + KEPT_MS }
    const kept = await this.#store.write(async rows => {
      if (now - this.#sweptAt >= SWEEP_MS) {
        this.#sweptAt = now
        await rows.deleteKeptAnswers(now)
      }
      const found = await rows.keptAnswer(principal, key)
      if (found !== undefined && found.expiresAt > now) return found
      await rows.putKeptAnswer(row)
      return undefined
    })
    if (kept !== undefined) return replay(kept, request)
    let reply: Reply
    try {
      reply = await work(async (writer, begun) => {
        const answer = keptOf(begun, asked.secretAnswer)
        if (answer !== undefined) await writer.putKeptAnswer({ ...row, answer })
      })
    } catch (error) {
      // A write that throws leaves nothing behind, but for what has kept an answer: the same key may come again.
      await this.#store.write(async rows => {
        if ((await rows.keptAnswer(principal, key))?.answer === undefined) await rows.deleteKeptAnswer(principal, key)
      })
      throw error
    }
    const answer = keptOf(reply, asked.secretAnswer)
    if (answer !== undefined) await this.#store.write(rows => rows.putKeptAnswer({ ...row, answer }))
    return reply
  }
}

function keptOf(reply: Reply, secret: boolean): KeptAnswerRow['answer'] {
  if (reply.kind !== 'json') return undefined
  const { status, headers = {}, body } = reply
  return { status, headers, ...(!secret && { body: jsonText(body) }) }
}

function replay({ request, answer }: KeptAnswerRow, asked: string): Reply {
  if (request !== asked) throw new Problem('IDEMPOTENCY_KEY_REUSED')
  if (answer === undefined) throw new Problem('IDEMPOTENCY_UNFINISHED')
  const { status, headers, body } = answer
  if (body === undefined) throw new Problem('IDEMPOTENCY_SECRET')
  return { kind: 'text', status, contentType: 'application/json', body, headers: { ...headers, ...REPLAYED } }
}
