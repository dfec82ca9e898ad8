import type { Json } from '@flotilla/core/json/json'
import { type HostCall, type HostContent, type HostReply, hasPath, pageOf, type Routes } from './host-server.ts'

const missing = (what: string): HostReply => ({
  status: 404,
  body: { type: 'error', error: { message: `${what} not found` } },
})

/** Bitbucket Cloud's REST API 2.0 as it is documented, two entries a page. */
export function bitbucketCloudRoutes(content: () => HostContent, token: string): Routes {
  const basic = `Basic ${Buffer.from(`bot:${token}`).toString('base64')}`
  return call => {
    if (![basic, `Bearer ${token}`].includes(call.headers.authorization ?? '')) {
      return { status: 401, body: { type: 'error', error: { message: 'Token is invalid' } } }
    }
    const { organization, repositories, pulls } = content()
    const [version, root, owner, slug, ...path] = call.segments
    if (version !== '2.0' || root !== 'repositories' || owner !== organization) return missing('Workspace')
    if (slug === undefined) {
      return page(
        call,
        repositories.map(({ id, name, defaultBranch }) => shown(organization, id, name, defaultBranch)),
      )
    }
    const repository = repositories.find(({ name }) => name === slug)
    if (repository === undefined) return missing(`Repository ${owner}/${slug}`)
    if (path[0] === 'refs' && path[1] === 'branches') {
      const branches = repository.branches.map(({ name, sha }) => ({ name, type: 'branch', target: { hash: sha } }))
      if (path[2] === undefined) return page(call, branches)
      const branch = branches.find(({ name }) => name === path[2])
      return branch ? { status: 200, body: branch } : missing('Branch')
    }
    if (path[0] === 'src') {
      const file = path.slice(2).join('/')
      const found = call.query.get('format') === 'meta' ? hasPath(repository.branches, path[1] ?? '', file) : undefined
      return found ? { status: 200, body: { path: file, type: `commit_${found}` } } : missing('File')
    }
    return path[0] === 'pullrequests' ? pullRequests(call, pulls[slug] ?? [], path.slice(1)) : missing('Page')
  }
}

function pullRequests(
  call: HostCall,
  pulls: HostContent['pulls'][string],
  [number, what]: readonly string[],
): HostReply {
  if (number === undefined) {
    if (Number(call.query.get('pagelen')) > 50) {
      return { status: 400, body: { type: 'error', error: { message: 'Invalid pagelen' } } }
    }
    return page(
      call,
      pulls.map(({ number: id, title, branch, target, sha, author }) => ({
        id,
        title,
        state: 'OPEN',
        source: { branch: { name: branch }, commit: { hash: sha } },
        destination: { branch: { name: target } },
        author: { nickname: author, display_name: 'Ada L.' },
      })),
    )
  }
  const pull = pulls.find(each => String(each.number) === number)
  if (pull === undefined || what !== 'diffstat') return missing('Pull request')
  return page(
    call,
    pull.files.map(({ path, before }) => ({
      status: before === undefined ? 'modified' : 'renamed',
      old: { path: before ?? path },
      new: { path },
    })),
  )
}

function page(call: HostCall, items: readonly Json[]): HostReply {
  const size = Math.min(Number(call.query.get('pagelen') ?? 10), 2)
  const number = Number(call.query.get('page') ?? 1)
  const query = new URLSearchParams(call.query)
  query.set('page', String(number + 1))
  // Under the name by which the host knows itself.
  const next = `https://api.bitbucket.org${call.target.split('?')[0]}?${query}`
  const values = pageOf(items, number, size)
  const body = { pagelen: size, page: number, size: items.length, values }
  return { status: 200, body: number * size < items.length ? { ...body, next } : body }
}

function shown(owner: string, id: number, name: string, defaultBranch: string): Json {
  return {
    uuid: `{00000000-0000-0000-0000-${String(id).padStart(12, '0')}}`,
    slug: name,
    name: `The ${name}`,
    full_name: `${owner}/${name}`,
    mainbranch: defaultBranch === '' ? null : { name: defaultBranch, type: 'branch' },
    links: {
      clone: [
        { name: 'https', href: `https://bot@bitbucket.org/${owner}/${name}.git` },
        { name: 'ssh', href: `git@bitbucket.org:${owner}/${name}.git` },
      ],
    },
  }
}
