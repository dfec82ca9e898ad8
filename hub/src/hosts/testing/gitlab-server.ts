import type { Json } from '@flotilla/core/json/json'
import { type HostCall, type HostContent, type HostReply, hasPath, pageOf, type Routes } from './host-server.ts'

export interface GitlabOptions {
  readonly token?: string
  readonly pageSize?: number
}

const missing = (what: string): HostReply => ({ status: 404, body: { message: `404 ${what} Not Found` } })

/** GitLab's REST API as it is documented (version 4). */
export function gitlabRoutes(content: () => HostContent, { token, pageSize = 2 }: GitlabOptions = {}): Routes {
  return call => {
    if (token !== undefined && call.headers['private-token'] !== token) {
      return { status: 401, body: { message: '401 Unauthorized' } }
    }
    const { organization, repositories, pulls } = content()
    const [api, version, first, id, second, ...rest] = call.segments
    if (api !== 'api' || version !== 'v4') return { status: 404, body: { error: '404 Not Found' } }
    if (first === 'groups') {
      if (id !== organization || second !== 'projects') return missing('Group')
      const archived = call.query.get('archived')
      const topic = call.query.get('topic')
      const listed = repositories
        .filter(repository => archived === null || String(repository.archived ?? false) === archived)
        .filter(({ labels }) => topic === null || labels.includes(topic))
      return page(
        call,
        listed.map(repository => shown(organization, repository)),
        pageSize,
      )
    }
    const project = repositories.find(each => String(each.id) === id || `${organization}/${each.name}` === id)
    if (first !== 'projects' || project === undefined) return missing('Project')
    if (second === 'merge_requests') return mergeRequests(call, pulls[project.name] ?? [], rest, pageSize)
    if (second !== 'repository') return missing('Page')
    if (rest[0] === 'branches') {
      const branches = project.branches.map(({ name, sha }) => ({ name, commit: { id: sha } }))
      if (rest.length === 1) return page(call, branches, pageSize)
      const branch = branches.find(each => each.name === rest[1])
      return branch ? { status: 200, body: branch } : missing('Branch')
    }
    const ref = call.query.get('ref') ?? ''
    if (rest[0] === 'files') {
      const found = hasPath(project.branches, ref, rest[1] ?? '') === 'file'
      return found ? { status: 200, body: { file_path: rest[1]!, ref } } : missing('File')
    }
    const path = call.query.get('path') ?? ''
    const found = hasPath(project.branches, ref, path) === 'folder'
    return found ? page(call, [{ type: 'blob', path: `${path}/x` }], pageSize) : missing('invalid revision or path')
  }
}

function mergeRequests(
  call: HostCall,
  pulls: HostContent['pulls'][string],
  [number, what]: readonly string[],
  pageSize: number,
): HostReply {
  if (number === undefined) {
    const labels = call.query.get('labels')?.split(',') ?? []
    const state = call.query.get('state') ?? 'all'
    const listed = pulls.filter(pull => labels.every(label => pull.labels.includes(label)))
    return page(call, ['all', 'opened'].includes(state) ? listed.map(shownPull) : [], pageSize)
  }
  const pull = pulls.find(each => String(each.number) === number)
  if (pull === undefined || what !== 'diffs') return missing('Not found')
  const diffs = pull.files.map(({ path, before }) => ({
    old_path: before ?? path,
    new_path: path,
    renamed_file: before !== undefined,
  }))
  return page(call, diffs, pageSize)
}

function page(call: HostCall, items: readonly Json[], most: number): HostReply {
  const size = Math.min(Number(call.query.get('per_page') ?? 20), most)
  const number = Number(call.query.get('page') ?? 1)
  const last = Math.max(1, Math.ceil(items.length / size))
  return {
    status: 200,
    body: pageOf(items, number, size),
    headers: {
      'x-page': String(number),
      'x-next-page': number < last ? String(number + 1) : '',
      'x-total-pages': String(last),
      'ratelimit-remaining': '599',
      'ratelimit-reset': '1900000000',
    },
  }
}

function shown(organization: string, repository: HostContent['repositories'][number]): Json {
  const { id, name, defaultBranch, labels, archived } = repository
  return {
    id,
    path: name,
    name: `The ${name}`,
    namespace: { full_path: organization },
    ssh_url_to_repo: `git@gitlab.com:${organization}/${name}.git`,
    http_url_to_repo: `https://gitlab.com/${organization}/${name}.git`,
    default_branch: defaultBranch === '' ? null : defaultBranch,
    topics: labels,
    archived: archived ?? false,
  }
}

function shownPull(pull: HostContent['pulls'][string][number]): Json {
  return {
    id: 90_000 + pull.number,
    iid: pull.number,
    state: 'opened',
    title: pull.title,
    author: { username: pull.author },
    labels: pull.labels,
    source_branch: pull.branch,
    target_branch: pull.target,
    sha: pull.sha,
  }
}
