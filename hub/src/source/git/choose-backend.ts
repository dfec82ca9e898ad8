import type { GitBackend } from '@flotilla/core/ports/git'
import { gitError } from './git-errors.ts'
import { parseRepositoryUrl, withoutCredentials } from './repository-url.ts'

export interface GitBackends {
  /** Present when the git program is on the machine. */
  readonly native?: GitBackend
  readonly isomorphic: GitBackend
}

/**
 * Git in JavaScript always works and is the default; the git program does the same faster and in less memory, and alone
 * speaks ssh, so it is taken wherever it is there.
 *
 * @throws GitError `URL_UNSUPPORTED`, with what would help.
 */
export function chooseBackend(url: string, { native, isomorphic }: GitBackends): GitBackend {
  const parsed = parseRepositoryUrl(url)
  for (const backend of [native, isomorphic]) if (backend?.supports(url)) return backend
  const message =
    parsed.kind === 'ssh' ? 'ssh needs the git program on the machine of the hub' : 'nothing here can read it'
  throw gitError('URL_UNSUPPORTED', withoutCredentials(url), message)
}
