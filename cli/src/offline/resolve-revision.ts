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

/**
 * The commit at which a revision of a local repository stands whatever is merged into `target`: a tag, a commit, or
 * another branch. Undefined for what moves with the merge, and for what is not there.
 *
 * @param target The branch that is merged into; undefined: any branch may be it.
 */
export async function pinnedCommit(
  top: string,
  revision: string,
  target: string | undefined,
  repository: GitRepository,
): Promise<ObjectId | undefined> {
  if (revision === '' || revision === 'HEAD' || revision.startsWith('-')) return undefined
  const name = branchName(revision)
  const branch = (await repository.resolve(`refs/heads/${name}`)) ?? (await askGit(top, `refs/remotes/origin/${name}`))
  if (branch !== undefined) return target === undefined || target === name ? undefined : branch
  return await repository.resolve(revision)
}

/** The branch that `--base` names, if it does: `main`, `origin/main`. */
export async function branchNamed(
  top: string,
  revision: string,
  repository: GitRepository,
): Promise<string | undefined> {
  const name = branchName(revision)
  const local = await repository.resolve(`refs/heads/${name}`)
  return (local ?? (await askGit(top, `refs/remotes/origin/${name}`))) === undefined ? undefined : name
}

function branchName(revision: string): string {
  return revision.replace(/^(refs\/heads\/|refs\/remotes\/origin\/|origin\/)/, '')
}

async function askGit(top: string, revision: string): Promise<ObjectId | undefined> {
  try {
    const { stdout } = await run('git', ['-C', top, 'rev-parse', '--verify', '--quiet', `${revision}^{commit}`])
    return /^[0-9a-f]{40,64}$/.test(stdout.trim()) ? stdout.trim() : undefined
  } catch {
    return undefined // no Git, or no such revision: who asked says so
  }
}
