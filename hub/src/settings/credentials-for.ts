import { readFile } from 'node:fs/promises'
import { type GitCredentials, GitError } from '@flotilla/core/ports/git'
import { normaliseRepositoryUrl } from '@flotilla/core/project/repository-url'
import { withoutCredentials } from '@flotilla/core/view/shown-url'
import type { HubOptions } from './compile-hub-options.ts'
import type { ConfiguredCredential } from './read-credentials.ts'

/**
 * Gives the credentials for a repository: by the name that its document gives, else by its config source's, else the
 * longest of the `urls` that it lies under. Files are read at each use, so a rotated password needs no restart.
 *
 * @throws GitError `REPOSITORY_AUTHENTICATION_FAILED` when a named credential is missing or its file cannot be read.
 */
export function credentialsFor(
  options: Pick<HubOptions, 'credentials' | 'configSources'>,
): (url: string, name?: string) => Promise<GitCredentials | undefined> {
  return async (url, name) => {
    const wanted = name ?? nameOfSource(options, url)
    const found =
      wanted === undefined
        ? longestMatch(options.credentials, url)
        : options.credentials.find(credential => credential.name === wanted)
    if (found !== undefined) return await resolved(found, url)
    if (wanted === undefined) return undefined
    throw refused(url, `there is no credential "${wanted}" in the hub's settings`)
  }
}

function nameOfSource({ configSources }: Pick<HubOptions, 'configSources'>, url: string): string | undefined {
  const wanted = normaliseRepositoryUrl(url)
  return configSources.find(({ repository }) => normaliseRepositoryUrl(repository) === wanted)?.credentials
}

/** `https://git.example.com/team` is for `…/team/x`, and not for `…/team-of-others`. */
function longestMatch(credentials: readonly ConfiguredCredential[], url: string): ConfiguredCredential | undefined {
  const wanted = normaliseRepositoryUrl(url)
  let best: { readonly credential: ConfiguredCredential; readonly length: number } | undefined
  for (const credential of credentials) {
    for (const each of credential.urls) {
      const prefix = normaliseRepositoryUrl(each)
      if (wanted !== prefix && !wanted.startsWith(`${prefix}/`)) continue
      if (best === undefined || prefix.length > best.length) best = { credential, length: prefix.length }
    }
  }
  return best?.credential
}

async function resolved(credential: ConfiguredCredential, url: string): Promise<GitCredentials> {
  const { username, sshPrivateKeyFile, sshKnownHostsFile, certificateAuthorityFile, passwordFile } = credential
  const text = async (path: string): Promise<string> =>
    await readFile(path, 'utf8').catch((cause: unknown) => {
      throw refused(url, `the file ${path} of credential "${credential.name}" cannot be read`, cause)
    })
  const password = passwordFile === undefined ? credential.password : (await text(passwordFile)).trim()
  return {
    ...(username !== undefined && { username }),
    ...(password !== undefined && { password }),
    ...(sshPrivateKeyFile !== undefined && { sshPrivateKey: await text(sshPrivateKeyFile) }),
    ...(sshKnownHostsFile !== undefined && { sshKnownHosts: await text(sshKnownHostsFile) }),
    ...(certificateAuthorityFile !== undefined && { certificateAuthority: await text(certificateAuthorityFile) }),
  }
}

function refused(url: string, message: string, cause?: unknown): GitError {
  return new GitError('REPOSITORY_AUTHENTICATION_FAILED', withoutCredentials(url), message, { retry: true, cause })
}
