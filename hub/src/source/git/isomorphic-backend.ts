import { join } from 'node:path'
import type { GitBackend, GitCredentials } from '@flotilla/core/ports/git'
import { CachedRepository } from '../cached-repository.ts'
import { gitError } from './git-errors.ts'
import { type IsomorphicLimits, IsomorphicMirror } from './isomorphic-mirror.ts'
import { IsomorphicObjects } from './isomorphic-objects.ts'
import { LocalMirror, takeUp } from './local-mirror.ts'
import { ObjectRepository } from './object-repository.ts'
import { parseRepositoryUrl, withoutCredentials } from './repository-url.ts'

export type IsomorphicOptions = Partial<IsomorphicLimits>

const DEFAULT_LIMITS: IsomorphicLimits = {
  fetchTimeoutMs: 10 * 60_000,
  idleTimeoutMs: 60_000,
  maxPackBytes: 512 * 1024 * 1024,
  maxObjectBytes: 100 * 1024 * 1024,
  inProcessBytes: 1024 * 1024,
  maxPacks: 50,
}

/** Git in JavaScript: needs no binary; speaks http(s), reads local repositories in place, cannot speak ssh. */
export function isomorphicBackend(options: IsomorphicOptions = {}): GitBackend {
  const limits = { ...DEFAULT_LIMITS, ...options }
  return {
    name: 'isomorphic',
    supports: url => {
      try {
        return parseRepositoryUrl(url).kind !== 'ssh'
      } catch {
        return false
      }
    },
    open: async (url, directory, credentials) => {
      const parsed = parseRepositoryUrl(url)
      if (parsed.kind === 'ssh') {
        throw gitError(
          'URL_UNSUPPORTED',
          withoutCredentials(url),
          'ssh needs the git program on the machine of the hub',
        )
      }
      if (parsed.kind === 'local') {
        const mirror = new LocalMirror(parsed.path, folder => new IsomorphicObjects(parsed.path, folder))
        await takeUp(mirror)
        return CachedRepository.over(new ObjectRepository(mirror))
      }
      const access = { url: parsed.url, ...httpCredentials({ ...parsed.inline, ...credentials }), ...limitsOf(limits) }
      return CachedRepository.over(
        new ObjectRepository(await IsomorphicMirror.open(join(directory, 'isomorphic'), access, limits)),
      )
    },
  }
}

function httpCredentials(credentials: GitCredentials): GitCredentials {
  const { username, password, certificateAuthority } = credentials
  return {
    ...(username === undefined ? {} : { username }),
    ...(password === undefined ? {} : { password }),
    ...(certificateAuthority === undefined ? {} : { certificateAuthority }),
  }
}

function limitsOf({ maxPackBytes, idleTimeoutMs }: IsomorphicLimits) {
  return { maxResponseBytes: maxPackBytes, idleTimeoutMs }
}
