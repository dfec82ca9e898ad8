import type { Clock } from '@flotilla/core/ports/clock'
import type { GitBackend, GitCredentials } from '@flotilla/core/ports/git'
import type { Log } from '@flotilla/core/ports/log'
import type { Random } from '@flotilla/core/ports/random'
import type { Stages } from '../telemetry/stages.ts'
import { chooseBackend } from './git/choose-backend.ts'
import { gitError } from './git/git-errors.ts'
import { findNativeGit, nativeBackend } from './git/native-backend.ts'
import { normalisedUrl, parseRepositoryUrl } from './git/repository-url.ts'
import { RepositoryMirrors } from './mirror.ts'

export interface MirrorSettings {
  readonly dataDirectory: string
  /** The git program; `false` to do without. Default `git`. */
  readonly gitBinary?: string | false
  credentialsFor?(url: string): Promise<GitCredentials | undefined>
  pollIntervalMs(url: string): number
  /**
   * Repositories on the hub's own machine that may be read: a document of whoever may write a config repository must
   * not open the machine's folders. `all` is for the demo and for one's own laptop.
   */
  readonly localRepositories: 'all' | readonly string[]
  readonly stages?: Stages
}

/** The mirrors of a hub on a real machine: the git program where it is there, Git in JavaScript otherwise. */
export async function openMirrors(
  settings: MirrorSettings,
  { clock, random, log }: { readonly clock: Clock; readonly random: Random; readonly log: Log },
): Promise<RepositoryMirrors> {
  const isomorphic = lateIsomorphicBackend()
  let native: GitBackend | undefined
  if (settings.gitBinary !== false) {
    const found = await findNativeGit(settings.gitBinary)
    if (found.kind === 'found') native = nativeBackend({ gitBinary: settings.gitBinary })
    else log.info('Git in JavaScript reads all repositories; ssh needs the git program', { reason: found.reason })
  }
  const { localRepositories } = settings
  const allowed = localRepositories === 'all' ? undefined : new Set(localRepositories.map(normalisedUrl))
  return new RepositoryMirrors({
    dataDirectory: settings.dataDirectory,
    backendFor: url => {
      if (allowed && parseRepositoryUrl(url).kind === 'local' && !allowed.has(normalisedUrl(url))) {
        const message = 'repositories on the machine of the hub are read only when hub.yaml names them'
        throw gitError('URL_UNSUPPORTED', url, message)
      }
      return chooseBackend(url, { native, isomorphic })
    },
    credentialsFor: settings.credentialsFor,
    pollIntervalMs: settings.pollIntervalMs,
    stages: settings.stages,
    clock,
    random,
    log,
  })
}

/** Git in JavaScript, loaded for the first repository that it has to read: where the git program is there, never. */
function lateIsomorphicBackend(): GitBackend {
  return {
    name: 'isomorphic',
    supports: url => parseRepositoryUrl(url).kind !== 'ssh',
    open: async (url, directory, credentials) => {
      const { isomorphicBackend } = await import('./git/isomorphic-backend.ts')
      return await isomorphicBackend().open(url, directory, credentials)
    },
  }
}
