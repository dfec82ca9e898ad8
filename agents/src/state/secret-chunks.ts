import { gunzipSync, gzipSync } from 'node:zlib'
import { type Digest, sha256 } from '@flotilla/core/json/canonical-json'
import { isJsonObject, type JsonObject } from '@flotilla/core/json/json'
import { parseJson } from '@flotilla/core/json/parse-json'
import { AgentStateError } from '@flotilla/core/ports/agent-state'
import { type ClusterTransport, ClusterUnreachable } from '@flotilla/core/ports/cluster-transport'
import type { Random } from '@flotilla/core/ports/random'

/** Bytes of one chunk, compressed: a Secret holds at most 1 MiB, and in base64, as it travels, this is less. */
export const CHUNK_BYTES = 640 * 1024
/** Marks our Secrets; `pointer` or `chunk`. */
export const STATE_LABEL = 'flotilla.dev/agent-state'
/** What a value may inflate to: far above any Bundle, far below what hurts. */
const MAX_VALUE_BYTES = 128 * 1024 * 1024
const MAX_ANSWER_BYTES = 8 * 1024 * 1024

/** Where a value is kept: the names of its chunks, in order, and what they have to give together. */
export interface ChunkList {
  readonly chunks: readonly string[]
  readonly digest: Digest
}

export interface SecretPlace {
  readonly transport: ClusterTransport
  readonly namespace: string
  /** Name of the pointer, and beginning of the chunks' names. */
  readonly name: string
  readonly random: Random
}

export interface Answer {
  readonly status: number
  readonly body: JsonObject
  /** The API server's clock; undefined where it does not say. */
  readonly serverNow: number | undefined
}

/** Secrets of one namespace, and values cut into them. */
export class SecretChunks {
  readonly #place: SecretPlace

  constructor(place: SecretPlace) {
    this.#place = place
  }

  /** Writes a value, compressed and cut; nothing points at the chunks yet. */
  async write(value: Uint8Array): Promise<ChunkList> {
    const compressed = gzipSync(value)
    const chunks: string[] = []
    for (let from = 0; from === 0 || from < compressed.length; from += CHUNK_BYTES) {
      const name = `${this.#place.name}-${Buffer.from(this.#place.random.bytes(10)).toString('hex')}`
      const data = compressed.subarray(from, from + CHUNK_BYTES).toString('base64')
      await this.create(this.secret(name, 'chunk', { chunk: data }, { immutable: true }))
      chunks.push(name)
    }
    return { chunks, digest: sha256(value) }
  }

  /** Reads a value; undefined when a chunk is not there (any more). @throws AgentStateError `STATE_CORRUPT` */
  async read(list: ChunkList): Promise<Uint8Array | undefined> {
    const parts: Buffer[] = []
    for (const name of list.chunks) {
      const secret = await this.get(name)
      if (!secret) return undefined
      const data = isJsonObject(secret['data']) ? secret['data']['chunk'] : undefined
      parts.push(Buffer.from(typeof data === 'string' ? data : '', 'base64'))
    }
    let value: Buffer
    try {
      value = gunzipSync(Buffer.concat(parts), { maxOutputLength: MAX_VALUE_BYTES })
    } catch (cause) {
      throw this.corrupt('a chunk cannot be inflated', cause)
    }
    if (sha256(value) !== list.digest) throw this.corrupt('chunks do not give what was put')
    return value
  }

  /** Removes chunks that nothing points at any more; false when one could not be removed now. */
  async remove(names: readonly string[]): Promise<boolean> {
    for (const name of names) {
      try {
        const { status } = await this.#request('DELETE', `/${name}`)
        if (status >= 400 && status !== 404) return false
      } catch (error) {
        if (!(error instanceof AgentStateError)) throw error
        return false
      }
    }
    return true
  }

  async get(name: string): Promise<JsonObject | undefined> {
    const { status, body } = await this.#request('GET', `/${name}`)
    if (status === 404) return undefined
    if (status !== 200) throw this.#refused(status, body)
    return body
  }

  async create(secret: JsonObject): Promise<JsonObject> {
    const { status, body } = await this.#request('POST', '', secret)
    if (status !== 201) throw this.#refused(status, body)
    return body
  }

  /** Creates (without `resourceVersion`) or replaces; undefined when another was faster. */
  async swap(name: string, secret: JsonObject, exists: boolean): Promise<JsonObject | undefined> {
    const { status, body } = exists
      ? await this.#request('PUT', `/${name}`, secret)
      : await this.#request('POST', '', secret)
    if (status === 200 || status === 201) return body
    // A pointer that was deleted under us is as good as one that changed.
    if (status === 409 || status === 404) return undefined
    throw this.#refused(status, body)
  }

  /** Names of our chunks with the time they were made, milliseconds; their contents are not asked for. */
  async list(): Promise<{
    readonly chunks: readonly { readonly name: string; readonly createdAt: number }[]
    readonly serverNow: number | undefined
  }> {
    const chunks: { name: string; createdAt: number }[] = []
    let token = ''
    let now: number | undefined
    do {
      const selector = encodeURIComponent(`${STATE_LABEL}=chunk`)
      const page = token === '' ? '' : `&continue=${encodeURIComponent(token)}`
      const { status, body, serverNow } = await this.#request('GET', `?labelSelector=${selector}&limit=20${page}`)
      if (status !== 200) throw this.#refused(status, body)
      now ??= serverNow
      for (const item of Array.isArray(body['items']) ? body['items'] : []) {
        const metadata = isJsonObject(item) && isJsonObject(item['metadata']) ? item['metadata'] : {}
        const { name, creationTimestamp } = metadata
        if (typeof name !== 'string' || !name.startsWith(`${this.#place.name}-`)) continue
        chunks.push({ name, createdAt: Date.parse(String(creationTimestamp)) })
      }
      const metadata = isJsonObject(body['metadata']) ? body['metadata'] : {}
      token = typeof metadata['continue'] === 'string' ? metadata['continue'] : ''
    } while (token !== '')
    return { chunks, serverNow: now }
  }

  secret(name: string, role: 'pointer' | 'chunk', data: JsonObject, more: JsonObject = {}): JsonObject {
    const { namespace } = this.#place
    const labels = { [STATE_LABEL]: role, 'app.kubernetes.io/managed-by': 'flotilla-agent' }
    return {
      apiVersion: 'v1',
      kind: 'Secret',
      metadata: { name, namespace, labels },
      type: 'flotilla.dev/agent-state',
      data,
      ...more,
    }
  }

  corrupt(message: string, cause?: unknown): AgentStateError {
    return new AgentStateError('STATE_CORRUPT', this.#subject(), message, { retry: false, cause })
  }

  full(message: string): AgentStateError {
    return new AgentStateError('STATE_FULL', this.#subject(), message, { retry: false })
  }

  #subject(): string {
    return `Secret ${this.#place.namespace}/${this.#place.name}`
  }

  #refused(status: number, body: JsonObject): AgentStateError {
    const message = typeof body['message'] === 'string' ? body['message'].slice(0, 300) : ''
    const full = status === 413 || status === 422 || (status === 403 && message.includes('exceeded quota'))
    const text = `the API server answered ${status}: ${message}`
    return new AgentStateError(full ? 'STATE_FULL' : 'STATE_UNAVAILABLE', this.#subject(), text, {
      retry: status !== 422,
    })
  }

  async #request(method: 'GET' | 'POST' | 'PUT' | 'DELETE', rest: string, body?: JsonObject): Promise<Answer> {
    const { transport, namespace } = this.#place
    const manager = method === 'POST' || method === 'PUT' ? '?fieldManager=flotilla-agent' : ''
    const listing = 'application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1,application/json'
    try {
      const response = await transport.request({
        method,
        path: `/api/v1/namespaces/${namespace}/secrets${rest}${manager}`,
        headers: {
          accept: rest.startsWith('?') ? listing : 'application/json',
          ...(body && { 'content-type': 'application/json' }),
        },
        ...(body && { body: JSON.stringify(body) }),
      })
      const date = Date.parse(response.headers['date'] ?? '')
      const serverNow = Number.isNaN(date) ? undefined : date
      return { status: response.status, body: await readAnswer(response.body), serverNow }
    } catch (cause) {
      if (!(cause instanceof ClusterUnreachable)) throw cause
      throw new AgentStateError('STATE_UNAVAILABLE', this.#subject(), 'the API server cannot be reached', {
        retry: true,
        cause,
      })
    }
  }
}

async function readAnswer(body: AsyncIterable<Uint8Array>): Promise<JsonObject> {
  const parts: Uint8Array[] = []
  let bytes = 0
  for await (const part of body) {
    bytes += part.length
    if (bytes > MAX_ANSWER_BYTES) throw new ClusterUnreachable('the answer about a Secret is too long')
    parts.push(part)
  }
  try {
    const value = parseJson(Buffer.concat(parts).toString('utf8'))
    return isJsonObject(value) ? value : {}
  } catch {
    // A proxy's page instead of the API server's answer: its status says enough.
    return {}
  }
}
