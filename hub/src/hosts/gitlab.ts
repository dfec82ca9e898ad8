import type { Json } from '@flotilla/core/json/json'
import { listAt, numberIfAny, textAt } from '@flotilla/core/json/read-json'
import type { HostedRepository, PullRequest, RepositoriesRequest } from '@flotilla/generators/inputs'
import { baseUrlOf, listIn, pathOf } from './api-path.ts'
import { cloneUrl, flagOf, identityOf, neededText, textOf } from './config-fields.ts'
import type { ApiCall, ApiReply, HostProvider } from './provider.ts'

const PAGE = 100
/** What GitLab shows of a merge request's files, unless its administrator changed it. */
const MOST_FILES = 1000

/** GitLab, also one's own (REST, version 4). */
export const gitlab: HostProvider = {
  async connect(config, { secrets }) {
    const url = baseUrlOf(textOf(config, 'api') || 'https://gitlab.com')
    const baseUrl = url.pathname.endsWith('/api/v4/') ? url.href : `${url.href}api/v4/`
    const token = await secrets.secret(config['tokenRef'], baseUrl)
    const certificateAuthority = await secrets.configMap(config['caRef'])
    return {
      baseUrl,
      trust: {
        insecure: flagOf(config, 'insecure'),
        ...(certificateAuthority !== undefined && { certificateAuthority }),
      },
      identity: identityOf(config, 'tokenRef', 'caRef', 'insecure'),
      headers: async (): Promise<Readonly<Record<string, string>>> => (token === '' ? {} : { 'private-token': token }),
    }
  },

  async repositories(request, api) {
    const { config } = request
    const topic = textOf(config, 'topic')
    const query = {
      per_page: PAGE,
      include_subgroups: flagOf(config, 'includeSubgroups'),
      // Absent means yes.
      with_shared: config['includeSharedProjects'] !== false,
      ...(topic !== '' && { topic }),
      ...(!flagOf(config, 'includeArchivedRepos') && { archived: false }),
    }
    const path = pathOf('groups', neededText(config, 'group'), 'projects')
    const found = await api.list({ path, query }, body => listIn(body), nextPage)
    return found.map(project => repositoryOf(project, request))
  },

  async branches({ config, repository }, api) {
    const base = pathOf('projects', projectOf(repository), 'repository', 'branches')
    if (flagOf(config, 'allBranches')) {
      const found = await api.list({ path: base, query: { per_page: PAGE } }, body => listIn(body), nextPage)
      return found.map(branch => atBranch(repository, branch))
    }
    // A project without commits has no default branch.
    if (repository.branch === '') return []
    const reply = await api.find({ path: `${base}/${pathOf(repository.branch)}` })
    return reply === undefined ? [] : [atBranch(repository, reply.body)]
  },

  async pathExists({ repository, path }, api) {
    const ref = repository.sha || repository.branch
    const base = pathOf('projects', projectOf(repository), 'repository')
    const file = { path: `${base}/files/${pathOf(path)}`, query: { ref } }
    if (await api.exists(file)) return true
    const folder = await api.find({ path: `${base}/tree`, query: { path, ref, per_page: 1 } })
    return folder !== undefined && (listIn(folder.body) ?? []).length > 0
  },

  async pullRequests({ config }, api) {
    const state = textOf(config, 'pullRequestState')
    const labels = listAt(config, 'labels').map(String).join(',')
    const query = { per_page: PAGE, ...(state !== '' && { state }), ...(labels !== '' && { labels }) }
    const path = pathOf('projects', neededText(config, 'project'), 'merge_requests')
    const found = await api.list({ path, query }, body => listIn(body), nextPage)
    return found.map(mergeRequestOf)
  },

  async pullRequestFiles({ config, number }, api) {
    const path = pathOf('projects', neededText(config, 'project'), 'merge_requests', number, 'diffs')
    const found = await api.list({ path, query: { per_page: PAGE } }, body => listIn(body), nextPage)
    const paths = found.flatMap(file => [textAt(file, 'new_path'), textAt(file, 'old_path')])
    return { paths: [...new Set(paths)].filter(name => name !== ''), complete: found.length < MOST_FILES }
  },
}

/** By number: links name GitLab by its external address, which may not be the one we know it by. */
function nextPage(reply: ApiReply, call: ApiCall): ApiCall | undefined {
  const page = reply.headers.get('x-next-page')?.trim() ?? ''
  return /^\d{1,7}$/.test(page) ? { ...call, query: { ...call.query, page } } : undefined
}

function projectOf({ repositoryId, organization, repository }: HostedRepository): string {
  return typeof repositoryId === 'number' ? String(repositoryId) : `${organization}/${repository}`
}

function repositoryOf(project: Json, { cloneProtocol }: RepositoriesRequest): HostedRepository {
  const topics = listAt(project, 'topics')
  return {
    organization: textAt(project, 'namespace', 'full_path'),
    repository: textAt(project, 'path'),
    url: cloneUrl(cloneProtocol, 'Gitlab', {
      ssh: textAt(project, 'ssh_url_to_repo'),
      https: textAt(project, 'http_url_to_repo'),
    }),
    branch: textAt(project, 'default_branch'),
    sha: '',
    labels: (topics.length > 0 ? topics : listAt(project, 'tag_list')).map(String),
    repositoryId: numberIfAny(project, 'id') ?? null,
  }
}

function atBranch(repository: HostedRepository, branch: Json): HostedRepository {
  return { ...repository, branch: textAt(branch, 'name'), sha: textAt(branch, 'commit', 'id') }
}

function mergeRequestOf(found: Json): PullRequest {
  return {
    number: String(numberIfAny(found, 'iid') ?? ''),
    title: textAt(found, 'title'),
    branch: textAt(found, 'source_branch'),
    targetBranch: textAt(found, 'target_branch'),
    headSha: textAt(found, 'sha'),
    author: textAt(found, 'author', 'username'),
    labels: listAt(found, 'labels').map(String),
  }
}
