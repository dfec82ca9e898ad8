import type { Json } from '@flotilla/core/json/json'
import { listAt, numberIfAny, textAt, valueAt } from '@flotilla/core/json/read-json'
import type { HostedRepository, PullRequest } from '@flotilla/generators/inputs'
import { baseUrlOf, listIn, pathOf } from './api-path.ts'
import { basicHeader } from './bitbucket-login.ts'
import { flagOf, identityOf, neededText, textOf } from './config-fields.ts'
import { HostError } from './host-error.ts'
import type { ApiCall, ApiReply, HostApi, HostProvider } from './provider.ts'

const DEFAULT_API = 'https://dev.azure.com'
const VERSION = { 'api-version': '7.1' }
const PAGE = 100
const CHANGES_PAGE = 1000
const HEADS = 'refs/heads/'

/** Azure DevOps Services and Server (REST 7.1). Requests lie below the organization's address. */
export const azureDevOps: HostProvider = {
  async connect(config, context) {
    const api = baseUrlOf(textOf(config, 'api') || DEFAULT_API).href
    const baseUrl = `${api}${pathOf(neededText(config, 'organization'))}/`
    const reference = config['accessTokenRef'] ?? config['tokenRef']
    const token = await context.secrets.secret(reference, baseUrl)
    if (token === '' && 'teamProject' in config) {
      const message = 'accessTokenRef gives no personal access token, and Azure DevOps lists nothing without one'
      throw new HostError('HOST_CONFIG_INVALID', message, { retry: false })
    }
    return {
      baseUrl,
      trust: { insecure: false },
      identity: identityOf(config, 'accessTokenRef', 'tokenRef'),
      headers: async () => (token === '' ? NO_HEADERS : basicHeader('', token)),
    }
  },

  async repositories({ config }, api) {
    const organization = neededText(config, 'organization')
    const path = pathOf(neededText(config, 'teamProject'), '_apis', 'git', 'repositories')
    // All of them come at once: this listing has no pages.
    const found = await api.list(
      { path, query: VERSION },
      body => listIn(body, 'value'),
      () => undefined,
    )
    // An empty repository has no default branch, and a disabled one answers nothing.
    return found
      .filter(each => textAt(each, 'defaultBranch') !== '' && valueAt(each, 'isDisabled') !== true)
      .map(each => ({
        organization,
        repository: textAt(each, 'name'),
        url: textAt(each, 'remoteUrl'),
        branch: branchName(textAt(each, 'defaultBranch')),
        sha: '',
        labels: [],
        repositoryId: textAt(each, 'id'),
      }))
  },

  async branches({ config, repository }, api) {
    const wanted = flagOf(config, 'allBranches') ? '' : repository.branch
    const path = `${repositoryPath(config, repository)}/refs`
    const found = await api.list(
      { path, query: { ...VERSION, filter: `heads/${wanted}`, $top: PAGE } },
      body => listIn(body, 'value'),
      byContinuationToken,
    )
    // The filter is a prefix: `heads/main` brings `heads/main-2` too.
    return found
      .map(ref => ({ ...repository, branch: branchName(textAt(ref, 'name')), sha: textAt(ref, 'objectId') }))
      .filter(({ branch }) => wanted === '' || branch === wanted)
  },

  async pathExists({ config, repository, path }, api) {
    const { sha, branch } = repository
    const version = {
      'versionDescriptor.version': sha || branch,
      'versionDescriptor.versionType': sha === '' ? 'branch' : 'commit',
    }
    const query = { ...VERSION, path: `/${path}`, $format: 'json', ...version }
    return (await api.find({ path: `${repositoryPath(config, repository)}/items`, query })) !== undefined
  },

  async pullRequests({ config }, api) {
    const { path } = pullRequestsOf(config)
    const query = { ...VERSION, 'searchCriteria.status': 'active', $top: PAGE, $skip: 0 }
    const found = await api.list({ path, query }, body => listIn(body, 'value'), bySkipping)
    return found.map(pullRequestOf)
  },

  async pullRequestFiles({ config, number }, api) {
    const { path } = pullRequestsOf(config)
    const iterations = `${path}/${pathOf(number, 'iterations')}`
    const { body } = await api.ask({ path: iterations, query: VERSION })
    const last = Math.max(...listAt(body, 'value').map(iteration => numberIfAny(iteration, 'id') ?? 0), 0)
    if (last === 0) return { paths: [], complete: false }
    const changes = await listChanges(api, `${iterations}/${pathOf(String(last), 'changes')}`)
    const paths = changes.flatMap(change => [textAt(change, 'item', 'path'), textAt(change, 'originalPath')])
    const files = paths.filter(file => file !== '').map(file => file.replace(/^\/+/, ''))
    return { paths: [...new Set(files)], complete: true }
  },
}

const NO_HEADERS: Readonly<Record<string, string>> = {}

function listChanges(api: HostApi, path: string): Promise<readonly Json[]> {
  const query = { ...VERSION, $top: CHANGES_PAGE, $skip: 0 }
  return api.list(
    { path, query },
    body => listIn(body, 'changeEntries'),
    ({ body }, call) => {
      const skip = numberIfAny(body, 'nextSkip') ?? 0
      if (skip === 0) return undefined
      return { ...call, query: { ...call.query, $skip: skip, $top: numberIfAny(body, 'nextTop') || CHANGES_PAGE } }
    },
  )
}

function byContinuationToken({ headers }: ApiReply, call: ApiCall): ApiCall | undefined {
  const continuationToken = headers.get('x-ms-continuationtoken') ?? ''
  return continuationToken === '' ? undefined : { ...call, query: { ...call.query, continuationToken } }
}

/** Nothing says that there is more, and a host may give less than it is asked for: the end is an empty page. */
function bySkipping({ body }: ApiReply, call: ApiCall): ApiCall | undefined {
  const given = listAt(body, 'value').length
  if (given === 0) return undefined
  return { ...call, query: { ...call.query, $skip: Number(call.query?.['$skip'] ?? 0) + given } }
}

function repositoryPath(config: Parameters<typeof neededText>[0], { repositoryId, repository }: HostedRepository) {
  const id = typeof repositoryId === 'string' && repositoryId !== '' ? repositoryId : repository
  return pathOf(neededText(config, 'teamProject'), '_apis', 'git', 'repositories', id)
}

function pullRequestsOf(config: Parameters<typeof neededText>[0]): { readonly path: string } {
  const project = neededText(config, 'project')
  return { path: pathOf(project, '_apis', 'git', 'repositories', neededText(config, 'repo'), 'pullRequests') }
}

function branchName(ref: string): string {
  return ref.startsWith(HEADS) ? ref.slice(HEADS.length) : ref
}

function pullRequestOf(found: Json): PullRequest {
  return {
    number: String(numberIfAny(found, 'pullRequestId') ?? ''),
    title: textAt(found, 'title'),
    branch: branchName(textAt(found, 'sourceRefName')),
    targetBranch: branchName(textAt(found, 'targetRefName')),
    headSha: textAt(found, 'lastMergeSourceCommit', 'commitId'),
    author: textAt(found, 'createdBy', 'uniqueName').split('@')[0]!,
    labels: listAt(found, 'labels').map(label => textAt(label, 'name')),
  }
}
