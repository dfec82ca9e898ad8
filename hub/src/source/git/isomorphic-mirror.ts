import { mkdir, readdir, rm } from 'node:fs/promises'
import { join } from 'node:path'
import type { ObjectId } from '@flotilla/core/ports/git'
import { PackTooLarge } from './check-pack.ts'
import { gitError } from './git-errors.ts'
import { fetchPackInChild } from './isomorphic-child-fetch.ts'
import { networkError } from './isomorphic-errors.ts'
import {
  type FetchRequest,
  fetchPack,
  listRemoteRefs,
  makeMirrorFolder,
  type RemoteAccess,
} from './isomorphic-fetch.ts'
import { ResponseTooLarge } from './isomorphic-http.ts'
import { IsomorphicObjects } from './isomorphic-objects.ts'
import { readMirrorState, removeStrayPacks, writeMirrorState } from './mirror-state.ts'
import type { Mirror } from './object-repository.ts'
import { equalRefs, NO_REFS, newIds, type RefSnapshot } from './refs.ts'

export interface IsomorphicLimits {
  /** One fetch, listing included. */
  readonly fetchTimeoutMs: number
  readonly idleTimeoutMs: number
  /** A pack larger than this is refused: `OBJECT_TOO_LARGE`. */
  readonly maxPackBytes: number
  /** A repository with a larger object is refused: `OBJECT_TOO_LARGE`. */
  readonly maxObjectBytes: number
  /** A fetch of at most this many bytes is done in process; a larger one, and every first one, in a child. */
  readonly inProcessBytes: number
  /** Reading slows with every pack and there is no repacking: beyond this many the mirror is made anew. */
  readonly maxPacks: number
}

/** One complete bare repository on disk. A mirror made anew is a new generation; the old one serves reads until then. */
interface Generation {
  readonly number: number
  readonly folder: string
  readonly objects: IsomorphicObjects
}

const FETCH_ATTEMPTS = 3
/** Text shrinks to a tenth or so; what shrinks much further was made to. */
const MOST_INFLATION = 64

/** A mirror that isomorphic-git fetches over http(s). */
export class IsomorphicMirror implements Mirror {
  readonly subject: string
  readonly #directory: string
  readonly #access: RemoteAccess
  readonly #limits: IsomorphicLimits
  #generation: Generation | undefined
  #refs: RefSnapshot = NO_REFS
  #suspect = false
  #fetching: Promise<void> = Promise.resolve()

  private constructor(directory: string, access: RemoteAccess, limits: IsomorphicLimits) {
    this.subject = access.url
    this.#directory = directory
    this.#access = access
    this.#limits = limits
  }

  /** Takes up the newest whole generation in `directory`, if there is one; what a crash left half done is removed. */
  static async open(directory: string, access: RemoteAccess, limits: IsomorphicLimits): Promise<IsomorphicMirror> {
    const mirror = new IsomorphicMirror(directory, access, limits)
    await mkdir(directory, { recursive: true, mode: 0o700 })
    const numbers = (await readdir(directory)).filter(name => /^\d+$/.test(name)).map(Number)
    for (const number of numbers.sort((a, b) => b - a)) {
      const folder = join(directory, String(number))
      const state = mirror.#generation ? undefined : await readMirrorState(folder)
      if (state) {
        await removeStrayPacks(folder, state)
        mirror.#generation = { number, folder, objects: new IsomorphicObjects(access.url, folder) }
        mirror.#refs = state.refs
      } else {
        await rm(folder, { recursive: true, force: true })
      }
    }
    return mirror
  }

  refs(): RefSnapshot {
    return this.#refs
  }

  objects(): IsomorphicObjects {
    return this.#generation?.objects ?? new IsomorphicObjects(this.subject, join(this.#directory, 'none'))
  }

  suspect(): void {
    this.#suspect = true
  }

  async close(): Promise<void> {
    await this.#fetching.catch(() => undefined)
  }

  fetch(signal?: AbortSignal): Promise<void> {
    const run = this.#fetching.catch(() => undefined).then(() => this.#fetch(signal))
    this.#fetching = run
    return run
  }

  async #fetch(caller: AbortSignal | undefined): Promise<void> {
    const timeout = AbortSignal.timeout(this.#limits.fetchTimeoutMs)
    const signal = caller ? AbortSignal.any([caller, timeout]) : timeout
    try {
      for (let attempt = 0; attempt < FETCH_ATTEMPTS; attempt++) {
        const next = await listRemoteRefs(this.#access, signal)
        if (await this.#bring(next, signal)) return
      }
    } catch (error) {
      throw networkError(this.subject, error)
    }
    throw gitError('REPOSITORY_UNREACHABLE', this.subject, 'the server did not send the commits that it listed')
  }

  /** Whether everything that `next` names is now here; not so when a branch was rewritten between list and pack. */
  async #bring(next: RefSnapshot, signal: AbortSignal): Promise<boolean> {
    const current = this.#generation
    const packs = current ? (await current.objects.packs()).length : 0
    if (!current || this.#suspect || packs > this.#limits.maxPacks) return this.#cloneAnew(next, signal)
    if (equalRefs(this.#refs, next)) return true
    if (!(await holdsAll(current.objects, newIds(this.#refs, next)))) {
      await this.#fetchInto(current, this.#refs, next, signal)
      if (!(await holdsAll(current.objects, newIds(this.#refs, next)))) return false
    }
    await writeMirrorState(current.folder, next, await current.objects.packs())
    this.#refs = next
    return true
  }

  async #cloneAnew(next: RefSnapshot, signal: AbortSignal): Promise<boolean> {
    const number = (this.#generation?.number ?? 0) + 1
    const folder = join(this.#directory, String(number))
    await rm(folder, { recursive: true, force: true })
    await makeMirrorFolder(folder)
    const generation = { number, folder, objects: new IsomorphicObjects(this.subject, folder) }
    try {
      if (next.refs.size > 0) await this.#fetchInto(generation, NO_REFS, next, signal)
      if (!(await holdsAll(generation.objects, newIds(NO_REFS, next)))) return false
      await writeMirrorState(folder, next, await generation.objects.packs())
    } catch (error) {
      await rm(folder, { recursive: true, force: true })
      throw error
    }
    const old = this.#generation
    this.#generation = generation
    this.#refs = next
    this.#suspect = false
    // A read under way in the old folder fails as OBJECT_MISSING and is asked again by the next round.
    if (old) await rm(old.folder, { recursive: true, force: true })
    return true
  }

  async #fetchInto(into: Generation, known: RefSnapshot, next: RefSnapshot, signal: AbortSignal): Promise<void> {
    const first = known.refs.size === 0
    const { maxObjectBytes, maxPackBytes, inProcessBytes } = this.#limits
    const request = (maxResponseBytes: number): FetchRequest => ({
      access: { ...this.#access, maxResponseBytes },
      gitFolder: into.folder,
      packLimits: { maxObjectBytes, maxInflatedBytes: maxResponseBytes * MOST_INFLATION },
      known: [...known.refs],
      remoteRef: next.refs.keys().next().value ?? 'HEAD',
    })
    if (!first) {
      try {
        return await fetchPack(request(inProcessBytes), into.objects.cache, signal)
      } catch (error) {
        const isLarge = error instanceof ResponseTooLarge || (error instanceof PackTooLarge && error.of === 'pack')
        if (!isLarge) throw error
      }
    }
    await fetchPackInChild(this.subject, request(maxPackBytes), signal)
  }
}

async function holdsAll(objects: IsomorphicObjects, ids: readonly ObjectId[]): Promise<boolean> {
  for (const id of ids) if (!(await objects.read(id, Number.POSITIVE_INFINITY))) return false
  return true
}
