import type { Json, JsonObject } from '@flotilla/core/json/json'
import { listAt, numberIfAny, textAt } from '@flotilla/core/json/read-json'
import type { HostedRepository, PullRequest } from '@flotilla/generators/inputs'
import { baseUrlOf, filePathOf, listIn, pathOf } from './api-path.ts'
import { basicHeader, bitbucketHeaders } from './bitbucket-login.ts'
import { cloneUrl, flagOf, identityOf, neededText, textOf } from './config-fields.ts'
import type { ApiCall, ApiReply, HostApi, HostProvider } from './provider.ts'

const DEFAULT_API = 'https://api.bitbucket.org/2.0'
const PAGE = 100
/** Pull requests come in pages of fifty at most. */
const PULL_REQUEST_PAGE = 50

/** Bitbucket Cloud (REST 2.0). */
export const bitbucketCloud: HostProvider = {
  async connect(config, context) {
    const baseUrl = baseUrlOf(textOf(config, 'api') || DEFAULT_API).href
    const appPassword = config['appPasswordRef']
    const headers =
      appPassword === undefined
        ? await bitbucketHeaders(config, context, baseUrl)
        : basicHeader(neededText(config, 'user'), await context.secrets.secret(appPassword, baseUrl))
    return {
      baseUrl,
      trust: { insecure: false },
      identity: identityOf(config, 'user', 'appPasswordRef', 'basicAuth', 'bearerToken'),
      headers: async () => headers,
    }
  },

  async repositories({ config, cloneProtocol }, api) {
    const owner = neededText(config, 'owner')
    const found = await listAll(api, pathOf('repositories', owner), PAGE)
    // A repository without a main branch is empty.
    return found
      .filter(each => textAt(each, 'mainbranch', 'name') !== '')
      .map(each => ({
        organization: owner,
        repository: textAt(each, 'slug'),
        url: cloneUrl(cloneProtocol, 'Bitbucket Cloud', {
          ssh: cloneLink(each, 'ssh'),
          https: cloneLink(each, 'https'),
        }),
        branch: textAt(each, 'mainbranch', 'name'),
        sha: '',
        labels: [],
        repositoryId: textAt(each, 'uuid'),
      }))
  },

  async branches({ config, repository }, api) {
    const branches = `${repositoryPath(repository)}/refs/branches`
    if (!flagOf(config, 'allBranches')) {
      const reply = await api.find({ path: `${branches}/${pathOf(repository.branch)}` })
      return reply === undefined ? [] : [atBranch(repository, reply.body)]
    }
    return (await listAll(api, branches, PAGE)).map(branch => atBranch(repository, branch))
  },

  async pathExists({ repository, path }, api) {
    const { sha, branch } = repository
    const file = `${repositoryPath(repository)}/src/${pathOf(sha || branch)}/${filePathOf(path)}`
    return (await api.find({ path: file, query: { format: 'meta' } })) !== undefined
  },

  async pullRequests({ config }, api) {
    const path = pathOf('repositories', neededText(config, 'owner'), neededText(config, 'repo'), 'pullrequests')
    return (await listAll(api, path, PULL_REQUEST_PAGE, { state: 'OPEN' })).map(pullRequestOf)
  },

  async pullRequestFiles({ config, number }, api) {
    const repository = pathOf('repositories', neededText(config, 'owner'), neededText(config, 'repo'))
    const found = await listAll(api, `${repository}/${pathOf('pullrequests', number, 'diffstat')}`, PAGE)
    const paths = found.flatMap(change => [textAt(change, 'new', 'path'), textAt(change, 'old', 'path')])
    return { paths: [...new Set(paths.filter(path => path !== ''))], complete: true }
  },
}

function listAll(
  api: HostApi,
  path: string,
  pagelen: number,
  query: { state?: string } = {},
): Promise<readonly Json[]> {
  return api.list({ path, query: { pagelen, ...query } }, body => listIn(body, 'values'), nextPage)
}

/**
 * The next page's whole URL is in the body. Only its query is taken: nobody is to be able to lead us to another address.
 */
function nextPage({ body }: ApiReply, call: ApiCall): ApiCall | undefined {
  const next = textAt(body, 'next')
  if (next === '' || !URL.canParse(next, 'https://host.invalid')) return undefined
  const query = Object.fromEntries(new URL(next, 'https://host.invalid').searchParams)
  return { ...call, query: { ...call.query, ...query } }
}

function repositoryPath({ organization, repository }: HostedRepository): string {
  return pathOf('repositories', organization, repository)
}

function cloneLink(repository: Json, name: string): string {
  const links = listAt(repository, 'links', 'clone')
  return textAt(links.find(link => textAt(link, 'name') === name) ?? ({} as JsonObject), 'href')
}

function atBranch(repository: HostedRepository, branch: Json): HostedRepository {
  return { ...repository, branch: textAt(branch, 'name'), sha: textAt(branch, 'target', 'hash') }
}

function pullRequestOf(found: Json): PullRequest {
  return {
    number: String(numberIfAny(found, 'id') ?? ''),
    title: textAt(found, 'title'),
    branch: textAt(found, 'source', 'branch', 'name'),
    targetBranch: textAt(found, 'destination', 'branch', 'name'),
    headSha: textAt(found, 'source', 'commit', 'hash'),
    author: textAt(found, 'author', 'nickname'),
    labels: [],
  }
}
