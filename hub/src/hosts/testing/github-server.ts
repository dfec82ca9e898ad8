import type { Json } from '@flotilla/core/json/json'
import { type HostCall, type HostContent, type HostReply, hasPath, pageOf, type Routes } from './host-server.ts'

export interface GithubOptions {
  /** Needed in `authorization: Bearer …`; none without it. */
  readonly token?: string
  /** No page is larger, whatever is asked for. */
  readonly pageSize?: number
}

const NOT_FOUND: HostReply = {
  status: 404,
  body: { message: 'Not Found', documentation_url: 'https://docs.github.com/rest', status: '404' },
}

/** GitHub's REST API as it is documented (version 2022-11-28), below `/api/v3` as on a server of one's own. */
export function githubRoutes(content: () => HostContent, { token, pageSize = 2 }: GithubOptions = {}): Routes {
  return call => {
    if (token !== undefined && call.headers.authorization !== `Bearer ${token}`) {
      return { status: 401, body: { message: 'Bad credentials', status: '401' } }
    }
    const { organization, repositories, pulls } = content()
    const [api, version, first, owner, name, ...rest] = call.segments
    if (api !== 'api' || version !== 'v3') return NOT_FOUND
    if (first === 'orgs' && owner === organization && name === 'repos') {
      return page(
        call,
        repositories.map(repository => shown(organization, repository)),
        pageSize,
      )
    }
    const repository = repositories.find(each => each.name === name)
    if (first !== 'repos' || owner !== organization || repository === undefined) return NOT_FOUND
    if (rest[0] === 'branches') {
      const branches = repository.branches.map(branch => ({ name: branch.name, commit: { sha: branch.sha } }))
      if (rest.length === 1) return page(call, branches, pageSize)
      const branch = branches.find(each => each.name === rest[1])
      return branch ? { status: 200, body: branch } : { status: 404, body: { message: 'Branch not found' } }
    }
    if (rest[0] === 'contents') {
      const found = hasPath(repository.branches, call.query.get('ref') ?? '', rest.slice(1).join('/'))
      return found ? { status: 200, body: { type: found } } : NOT_FOUND
    }
    if (rest[0] !== 'pulls') return NOT_FOUND
    const own = pulls[repository.name] ?? []
    if (rest.length === 1)
      return page(
        call,
        own.map(pull => shownPull(pull)),
        pageSize,
      )
    const pull = own.find(each => String(each.number) === rest[1])
    if (pull === undefined || rest[2] !== 'files') return NOT_FOUND
    const files = pull.files.map(({ path, before }) => ({
      filename: path,
      status: before === undefined ? 'modified' : 'renamed',
      ...(before !== undefined && { previous_filename: before }),
    }))
    return page(call, files, pageSize)
  }
}

function page(call: HostCall, items: readonly Json[], most: number): HostReply {
  const size = Math.min(Number(call.query.get('per_page') ?? 30), most)
  const number = Number(call.query.get('page') ?? 1)
  const last = Math.max(1, Math.ceil(items.length / size))
  const link = (to: number, rel: string): string => {
    const query = new URLSearchParams(call.query)
    query.set('page', String(to))
    // Under the name by which the host knows itself.
    return `<https://github.internal.example/organizations/1/items?${query}>; rel="${rel}"`
  }
  const links = number < last ? [link(number + 1, 'next'), link(last, 'last')] : []
  return {
    status: 200,
    body: pageOf(items, number, size),
    headers: {
      'x-ratelimit-remaining': '4999',
      'x-ratelimit-reset': '1900000000',
      ...(links.length > 0 && { link: links.join(', ') }),
    },
  }
}

function shown(organization: string, repository: HostContent['repositories'][number]): Json {
  const { id, name, defaultBranch, labels, archived } = repository
  return {
    id,
    name,
    full_name: `${organization}/${name}`,
    owner: { login: organization, type: 'Organization' },
    ssh_url: `git@github.com:${organization}/${name}.git`,
    clone_url: `https://github.com/${organization}/${name}.git`,
    ...(defaultBranch !== '' && { default_branch: defaultBranch }),
    topics: labels,
    archived: archived ?? false,
  }
}

function shownPull(pull: HostContent['pulls'][string][number]): Json {
  return {
    number: pull.number,
    state: 'open',
    title: pull.title,
    user: { login: pull.author },
    labels: pull.labels.map(name => ({ name })),
    head: { ref: pull.branch, sha: pull.sha },
    base: { ref: pull.target },
  }
}
