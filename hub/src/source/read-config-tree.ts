import { isConfigFile, isUnder } from '@flotilla/config/config-path'
import type { ConfigFile } from '@flotilla/config/load'
import type { UnreadableFile } from '@flotilla/config/read-file'
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
    }
  | { readonly kind: 'failed'; readonly code: string; readonly message: string }

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
    for (const { path: below, entry } of walked) {
      const file = await this.#texts.read(repository, root, full(below), entry)
      if (file.kind === 'text') {
        files.push({ path: file.path, text: file.text })
        continue
      }
      // The documents that the file held keep their last good version instead of counting as removed.
      files.push({ path: file.path, text: '', unreadable: whyUnreadable(file) })
    }
    return { kind: 'read', commit, files }
  }
}

/** What is said of a file without text; the command says the same. */
export function whyUnreadable(file: Exclude<TextFile, { kind: 'text' }>): UnreadableFile {
  switch (file.kind) {
    case 'too-large': {
      const hint = 'split the file, or keep generated data out of the config path'
      return { code: 'FILE_TOO_LARGE', message: `the file has more than ${file.maxBytes} bytes`, hint }
    }
    case 'not-text':
      return { code: 'FILE_UNREADABLE', message: 'the file is not UTF-8 text', hint: 'save it as UTF-8' }
    case 'elsewhere':
      return { code: 'FILE_UNREADABLE', message: file.message, hint: 'put the file itself there' }
  }
}
