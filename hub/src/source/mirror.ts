import { join } from 'node:path'
import type { Clock } from '@flotilla/core/ports/clock'
import { type GitBackend, type GitCredentials, GitError, type GitRepository } from '@flotilla/core/ports/git'
import type { Log } from '@flotilla/core/ports/log'
import type { Random } from '@flotilla/core/ports/random'
import type { EpochMs } from '@flotilla/core/time/epoch-ms'
import { type Stages, through } from '../telemetry/stages.ts'
import { backOffMs, FETCH_BACK_OFF, jitteredMs } from './back-off.ts'
import { CachedRepository, type ReadCounters } from './cached-repository.ts'
import { mirrorFolder, normalisedUrl, withoutCredentials } from './git/repository-url.ts'
import { Limiter } from './limiter.ts'
import { type MirrorRecords, mirrorRecordFiles } from './mirror-record.ts'

export interface MirrorsOptions {
  /** The hub's data folder; mirrors lie in `repositories/` below it. */
  readonly dataDirectory: string
  /** Which backend reads a URL. @throws GitError `URL_UNSUPPORTED` */
  backendFor(url: string): GitBackend
  credentialsFor?(url: string): Promise<GitCredentials | undefined>
  /** How often to look for new commits. Default three minutes. */
  pollIntervalMs?(url: string): number
  readonly clock: Clock
  readonly random: Random
  readonly log: Log
  /** Default: a file in each mirror's folder. */
  readonly records?: MirrorRecords
  /** Fetches at the same time, of all repositories. Default 4. */
  readonly maxFetches?: number
  /** Who watches fetches, and how long they take. */
  readonly stages?: Stages | undefined
}

export interface FetchFailure {
  readonly code: string
  readonly message: string
  /** When the first of the failures in a row happened. */
  readonly since: EpochMs
  readonly retry: boolean
}

/** One repository as people see it: how fresh, what is wrong, when next. */
export interface MirrorStatus {
  /** Without credentials. */
  readonly url: string
  readonly fetchedAt?: EpochMs
  readonly failure?: FetchFailure
  readonly fetching: boolean
  /** When the next poll is due; absent before the first. */
  readonly nextFetchAt?: EpochMs
}

interface Entry {
  readonly url: string
  readonly folder: string
  opened?: Promise<CachedRepository>
  repository?: CachedRepository
  fetchedAt?: EpochMs
  failure?: FetchFailure
  failures: number
  nextFetchAt?: EpochMs
  /** The fetch that is talking to the server; what happens after its start it may not see. */
  running?: Promise<void>
  /** The fetch that begins after it. */
  queued?: Promise<void>
}

const DEFAULT_INTERVAL_MS = 3 * 60_000

/**
 * One mirror a repository, fetched once however many Applications read it, whatever the spelling of its URL. When the
 * server is away the last good fetch stays readable, with its age and the reason beside it.
 */
export class RepositoryMirrors {
  readonly #options: MirrorsOptions
  readonly #records: MirrorRecords
  readonly #entries = new Map<string, Entry>()
  readonly #limiter: Limiter
  readonly #stopping = new AbortController()

  constructor(options: MirrorsOptions) {
    this.#options = options
    this.#records = options.records ?? mirrorRecordFiles
    this.#limiter = new Limiter(options.maxFetches ?? 4)
  }

  /** The mirror as of its last successful fetch, before a restart too; undefined when it was never reached. */
  async open(url: string): Promise<GitRepository | undefined> {
    const entry = this.#entryOf(url)
    if (!entry) return undefined
    try {
      const repository = await this.#opened(entry)
      return entry.fetchedAt === undefined ? undefined : repository
    } catch (error) {
      entry.failure ??= this.#failureOf(entry, error)
      return undefined
    }
  }

  /**
   * Fetches now; resolves when it has been tried, whatever came of it. Calls before the fetch begins share it; calls
   * while it runs share the next one, because this one may have asked before what they want to see was pushed.
   */
  refresh(url: string): Promise<void> {
    const entry = this.#entryOf(url)
    if (!entry || this.#stopping.signal.aborted) return Promise.resolve()
    entry.queued ??= (entry.running ?? Promise.resolve()).then(() => this.#limiter.run(() => this.#start(entry)))
    return entry.queued
  }

  /** Why the last fetch failed, while that is so. */
  failure(url: string): FetchFailure | undefined {
    try {
      return this.#entries.get(normalisedUrl(url))?.failure
    } catch (error) {
      return this.#unusable(error)
    }
  }

  status(url: string): MirrorStatus | undefined {
    const entry = this.#entryOf(url)
    return entry && statusOf(entry)
  }

  /** Every repository asked for so far, by URL. */
  list(): readonly MirrorStatus[] {
    return [...this.#entries.values()].map(statusOf).sort((a, b) => (a.url < b.url ? -1 : 1))
  }

  /** Whether a poll is due: never fetched, or its interval or back-off is over; not while one runs. */
  isDue(url: string): boolean {
    const entry = this.#entryOf(url)
    if (!entry || entry.running || entry.queued) return false
    return entry.nextFetchAt === undefined || entry.nextFetchAt <= this.#options.clock.now()
  }

  /** Git objects really read, and fetches begun, since the start. */
  get counters(): Readonly<ReadCounters> {
    const sum: ReadCounters = { fetches: 0, treesRead: 0, blobsRead: 0, commitsRead: 0 }
    for (const { repository } of this.#entries.values()) {
      if (!repository) continue
      for (const name of Object.keys(sum) as (keyof ReadCounters)[]) sum[name] += repository.counters[name]
    }
    return sum
  }

  /** Closes the mirrors of repositories that nothing names any more; what they hold on disk serves if one returns. */
  async retain(urls: Iterable<string>): Promise<void> {
    const kept = new Set([...urls].map(url => this.#entryOf(url)))
    for (const [key, entry] of this.#entries) {
      if (kept.has(entry) || entry.running || entry.queued) continue
      this.#entries.delete(key)
      await entry.opened?.catch(() => undefined)
      await entry.repository?.close()
    }
  }

  /** Stops fetches under way and closes every mirror. */
  async close(): Promise<void> {
    this.#stopping.abort(new Error('the hub is stopping'))
    for (const entry of this.#entries.values()) {
      await Promise.allSettled([entry.running, entry.queued, entry.opened])
      await entry.repository?.close()
    }
  }

  #entryOf(url: string): Entry | undefined {
    let key: string
    try {
      key = normalisedUrl(url)
    } catch (error) {
      this.#unusable(error)
      return undefined
    }
    const known = this.#entries.get(key)
    if (known) return known
    const folder = join(this.#options.dataDirectory, 'repositories', mirrorFolder(url))
    const made: Entry = { url, folder, failures: 0 }
    this.#entries.set(key, made)
    return made
  }

  /** A URL that no backend can read has no mirror, and a lasting reason. */
  #unusable(error: unknown): FetchFailure {
    if (!(error instanceof GitError)) throw error
    return { code: error.code, message: error.message, since: this.#options.clock.now(), retry: false }
  }

  #opened(entry: Entry): Promise<CachedRepository> {
    entry.opened ??= this.#open(entry).catch(error => {
      entry.opened = undefined
      throw error
    })
    return entry.opened
  }

  async #open(entry: Entry): Promise<CachedRepository> {
    const credentials = await this.#options.credentialsFor?.(entry.url)
    const backend = this.#options.backendFor(entry.url)
    const repository = CachedRepository.over(await backend.open(entry.url, entry.folder, credentials))
    const record = await this.#records.read(entry.folder)
    entry.fetchedAt ??= record?.fetchedAt
    entry.repository = repository
    return repository
  }

  async #start(entry: Entry): Promise<void> {
    entry.running = entry.queued
    entry.queued = undefined
    const { clock, log, stages } = this.#options
    try {
      const repository = await this.#opened(entry)
      const facts = { repository: withoutCredentials(entry.url) }
      await through(stages, 'fetch', facts, () => repository.fetch(this.#stopping.signal))
      entry.fetchedAt = clock.now()
      await this.#records.write(entry.folder, { fetchedAt: entry.fetchedAt })
      if (entry.failure) log.info('repository answers again', { repository: withoutCredentials(entry.url) })
      entry.failure = undefined
      entry.failures = 0
      this.#schedule(entry)
    } catch (error) {
      if (!this.#stopping.signal.aborted) this.#noteFailure(entry, error)
    } finally {
      entry.running = undefined
    }
  }

  #noteFailure(entry: Entry, error: unknown): void {
    const failure = this.#failureOf(entry, error)
    const { code, message } = failure
    if (entry.failures === 0 || entry.failure?.code !== code) {
      const repository = withoutCredentials(entry.url)
      this.#options.log.warn('repository cannot be fetched', { repository, code, error: message })
    }
    entry.failures++
    entry.failure = failure
    this.#schedule(entry)
  }

  #failureOf(entry: Entry, error: unknown): FetchFailure {
    return { ...describe(entry.url, error), since: entry.failure?.since ?? this.#options.clock.now() }
  }

  #schedule(entry: Entry): void {
    const { clock, random, pollIntervalMs } = this.#options
    const interval = jitteredMs(pollIntervalMs?.(entry.url) ?? DEFAULT_INTERVAL_MS, random.fraction())
    const wait = entry.failures === 0 ? 0 : backOffMs(entry.failures, random.fraction(), FETCH_BACK_OFF)
    // A failure that only a person can mend is not asked about more often than a repository that works.
    const delay = entry.failure === undefined ? interval : entry.failure.retry ? wait : Math.max(wait, interval)
    entry.nextFetchAt = clock.now() + delay
  }
}

function statusOf({ url, fetchedAt, failure, running, nextFetchAt }: Entry): MirrorStatus {
  return {
    url: withoutCredentials(url),
    ...(fetchedAt === undefined ? {} : { fetchedAt }),
    ...(failure === undefined ? {} : { failure }),
    fetching: running !== undefined,
    ...(nextFetchAt === undefined ? {} : { nextFetchAt }),
  }
}

function describe(
  url: string,
  error: unknown,
): { readonly code: string; readonly message: string; readonly retry: boolean } {
  if (error instanceof GitError) {
    // Whatever a backend or a server quotes, credentials inside a URL go no further.
    const message = error.message.replace(/([a-z][a-z0-9+.-]*:\/\/)[^/@\s]*@/gi, '$1')
    return { code: error.code, message, retry: error.retry }
  }
  const { code = 'unknown error' } = error as { readonly code?: string }
  const message = `${withoutCredentials(url)}: the mirror cannot be kept (${code})`
  return { code: 'REPOSITORY_UNREACHABLE', message, retry: true }
}
