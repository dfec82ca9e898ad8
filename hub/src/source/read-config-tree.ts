import { isConfigFile, isUnder } from '@flotilla/config/config-path'
import type { ConfigFile } from '@flotilla/config/load'
import type { Diagnostic } from '@flotilla/core/model/diagnostic'
import { GitError, type GitRepository, type ObjectId } from '@flotilla/core/ports/git'
import { DEFAULT_MAX_FILE_BYTES } from '@flotilla/core/yaml/parse-yaml'
import { findPath } from './repository-path.ts'
import { type TextFile, TextFiles } from './text-files.ts'
import { WalkTooLarge, walkTree } from './walk-tree.ts'

export type ConfigTree =
  | {
      readonly kind: 'read'
      readonly commit: ObjectId
      /** Sorted by path. */
      readonly files: readonly ConfigFile[]
      readonly diagnostics: readonly Diagnostic[]
    }
  | { readonly kind: 'failed'; readonly code: string; readonly message: string }

/**
 * Stands in for a file whose text cannot be had: it has the name, is refused by the reader for its size, and so the
 * documents that the file held keep their last good version instead of counting as removed. Nobody knows whether it
 * held a Project, so it is taken to.
 */
const UNREADABLE_TEXT = `kind: Project\n${' '.repeat(DEFAULT_MAX_FILE_BYTES)}`

/** Reads the files of config sources; one for the whole hub, so that an unchanged file is never read twice. */
export class ConfigTrees {
  readonly #texts = new TextFiles(DEFAULT_MAX_FILE_BYTES)

  /**
   * Every config file under `path`, less those under `narrower`.
   *
   * @throws Never for what is in the repository or missing from it: that is a diagnostic or `failed`.
   */
  async read(
    repository: GitRepository,
    commit: ObjectId,
    path: string,
    narrower: readonly string[] = [],
  ): Promise<ConfigTree> {
    try {
      return await this.#read(repository, commit, path, narrower)
    } catch (error) {
      if (error instanceof GitError) return { kind: 'failed', code: error.code, message: error.message }
      if (error instanceof WalkTooLarge) return { kind: 'failed', code: 'TOO_MANY_FILES', message: error.message }
      throw error
    }
  }

  async #read(
    repository: GitRepository,
    commit: ObjectId,
    path: string,
    narrower: readonly string[],
  ): Promise<ConfigTree> {
    const { tree: root } = await repository.readCommit(commit)
    const folder = await findPath(repository, root, path)
    if (folder.kind !== 'directory') {
      const message = folder.kind === 'file' ? `"${path}" is a file; a config source is a folder` : folder.message
      return { kind: 'failed', code: 'PATH_MISSING', message }
    }
    const full = (below: string) => (folder.path === '' ? below : `${folder.path}/${below}`)
    const isNarrower = (below: string) => narrower.some(other => isUnder(full(below), other))
    const walked = await walkTree(repository, folder.id, {
      mayContain: below => isConfigFile(`${below}/x.yaml`) && !isNarrower(below),
      matches: below => isConfigFile(below) && !isNarrower(below),
    })
    const files: ConfigFile[] = []
    const diagnostics: Diagnostic[] = []
    for (const { path: below, entry } of walked) {
      const file = await this.#texts.read(repository, root, full(below), entry)
      if (file.kind === 'text') {
        files.push({ path: file.path, text: file.text })
        continue
      }
      files.push({ path: file.path, text: UNREADABLE_TEXT })
      // The reader says itself that a file is too large.
      if (file.kind !== 'too-large') diagnostics.push(unreadable(file))
    }
    return { kind: 'read', commit, files, diagnostics }
  }
}

function unreadable(file: Exclude<TextFile, { kind: 'text' | 'too-large' }>): Diagnostic {
  const message = file.kind === 'not-text' ? 'the file is not UTF-8 text' : file.message
  return { severity: 'error', code: 'FILE_UNREADABLE', file: file.path, line: 1, column: 1, message }
}
