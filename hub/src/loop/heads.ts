import type { GitRepository, ObjectId } from '@flotilla/core/ports/git'

/**
 * The commit that each revision of a repository stood at when its readers were last told, so that one push is one
 * revision for everyone. Whoever reads a repository asks here first: nobody can then have read what is older than the
 * commit that the next fetch is compared with.
 */
export class Heads {
  readonly #commits = new Map<string, Map<string, ObjectId>>()
  /** Revisions that somebody asked for in vain: they are told of the first commit, whoever found it. */
  readonly #missed = new Map<string, Set<string>>()

  /** @param repository Undefined while it was never reached. @throws GitError */
  async of(url: string, revision: string, repository: GitRepository | undefined): Promise<ObjectId | undefined> {
    const known = this.commit(url, revision)
    if (known !== undefined) return known
    const found = await repository?.resolve(revision)
    // Another may have asked at the same time, and its readers been told since.
    const meanwhile = this.commit(url, revision)
    if (meanwhile !== undefined) return meanwhile
    if (found === undefined) entry(this.#missed, url, () => new Set<string>()).add(revision)
    else entry(this.#commits, url, () => new Map<string, ObjectId>()).set(revision, found)
    return found
  }

  commit(url: string, revision: string): ObjectId | undefined {
    return this.#commits.get(url)?.get(revision)
  }

  wasMissed(url: string, revision: string): boolean {
    return this.#missed.get(url)?.has(revision) ?? false
  }

  /** All readers are being told of this commit; undefined: that the revision is gone. */
  move(url: string, revision: string, commit: ObjectId | undefined): void {
    if (commit === undefined) {
      this.#commits.get(url)?.delete(revision)
      return
    }
    entry(this.#commits, url, () => new Map<string, ObjectId>()).set(revision, commit)
    this.#missed.get(url)?.delete(revision)
  }

  /** Forgets what nobody reads any more. */
  retain(url: string, revisions: readonly string[]): void {
    const kept = new Set(revisions)
    for (const byRevision of [this.#commits.get(url), this.#missed.get(url)]) {
      for (const revision of byRevision?.keys() ?? []) if (!kept.has(revision)) byRevision?.delete(revision)
    }
  }
}

function entry<Value>(map: Map<string, Value>, key: string, make: () => Value): Value {
  const known = map.get(key)
  if (known !== undefined) return known
  const made = make()
  map.set(key, made)
  return made
}
