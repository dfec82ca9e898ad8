import type { Json } from '@flotilla/core/json/json'
import { listAt, numberIfAny, textAt, valueAt } from '@flotilla/core/json/read-json'
import type { HostedRepository, PullRequest, RepositoriesRequest } from '@flotilla/generators/inputs'
import { baseUrlOf, filePathOf, listIn, nextLink, pathOf } from './api-path.ts'
import { cloneUrl, flagOf, identityOf, neededText, textOf } from './config-fields.ts'
import { installationToken } from './github-app.ts'
import type { Connection, HostProvider } from './provider.ts'

const HEADERS = { accept: 'application/vnd.github+json', 'x-github-api-version': '2022-11-28' }
const PAGE = 100
/** GitHub lists no more files of a pull request. */
const MOST_FILES = 3000

/** GitHub and GitHub Enterprise Server (REST, version 2022-11-28). */
export const github: HostProvider = {
  async connect(config, context) {
    const baseUrl = githubBase(textOf(config, 'api'))
    const connection = (token: string): Connection => ({
      baseUrl,
      trust: { insecure: false },
      identity: identityOf(config, 'tokenRef', 'appSecretName'),
      headers: async (): Promise<Readonly<Record<string, string>>> =>
        token === '' ? {} : { authorization: `Bearer ${token}` },
    })
    const app = textOf(config, 'appSecretName')
    if (app === '') return connection(await context.secrets.secret(config['tokenRef'], baseUrl))
    return connection(await installationToken(config, app, baseUrl, context))
  },

  async repositories(request, api) {
    const path = pathOf('orgs', neededText(request.config, 'organization'), 'repos')
    const found = await api.list({ path, query: { per_page: PAGE }, headers: HEADERS }, body => listIn(body), nextLink)
    const wanted = flagOf(request.config, 'excludeArchivedRepos')
      ? found.filter(repository => valueAt(repository, 'archived') !== true)
      : found
    // A repository without a default branch is empty.
    return wanted
      .filter(repository => textAt(repository, 'default_branch') !== '')
      .map(repository => repositoryOf(repository, request))
  },

  async branches({ config, repository }, api) {
    const base = pathOf('repos', repository.organization, repository.repository, 'branches')
    if (!flagOf(config, 'allBranches')) {
      const reply = await api.find({ path: `${base}/${pathOf(repository.branch)}`, headers: HEADERS })
      return reply === undefined ? [] : [atBranch(repository, reply.body)]
    }
    const found = await api.list(
      { path: base, query: { per_page: PAGE }, headers: HEADERS },
      body => listIn(body),
      nextLink,
    )
    return found.map(branch => atBranch(repository, branch))
  },

  async pathExists({ repository, path }, api) {
    const { organization, repository: name, sha, branch } = repository
    const file = `${pathOf('repos', organization, name, 'contents')}/${filePathOf(path)}`
    return api.exists({ path: file, query: { ref: sha || branch }, headers: HEADERS })
  },

  async pullRequests({ config }, api) {
    const path = pathOf('repos', neededText(config, 'owner'), neededText(config, 'repo'), 'pulls')
    const found = await api.list({ path, query: { per_page: PAGE }, headers: HEADERS }, body => listIn(body), nextLink)
    return found.map(pullRequestOf)
  },

  async pullRequestFiles({ config, number }, api) {
    const path = pathOf('repos', neededText(config, 'owner'), neededText(config, 'repo'), 'pulls', number, 'files')
    const found = await api.list({ path, query: { per_page: PAGE }, headers: HEADERS }, body => listIn(body), nextLink)
    const paths = found.flatMap(file => [textAt(file, 'filename'), textAt(file, 'previous_filename')])
    return { paths: paths.filter(name => name !== ''), complete: found.length < MOST_FILES }
  },
}

/** `api` of a document as go-github understands it: a server of one's own answers below `/api/v3/`. */
function githubBase(api: string): string {
  if (api === '') return 'https://api.github.com/'
  const url = baseUrlOf(api)
  const known = url.pathname.endsWith('/api/v3/') || url.host.startsWith('api.') || url.host.includes('.api.')
  return known ? url.href : `${url.href}api/v3/`
}

function repositoryOf(repository: Json, { cloneProtocol }: RepositoriesRequest): HostedRepository {
  return {
    organization: textAt(repository, 'owner', 'login'),
    repository: textAt(repository, 'name'),
    url: cloneUrl(cloneProtocol, 'GitHub', {
      ssh: textAt(repository, 'ssh_url'),
      https: textAt(repository, 'clone_url'),
    }),
    branch: textAt(repository, 'default_branch'),
    sha: '',
    labels: listAt(repository, 'topics').map(String),
    repositoryId: numberIfAny(repository, 'id') ?? null,
  }
}

function atBranch(repository: HostedRepository, branch: Json): HostedRepository {
  return { ...repository, branch: textAt(branch, 'name'), sha: textAt(branch, 'commit', 'sha') }
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
