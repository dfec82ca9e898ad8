import type { Json } from '@flotilla/core/json/json'
import { type HostCall, type HostContent, type HostReply, hasPath, pageOf, type Routes } from './host-server.ts'

export interface GiteaOptions {
  readonly token?: string
  readonly pageSize?: number
}

const NOT_FOUND: HostReply = {
  status: 404,
  body: { errors: null, message: "The target couldn't be found.", url: 'https://gitea.example.com/api/swagger' },
}

/** Gitea's REST API as it is documented (version 1); Forgejo's is the same here. */
export function giteaRoutes(content: () => HostContent, { token, pageSize = 2 }: GiteaOptions = {}): Routes {
  return call => {
    if (token !== undefined && call.headers.authorization !== `token ${token}`) {
      return { status: 401, body: { message: 'invalid username, password or token' } }
    }
    // The route knows GET alone.
    if (call.method !== 'GET') return { status: 405, text: '' }
    const { organization, repositories, pulls } = content()
    const [api, version, first, owner, name, ...rest] = call.segments
    if (api !== 'api' || version !== 'v1') return NOT_FOUND
    if (first === 'orgs' && owner === organization && name === 'repos') {
      return page(
        call,
        repositories.map(repository => shown(organization, repository)),
        pageSize,
      )
    }
    const repository = repositories.find(each => each.name === name)
    if (first !== 'repos' || owner !== organization || repository === undefined) return NOT_FOUND
    switch (rest[0]) {
      case 'labels':
        return page(
          call,
          repository.labels.map((label, id) => ({ id, name: label, color: 'ee0701' })),
          pageSize,
        )
      case 'branches': {
        const branches = repository.branches.map(branch => ({ name: branch.name, commit: { id: branch.sha } }))
        if (rest.length === 1) return page(call, branches, pageSize)
        const branch = branches.find(each => each.name === rest[1])
        return branch ? { status: 200, body: branch } : NOT_FOUND
      }
      case 'contents': {
        const found = hasPath(repository.branches, call.query.get('ref') ?? '', rest.slice(1).join('/'))
        return found ? { status: 200, body: found === 'file' ? { type: 'file' } : [{ type: 'file' }] } : NOT_FOUND
      }
      case 'pulls': {
        const own = pulls[repository.name] ?? []
        if (rest.length === 1) return page(call, own.map(shownPull), pageSize)
        const pull = own.find(each => String(each.number) === rest[1])
        if (pull === undefined || rest[2] !== 'files') return NOT_FOUND
        const files = pull.files.map(({ path, before }) => ({
          filename: path,
          ...(before !== undefined && { previous_filename: before, status: 'renamed' }),
        }))
        return page(call, files, pageSize)
      }
      default:
        return NOT_FOUND
    }
  }
}

function page(call: HostCall, items: readonly Json[], most: number): HostReply {
  const size = Math.min(Number(call.query.get('limit') ?? 30), most)
  const number = Number(call.query.get('page') ?? 1)
  const last = Math.max(1, Math.ceil(items.length / size))
  const link = (to: number, rel: string): string =>
    `<https://gitea.internal.example/api/v1/items?limit=${size}&page=${to}>; rel="${rel}"`
  return {
    status: 200,
    body: pageOf(items, number, size),
    headers: {
      'x-total-count': String(items.length),
      ...(number < last && { link: `${link(number + 1, 'next')},${link(last, 'last')}` }),
    },
  }
}

function shown(organization: string, repository: HostContent['repositories'][number]): Json {
  const { id, name, defaultBranch, archived } = repository
  return {
    id,
    name,
    full_name: `${organization}/${name}`,
    owner: { login: organization },
    empty: defaultBranch === '',
    ssh_url: `git@gitea.example.com:${organization}/${name}.git`,
    clone_url: `https://gitea.example.com/${organization}/${name}.git`,
    html_url: `https://gitea.example.com/${organization}/${name}`,
    default_branch: defaultBranch === '' ? 'main' : defaultBranch,
    archived: archived ?? false,
  }
}

function shownPull(pull: HostContent['pulls'][string][number]): Json {
  return {
    number: pull.number,
    state: 'open',
    title: pull.title,
    user: { login: pull.author, username: pull.author },
    labels: pull.labels.map((name, id) => ({ id, name })),
    head: { ref: pull.branch, sha: pull.sha, label: pull.branch },
    base: { ref: pull.target, label: pull.target },
  }
}
