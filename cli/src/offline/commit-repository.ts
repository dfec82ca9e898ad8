import type { GitBackend, GitCommit, GitRepository, ObjectId } from '@flotilla/core/ports/git'
import { chooseBackend } from '@flotilla/hub/source/git/choose-backend'
import { isomorphicBackend } from '@flotilla/hub/source/git/isomorphic-backend'
import { findNativeGit, nativeBackend } from '@flotilla/hub/source/git/native-backend'
import { findPath } from '@flotilla/hub/source/repository-path'
import { failure } from '../errors.ts'
import { findOwnRepository } from './own-repository.ts'
import { resolveRevision } from './resolve-revision.ts'

/**
 * A folder of a local repository as it is at a commit, read from Git's objects: what is not committed is not seen.
 *
 * @throws CliError when the folder lies in no repository or the revision does not exist there.
 */
export async function openAtRevision(directory: string, revision: string) {
  const own = findOwnRepository(directory)
  if (own === undefined) throw failure(`${directory} lies in no Git repository, so there is no ${revision} in it`)
  const repository = await (await localBackend(own.top)).open(own.top, '')
  const commit = await resolveRevision(own.top, revision, repository)
  return { repository: new FolderRepository(repository, own.prefix), commit }
}

async function localBackend(path: string): Promise<GitBackend> {
  const found = await findNativeGit()
  const native = found.kind === 'found' ? { native: nativeBackend() } : {}
  return chooseBackend(path, { ...native, isomorphic: isomorphicBackend() })
}

/** A folder of a repository as if it were the repository: its commits have that folder's tree. */
class FolderRepository implements GitRepository {
  readonly #whole: GitRepository
  readonly #prefix: string

  constructor(whole: GitRepository, prefix: string) {
    this.#whole = whole
    this.#prefix = prefix
  }

  async readCommit(id: ObjectId): Promise<GitCommit> {
    const commit = await this.#whole.readCommit(id)
    if (this.#prefix === '') return commit
    const target = await findPath(this.#whole, commit.tree, this.#prefix)
    if (target.kind !== 'directory') throw failure(`at ${id.slice(0, 12)} there is no folder "${this.#prefix}"`)
    return { ...commit, tree: target.id }
  }

  fetch(signal?: AbortSignal): Promise<void> {
    return this.#whole.fetch(signal)
  }

  resolve(revision: string): Promise<ObjectId | undefined> {
    return this.#whole.resolve(revision)
  }

  readTree(id: ObjectId) {
    return this.#whole.readTree(id)
  }

  readBlob(id: ObjectId, maxBytes: number) {
    return this.#whole.readBlob(id, maxBytes)
  }

  close(): Promise<void> {
    return this.#whole.close()
  }
}
