import fs from 'node:fs'
import { mkdir, readdir, rename, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import git, { type HttpClient } from 'isomorphic-git'
import { checkPack, type PackLimits } from './check-pack.ts'
import { basicAuthorization, gitHttpClient, type HttpClientOptions } from './isomorphic-http.ts'
import { isMirroredRef, isObjectId, type RefSnapshot } from './refs.ts'

export interface RemoteAccess {
  readonly url: string
  readonly username?: string | undefined
  readonly password?: string | undefined
  readonly certificateAuthority?: string | undefined
  readonly maxResponseBytes: number
  readonly idleTimeoutMs: number
}

/** What one fetch needs; plain data, because it also travels to the child process. */
export interface FetchRequest {
  readonly access: RemoteAccess
  readonly gitFolder: string
  readonly packLimits: PackLimits
  /** Refs whose objects the mirror holds already. */
  readonly known: readonly (readonly [string, string])[]
  /** A ref the server has, so that a missing `HEAD` does not matter. */
  readonly remoteRef: string
}

const REF_LIST_BYTES = 64 * 1024 * 1024

/** Asks the server for its branches, tags and `HEAD`: one small request, no objects. */
export async function listRemoteRefs(access: RemoteAccess, signal: AbortSignal): Promise<RefSnapshot> {
  const http = gitHttpClient({ ...clientOptions(access, signal), maxResponseBytes: REF_LIST_BYTES })
  const answer = await git.listServerRefs({ http, url: access.url, symrefs: true, protocolVersion: 2 })
  const refs = new Map<string, string>()
  let head: string | undefined
  for (const { ref, oid, target } of answer) {
    if (ref === 'HEAD') head = target ?? (isObjectId(oid) ? oid : undefined)
    else if (isMirroredRef(ref) && !ref.endsWith('^{}') && isObjectId(oid)) refs.set(ref, oid)
  }
  // HEAD may name a branch that nobody has pushed.
  return head !== undefined && (isObjectId(head) || refs.has(head)) ? { head, refs } : { refs }
}

/** Lays out an empty bare repository. */
export async function makeMirrorFolder(gitFolder: string): Promise<void> {
  for (const folder of ['objects/info', 'objects/pack', 'refs/heads', 'refs/tags']) {
    await mkdir(join(gitFolder, folder), { recursive: true })
  }
  // The refspec matches nothing: refs are kept in our own state, written only once their objects are there.
  const config = [
    '[core]',
    '\trepositoryformatversion = 0',
    '\tbare = true',
    '[remote "origin"]',
    '\tfetch = +refs/flotilla/none:refs/flotilla/none',
    '',
  ]
  await writeFile(join(gitFolder, 'config'), config.join('\n'))
  await writeFile(join(gitFolder, 'HEAD'), 'ref: refs/heads/main\n')
}

/** Brings a pack with every object the server's branches and tags reach and `known` do not. */
export async function fetchPack(request: FetchRequest, cache: object, signal: AbortSignal): Promise<void> {
  await writeKnownRefs(request)
  const http = checkedClient(gitHttpClient(clientOptions(request.access, signal)), request.packLimits)
  const fetching = git.fetch({
    fs,
    http,
    cache,
    gitdir: request.gitFolder,
    url: request.access.url,
    remote: 'origin',
    remoteRef: request.remoteRef,
    singleBranch: false,
    tags: true,
  })
  await raceAbort(fetching, signal)
}

/** No pack reaches isomorphic-git that would inflate beyond the limits. */
function checkedClient(client: HttpClient, limits: PackLimits): HttpClient {
  return {
    request: async request => {
      const response = await client.request(request)
      const isPack = request.method === 'POST' && response.statusCode === 200 && response.body
      if (!isPack) return response
      const chunks: Uint8Array[] = []
      for await (const chunk of response.body ?? []) chunks.push(chunk)
      const bytes = Buffer.concat(chunks)
      checkPack(bytes, limits)
      return { ...response, body: [bytes] as unknown as AsyncIterableIterator<Uint8Array> }
    },
  }
}

/** A hostile answer may leave a parser waiting for ever; the caller goes on when its time is up. */
function raceAbort<T>(work: Promise<T>, signal: AbortSignal): Promise<T> {
  return new Promise((resolve, reject) => {
    const stop = () => reject(signal.reason)
    if (signal.aborted) stop()
    signal.addEventListener('abort', stop, { once: true })
    work.then(resolve, reject).finally(() => signal.removeEventListener('abort', stop))
  })
}

/** isomorphic-git tells the server what it has by the refs it finds on disk. */
async function writeKnownRefs({ gitFolder, known }: FetchRequest): Promise<void> {
  for (const folder of await readdir(join(gitFolder, 'refs'))) {
    await rm(join(gitFolder, 'refs', folder), { recursive: true, force: true })
  }
  const lines = known.map(([name, id]) => `${id} ${name}\n`)
  const path = join(gitFolder, 'packed-refs')
  await writeFile(`${path}.new`, `# pack-refs with: \n${lines.join('')}`)
  await rename(`${path}.new`, path)
}

function clientOptions(access: RemoteAccess, signal: AbortSignal): HttpClientOptions {
  const { username, password, certificateAuthority, maxResponseBytes, idleTimeoutMs } = access
  const authorization = basicAuthorization({
    ...(username !== undefined && { username }),
    ...(password !== undefined && { password }),
  })
  return {
    ...(authorization ? { authorization } : {}),
    ...(certificateAuthority ? { certificateAuthority } : {}),
    maxResponseBytes,
    idleTimeoutMs,
    signal,
  }
}
