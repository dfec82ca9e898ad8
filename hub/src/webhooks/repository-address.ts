/** Where a repository is, whichever way it is written. For comparing only. */
export interface RepositoryAddress {
  /** Small letters, without port, user, and the `ssh.` or `altssh.` in front of it. */
  readonly host: string
  /** Small letters, without slashes around it and `.git`. */
  readonly path: string
}

const HOST = String.raw`(?:[^@/\s]*@)?(?:(?:alt)?ssh\.)?(\[[^\]\s]*\]|[^:/\s]+)`
const URL_FORM = new RegExp(String.raw`^[a-z][a-z0-9+.-]*://${HOST}(?::\d{1,5})?/(\S+)$`, 'i')
/** As Git reads what has no scheme: behind the colon is the path, digits or not. */
const SCP_FORM = new RegExp(String.raw`^${HOST}[:/](\S+)$`, 'i')

/**
 * Reads `https://host/path.git`, `ssh://git@ssh.host:443/path`, `git@host:path` and what has no scheme at all.
 *
 * @example
 * addressOf('ssh://git@ssh.github.com:443/Org/repo.git') // => { host: 'github.com', path: 'org/repo' }
 */
export function addressOf(url: string): RepositoryAddress | undefined {
  const text = url.trim()
  const parts = (text.includes('://') ? URL_FORM : SCP_FORM).exec(text)
  if (parts === null) return undefined
  const host = parts[1]!.toLowerCase()
  const path = parts[2]!
    .toLowerCase()
    .replace(/^\/+|\/+$/g, '')
    .replace(/\.git$/, '')
  return path === '' ? undefined : azureAddress({ host, path })
}

/** Azure DevOps has three names for one repository: today's, the older one by organization, and that for ssh. */
function azureAddress({ host, path }: RepositoryAddress): RepositoryAddress {
  const organization = /^([a-z0-9-]+)\.visualstudio\.com$/.exec(host)?.[1]
  if (organization !== undefined) {
    const rest = path.replace(/^defaultcollection\/(?=[^_])/, '')
    return azureAddress({ host: AZURE, path: `${organization}/${rest}` })
  }
  const short = host === AZURE ? /^([^/]+)\/_git\/([^/]+)$/.exec(path) : null
  if (short !== null) return { host, path: `${short[1]}/${short[2]}/_git/${short[2]}` }
  const ssh = host === AZURE ? /^v3\/([^/]+)\/([^/]+)\/([^/]+)$/.exec(path) : null
  return ssh === null ? { host, path } : { host, path: `${ssh[1]}/${ssh[2]}/_git/${ssh[3]}` }
}

const AZURE = 'dev.azure.com'
