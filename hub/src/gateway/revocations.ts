import { open, readFile } from 'node:fs/promises'
import { isJsonObject, type Json } from '@flotilla/core/json/json'
import type { EpochMs } from '@flotilla/core/time/epoch-ms'
import { HubKeyError } from './hub-key-file.ts'

/** One thing that must never be believed again. */
export interface Revocation {
  readonly at: EpochMs
  readonly kind: 'agent-key' | 'join-token'
  /** The public key, or the token's id. */
  readonly id: string
  /** Whose it was, for people who read the file. */
  readonly name: string
}

/**
 * What was revoked, also where the store forgets it: a store that is restored from a backup of last week knows nothing
 * of what was revoked since.
 */
export interface Revocations {
  hasKey(key: string): boolean
  hasToken(id: string): boolean
  /** Resolves when they are on the disk. @throws HubKeyError `HUB_KEY_UNREADABLE` */
  add(revocations: readonly Revocation[]): Promise<void>
}

/** The file beside `hub.key`; like it, no part of a backup of the store. */
export function revocationsFile(keyFile: string): string {
  return `${keyFile}.revoked`
}

/** Revocations in memory alone, for tests and simulation. */
export function memoryRevocations(): Revocations {
  return new Kept(undefined, [], true)
}

/**
 * Reads the revocations beside `hub.key`. A line that was cut off while it was written was never acknowledged, and is
 * passed over.
 *
 * @throws HubKeyError `HUB_KEY_UNREADABLE`, `HUB_KEY_MALFORMED`: a hub that cannot know what was revoked does not start.
 */
export async function openRevocations(keyFile: string): Promise<Revocations> {
  const path = revocationsFile(keyFile)
  let text = ''
  try {
    text = await readFile(path, 'utf8')
  } catch (error) {
    if (!(error instanceof Error && 'code' in error && error.code === 'ENOENT')) throw unreadable(path, error)
  }
  const lines = text.split('\n')
  const last = lines.pop() ?? ''
  const read = lines.flatMap((line, index) => readLine(line, path, index + 1) ?? [])
  return new Kept(path, read, last === '')
}

class Kept implements Revocations {
  readonly #path: string | undefined
  readonly #keys = new Set<string>()
  readonly #tokens = new Set<string>()
  /** In force and not yet on the disk: the next revocation, or the same one again, has them written as well. */
  readonly #unwritten = new Map<string, Revocation>()
  /** Whether the file ends with a whole line. */
  #whole: boolean
  #writing: Promise<void> = Promise.resolve()

  constructor(path: string | undefined, read: readonly Revocation[], whole: boolean) {
    this.#path = path
    this.#whole = whole
    this.#remember(read)
  }

  hasKey(key: string): boolean {
    return this.#keys.has(key)
  }

  hasToken(id: string): boolean {
    return this.#tokens.has(id)
  }

  async add(revocations: readonly Revocation[]): Promise<void> {
    const fresh = revocations.filter(each => !this.#has(each))
    // In force at once: that the disk is full is no reason to believe a key that somebody has just revoked.
    this.#remember(fresh)
    const path = this.#path
    if (path === undefined) return
    for (const each of fresh) this.#unwritten.set(nameOf(each), each)
    const work = this.#writing.then(() => this.#append(path))
    this.#writing = work.catch(() => undefined)
    await work
  }

  async #append(path: string): Promise<void> {
    const revocations = [...this.#unwritten.values()]
    if (revocations.length === 0) return
    const lines = revocations.map(each => `${JSON.stringify(each)}\n`).join('')
    try {
      const file = await open(path, 'a', 0o600)
      try {
        const before = this.#whole ? '' : '\n'
        this.#whole = false
        await file.appendFile(before + lines)
        await file.sync()
        this.#whole = true
        for (const each of revocations) this.#unwritten.delete(nameOf(each))
      } finally {
        await file.close()
      }
    } catch (error) {
      throw unreadable(path, error)
    }
  }

  #has({ kind, id }: Revocation): boolean {
    return (kind === 'agent-key' ? this.#keys : this.#tokens).has(id)
  }

  #remember(revocations: readonly Revocation[]): void {
    for (const { kind, id } of revocations) (kind === 'agent-key' ? this.#keys : this.#tokens).add(id)
  }
}

function nameOf({ kind, id }: Revocation): string {
  return `${kind} ${id}`
}

function readLine(line: string, path: string, number: number): Revocation | undefined {
  if (line.trim() === '') return undefined
  let value: Json | undefined
  try {
    value = JSON.parse(line)
  } catch (cause) {
    // What follows a line that was cut off begins on a line of its own.
    if (!line.endsWith('}')) return undefined
    throw malformed(path, number, cause)
  }
  const { at, kind, id, name } = isJsonObject(value) ? value : {}
  if ((kind !== 'agent-key' && kind !== 'join-token') || typeof id !== 'string') throw malformed(path, number)
  return { at: Number(at) || 0, kind, id, name: typeof name === 'string' ? name : '' }
}

function malformed(path: string, line: number, cause?: unknown): HubKeyError {
  return new HubKeyError('HUB_KEY_MALFORMED', path, `line ${line} is no revocation`, { cause })
}

function unreadable(path: string, cause: unknown): HubKeyError {
  return new HubKeyError('HUB_KEY_UNREADABLE', path, 'it cannot be read or written', { cause })
}
