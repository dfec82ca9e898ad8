import { relative, sep } from 'node:path'
import { GitError, type GitRepository, type ObjectId } from '@flotilla/core/ports/git'
import { normaliseRepositoryUrl } from '@flotilla/core/project/repository-url'
import type { SidedContent, SidedSource } from '@flotilla/hub/preview/sided-repositories'
import { CliError } from '../errors.ts'
import { openAtRevision } from './commit-repository.ts'
import { DirectoryRepository } from './directory-repository.ts'
import { findOwnRepository, type OwnRepository } from './own-repository.ts'
import { branchNamed, pinnedCommit } from './resolve-revision.ts'
import type { SidedRepo } from './sided-repo.ts'

/** The tree without entries, as Git calls it. */
const EMPTY_TREE = '4b825dc642cb6eb9a060e54bf8d69288fbee4904'

export interface SidedFoldersInput {
  /** The repository that the config lies in: it follows both revisions. */
  readonly own: OwnRepository
  /** Under what URL the config's repository is known. */
  readonly ownUrl: string
  readonly base: string
  /** Undefined: the files as they are. */
  readonly head: string | undefined
  readonly repos: readonly SidedRepo[]
}

interface Folder {
  readonly directory: string
  readonly base: string | undefined
  readonly head: string | undefined
}

/** Local folders that stand for repositories, each on both sides of a change; nothing here touches the network. */
export class SidedFolders implements SidedSource {
  readonly #folders = new Map<string, Folder>()
  readonly #failures = new Map<string, string>()
  readonly #pins = new Map<string, Promise<ObjectId | undefined>>()
  readonly #opened = new Map<string, Promise<{ readonly repository: GitRepository; readonly commit: ObjectId }>>()

  constructor({ own, ownUrl, base, head, repos }: SidedFoldersInput) {
    this.#folders.set(ownUrl, { directory: own.top, base, head })
    if (own.origin !== undefined) {
      this.#folders.set(normaliseRepositoryUrl(own.origin), { directory: own.top, base, head })
    }
    for (const repo of repos) {
      const follows = repo.base === undefined && isInside(repo.directory, own.top)
      this.#folders.set(normaliseRepositoryUrl(repo.url), follows ? { ...repo, base, head } : repo)
    }
  }

  async open(url: string): Promise<SidedContent | undefined> {
    const folder = this.#folders.get(url) ?? this.#folders.get(normaliseRepositoryUrl(url))
    if (folder === undefined) {
      this.#failures.set(url, `no folder is named for the repository ${url}`)
      return undefined
    }
    try {
      const base = await this.#openSide(folder.directory, folder.base)
      const head = await this.#openSide(folder.directory, folder.head)
      return {
        base: base.repository,
        head: head.repository,
        // A branch is what the change is merged into; a tag or a commit stays what it is, whatever is merged.
        resolve: async (revision, side) =>
          (await this.#pinned(folder, revision, base.repository)) ?? (side === 'base' ? base.commit : head.commit),
      }
    } catch (error) {
      if (!(error instanceof GitError || error instanceof CliError)) throw error
      this.#failures.set(url, error.message)
      return undefined
    }
  }

  failure(url: string): { readonly code: string; readonly message: string } | undefined {
    const message = this.#failures.get(url)
    return message === undefined ? undefined : { code: 'INPUT_UNAVAILABLE', message }
  }

  /** Whether a folder stands for that repository. */
  has(url: string): boolean {
    return this.#folders.has(url) || this.#folders.has(normaliseRepositoryUrl(url))
  }

  /** @throws CliError for a revision that is not there. */
  async requireSides(url: string): Promise<void> {
    const folder = this.#folders.get(url)!
    await this.#openSide(folder.directory, folder.base)
    await this.#openSide(folder.directory, folder.head)
  }

  async close(): Promise<void> {
    for (const opened of await Promise.allSettled(this.#opened.values())) {
      if (opened.status === 'fulfilled') await opened.value.repository.close()
    }
  }

  #pinned(
    { directory, base }: Folder,
    revision: string,
    repository: GitRepository,
  ): Promise<ObjectId | undefined> | undefined {
    const top = base === undefined ? undefined : findOwnRepository(directory)?.top
    if (base === undefined || top === undefined) return undefined
    const key = `${directory}\0${revision}`
    let pinned = this.#pins.get(key)
    if (pinned === undefined) {
      pinned = branchNamed(top, base, repository).then(target => pinnedCommit(top, revision, target, repository))
      this.#pins.set(key, pinned)
    }
    return pinned
  }

  #openSide(directory: string, revision: string | undefined) {
    const key = `${revision ?? ''}\0${directory}`
    let opened = this.#opened.get(key)
    if (opened === undefined) {
      opened = revision === undefined ? openFiles(directory) : openCommit(directory, revision)
      this.#opened.set(key, opened)
    }
    return opened
  }
}

async function openFiles(directory: string) {
  const repository = await DirectoryRepository.open(directory)
  return { repository, commit: await repository.resolve() }
}

async function openCommit(directory: string, revision: string) {
  const { repository, commit } = await openAtRevision(directory, revision)
  return { repository: emptyWhereMissing(repository), commit }
}

/** A folder that a commit does not have yet, or no longer, is empty there. */
function emptyWhereMissing(repository: GitRepository): GitRepository {
  return {
    fetch: signal => repository.fetch(signal),
    resolve: revision => repository.resolve(revision),
    readCommit: async id => {
      try {
        return await repository.readCommit(id)
      } catch (error) {
        if (!(error instanceof CliError)) throw error
        return { id, tree: EMPTY_TREE, parents: [], author: '', committedAt: 0, message: '' }
      }
    },
    readTree: async id => (id === EMPTY_TREE ? [] : await repository.readTree(id)),
    readBlob: (id, maxBytes) => repository.readBlob(id, maxBytes),
    close: () => repository.close(),
  }
}

function isInside(directory: string, top: string): boolean {
  const path = relative(top, directory)
  return path === '' || (path !== '..' && !path.startsWith(`..${sep}`))
}
