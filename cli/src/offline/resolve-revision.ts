import { execFile } from 'node:child_process'
import { existsSync } from 'node:fs'
import { promisify } from 'node:util'
import type { GitRepository, ObjectId } from '@flotilla/core/ports/git'
import { failure, usageError } from '../errors.ts'
import { sharedGitFolder } from './own-repository.ts'

const run = promisify(execFile)

/**
 * The commit that a revision means in a local repository: a branch, a tag, a commit, and where Git is installed
 * whatever it understands (`HEAD~1`, `origin/main@{yesterday}`).
 *
 * @throws CliError for one that is not there; in a shallow clone it says how to get the rest.
 */
export async function resolveRevision(top: string, revision: string, repository: GitRepository): Promise<ObjectId> {
  if (revision === '' || revision.startsWith('-')) throw usageError(`"${revision}" is no revision`)
  const commit =
    (await repository.resolve(revision)) ??
    (await askGit(top, `refs/remotes/origin/${revision}`)) ??
    (await askGit(top, revision))
  if (commit !== undefined) return commit
  const folder = sharedGitFolder(top)
  if (folder !== undefined && existsSync(`${folder}/shallow`)) {
    throw failure(
      `${top} is a shallow clone and has no revision "${revision}"`,
      'git fetch --unshallow, or let CI clone with more history (GitHub Actions: fetch-depth: 0; GitLab CI: GIT_DEPTH: "0")',
    )
  }
  throw failure(
    `${top} has no revision "${revision}"`,
    `a branch, a tag or a commit id; one of the remote is fetched with: git fetch origin ${revision}`,
  )
}

async function askGit(top: string, revision: string): Promise<ObjectId | undefined> {
  try {
    const { stdout } = await run('git', ['-C', top, 'rev-parse', '--verify', '--quiet', `${revision}^{commit}`])
    return /^[0-9a-f]{40,64}$/.test(stdout.trim()) ? stdout.trim() : undefined
  } catch {
    return undefined // no Git, or no such revision: who asked says so
  }
}
