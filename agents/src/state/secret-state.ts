import { gunzipSync, gzipSync } from 'node:zlib'
import { canonicalJson, sha256 } from '@flotilla/core/json/canonical-json'
import { isJsonObject, type JsonObject, type MutableJsonObject, setKey } from '@flotilla/core/json/json'
import { parseJson } from '@flotilla/core/json/parse-json'
import { type AgentState, AgentStateError } from '@flotilla/core/ports/agent-state'
import type { Clock } from '@flotilla/core/ports/clock'
import type { ClusterTransport } from '@flotilla/core/ports/cluster-transport'
import type { Random } from '@flotilla/core/ports/random'
import { type ChunkList, SecretChunks } from './secret-chunks.ts'

export interface SecretStateOptions {
  readonly transport: ClusterTransport
  /** The agent's own namespace. */
  readonly namespace: string
  /** Name of the pointer; default `flotilla-agent-state`. */
  readonly name?: string
  readonly random: Random
  readonly clock: Clock
}

const DEFAULT_NAME = 'flotilla-agent-state'
/** Values up to this size share buckets; larger ones have chunks of their own. */
const SMALL_BYTES = 32 * 1024
const BUCKETS = 16
const MAX_INDEX_BYTES = 900 * 1024
const MAX_SWAPS = 8
/** Chunks that nothing points at may be another process's, about to be pointed at; after an hour they are not. */
const ORPHAN_AFTER_MS = 60 * 60_000

/** What the pointer says: where each bucket and each large value is. */
interface Index {
  readonly buckets: ReadonlyMap<string, ChunkList>
  readonly values: ReadonlyMap<string, ChunkList>
}

type Wish =
  | { readonly kind: 'put'; readonly key: string; readonly value: Uint8Array }
  | { readonly kind: 'put-if-absent'; readonly key: string; readonly value: Uint8Array }
  | { readonly kind: 'delete'; readonly key: string }

interface Waiting {
  readonly wish: Wish
  readonly resolve: (value: Uint8Array | undefined) => void
  readonly reject: (error: unknown) => void
}

/**
 * What an agent keeps, as Secrets of its own namespace: no volume, and a pod on another node goes on with it. Values
 * are compressed into chunks, and one pointer names the chunks that count; it is switched by compare-and-swap on its
 * `resourceVersion`, so everything that was put together changes together and two processes cannot mix.
 *
 * @throws AgentStateError `STATE_UNAVAILABLE`, `STATE_CORRUPT`
 */
export async function openSecretState(options: SecretStateOptions): Promise<AgentState> {
  const state = new SecretState(options)
  await state.open()
  return state
}

class SecretState implements AgentState {
  readonly #name: string
  readonly #chunks: SecretChunks
  readonly #clock: Clock
  #index: Index = { buckets: new Map(), values: new Map() }
  #resourceVersion: string | undefined
  /** Small values, all of them. */
  #small: ReadonlyMap<string, Uint8Array> = new Map()
  readonly #waiting: Waiting[] = []
  #committing: Promise<void> | undefined
  /** Something may lie about that nothing points at. */
  #sweepSoon = false
  #sweptAt: number

  constructor(options: SecretStateOptions) {
    this.#name = options.name ?? DEFAULT_NAME
    this.#chunks = new SecretChunks({ ...options, name: this.#name })
    this.#clock = options.clock
    this.#sweptAt = options.clock.now()
  }

  async open(): Promise<void> {
    await this.#sweep()
  }

  async get(key: string): Promise<Uint8Array | undefined> {
    const small = this.#small.get(key)
    if (small) return Uint8Array.from(small)
    for (let attempt = 0; attempt < 3; attempt++) {
      const list = this.#index.values.get(key)
      if (!list) return undefined
      const value = await this.#chunks.read(list)
      if (value) return value
      // Another process has moved the pointer on, and what it named before is gone.
      await this.#load()
    }
    throw this.#chunks.corrupt(`the chunks of ${key} are gone`)
  }

  async put(key: string, value: Uint8Array): Promise<void> {
    await this.#commit({ kind: 'put', key, value: Uint8Array.from(value) })
  }

  async putIfAbsent(key: string, value: Uint8Array): Promise<Uint8Array> {
    const present = await this.#commit({ kind: 'put-if-absent', key, value: Uint8Array.from(value) })
    return present ?? Uint8Array.from(value)
  }

  async delete(key: string): Promise<void> {
    await this.#commit({ kind: 'delete', key })
  }

  async list(prefix: string): Promise<readonly string[]> {
    return [...this.#small.keys(), ...this.#index.values.keys()].filter(key => key.startsWith(prefix)).sort()
  }

  async close(): Promise<void> {
    await this.#committing
  }

  /** Everything that waits while a commit runs is the next commit: one pointer switched for many puts. */
  #commit(wish: Wish): Promise<Uint8Array | undefined> {
    return new Promise((resolve, reject) => {
      this.#waiting.push({ wish, resolve, reject })
      this.#beginCommits()
    })
  }

  #beginCommits(): void {
    this.#committing ??= this.#commitAll().finally(() => {
      this.#committing = undefined
      // Asked for after the last look at what waits, and before this.
      if (this.#waiting.length > 0) this.#beginCommits()
    })
  }

  async #commitAll(): Promise<void> {
    // Whoever asks in this turn is in the first commit already.
    await Promise.resolve()
    for (let batch = this.#waiting.splice(0); batch.length > 0; batch = this.#waiting.splice(0)) {
      try {
        const answers = await this.#commitBatch(batch.map(({ wish }) => wish))
        for (const [index, { resolve }] of batch.entries()) resolve(answers[index])
      } catch (error) {
        for (const { reject } of batch) reject(error)
      }
      await this.#sweepWhenDue()
    }
  }

  async #commitBatch(wishes: readonly Wish[]): Promise<readonly (Uint8Array | undefined)[]> {
    for (let attempt = 0; attempt < MAX_SWAPS; attempt++) {
      const { changes, answers } = await this.#changes(wishes)
      if (changes.size === 0 || (await this.#apply(changes))) return answers
      await this.#load()
    }
    throw this.#chunks.corrupt('another process keeps changing the state')
  }

  /** What the wishes come to over what is there now; `undefined` deletes. */
  async #changes(wishes: readonly Wish[]): Promise<{
    readonly changes: ReadonlyMap<string, Uint8Array | undefined>
    readonly answers: readonly (Uint8Array | undefined)[]
  }> {
    const changes = new Map<string, Uint8Array | undefined>()
    const answers: (Uint8Array | undefined)[] = []
    for (const wish of wishes) {
      const exists = changes.has(wish.key) ? changes.get(wish.key) !== undefined : this.#has(wish.key)
      const present = (): Promise<Uint8Array | undefined> | Uint8Array | undefined =>
        changes.has(wish.key) ? changes.get(wish.key) : this.get(wish.key)
      if (wish.kind === 'put-if-absent' && exists) {
        const value = await present()
        answers.push(value && Uint8Array.from(value))
        continue
      }
      answers.push(undefined)
      if (wish.kind === 'delete') {
        if (exists) changes.set(wish.key, undefined)
      } else if (!this.#isThere(wish.key, wish.value, changes)) changes.set(wish.key, wish.value)
    }
    return { changes, answers }
  }

  #has(key: string): boolean {
    return this.#small.has(key) || this.#index.values.has(key)
  }

  /** Whether exactly this is stored already, so that nothing needs to be written. */
  #isThere(key: string, value: Uint8Array, changes: ReadonlyMap<string, Uint8Array | undefined>): boolean {
    if (changes.has(key)) return false
    const small = this.#small.get(key)
    if (small) return Buffer.from(small).equals(value)
    return this.#index.values.get(key)?.digest === sha256(value)
  }

  /** Writes chunks and switches the pointer; false when another process has switched it. */
  async #apply(changes: ReadonlyMap<string, Uint8Array | undefined>): Promise<boolean> {
    const small = new Map(this.#small)
    const values = new Map(this.#index.values)
    const buckets = new Map(this.#index.buckets)
    const written: string[] = []
    const replaced: string[] = []
    let switching = false
    const touched = new Set<string>()
    try {
      for (const [key, value] of changes) {
        const large = values.get(key)
        if (large) replaced.push(...large.chunks)
        values.delete(key)
        if (small.delete(key)) touched.add(bucketOf(key))
        if (value === undefined) continue
        if (value.length > SMALL_BYTES) {
          const list = await this.#chunks.write(value)
          written.push(...list.chunks)
          values.set(key, list)
        } else {
          small.set(key, value)
          touched.add(bucketOf(key))
        }
      }
      for (const bucket of touched) {
        replaced.push(...(buckets.get(bucket)?.chunks ?? []))
        buckets.delete(bucket)
        const content = bucketContent(bucket, small)
        if (!content) continue
        const list = await this.#chunks.write(content)
        written.push(...list.chunks)
        buckets.set(bucket, list)
      }
      const index: Index = { buckets, values }
      switching = true
      const switched = await this.#switchPointer(index)
      switching = false
      if (switched === undefined) {
        await this.#chunks.remove(written)
        return false
      }
      this.#resourceVersion = switched
      this.#index = index
      this.#small = small
    } catch (error) {
      // When the answer to the switch was lost, the pointer may name them: then nobody knows, and the sweep finds out.
      if (switching && !isRefused(error)) this.#sweepSoon = true
      else await this.#chunks.remove(written)
      throw error
    }
    if (!(await this.#chunks.remove(replaced))) this.#sweepSoon = true
    return true
  }

  /** The new resource version; undefined when the pointer is not what we read. */
  async #switchPointer(index: Index): Promise<string | undefined> {
    const bytes = gzipSync(
      canonicalJson({ format: 1, buckets: objectOf(index.buckets), values: objectOf(index.values) }),
    )
    if (bytes.length > MAX_INDEX_BYTES) throw this.#chunks.full('there are too many values for one pointer')
    const pointer = this.#chunks.secret(this.#name, 'pointer', { index: bytes.toString('base64') })
    const exists = this.#resourceVersion !== undefined
    const metadata = {
      ...(pointer['metadata'] as JsonObject),
      ...(exists && { resourceVersion: this.#resourceVersion }),
    }
    const answer = await this.#chunks.swap(this.#name, { ...pointer, metadata }, exists)
    return answer && resourceVersionOf(answer)
  }

  async #load(): Promise<void> {
    for (let attempt = 0; attempt < 5; attempt++) {
      const pointer = await this.#chunks.get(this.#name)
      const index = pointer ? this.#readIndex(pointer) : { buckets: new Map(), values: new Map() }
      const small = await this.#readBuckets(index)
      // A bucket that is gone means that the pointer has moved on while we read.
      if (!small) continue
      this.#index = index
      this.#small = small
      this.#resourceVersion = pointer && resourceVersionOf(pointer)
      return
    }
    throw this.#chunks.corrupt('chunks that the pointer names are gone')
  }

  #readIndex(pointer: JsonObject): Index {
    const data = isJsonObject(pointer['data']) ? pointer['data']['index'] : undefined
    try {
      const inflated = gunzipSync(Buffer.from(String(data), 'base64'), { maxOutputLength: 32 * 1024 * 1024 })
      const value = parseJson(inflated.toString('utf8'))
      if (isJsonObject(value) && value['format'] === 1) {
        return { buckets: listsOf(value['buckets']), values: listsOf(value['values']) }
      }
    } catch (cause) {
      throw this.#chunks.corrupt('the pointer cannot be read', cause)
    }
    throw this.#chunks.corrupt('the pointer is of a format that is not known here')
  }

  async #readBuckets(index: Index): Promise<ReadonlyMap<string, Uint8Array> | undefined> {
    const small = new Map<string, Uint8Array>()
    for (const list of index.buckets.values()) {
      const bytes = await this.#chunks.read(list)
      if (!bytes) return undefined
      const content = parseJson(Buffer.from(bytes).toString('utf8'))
      for (const [key, value] of Object.entries(isJsonObject(content) ? content : {})) {
        small.set(key, Buffer.from(String(value), 'base64'))
      }
    }
    return small
  }

  /** What could not be removed at its time is, once it is old enough to be nobody's. */
  async #sweepWhenDue(): Promise<void> {
    if (!this.#sweepSoon || this.#clock.now() - this.#sweptAt < ORPHAN_AFTER_MS) return
    try {
      await this.#sweep()
    } catch (error) {
      // The API server is away; the next commit tries again.
      if (!(error instanceof AgentStateError)) throw error
    }
  }

  async #sweep(): Promise<void> {
    const { chunks, serverNow } = await this.#chunks.list()
    // The pointer as it is after the list: what was pointed at meanwhile is named.
    await this.#load()
    const named = new Set(
      [...this.#index.buckets.values(), ...this.#index.values.values()].flatMap(list => list.chunks),
    )
    // The API server's clock says when they were made, and ours may be hours ahead of it.
    const before = (serverNow ?? this.#clock.now()) - ORPHAN_AFTER_MS
    const unnamed = chunks.filter(({ name }) => !named.has(name))
    const orphans = unnamed.filter(({ createdAt }) => createdAt < before)
    this.#sweptAt = this.#clock.now()
    this.#sweepSoon = !(await this.#chunks.remove(orphans.map(({ name }) => name))) || orphans.length < unnamed.length
  }
}

/** The API server has answered that it does not take it: nothing was changed. */
function isRefused(error: unknown): boolean {
  return error instanceof AgentStateError && error.code === 'STATE_FULL'
}

function bucketOf(key: string): string {
  return String(Number.parseInt(sha256(key).slice(7, 15), 16) % BUCKETS)
}

/** The values of a bucket as JSON, keys in order; undefined for none. */
function bucketContent(bucket: string, small: ReadonlyMap<string, Uint8Array>): Uint8Array | undefined {
  const content: MutableJsonObject = {}
  let any = false
  for (const [key, value] of small) {
    if (bucketOf(key) !== bucket) continue
    setKey(content, key, Buffer.from(value).toString('base64'))
    any = true
  }
  return any ? Buffer.from(canonicalJson(content)) : undefined
}

function objectOf(lists: ReadonlyMap<string, ChunkList>): JsonObject {
  const object: MutableJsonObject = {}
  for (const [key, list] of lists) setKey(object, key, { chunks: list.chunks, digest: list.digest })
  return object
}

function listsOf(value: unknown): ReadonlyMap<string, ChunkList> {
  const lists = new Map<string, ChunkList>()
  for (const [key, list] of Object.entries(isJsonObject(value) ? value : {})) {
    if (!isJsonObject(list) || !Array.isArray(list['chunks']) || typeof list['digest'] !== 'string') continue
    lists.set(key, { chunks: list['chunks'].map(String), digest: list['digest'] as ChunkList['digest'] })
  }
  return lists
}

function resourceVersionOf(secret: JsonObject): string {
  const metadata = isJsonObject(secret['metadata']) ? secret['metadata'] : {}
  return String(metadata['resourceVersion'])
}
