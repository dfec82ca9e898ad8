import type { Json } from '@flotilla/core/json/json'
import { type HostCall, type HostContent, type HostReply, hasPath, type Routes } from './host-server.ts'

/** The team project that the organization of the content has. */
export const AZURE_PROJECT = 'web'
const missing = (what: string): HostReply => ({
  status: 404,
  body: { $id: '1', message: `TF401019: ${what} does not exist`, typeKey: 'NotFoundException' },
})

/** Azure DevOps' REST API 7.1 as it is documented: two entries a page where it has pages. */
export function azureDevOpsRoutes(content: () => HostContent, token: string): Routes {
  const basic = `Basic ${Buffer.from(`:${token}`).toString('base64')}`
  return call => {
    if (call.headers.authorization !== basic) return { status: 401, text: '<html>Sign in</html>' }
    if (call.query.get('api-version') !== '7.1') return { status: 400, body: { message: 'No api-version' } }
    const { organization, repositories, pulls } = content()
    const [owner, project, apis, git, root, wanted, ...path] = call.segments
    if (owner !== organization || project !== AZURE_PROJECT) return missing('The organization or project')
    if (`${apis}/${git}/${root}` !== '_apis/git/repositories') return missing('The page')
    if (wanted === undefined) return list(repositories.map(each => shown(organization, each)))
    const repository = repositories.find(({ id, name }) => name === wanted || idOf(id) === wanted)
    if (repository === undefined) return missing(`The Git repository with name or identifier ${wanted}`)
    switch (path[0]) {
      case 'refs':
        return refs(call, repository.branches)
      case 'items': {
        const version = call.query.get('versionDescriptor.version') ?? ''
        const file = (call.query.get('path') ?? '').replace(/^\//, '')
        const found = hasPath(repository.branches, version, file)
        return found ? { status: 200, body: { path: `/${file}`, isFolder: found === 'folder' } } : missing('The item')
      }
      case 'pullRequests':
        return pullRequests(call, pulls[repository.name] ?? [], path.slice(1))
      default:
        return missing('The page')
    }
  }
}

function refs(call: HostCall, branches: HostContent['repositories'][number]['branches']): HostReply {
  const filter = `refs/${call.query.get('filter') ?? ''}`
  const all = branches
    .map(({ name, sha }) => ({ name: `refs/heads/${name}`, objectId: sha }))
    .filter(({ name }) => name.startsWith(filter))
  const from = Number(call.query.get('continuationToken') ?? 0)
  const more = from + 2 < all.length
  return {
    ...list(all.slice(from, from + 2)),
    ...(more && { headers: { 'x-ms-continuationtoken': String(from + 2) } }),
  }
}

function pullRequests(
  call: HostCall,
  pulls: HostContent['pulls'][string],
  [number, iterations, iteration, what]: readonly string[],
): HostReply {
  const skip = Number(call.query.get('$skip') ?? 0)
  if (number === undefined) {
    if (call.query.get('searchCriteria.status') !== 'active') return list([])
    return list(pulls.slice(skip, skip + 2).map(shownPull))
  }
  const pull = pulls.find(each => String(each.number) === number)
  if (pull === undefined || iterations !== 'iterations') return missing('The pull request')
  if (iteration === undefined) return list([{ id: 1 }, { id: 2 }])
  if (iteration !== '2' || what !== 'changes') return missing('The iteration')
  const changes = pull.files.map(({ path, before }) => ({
    changeType: before === undefined ? 'edit' : 'rename',
    item: { path: `/${path}` },
    ...(before !== undefined && { originalPath: `/${before}` }),
  }))
  const more = skip + 2 < changes.length
  const next = more ? { nextSkip: skip + 2, nextTop: 2 } : { nextSkip: 0, nextTop: 0 }
  return { status: 200, body: { changeEntries: changes.slice(skip, skip + 2), ...next } }
}

function list(value: readonly Json[]): HostReply {
  return { status: 200, body: { count: value.length, value } }
}

function idOf(id: number): string {
  return `00000000-0000-0000-0000-${String(id).padStart(12, '0')}`
}

function shown(organization: string, { id, name, defaultBranch }: HostContent['repositories'][number]): Json {
  return {
    id: idOf(id),
    name,
    project: { name: AZURE_PROJECT },
    remoteUrl: `https://dev.azure.com/${organization}/${AZURE_PROJECT}/_git/${name}`,
    ...(defaultBranch !== '' && { defaultBranch: `refs/heads/${defaultBranch}` }),
  }
}

function shownPull(pull: HostContent['pulls'][string][number]): Json {
  return {
    pullRequestId: pull.number,
    title: pull.title,
    sourceRefName: `refs/heads/${pull.branch}`,
    targetRefName: `refs/heads/${pull.target}`,
    lastMergeSourceCommit: { commitId: pull.sha },
    createdBy: { uniqueName: `${pull.author}@example.com`, displayName: 'Ada L.' },
    labels: pull.labels.map(name => ({ name, active: true })),
  }
}
