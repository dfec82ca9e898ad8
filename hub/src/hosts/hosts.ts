import { canonicalJson } from '@flotilla/core/json/canonical-json'
import type { Json } from '@flotilla/core/json/json'
import { stringifyJson } from '@flotilla/core/json/stringify-json'
import type { Clock, Timer } from '@flotilla/core/ports/clock'
import type { Log } from '@flotilla/core/ports/log'
import type { Random } from '@flotilla/core/ports/random'
import { HOSTS_DISABLED, type HostPolicy, hostRefusal } from '@flotilla/generators/host-policy'
import type { HostedRequest, InputAnswer } from '@flotilla/generators/inputs'
import type { HostedInputs } from '../loop/services.ts'
import { type GitHostRequest, GitHosts, isGitHostRequest } from './ask-host.ts'
import { HostApis, type HostLimits } from './host-api.ts'
import { HostError } from './host-error.ts'
import { type SecretSettings, secretRefusal, secretsNamed } from './host-secrets.ts'
import { type HostedEntry, isSettled, PENDING, untilNextLookMs } from './hosted-entry.ts'
import type { HttpClient } from './http-client.ts'

/** What hub.yaml says of Git hosts. */
export interface HostSettings extends HostPolicy, SecretSettings {}

/** Answers what is not a Git host's; throws HostError for what the world says. */
export type Asker<Request> = (request: Request, signal: AbortSignal) => Promise<InputAnswer>

type OtherRequest = Exclude<HostedRequest, GitHostRequest>

export interface HostsParts {
  /** Without it nothing is asked over the network. */
  readonly http?: HttpClient
  readonly clock: Clock
  readonly random: Random
  readonly log: Log
  readonly settings: HostSettings
  readonly limits?: Partial<HostLimits>
  /** Plugins and resources that decide on clusters. */
  readonly others?: { readonly [Kind in OtherRequest['kind']]?: Asker<Extract<OtherRequest, { kind: Kind }>> }
  /** What these readers were answered is not the newest answer any more. */
  changed(readers: readonly string[]): void
}

const DEFAULT_REFRESH_MS = 30 * 60_000
/** The loop is held up no longer than this by a host that is slow; the answer comes later then. */
const PATIENCE_MS = 5_000
/** A set that reads a thousand answers is told of those of one second at once. */
const TELLING_MS = 1_000

/**
 * What services over the network say, asked once for all sets: an answer is kept, looked at again when it is due or when
 * a webhook says so, and told to those who read it only when it is another one.
 *
 * A failure is answered as a failure, so that the set keeps what it had and says why; the next look comes with growing
 * distance, or when the host said. Answers live in memory: what a restart loses is asked again, and sets keep what is
 * stored of them until then.
 */
export class Hosts implements HostedInputs {
  readonly #parts: HostsParts
  readonly #hosts: GitHosts | undefined
  readonly #entries = new Map<string, HostedEntry>()
  readonly #keysOfReader = new Map<string, ReadonlySet<string>>()
  readonly #ending = new AbortController()
  /** Readers that are about to be told. */
  readonly #news = new Set<string>()
  #telling: Timer | undefined

  constructor(parts: HostsParts) {
    this.#parts = parts
    const { http, clock, limits, settings } = parts
    if (http !== undefined) this.#hosts = new GitHosts(new HostApis({ http, clock, limits }), clock, settings)
  }

  /** Which hosts documents may name, for `expand`. */
  get policy(): HostPolicy {
    return this.#parts.settings
  }

  /** The same answers for who only looks once: previews. */
  readOnly(): HostedInputs {
    return { policy: this.policy, answer: request => this.answer(request) }
  }

  /**
   * The newest answer; of a host that is slow, that it has not answered yet, and `changed` when it has.
   *
   * @param reader Who is told when the answer is another one: a key of the loop's queue. Nobody waits for as long as it
   *   takes.
   */
  async answer(request: HostedRequest, reader?: string): Promise<InputAnswer> {
    const refusal = this.#refusal(request)
    if (refusal !== undefined) return refusal
    const key = keyOf(request)
    const entry = this.#entries.get(key) ?? this.#open(key, request)
    if (reader !== undefined && !entry.readers.has(reader)) entry.readers.set(reader, DEFAULT_REFRESH_MS)
    if (entry.answer === undefined) await this.#firstAnswer(key, entry, reader === undefined ? undefined : PATIENCE_MS)
    const answer = entry.answer ?? stillAsking(request)
    entry.served = entry.answer === undefined ? PENDING : entry.print
    return answer
  }

  /** From now on `reader` reads these and nothing else, and wants them looked at every `refreshMs` (0: never by time). */
  reads(reader: string, requests: readonly HostedRequest[], refreshMs: number): void {
    const keys = new Set(requests.map(keyOf))
    for (const key of this.#keysOfReader.get(reader) ?? []) {
      if (!keys.has(key)) this.#release(key, reader)
    }
    if (keys.size === 0) this.#keysOfReader.delete(reader)
    else this.#keysOfReader.set(reader, keys)
    for (const key of keys) {
      const entry = this.#entries.get(key)
      if (entry === undefined) continue
      if (entry.readers.get(reader) === refreshMs && entry.timer !== undefined) continue
      entry.readers.set(reader, refreshMs)
      if (entry.running === undefined) this.#schedule(key, entry)
    }
  }

  /** Looks again at every answer that is concerned, now: a webhook said that something happened there. */
  invalidate(concerned: (request: HostedRequest) => boolean): void {
    for (const [key, entry] of this.#entries) {
      if (isSettled(entry) || !concerned(entry.request)) continue
      if (entry.running === undefined) void this.#ask(key, entry)
      else entry.again = true
    }
  }

  /** Ends what is being asked. */
  stop(): void {
    this.#ending.abort(new Error('the hub is stopping'))
    for (const { timer } of this.#entries.values()) timer?.cancel()
    this.#telling?.cancel()
    this.#entries.clear()
  }

  /** What is remembered, for tests and metrics. */
  get size(): number {
    return this.#entries.size
  }

  /** Who asks is checked each time: the answer that is kept may have been given to somebody else. */
  #refusal(request: HostedRequest): InputAnswer | undefined {
    if (!isGitHostRequest(request)) return undefined
    const { settings } = this.#parts
    const failed = (code: string, message: string): InputAnswer => ({ kind: 'failed', code, message, retry: false })
    if (!settings.enabled) return failed('HOST_FORBIDDEN', HOSTS_DISABLED)
    const { api } = request.config
    const forbidden = hostRefusal(settings, typeof api === 'string' ? api : '', request.trust)
    if (forbidden !== undefined) return failed('HOST_FORBIDDEN', forbidden)
    for (const name of credentialsOf(request)) {
      const refused = secretRefusal(name, request, settings.secrets)
      if (refused !== undefined) return failed('HOST_SECRET_FORBIDDEN', refused)
    }
    return undefined
  }

  #open(key: string, request: HostedRequest): HostedEntry {
    const entry: HostedEntry = {
      request,
      readers: new Map(),
      answer: undefined,
      print: PENDING,
      served: undefined,
      failures: 0,
      running: undefined,
      startedAt: 0,
      again: false,
      timer: undefined,
    }
    this.#entries.set(key, entry)
    return entry
  }

  #release(key: string, reader: string): void {
    const entry = this.#entries.get(key)
    if (entry === undefined) return
    entry.readers.delete(reader)
    if (entry.readers.size === 0 && entry.running === undefined) this.#forget(key, entry)
  }

  #forget(key: string, entry: HostedEntry): void {
    entry.timer?.cancel()
    this.#entries.delete(key)
  }

  async #firstAnswer(key: string, entry: HostedEntry, patienceMs: number | undefined): Promise<void> {
    const { clock } = this.#parts
    const running = entry.running ?? this.#ask(key, entry)
    if (patienceMs === undefined) return await running
    const patience = entry.startedAt + patienceMs - clock.monotonicMs()
    if (patience <= 0) return
    let timer: Timer | undefined
    await Promise.race([
      running,
      new Promise<void>(resolve => {
        timer = clock.setTimer(patience, resolve)
      }),
    ])
    timer?.cancel()
  }

  #ask(key: string, entry: HostedEntry): Promise<void> {
    entry.timer?.cancel()
    entry.timer = undefined
    entry.again = false
    entry.startedAt = this.#parts.clock.monotonicMs()
    const running = this.#fetch(entry.request).then(outcome => {
      entry.running = undefined
      if (this.#entries.get(key) === entry && !this.#ending.signal.aborted) this.#take(key, entry, outcome)
    })
    entry.running = running
    return running
  }

  /** Never rejects: whatever goes wrong is an answer. */
  async #fetch(request: HostedRequest): Promise<Outcome> {
    try {
      return { answer: await this.#answerOf(request) }
    } catch (error) {
      if (error instanceof HostError) {
        const { code, message, retry, notBefore } = error
        return { answer: { kind: 'failed', code, message, retry }, notBefore }
      }
      if (!this.#ending.signal.aborted)
        this.#parts.log.error('a host could not be asked', { kind: request.kind, error })
      return { answer: { kind: 'failed', code: 'HOST_FAILED', message: `${request.kind} failed`, retry: true } }
    }
  }

  async #answerOf(request: HostedRequest): Promise<InputAnswer> {
    const { signal } = this.#ending
    if (isGitHostRequest(request)) {
      if (this.#hosts === undefined) throw unavailable(request)
      return await this.#hosts.ask(request, signal)
    }
    const { others = {} } = this.#parts
    const asked = request.kind === 'plugin' ? others.plugin?.(request, signal) : undefined
    const decided = request.kind === 'decision-resources' ? others[request.kind]?.(request, signal) : undefined
    const answering = asked ?? decided
    if (answering === undefined) throw unavailable(request)
    return await answering
  }

  #take(key: string, entry: HostedEntry, { answer, notBefore }: Outcome): void {
    const { log } = this.#parts
    const failed = answer.kind === 'failed'
    const print = stringifyJson(answer as unknown as Json)
    if (failed && print !== entry.print) {
      log.warn('a host gave no answer', { kind: entry.request.kind, code: answer.code, reason: answer.message })
    }
    entry.failures = failed ? entry.failures + 1 : 0
    entry.answer = answer
    entry.print = print
    this.#schedule(key, entry, notBefore)
    if (entry.served !== undefined && entry.served !== print) this.#tell(entry.readers.keys())
  }

  #tell(readers: Iterable<string>): void {
    const { clock, changed } = this.#parts
    for (const reader of readers) this.#news.add(reader)
    if (this.#news.size === 0) return
    this.#telling ??= clock.setTimer(TELLING_MS, () => {
      this.#telling = undefined
      const told = [...this.#news]
      this.#news.clear()
      changed(told)
    })
  }

  #schedule(key: string, entry: HostedEntry, notBefore?: number): void {
    const { clock, random } = this.#parts
    entry.timer?.cancel()
    const wait = entry.again ? 0 : untilNextLookMs(entry, notBefore, clock.now(), random.fraction())
    if (wait === undefined) {
      entry.timer = undefined
      return
    }
    entry.timer = clock.setTimer(wait, () => {
      if (entry.readers.size === 0) this.#forget(key, entry)
      else void this.#ask(key, entry)
    })
  }
}

interface Outcome {
  readonly answer: InputAnswer
  readonly notBefore?: number
}

/** AWS CodeCommit is asked as the hub itself, which is granted like a Secret. */
const HUB_ON_AWS = 'aws'

/** Names of the credentials that a request spends, by which they are granted to projects. */
function credentialsOf({ provider, config }: GitHostRequest): readonly string[] {
  return [...secretsNamed(config), ...(provider === 'awsCodeCommit' ? [HUB_ON_AWS] : [])]
}

/** Equal questions have one key, whoever asks: whether one may ask is decided before. */
function keyOf(request: HostedRequest): string {
  if (!isGitHostRequest(request)) return canonicalJson(request as unknown as Json)
  const { project: _project, trust: _trust, ...question } = request
  return canonicalJson(question as unknown as Json)
}

function stillAsking({ kind }: HostedRequest): InputAnswer {
  return { kind: 'failed', code: 'HOST_PENDING', message: `${kind}: the host has not answered yet`, retry: true }
}

function unavailable({ kind }: HostedRequest): HostError {
  const message = `${kind}: this hub asks no services over the network`
  return new HostError('INPUT_UNAVAILABLE', message, { retry: false })
}
