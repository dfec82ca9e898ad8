import { resolve } from 'node:path'
import type { GitBackend } from '@flotilla/core/ports/git'
import { CachedRepository } from '../cached-repository.ts'
import { gitError } from './git-errors.ts'
import { LocalMirror, takeUp } from './local-mirror.ts'
import { readingEnvironment } from './native-environment.ts'
import { type NativeLimits, NativeMirror } from './native-mirror.ts'
import { NativeObjects } from './native-objects.ts'
import { runGit } from './native-process.ts'
import { ObjectRepository } from './object-repository.ts'
import { parseRepositoryUrl } from './repository-url.ts'

export interface NativeOptions extends Partial<NativeLimits> {
  /** Default `git`, looked up in PATH. */
  readonly gitBinary?: string
}

const DEFAULT_LIMITS: NativeLimits = { fetchTimeoutMs: 10 * 60_000, maxPacks: 50 }
/** The first version that takes its whole configuration from the environment. */
const OLDEST = [2, 32] as const

/** The git program: http(s), ssh, local repositories in place. Faster and smaller in memory, wherever it is there. */
export function nativeBackend(options: NativeOptions = {}): GitBackend {
  const { gitBinary = 'git', ...limits } = options
  return {
    name: 'native',
    supports: url => {
      try {
        return parseRepositoryUrl(url) !== undefined
      } catch {
        return false
      }
    },
    open: async (url, directory, credentials = {}) => {
      const parsed = parseRepositoryUrl(url)
      if (parsed.kind === 'local') {
        const mirror = new LocalMirror(parsed.path, folder => new NativeObjects(gitBinary, parsed.path, folder))
        await takeUp(mirror)
        return CachedRepository.over(new ObjectRepository(mirror))
      }
      if (parsed.kind === 'ssh' && parsed.inline?.password !== undefined) {
        throw gitError('URL_UNSUPPORTED', parsed.url, 'ssh with a password is not supported; use a key')
      }
      const mirror = await NativeMirror.open({
        gitBinary,
        directory: resolve(directory, 'native'),
        url: parsed,
        credentials: { ...parsed.inline, ...credentials },
        limits: { ...DEFAULT_LIMITS, ...limits },
      })
      return CachedRepository.over(new ObjectRepository(mirror))
    },
  }
}

/** The version of the git program, when it is there and new enough; a sentence on why not, otherwise. */
export async function findNativeGit(
  gitBinary = 'git',
): Promise<
  { readonly kind: 'found'; readonly version: string } | { readonly kind: 'missing'; readonly reason: string }
> {
  let text: string
  try {
    text = await runGit({
      gitBinary,
      subject: gitBinary,
      arguments: ['--version'],
      variables: readingEnvironment(),
      signal: AbortSignal.timeout(10_000),
    })
  } catch (error) {
    return { kind: 'missing', reason: `${gitBinary} cannot be run: ${(error as Error).message}` }
  }
  const [, version = '', major, minor] = /((\d+)\.(\d+)[^\s]*)/.exec(text) ?? []
  const isNew = Number(major) > OLDEST[0] || (Number(major) === OLDEST[0] && Number(minor) >= OLDEST[1])
  if (isNew) return { kind: 'found', version }
  return { kind: 'missing', reason: `git ${version || text.trim()} is older than ${OLDEST.join('.')}` }
}
