import { GitError, type GitRepository, type ObjectId } from '@flotilla/core/ports/git'
import { DEFAULT_MAX_FILE_BYTES } from '@flotilla/core/yaml/parse-yaml'
import {
  directoryMatcher,
  fileMatcher,
  type InputAnswer,
  type InputRequest,
  type PathMatcher,
} from '@flotilla/generators'
import { findPath } from '@flotilla/hub/source/repository-path'
import { WalkTooLarge, walkTree } from '@flotilla/hub/source/walk-tree'
import type { Repositories, Snapshot } from './repositories.ts'

const MAX_DIRECTORIES = 50_000
const MAX_DEPTH = 64

/** Answers what a generator asks, from the local folders that stand for repositories. */
export async function gatherInput(request: InputRequest, repositories: Repositories): Promise<InputAnswer> {
  const opened = await repositories.open(request.repoURL)
  if (opened.kind === 'unavailable') {
    return { kind: 'failed', code: 'INPUT_UNAVAILABLE', message: opened.message, retry: false }
  }
  const { repository, commit } = opened.snapshot
  try {
    const { tree } = await repository.readCommit(commit)
    if (request.kind === 'git-directories') {
      const directories = await matchingDirectories(repository, tree, directoryMatcher(request.rules))
      return { kind: 'git-directories', commit, directories }
    }
    const matcher = fileMatcher(request.rules, request.dialect)
    return { kind: 'git-files', commit, files: await matchingFiles(opened.snapshot, tree, matcher) }
  } catch (error) {
    if (!(error instanceof GitError || error instanceof WalkTooLarge)) throw error
    const code = error instanceof GitError ? error.code : 'TOO_MANY_FILES'
    return { kind: 'failed', code, message: error.message, retry: false }
  }
}

async function matchingDirectories(repository: GitRepository, root: ObjectId, matcher: PathMatcher): Promise<string[]> {
  const found: string[] = []
  const visit = async (id: ObjectId, prefix: string, depth: number): Promise<void> => {
    if (depth > MAX_DEPTH || found.length > MAX_DIRECTORIES) {
      throw new WalkTooLarge(`more than ${MAX_DIRECTORIES} folders match, or they nest deeper than ${MAX_DEPTH} levels`)
    }
    for (const entry of await repository.readTree(id)) {
      if (entry.type !== 'directory') continue
      const path = prefix === '' ? entry.name : `${prefix}/${entry.name}`
      if (matcher.matches(path)) found.push(path)
      if (matcher.mayContain(path)) await visit(entry.id, path, depth + 1)
    }
  }
  await visit(root, '', 0)
  return found
}

async function matchingFiles(
  { repository, directory }: Snapshot,
  root: ObjectId,
  matcher: PathMatcher,
): Promise<{ path: string; text: string }[]> {
  const files: { path: string; text: string }[] = []
  for (const { path, entry } of await walkTree(repository, root, matcher)) {
    if (entry.type === 'submodule') continue
    const target = await findPath(repository, root, path)
    if (target.kind !== 'file') {
      const message = `${path} leads to no file of the repository`
      throw new GitError('OBJECT_MISSING', directory, message, { retry: false })
    }
    const bytes = await repository.readBlob(target.id, DEFAULT_MAX_FILE_BYTES)
    files.push({ path, text: new TextDecoder().decode(bytes) })
  }
  return files
}
