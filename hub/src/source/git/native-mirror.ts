import { mkdir, readdir, rename, rm, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { type GitCredentials, GitError } from '@flotilla/core/ports/git'
import { gitError } from './git-errors.ts'
import { basicAuthorization, type HttpClientOptions, KeptConnections } from './isomorphic-http.ts'
import { listRefs } from './list-refs.ts'
import { readLocalRefs } from './local-repository.ts'
import { type GitEnvironment, networkEnvironment } from './native-environment.ts'
import { saysCorrupt } from './native-errors.ts'
import { NativeObjects } from './native-objects.ts'
import { GitRunFailed, runGit } from './native-process.ts'
import type { Mirror } from './object-repository.ts'
import { equalRefs, isMirroredRef, isObjectId, NO_REFS, type RefSnapshot } from './refs.ts'
import type { RepositoryUrl } from './repository-url.ts'
import { takeSmallChange } from './take-small-change.ts'

export interface NativeLimits {
  /** One fetch, listing included. */
  readonly fetchTimeoutMs: number
  /** Beyond this many packs they are made one. */
  readonly maxPacks: number
}

export interface NativeMirrorOptions {
  readonly gitBinary: string
  readonly directory: string
  readonly url: Extract<RepositoryUrl, { kind: 'http' | 'ssh' }>
  readonly credentials: GitCredentials
  readonly limits: NativeLimits
}

/** One fetch: its time, and what a git that talks to the network is run with, made when the first one is. */
interface Session {
  readonly signal: AbortSignal
  readonly environment: () => Promise<GitEnvironment>
  readonly connections: KeptConnections
}

/** Without a process: a server that is silent for so long is left to the git program, which knows more ways. */
const LIST_IDLE_MS = 10_000
const LIST_BYTES = 64 * 1024 * 1024
const OLD = 'mirror.old'
const LOCK_AGE_MS = 60_000
const REFSPECS = ['+refs/heads/*:refs/heads/*', '+refs/tags/*:refs/tags/*']
/** Keeps the commit of a detached HEAD, which no branch may reach. */
const DETACHED_HEAD = '+HEAD:refs/flotilla/head'

/** A bare mirror that the git program fetches. */
export class NativeMirror implements Mirror {
  readonly subject: string
  readonly #options: NativeMirrorOptions
  readonly #folder: string
  #objects: NativeObjects
  #refs: RefSnapshot = NO_REFS
  #exists = false
  #suspect = false
  /** A git that was killed leaves its locks, and the next one would wait for a person to remove them. */
  #mayBeLocked = true
  /** Whether this server can be asked for its refs without the git program, as far as is known. */
  #listsHere: boolean
  /** Whether it has listed them so. */
  #greeted = false
  #fetching: Promise<void> = Promise.resolve()

  private constructor(options: NativeMirrorOptions) {
    this.subject = options.url.url
    this.#options = options
    this.#folder = join(options.directory, 'mirror.git')
    this.#objects = this.#openObjects()
    this.#listsHere = options.url.kind === 'http'
  }

  static async open(options: NativeMirrorOptions): Promise<NativeMirror> {
    const mirror = new NativeMirror(options)
    await mkdir(options.directory, { recursive: true, mode: 0o700 })
    await rm(join(options.directory, 'session'), { recursive: true, force: true })
    await takeUpOld(mirror.#folder, join(options.directory, OLD))
    mirror.#exists = await isFolder(join(mirror.#folder, 'objects'))
    if (mirror.#exists) {
      mirror.#refs = await readLocalRefs(mirror.subject, mirror.#folder).catch(() => {
        mirror.#suspect = true
        return NO_REFS
      })
    }
    return mirror
  }

  refs(): RefSnapshot {
    return this.#refs
  }

  objects(): NativeObjects {
    return this.#objects
  }

  suspect(): void {
    this.#suspect = true
  }

  async close(): Promise<void> {
    await this.#fetching.catch(() => undefined)
    await this.#objects.close()
  }

  fetch(signal?: AbortSignal): Promise<void> {
    const run = this.#fetching.catch(() => undefined).then(() => this.#fetch(signal))
    this.#fetching = run
    return run
  }

  async #fetch(caller: AbortSignal | undefined): Promise<void> {
    const timeout = AbortSignal.timeout(this.#options.limits.fetchTimeoutMs)
    const signal = caller ? AbortSignal.any([caller, timeout]) : timeout
    const { url, credentials, directory } = this.#options
    let made: Promise<GitEnvironment> | undefined
    const environment = (): Promise<GitEnvironment> => {
      made ??= networkEnvironment(url, credentials, join(directory, 'session'))
      return made
    }
    const connections = new KeptConnections()
    try {
      await this.#update({ environment, signal, connections })
    } catch (error) {
      if (error instanceof GitRunFailed) throw error.error
      if (error instanceof GitError) throw error
      throw gitError('REPOSITORY_UNREACHABLE', this.subject, 'the mirror cannot be written', error)
    } finally {
      connections.close()
      await (await made?.catch(() => undefined))?.dispose()
    }
  }

  async #update(session: Session): Promise<void> {
    const listed = await this.#list(session)
    if (this.#exists && this.#mayBeLocked) await removeLocks(this.#folder)
    this.#mayBeLocked = true
    await this.#take(listed, session)
    this.#mayBeLocked = false
  }

  async #take(listed: RefSnapshot, session: Session): Promise<void> {
    if (!this.#exists || this.#suspect) return this.#cloneAnew(listed, session)
    if (equalRefs(this.#refs, listed)) return
    if (await this.#takeSmall(listed, session)) {
      this.#refs = listed
      return this.#repack(session)
    }
    try {
      await this.#fetchInto(this.#folder, listed, session)
    } catch (error) {
      if (!(error instanceof GitRunFailed && saysCorrupt(error.stderr))) throw error
      return this.#cloneAnew(listed, session)
    }
    this.#refs = await readLocalRefs(this.subject, this.#folder)
    await this.#repack(session)
  }

  async #list(session: Session): Promise<RefSnapshot> {
    const here = this.#listsHere ? await this.#listHere(session) : undefined
    if (here) return here
    const listed = await this.#listByProgram(session)
    // What the program can do and we cannot (its certificates, its ways to log in) is the same the next time.
    if (this.#exists && listed.refs.size > 0) this.#listsHere = false
    return listed
  }

  /**
   * Asks without a process, which in a large hub costs more than the question. Only a list of refs counts: an error or an
   * empty list is left to the git program, whose word on both is better.
   */
  async #listHere(session: Session): Promise<RefSnapshot | undefined> {
    const options = { ...this.#httpOptions(session), maxResponseBytes: LIST_BYTES }
    try {
      const listed = await listRefs(this.#options.url.url, options, this.#greeted)
      this.#greeted = listed !== undefined
      return listed && listed.refs.size > 0 ? listed : undefined
    } catch {
      // When it was stopped, so is the program, and says why.
      return undefined
    }
  }

  async #takeSmall(listed: RefSnapshot, session: Session): Promise<boolean> {
    if (!this.#listsHere) return false
    const { gitBinary, url } = this.#options
    const mirror = { gitBinary, subject: this.subject, url: url.url, folder: this.#folder, refs: this.#refs }
    return await takeSmallChange(mirror, listed, this.#httpOptions(session))
  }

  #httpOptions({ signal, connections }: Session): Omit<HttpClientOptions, 'maxResponseBytes'> {
    const { credentials } = this.#options
    const { certificateAuthority } = credentials
    const authorization = basicAuthorization(credentials)
    return {
      ...(authorization !== undefined && { authorization }),
      ...(certificateAuthority !== undefined && { certificateAuthority }),
      ...{ idleTimeoutMs: LIST_IDLE_MS, signal, connections },
    }
  }

  async #listByProgram({ environment, signal }: Session): Promise<RefSnapshot> {
    const { gitBinary, url } = this.#options
    const { variables, folder } = await environment()
    const text = await runGit({
      gitBinary,
      subject: this.subject,
      arguments: ['ls-remote', '--quiet', '--symref', '--', url.url],
      variables,
      folder,
      signal,
    })
    const listed = parseRefList(this.subject, text)
    if (listed.refs.size === 0 && url.kind === 'http') await this.#confirmEmpty(signal)
    return listed
  }

  /**
   * Git takes a web page for the list of refs of a server of the oldest kind, and so a log-in page for an empty
   * repository. An empty list counts only when a server of today's kind says it.
   */
  async #confirmEmpty(signal: AbortSignal): Promise<void> {
    const { url, credentials } = this.#options
    const { username, password, certificateAuthority } = credentials
    const limits = { maxResponseBytes: 1024 * 1024, idleTimeoutMs: 60_000 }
    const { networkError } = await import('./isomorphic-errors.ts')
    const { listRemoteRefs } = await import('./isomorphic-fetch.ts')
    try {
      await listRemoteRefs({ url: url.url, username, password, certificateAuthority, ...limits }, signal)
    } catch (error) {
      throw networkError(this.subject, error)
    }
  }

  /** Beside the old mirror, which serves reads until the new one is whole. */
  async #cloneAnew(listed: RefSnapshot, session: Session): Promise<void> {
    const fresh = join(this.#options.directory, 'mirror.new')
    const old = join(this.#options.directory, OLD)
    for (const folder of [fresh, old]) await rm(folder, { recursive: true, force: true })
    try {
      await this.#run(['init', '--quiet', '--bare', '--template=', '--', fresh], session)
      await this.#fetchInto(fresh, listed, session)
    } catch (error) {
      await rm(fresh, { recursive: true, force: true })
      throw error
    }
    if (await isFolder(this.#folder)) await rename(this.#folder, old)
    await rename(fresh, this.#folder)
    const objects = this.#objects
    this.#objects = this.#openObjects()
    this.#refs = await readLocalRefs(this.subject, this.#folder)
    this.#exists = true
    this.#suspect = false
    await objects.close()
    await rm(old, { recursive: true, force: true })
  }

  async #fetchInto(folder: string, listed: RefSnapshot, session: Session): Promise<void> {
    const detached = listed.head !== undefined && isObjectId(listed.head)
    const flags = ['--quiet', '--prune', '--force', '--no-tags', '--no-write-fetch-head', '--no-recurse-submodules']
    const refspecs = detached ? [...REFSPECS, DETACHED_HEAD] : REFSPECS
    await this.#run([`--git-dir=${folder}`, 'fetch', ...flags, '--', this.#options.url.url, ...refspecs], session)
    const head = detached ? listed.head : `ref: ${listed.head ?? 'refs/heads/main'}`
    await writeFile(join(folder, 'HEAD.new'), `${head}\n`)
    await rename(join(folder, 'HEAD.new'), join(folder, 'HEAD'))
  }

  /** Many small packs make every read slower. A repack that fails takes nothing away: the next one tries again. */
  async #repack(session: Session): Promise<void> {
    const packs = (await readdir(join(this.#folder, 'objects', 'pack'))).filter(name => name.endsWith('.pack'))
    if (packs.length <= this.#options.limits.maxPacks) return
    await this.#run([`--git-dir=${this.#folder}`, 'gc', '--quiet'], session).catch(error => {
      if (!(error instanceof GitRunFailed)) throw error
      if (saysCorrupt(error.stderr)) this.#suspect = true
    })
  }

  async #run(gitArguments: readonly string[], session: Session): Promise<void> {
    const { gitBinary } = this.#options
    const { variables, folder } = await session.environment()
    const { signal } = session
    await runGit({ gitBinary, subject: this.subject, arguments: gitArguments, variables, folder, signal })
  }

  #openObjects(): NativeObjects {
    return new NativeObjects(this.#options.gitBinary, this.subject, this.#folder)
  }
}

/** The output of `git ls-remote --symref`. */
export function parseRefList(subject: string, text: string): RefSnapshot {
  const refs = new Map<string, string>()
  let head: string | undefined
  for (const line of text.split('\n')) {
    const [value = '', name = ''] = line.split('\t')
    if (/^[0-9a-f]{64}$/.test(value)) {
      throw gitError(
        'URL_UNSUPPORTED',
        subject,
        'the repository uses SHA-256 object names, which are not supported yet',
      )
    }
    if (name === 'HEAD') {
      if (value.startsWith('ref: ')) head = value.slice('ref: '.length)
      else head ??= value
    } else if (isMirroredRef(name) && !name.endsWith('^{}') && isObjectId(value)) {
      refs.set(name, value)
    }
  }
  // HEAD may name a branch that nobody has pushed.
  const exists = head !== undefined && (isObjectId(head) || refs.has(head))
  return exists ? { head: head!, refs } : { refs }
}

/** Killed between putting the old mirror aside and the new one in its place: the old one still serves. */
async function takeUpOld(folder: string, old: string): Promise<void> {
  if (!(await isFolder(folder)) && (await isFolder(old))) await rename(old, folder)
}

/**
 * Removes locks that are a minute old. Younger ones may be held: a git outlives the hub that was killed, and its work
 * is whole a moment later. Until then fetches fail and are tried again.
 */
async function removeLocks(folder: string): Promise<void> {
  // The file system's own clock tells the age.
  const probe = join(folder, 'probe')
  await writeFile(probe, '')
  const { mtimeMs: now } = await stat(probe)
  const below = await readdir(join(folder, 'refs'), { recursive: true })
  const names = [...(await readdir(folder)), ...below.map(name => join('refs', name))]
  for (const name of names) {
    if (!name.endsWith('.lock')) continue
    const lock = await stat(join(folder, name)).catch(() => undefined)
    if (lock && now - lock.mtimeMs > LOCK_AGE_MS) await rm(join(folder, name), { force: true })
  }
}

function isFolder(path: string): Promise<boolean> {
  return stat(path).then(
    found => found.isDirectory(),
    () => false,
  )
}
