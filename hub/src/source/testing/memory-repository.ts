import type { ObjectId } from '@flotilla/core/ports/git'
import { VirtualClock } from '@flotilla/core/ports/virtual-clock'
import { CachedRepository } from '../cached-repository.ts'
import { type MemoryFile, MemoryGit } from '../git/memory-backend.ts'

const URL = 'memory'

export interface OpenedMemoryRepository {
  readonly repository: CachedRepository
  /** Makes a commit with exactly these files, and fetches it. */
  commit(files: Readonly<Record<string, MemoryFile>>): Promise<ObjectId>
}

/** One repository in memory, for tests of what reads repositories. */
export async function openMemoryRepository(): Promise<OpenedMemoryRepository> {
  const clock = new VirtualClock({ startAt: 1_760_000_000_000, settle: async () => undefined })
  const git = new MemoryGit(clock)
  const repository = new CachedRepository(await git.open(URL, 'mirror'))
  let present: string[] = []
  return {
    repository,
    commit: async files => {
      const removed = present.filter(path => !Object.hasOwn(files, path)).map(path => [path, null] as const)
      const id = git.commit(URL, { ...Object.fromEntries(removed), ...files })
      present = Object.keys(files)
      await repository.fetch()
      return id
    },
  }
}
