import type { Json, JsonObject } from '@flotilla/core/json/json'
import { listAt, numberIfAny, textAt, valueAt } from '@flotilla/core/json/read-json'
import type { HostedRepository, PullRequest } from '@flotilla/generators/inputs'
import { baseUrlOf, filePathOf, listIn, pathOf } from './api-path.ts'
import { bitbucketHeaders } from './bitbucket-login.ts'
import { cloneUrl, flagOf, identityOf, neededText } from './config-fields.ts'
import type { ApiCall, ApiReply, HostApi, HostProvider } from './provider.ts'

const PAGE = 100

/** Bitbucket Server and Data Center (REST 1.0). */
export const bitbucketServer: HostProvider = {
  async connect(config, context) {
    const baseUrl = baseUrlOf(`${normalizeBitbucketBasePath(neededText(config, 'api'))}/api/1.0`).href
    const headers = await bitbucketHeaders(config, context, baseUrl)
    const certificateAuthority = await context.secrets.configMap(config['caRef'])
    return {
      baseUrl,
      trust: {
        insecure: flagOf(config, 'insecure'),
        ...(certificateAuthority !== undefined && { certificateAuthority }),
      },
      identity: identityOf(config, 'basicAuth', 'bearerToken'),
      headers: async () => headers,
    }
  },

  async repositories({ config, cloneProtocol }, api) {
    const found = await listAll(api, pathOf('projects', neededText(config, 'project'), 'repos'))
    const repositories: HostedRepository[] = []
    for (const each of found) {
      const project = textAt(each, 'project', 'key')
      // Empty for a repository without commits: then there is no body, or no such branch.
      const reply = await api.find({
        path: pathOf('projects', project, 'repos', textAt(each, 'slug'), 'branches', 'default'),
      })
      const branch = textAt(reply?.body, 'displayId')
      if (branch === '') continue
      repositories.push({
        organization: project,
        repository: textAt(each, 'name'),
        url: cloneUrl(cloneProtocol, 'Bitbucket Server', {
          ssh: cloneLink(each, 'ssh'),
          https: cloneLink(each, 'http'),
        }),
        branch,
        sha: textAt(reply?.body, 'latestCommit'),
        labels: [],
        repositoryId: numberIfAny(each, 'id') ?? null,
      })
    }
    return repositories
  },

  async branches({ config, repository }, api) {
    if (!flagOf(config, 'allBranches')) return [repository]
    const found = await listAll(api, `${repositoryPath(repository)}/branches`)
    return found.map(branch => ({
      ...repository,
      branch: textAt(branch, 'displayId'),
      sha: textAt(branch, 'latestCommit'),
    }))
  },

  async pathExists({ repository, path }, api) {
    const { sha, branch } = repository
    const file = `${repositoryPath(repository)}/browse/${filePathOf(path)}`
    const query = { at: sha === '' ? `refs/heads/${branch}` : sha, type: true }
    return (await api.find({ path: file, query })) !== undefined
  },

  async pullRequests({ config }, api) {
    const path = pathOf('projects', neededText(config, 'project'), 'repos', neededText(config, 'repo'), 'pull-requests')
    return (await listAll(api, path)).map(pullRequestOf)
  },

  async pullRequestFiles({ config, number }, api) {
    const repository = pathOf('projects', neededText(config, 'project'), 'repos', neededText(config, 'repo'))
    const found = await listAll(api, `${repository}/${pathOf('pull-requests', number, 'changes')}`)
    const paths = found.flatMap(change => [textAt(change, 'path', 'toString'), textAt(change, 'srcPath', 'toString')])
    return { paths: paths.filter(path => path !== ''), complete: true }
  },
}

/**
 * `https://bitbucket.example.com` → `https://bitbucket.example.com/rest`; a URL that ends so already stays.
 */
export function normalizeBitbucketBasePath(url: string): string {
  const trimmed = url.replace(/\/+$/, '')
  return trimmed.endsWith('/rest') ? trimmed : `${trimmed}/rest`
}

function listAll(api: HostApi, path: string): Promise<readonly Json[]> {
  return api.list({ path, query: { limit: PAGE } }, body => listIn(body, 'values'), nextPage)
}

/** `nextPageStart` is the server's word: what it filters away makes it differ from start plus limit. */
function nextPage({ body }: ApiReply, call: ApiCall): ApiCall | undefined {
  const start = numberIfAny(body, 'nextPageStart')
  if (valueAt(body, 'isLastPage') !== false || start === undefined) return undefined
  return { ...call, query: { ...call.query, start } }
}

/** A repository is asked for by its slug, which only its clone URL says: its name may have blanks and capitals. */
function repositoryPath({ organization, url }: HostedRepository): string {
  const slug = url.slice(url.lastIndexOf('/') + 1).replace(/\.git$/, '')
  return pathOf('projects', organization, 'repos', slug)
}

function cloneLink(repository: Json, name: string): string {
  const links = listAt(repository, 'links', 'clone')
  return textAt(links.find(link => textAt(link, 'name') === name) ?? ({} as JsonObject), 'href')
}

function pullRequestOf(found: Json): PullRequest {
  return {
    number: String(numberIfAny(found, 'id') ?? ''),
    title: textAt(found, 'title'),
    branch: textAt(found, 'fromRef', 'displayId'),
    targetBranch: textAt(found, 'toRef', 'displayId'),
    headSha: textAt(found, 'fromRef', 'latestCommit'),
    author: textAt(found, 'author', 'user', 'name'),
    labels: [],
  }
}
