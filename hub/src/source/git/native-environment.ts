import { mkdir, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { getCACertificates } from 'node:tls'
import type { GitCredentials } from '@flotilla/core/ports/git'
import { gitError } from './git-errors.ts'
import type { RepositoryUrl } from './repository-url.ts'

/** The environment of one `git` run, and what must be removed when it is over. */
export interface GitEnvironment {
  readonly variables: Readonly<Record<string, string>>
  /** Where git must be run: ssh is given its files by names relative to it, which no space or quote can break. */
  readonly folder: string
  dispose(): Promise<void>
}

type Setting = readonly [key: string, value: string]

/** The way to the network and the machine's certificates; nothing else of the hub's environment reaches git. */
const PASSED = /^(PATH|TMPDIR|TZ|SSL_CERT_(FILE|DIR)|(HTTPS?|ALL|NO)_PROXY)$/i
const CREDENTIAL_HELPER =
  '!f() { test "$1" = get && printf "username=%s\\npassword=%s\\n" "$FLOTILLA_GIT_USERNAME" "$FLOTILLA_GIT_PASSWORD"; }; f'

/** For reading a mirror, which needs no network and no credentials. */
export function readingEnvironment(): Readonly<Record<string, string>> {
  return baseEnvironment([])
}

/**
 * For talking to `url`. Credentials go through the environment to a helper bound to the repository's own origin, so
 * that a redirect elsewhere gets none of them; keys lie in a private folder for as long as the run takes. Nothing of
 * them is on a command line, in the mirror's configuration or in a message.
 *
 * @param folder Made for this run and removed by `dispose`; what is there is removed first.
 */
export async function networkEnvironment(
  url: Extract<RepositoryUrl, { kind: 'http' | 'ssh' }>,
  credentials: GitCredentials,
  folder: string,
): Promise<GitEnvironment> {
  // A hub that was killed could not remove it.
  await rm(folder, { recursive: true, force: true })
  await mkdir(folder, { recursive: true, mode: 0o700 })
  const dispose = () => rm(folder, { recursive: true, force: true })
  try {
    const variables =
      url.kind === 'http'
        ? await httpEnvironment(url.origin, url.url, credentials, folder)
        : await sshEnvironment(credentials, folder)
    return { variables, folder, dispose }
  } catch (error) {
    await dispose()
    throw error
  }
}

async function httpEnvironment(origin: string, subject: string, credentials: GitCredentials, folder: string) {
  const { username, password, certificateAuthority } = credentials
  const settings: Setting[] = [
    ['protocol.http.allow', 'always'],
    ['protocol.https.allow', 'always'],
    ['http.followRedirects', 'initial'],
    ['http.lowSpeedLimit', '1'],
    ['http.lowSpeedTime', '60'],
    ['credential.helper', ''],
  ]
  const secrets: Record<string, string> = {}
  if (username !== undefined || password !== undefined) {
    // The credential protocol is lines of text.
    if (/[\n\r\0]/.test(`${username}${password}`)) {
      throw gitError('REPOSITORY_AUTHENTICATION_FAILED', subject, 'user name or password hold a line break')
    }
    settings.push([`credential.${origin}.helper`, CREDENTIAL_HELPER])
    secrets['FLOTILLA_GIT_USERNAME'] = username ?? 'git'
    secrets['FLOTILLA_GIT_PASSWORD'] = password ?? ''
  }
  if (certificateAuthority !== undefined) {
    const file = join(folder, 'certificates.pem')
    const all = new Set([...getCACertificates('default'), ...getCACertificates('system'), certificateAuthority])
    await writeFile(file, [...all].map(pem => `${pem.trim()}\n`).join(''), { mode: 0o600 })
    secrets['GIT_SSL_CAINFO'] = file
  }
  return { ...baseEnvironment(settings), ...secrets }
}

async function sshEnvironment(credentials: GitCredentials, folder: string) {
  const options = [
    'BatchMode=yes',
    'StrictHostKeyChecking=yes',
    'UserKnownHostsFile=known_hosts',
    'GlobalKnownHostsFile=/dev/null',
    'UpdateHostKeys=no',
    'IdentitiesOnly=yes',
    'IdentityAgent=none',
    'ForwardAgent=no',
    'ClearAllForwardings=yes',
    'PermitLocalCommand=no',
    'ConnectTimeout=20',
    'ServerAliveInterval=15',
    'ServerAliveCountMax=4',
  ]
  await writeFile(join(folder, 'known_hosts'), credentials.sshKnownHosts ?? '', { mode: 0o600 })
  if (credentials.sshPrivateKey === undefined) {
    options.push('IdentityFile=none')
  } else {
    // OpenSSH refuses a key whose last line does not end.
    const key = `${credentials.sshPrivateKey.replaceAll('\r\n', '\n').trimEnd()}\n`
    await writeFile(join(folder, 'key'), key, { mode: 0o600 })
    options.push('IdentityFile=key')
  }
  const command = ['ssh', '-F', '/dev/null', ...options.flatMap(option => ['-o', option])].join(' ')
  return {
    ...baseEnvironment([['protocol.ssh.allow', 'always']]),
    GIT_SSH_COMMAND: command,
    GIT_SSH_VARIANT: 'ssh',
  }
}

/**
 * Nobody's configuration but ours, no prompts, no hooks, no transport unless it is named. `safe.directory` lets a
 * mirror on a volume with another owner be read; it is given explicitly, never discovered.
 */
function baseEnvironment(settings: readonly Setting[]): Record<string, string> {
  const all: Setting[] = [
    ['protocol.allow', 'never'],
    ['core.hooksPath', '/dev/null'],
    ['core.fsmonitor', 'false'],
    ['core.askPass', ''],
    ['safe.directory', '*'],
    ['gc.auto', '0'],
    ['maintenance.auto', 'false'],
    // Packs, never loose objects: their number says when to repack.
    ['fetch.unpackLimit', '1'],
    ['fetch.recurseSubmodules', 'false'],
    ['transfer.credentialsInUrl', 'die'],
    ['advice.fetchShowForcedUpdates', 'false'],
    ...settings,
  ]
  const variables: Record<string, string> = {
    LC_ALL: 'C',
    HOME: '/nonexistent',
    XDG_CONFIG_HOME: '/nonexistent',
    GIT_CONFIG_NOSYSTEM: '1',
    GIT_CONFIG_GLOBAL: '/dev/null',
    GIT_ATTR_NOSYSTEM: '1',
    GIT_TERMINAL_PROMPT: '0',
    GIT_ASKPASS: '',
    GIT_NO_REPLACE_OBJECTS: '1',
    GIT_OPTIONAL_LOCKS: '0',
    GIT_CONFIG_COUNT: String(all.length),
  }
  for (const [index, [key, value]] of all.entries()) {
    variables[`GIT_CONFIG_KEY_${index}`] = key
    variables[`GIT_CONFIG_VALUE_${index}`] = value
  }
  for (const [name, value] of Object.entries(process.env)) {
    if (value !== undefined && PASSED.test(name)) variables[name] = value
  }
  return variables
}
