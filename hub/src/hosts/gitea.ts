import type { Json } from '@flotilla/core/json/json'
import { listAt, numberIfAny, textAt, valueAt } from '@flotilla/core/json/read-json'
import type { HostedRepository, PullRequest } from '@flotilla/generators/inputs'
import { baseUrlOf, filePathOf, listIn, nextLink, pathOf } from './api-path.ts'
import { cloneUrl, flagOf, identityOf, neededText } from './config-fields.ts'
import { HostError } from './host-error.ts'
import type { HostApi, HostProvider } from './provider.ts'

/** Gitea gives no more at once, unless its administrator changed it. */
const PAGE = 50
/** Gitea lists no more files of a pull request than it shows. */
const MOST_FILES = 1000

/** Gitea and Forgejo (REST, version 1). */
export const gitea: HostProvider = {
  async connect(config, { secrets }) {
    const url = baseUrlOf(neededText(config, 'api'))
    const baseUrl = url.pathname.endsWith('/api/v1/') ? url.href : `${url.href}api/v1/`
    const token = await secrets.secret(config['tokenRef'], baseUrl)
    return {
      baseUrl,
      trust: { insecure: flagOf(config, 'insecure') },
      identity: identityOf(config, 'tokenRef', 'insecure'),
      headers: async (): Promise<Readonly<Record<string, string>>> =>
        token === '' ? {} : { authorization: `token ${token}` },
    }
  },

  async repositories({ config, cloneProtocol }, api) {
    const owner = neededText(config, 'owner')
    const found = await listed(api, pathOf('orgs', owner, 'repos'))
    const wanted = found.filter(
      repository =>
        // Argo CD fails for every repository when one of them is empty and so has no branch.
        valueAt(repository, 'empty') !== true &&
        !(flagOf(config, 'excludeArchivedRepos') && valueAt(repository, 'archived') === true),
    )
    return await Promise.all(
      wanted.map(async (repository): Promise<HostedRepository> => {
        const name = textAt(repository, 'name')
        const labels = await listed(api, pathOf('repos', owner, name, 'labels'))
        return {
          organization: owner,
          repository: name,
          url: cloneUrl(cloneProtocol, 'Gitea', {
            ssh: textAt(repository, 'ssh_url'),
            https: textAt(repository, 'html_url'),
          }),
          branch: textAt(repository, 'default_branch'),
          sha: '',
          labels: labels.map(label => textAt(label, 'name')),
          repositoryId: numberIfAny(repository, 'id') ?? null,
        }
      }),
    )
  },

  async branches({ config, repository }, api) {
    const base = pathOf('repos', repository.organization, repository.repository, 'branches')
    if (flagOf(config, 'allBranches')) {
      return (await listed(api, base)).map(branch => atBranch(repository, branch))
    }
    // A default branch that is missing is an error here, as in Argo CD.
    const { body } = await api.ask({ path: `${base}/${pathOf(repository.branch)}` })
    return [atBranch(repository, body)]
  },

  async pathExists({ repository, path }, api) {
    const { organization, repository: name, sha, branch } = repository
    const file = `${pathOf('repos', organization, name, 'contents')}/${filePathOf(path)}`
    try {
      return (await api.find({ path: file, query: { ref: sha || branch } })) !== undefined
    } catch (error) {
      // Gitea answers with the content: a file that is too large to be read is there.
      if (error instanceof HostError && error.code === 'HOST_ANSWER_TOO_LARGE') return true
      throw error
    }
  },

  async pullRequests({ config }, api) {
    const path = pathOf('repos', neededText(config, 'owner'), neededText(config, 'repo'), 'pulls')
    const found = await listed(api, path, { state: 'open' })
    return found.map(pullRequestOf)
  },

  async pullRequestFiles({ config, number }, api) {
    const path = pathOf('repos', neededText(config, 'owner'), neededText(config, 'repo'), 'pulls', number, 'files')
    const found = await listed(api, path)
    const paths = found.flatMap(file => [textAt(file, 'filename'), textAt(file, 'previous_filename')])
    return { paths: paths.filter(name => name !== ''), complete: found.length < MOST_FILES }
  },
}

/** Argo CD reads the first page alone; here all are read. */
async function listed(
  api: HostApi,
  path: string,
  query: Readonly<Record<string, string>> = {},
): Promise<readonly Json[]> {
  return await api.list({ path, query: { ...query, limit: PAGE } }, body => listIn(body), nextLink)
}

function atBranch(repository: HostedRepository, branch: Json): HostedRepository {
  return { ...repository, branch: textAt(branch, 'name'), sha: textAt(branch, 'commit', 'id') }
}

function pullRequestOf(found: Json): PullRequest {
  return {
    number: String(numberIfAny(found, 'number') ?? ''),
    title: textAt(found, 'title'),
    branch: textAt(found, 'head', 'ref'),
    targetBranch: textAt(found, 'base', 'ref'),
    headSha: textAt(found, 'head', 'sha'),
    author: textAt(found, 'user', 'login'),
    labels: listAt(found, 'labels').map(label => textAt(label, 'name')),
  }
}
