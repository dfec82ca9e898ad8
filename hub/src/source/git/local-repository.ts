import { constants } from 'node:fs'
import { access, readdir, readFile, stat } from 'node:fs/promises'
import { join, relative, sep } from 'node:path'
import type { GitError, ObjectId } from '@flotilla/core/ports/git'
import { gitError } from './git-errors.ts'
import { isMirroredRef, isObjectId, type RefSnapshot } from './refs.ts'

const MAX_REF_DEPTH = 16
const MAX_LOOSE_REFS = 100_000

/**
 * The Git folder of a repository on this machine: the path itself when it is bare, its `.git` otherwise.
 *
 * @throws GitError `REPOSITORY_NOT_FOUND` when nothing is there or what is there is no repository;
 * `REPOSITORY_UNREACHABLE` when it may not be read.
 */
export async function findGitFolder(path: string): Promise<string> {
  const problems: GitError[] = []
  for (const folder of [join(path, '.git'), path]) {
    const problem = await whyNoGitFolder(path, folder)
    if (!problem) return folder
    problems.push(problem)
  }
  throw problems.find(problem => problem.code === 'REPOSITORY_UNREACHABLE') ?? problems[problems.length - 1]
}

async function whyNoGitFolder(path: string, folder: string): Promise<GitError | undefined> {
  try {
    const [head, objects] = await Promise.all([stat(join(folder, 'HEAD')), stat(join(folder, 'objects'))])
    if (!head.isFile() || !objects.isDirectory()) return gitError('REPOSITORY_NOT_FOUND', path, 'not a Git repository')
    await access(join(folder, 'HEAD'), constants.R_OK)
    return undefined
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    if (code === 'ENOENT' || code === 'ENOTDIR') {
      const exists = await stat(path).then(
        () => true,
        () => false,
      )
      const message = exists ? 'not a Git repository' : 'there is no such folder'
      return gitError('REPOSITORY_NOT_FOUND', path, message)
    }
    return gitError('REPOSITORY_UNREACHABLE', path, `the folder cannot be read (${code ?? 'unknown error'})`, error)
  }
}

/** Reads branches, tags and `HEAD` from the files of a Git folder; loose refs stand over packed ones. */
export async function readLocalRefs(subject: string, gitFolder: string): Promise<RefSnapshot> {
  try {
    const refs = parsePackedRefs(await readIfThere(join(gitFolder, 'packed-refs')))
    for (const [name, id] of await readLooseRefs(gitFolder, join(gitFolder, 'refs'), 0)) refs.set(name, id)
    const head = (await readFile(join(gitFolder, 'HEAD'), 'utf8')).trim()
    const branch = /^ref: (.+)$/.exec(head)?.[1]
    const target = branch ?? (isObjectId(head) ? head : undefined)
    const exists = target !== undefined && (branch === undefined || refs.has(branch))
    for (const name of refs.keys()) if (!isMirroredRef(name)) refs.delete(name)
    return exists ? { head: target, refs } : { refs }
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    if (code === 'ENOENT' || code === 'ENOTDIR') {
      throw gitError('REPOSITORY_NOT_FOUND', subject, 'the repository is no longer there', error)
    }
    throw gitError('REPOSITORY_UNREACHABLE', subject, `its refs cannot be read (${code ?? 'unknown error'})`, error)
  }
}

export function parsePackedRefs(text: string): Map<string, ObjectId> {
  const refs = new Map<string, ObjectId>()
  for (const line of text.split('\n')) {
    const match = /^([0-9a-f]{40}) (\S+)$/.exec(line)
    if (match?.[1] && match[2]) refs.set(match[2], match[1])
  }
  return refs
}

async function readLooseRefs(gitFolder: string, folder: string, depth: number): Promise<[string, ObjectId][]> {
  if (depth > MAX_REF_DEPTH) return []
  const found: [string, ObjectId][] = []
  for (const entry of await readdir(folder, { withFileTypes: true })) {
    const path = join(folder, entry.name)
    if (entry.isDirectory()) found.push(...(await readLooseRefs(gitFolder, path, depth + 1)))
    else if (entry.isFile() && !entry.name.endsWith('.lock')) {
      const id = (await readIfThere(path)).trim()
      if (isObjectId(id)) found.push([relative(gitFolder, path).split(sep).join('/'), id])
    }
    if (found.length > MAX_LOOSE_REFS) break
  }
  return found
}

async function readIfThere(path: string): Promise<string> {
  try {
    return await readFile(path, 'utf8')
  } catch (error) {
    // A ref may be packed or deleted between listing and reading.
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return ''
    throw error
  }
}
