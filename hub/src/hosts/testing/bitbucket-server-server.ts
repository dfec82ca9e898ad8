import type { Json } from '@flotilla/core/json/json'
import { type HostCall, type HostContent, type HostReply, hasPath, type Routes } from './host-server.ts'

const missing = (what: string): HostReply => ({
  status: 404,
  body: { errors: [{ context: null, message: `${what} does not exist.`, exceptionName: 'NoSuchException' }] },
})

/** Bitbucket Server's REST API 1.0 as it is documented, two entries a page. */
export function bitbucketServerRoutes(content: () => HostContent, token: string): Routes {
  return call => {
    if (call.headers.authorization !== `Bearer ${token}`) {
      return { status: 401, body: { errors: [{ context: null, message: 'Authentication failed.' }] } }
    }
    const { organization, repositories, pulls } = content()
    const [rest, api, version, projects, key, repos, slug, ...path] = call.segments
    if (`${rest}/${api}/${version}/${projects}` !== 'rest/api/1.0/projects') return missing('Page')
    if (key !== organization || repos !== 'repos') return missing(`Project ${key}`)
    if (slug === undefined) {
      return page(
        call,
        repositories.map(({ id, name }) => shown(organization, id, name)),
      )
    }
    const repository = repositories.find(({ name }) => name === slug)
    if (repository === undefined) return missing(`Repository ${key}/${slug}`)
    const branches = repository.branches.map(({ name, sha }) => ({
      id: `refs/heads/${name}`,
      displayId: name,
      type: 'BRANCH',
      latestCommit: sha,
      isDefault: name === repository.defaultBranch,
    }))
    switch (path[0]) {
      case 'branches': {
        if (path[1] !== 'default') return page(call, branches)
        const found = branches.find(branch => branch.isDefault)
        // Without a commit there is nothing to say.
        return found ? { status: 200, body: found } : { status: 204 }
      }
      case 'browse': {
        const at = (call.query.get('at') ?? '').replace(/^refs\/heads\//, '')
        const found = hasPath(repository.branches, at, path.slice(1).join('/'))
        if (found === undefined) return missing(`The path "${path.slice(1).join('/')}"`)
        return { status: 200, body: { type: found === 'file' ? 'FILE' : 'DIRECTORY' } }
      }
      case 'pull-requests':
        return pullRequests(call, pulls[slug] ?? [], path.slice(1))
      default:
        return missing('Page')
    }
  }
}

function pullRequests(
  call: HostCall,
  pulls: HostContent['pulls'][string],
  [number, what]: readonly string[],
): HostReply {
  if (number === undefined) {
    return page(
      call,
      pulls.map(({ number: id, title, branch, target, sha, author }) => ({
        id,
        title,
        state: 'OPEN',
        fromRef: { id: `refs/heads/${branch}`, displayId: branch, latestCommit: sha },
        toRef: { id: `refs/heads/${target}`, displayId: target },
        author: { user: { name: author, displayName: 'Ada L.' } },
      })),
    )
  }
  const pull = pulls.find(each => String(each.number) === number)
  if (pull === undefined || what !== 'changes') return missing('Pull request')
  return page(
    call,
    pull.files.map(({ path, before }) => ({
      path: { toString: path },
      type: before === undefined ? 'MODIFY' : 'MOVE',
      ...(before !== undefined && { srcPath: { toString: before } }),
    })),
  )
}

function page(call: HostCall, items: readonly Json[]): HostReply {
  const start = Number(call.query.get('start') ?? 0)
  const size = Math.min(Number(call.query.get('limit') ?? 25), 2)
  const values = items.slice(start, start + size)
  const isLastPage = start + size >= items.length
  const body = { size: values.length, limit: size, isLastPage, values, start }
  return { status: 200, body: isLastPage ? body : { ...body, nextPageStart: start + size } }
}

function shown(project: string, id: number, name: string): Json {
  return {
    slug: name,
    id,
    name,
    project: { key: project },
    links: {
      clone: [
        { href: `https://bitbucket.example.com/scm/${project}/${name}.git`, name: 'http' },
        { href: `ssh://git@bitbucket.example.com:7999/${project}/${name}.git`, name: 'ssh' },
      ],
    },
  }
}
