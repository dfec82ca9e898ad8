import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { JsonObject } from '@flotilla/core/json/json'
import type {
  BranchesRequest,
  HostedRepository,
  InputAnswer,
  PullRequestProvider,
  PullRequestsRequest,
  RepositoriesRequest,
  ScmProvider,
} from '@flotilla/generators/inputs'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { hostsForTest } from './testing/ask-provider.ts'
import type { HostContent, HostServer } from './testing/host-server.ts'

export const TOKEN = 'swordfish-0123'
/** The Secret that holds {@link TOKEN}, as a document names it. */
export const TOKEN_REF = { secretName: 'creds', key: 'token' }

/** A provider and a replay of its host. */
export interface ProviderSubject {
  readonly name: string
  /** Serves this content two entries a page, to who shows {@link TOKEN}. */
  serve(content: () => HostContent): Promise<HostServer>
  readonly scm: {
    readonly provider: ScmProvider
    config(url: string, organization: string): JsonObject
    /** Added to leave out what is archived; absent where that is not asked for. */
    readonly withoutArchived?: JsonObject
    readonly withArchived?: JsonObject
    repositoryUrl(organization: string, name: string, protocol: 'ssh' | 'https'): string
    readonly labels: boolean
    /** The host lists all repositories at once. */
    readonly unpaged?: true
  }
  readonly pullRequests: {
    readonly provider: PullRequestProvider
    config(url: string, organization: string, repository: string, id: number): JsonObject
    /** Where they have labels although repositories have none. */
    readonly labels?: true
  }
}

const SHA = { main: 'a'.repeat(40), feature: 'b'.repeat(40) }

const CONTENT: HostContent = {
  organization: 'acme',
  repositories: [1, 2, 3, 4, 5].map(id => ({
    id,
    name: `repo-${id}`,
    defaultBranch: 'main',
    labels: id === 1 ? ['prod', 'team-a', 'third'] : [],
    ...(id === 4 && { archived: true as const }),
    branches: [
      { name: 'main', sha: SHA.main, files: ['README.md', 'deploy/prod/app.yaml'] },
      { name: 'feature/a b', sha: SHA.feature, files: ['new file.txt'] },
      { name: 'third', sha: SHA.main, files: [] },
    ],
  })),
  pulls: {
    'repo-1': [1, 2, 3].map(number => ({
      number,
      title: `Change ${number} "quoted" <b>`,
      branch: `feature/${number}`,
      target: 'main',
      sha: SHA.feature,
      author: 'ada',
      labels: number === 1 ? ['preview', 'a b'] : [],
      files: [{ path: 'apps/web/main.ts' }, { path: 'apps/new.ts', before: 'apps/old.ts' }, { path: 'README.md' }],
    })),
  },
}

/** What every provider must do alike, asked over real sockets. */
export function describeProvider(subject: ProviderSubject): void {
  describe(subject.name, () => {
    let server: HostServer
    let folder: string
    let content: HostContent
    let hosts: ReturnType<typeof hostsForTest>

    beforeEach(async () => {
      content = CONTENT
      server = await subject.serve(() => content)
      folder = await mkdtemp(join(tmpdir(), 'hosts-'))
      await mkdir(join(folder, 'creds'))
      await writeFile(join(folder, 'creds', 'token'), `${TOKEN}\n`)
      hosts = opened()
    })

    afterEach(async () => {
      hosts.close()
      await server.close()
      await rm(folder, { recursive: true })
    })

    const opened = (limits: Parameters<typeof hostsForTest>[0] = {}) =>
      hostsForTest({ secretsFolder: folder, allowedProviders: [server.url], ...limits })
    const facts = { project: 'web', trust: { kind: 'all' } } as const
    const repositories = (more: JsonObject = {}, cloneProtocol = ''): RepositoriesRequest => ({
      ...{ kind: 'scm-repositories', ...facts, cloneProtocol, provider: subject.scm.provider },
      config: { ...subject.scm.config(server.url, content.organization), ...more },
    })
    const listed = async (request: RepositoriesRequest): Promise<readonly HostedRepository[]> => {
      const answer = await hosts.ask(request)
      if (answer.kind !== 'scm-repositories') throw new Error(answer.kind)
      return answer.repositories
    }
    const branches = (repository: HostedRepository, more: JsonObject = {}): BranchesRequest => {
      const { provider, config } = repositories(more)
      return { kind: 'scm-branches', ...facts, provider, config, repository }
    }
    const exists = async (repository: HostedRepository, path: string): Promise<InputAnswer> => {
      const { provider, config } = repositories()
      return hosts.ask({ kind: 'scm-path', ...facts, provider, config, repository, path })
    }
    const pulls = (repository = 'repo-1', organization = content.organization, id = 1): PullRequestsRequest => ({
      ...{ kind: 'pull-requests', ...facts, provider: subject.pullRequests.provider },
      config: subject.pullRequests.config(server.url, organization, repository, id),
    })

    test('lists every repository of all pages once', async () => {
      const found = await listed(repositories(subject.scm.withArchived))
      expect(found.map(({ repository }) => repository)).toEqual(['repo-1', 'repo-2', 'repo-3', 'repo-4', 'repo-5'])
      expect(found[0]).toMatchObject({
        organization: 'acme',
        repository: 'repo-1',
        url: subject.scm.repositoryUrl('acme', 'repo-1', 'ssh'),
        branch: 'main',
        labels: subject.scm.labels ? ['prod', 'team-a', 'third'] : [],
      })
    })

    test('gives the URL by which it is to be cloned, and knows no other than the two', async () => {
      const [first] = await listed(repositories({}, 'https'))
      expect(first?.url).toBe(subject.scm.repositoryUrl('acme', 'repo-1', 'https'))
    })

    test('leaves out what is archived where that is asked for', async () => {
      if (subject.scm.withoutArchived === undefined) return
      const found = await listed(repositories(subject.scm.withoutArchived))
      expect(found.map(({ repository }) => repository)).toEqual(['repo-1', 'repo-2', 'repo-3', 'repo-5'])
    })

    test('an empty repository gives no branch', async () => {
      content = { ...content, repositories: [{ ...content.repositories[0]!, defaultBranch: '', branches: [] }] }
      const given = await Promise.all((await listed(repositories())).map(each => hosts.ask(branches(each))))
      for (const answer of given) expect(answer).toEqual({ kind: 'scm-branches', repositories: [] })
    })

    test('gives the default branch with its commit, or all branches of all pages', async () => {
      const [repository] = await listed(repositories())
      const main = { ...repository, branch: 'main', sha: SHA.main }
      expect(await hosts.ask(branches(repository!))).toEqual({ kind: 'scm-branches', repositories: [main] })
      const all = await hosts.ask(branches(repository!, { allBranches: true }))
      expect(all).toMatchObject({
        repositories: [main, { branch: 'feature/a b', sha: SHA.feature }, { branch: 'third' }],
      })
    })

    test('knows files and folders of a branch, by its commit', async () => {
      const [repository] = await listed(repositories())
      const main = { ...repository!, branch: 'main', sha: SHA.main }
      for (const path of ['README.md', 'deploy', 'deploy/prod', 'deploy/prod/app.yaml']) {
        expect(await exists(main, path), path).toEqual({ kind: 'scm-path', exists: true })
      }
      for (const path of ['readme.md', 'deploy/pro', 'new file.txt']) {
        expect(await exists(main, path), path).toEqual({ kind: 'scm-path', exists: false })
      }
      const feature = { ...repository!, branch: 'feature/a b', sha: SHA.feature }
      expect(await exists(feature, 'new file.txt')).toMatchObject({ exists: true })
    })

    test('a path that leads elsewhere is asked of nobody', async () => {
      const [repository] = await listed(repositories())
      server.forget()
      const { provider, config } = repositories()
      const path = '../../../user'
      const request = { kind: 'scm-path', ...facts, provider, config, repository: repository!, path } as const
      expect(await hosts.failure(request)).toMatch(/^HOST_CONFIG_INVALID|no failure but .*"exists":false/)
      for (const call of server.calls) expect(call.target).not.toContain('/../')
    })

    test('lists the open pull requests of all pages', async () => {
      const answer = await hosts.ask(pulls())
      const found = answer.kind === 'pull-requests' ? answer.pullRequests : []
      expect(found.map(({ number }) => number)).toEqual(['1', '2', '3'])
      expect(found[0]).toEqual({
        number: '1',
        title: 'Change 1 "quoted" <b>',
        branch: 'feature/1',
        targetBranch: 'main',
        headSha: SHA.feature,
        author: 'ada',
        labels: (subject.pullRequests.labels ?? subject.scm.labels) ? ['preview', 'a b'] : [],
      })
    })

    test('lists the files of a pull request, a moved one under both names', async () => {
      const { provider, config } = pulls()
      const kind = 'pull-request-files'
      const facet = { number: '1', headSha: SHA.feature, targetBranch: 'main' }
      const answer = await hosts.ask({ kind, ...facts, provider, config, ...facet })
      expect(answer).toMatchObject({ kind })
      const paths = answer.kind === kind ? [...answer.paths].sort() : []
      expect(paths).toEqual(['README.md', 'apps/new.ts', 'apps/old.ts', 'apps/web/main.ts'])
      expect(answer).not.toHaveProperty('truncated')
    })

    test('a repository that is not there is said to be missing; an organization that is not there is a failure', async () => {
      expect(await hosts.ask(pulls('nothing', 'acme', 99))).toEqual({
        kind: 'pull-requests',
        pullRequests: [],
        repositoryMissing: true,
      })
      const nobody = { ...repositories(), config: subject.scm.config(server.url, 'nobody') }
      expect(await hosts.failure(nobody)).toMatch(/^HOST_NOT_FOUND .*\(404\)/)
    })

    test('what did not change is not sent again, and gives the same answer', async () => {
      const first = await hosts.ask(repositories())
      const asked = server.calls.length
      server.forget()
      expect(await hosts.ask(repositories())).toEqual(first)
      expect(server.calls).toHaveLength(asked)
      const marked = server.calls.filter(call => call.method === 'GET')
      expect(marked.every(call => call.headers['if-none-match'] !== undefined)).toBe(true)
      content = { ...content, repositories: content.repositories.slice(1) }
      const later = await listed(repositories())
      expect(later.map(({ repository }) => repository)).not.toContain('repo-1')
    })

    test('says what is wrong with the credentials, and not what they are', async () => {
      await writeFile(join(folder, 'creds', 'token'), 'wrong-password')
      const said = await hosts.failure(repositories())
      expect(said).toMatch(/^HOST_REFUSED 127\.0\.0\.1.*\(401\)/)
      expect(said).not.toContain('wrong-password')
      // Rotated: read at the next use.
      await writeFile(join(folder, 'creds', 'token'), TOKEN)
      expect(await listed(repositories())).not.toHaveLength(0)
    })

    test.each([
      ['429 with a time', { status: 429, headers: { 'retry-after': '120' } }],
      [
        '403 of a host that counts',
        { status: 403, headers: { 'x-ratelimit-remaining': '0', 'x-ratelimit-reset': '9999999999' } },
      ],
      ['503 with a time', { status: 503, headers: { 'retry-after': '60' } }],
    ])('a host that wants no more requests gets none: %s', async (_, refusal) => {
      server.trouble = () => ({ ...refusal, body: { message: 'slow down, request id 1234:ABCD:5678' } })
      const said = await hosts.failure(repositories())
      expect(said).toMatch(/^HOST_RATE_LIMITED 127\.0\.0\.1:\d+ takes no more requests for now$/)
      server.trouble = undefined
      server.forget()
      expect(await hosts.failure(repositories())).toBe(said)
      expect(server.calls).toEqual([])
    })

    test.each([
      [
        'a failure of the host',
        { status: 502, text: '<html>Bad Gateway</html>' },
        /^HOST_FAILED 127\S+: the host answers 502$/,
      ],
      ['something else than JSON', { status: 200, text: '<html>login</html>' }, /^HOST_ANSWER_INVALID .*not JSON$/],
      [
        'a body that breaks off',
        { status: 200, body: [{ name: 'x'.repeat(5000) }], cut: true as const },
        /^HOST_UNREACHABLE/,
      ],
    ])('%s is a failure', async (_, reply, said) => {
      server.trouble = () => reply
      expect(await hosts.failure(repositories())).toMatch(said)
    })

    test.each<[string, JsonObject]>([
      ['says something else', { message: 'down for maintenance' }],
      ['is empty', {}],
    ])('an answer that %s is a failure, and no empty listing', async (_, body) => {
      server.trouble = () => ({ status: 200, body })
      expect(await hosts.failure(repositories())).toMatch(/^HOST_ANSWER_INVALID/)
      expect(await hosts.failure(pulls())).toMatch(/^HOST_ANSWER_INVALID/)
    })

    test('a page that is too large is not read to its end, and cuts no listing short', async () => {
      hosts.close()
      hosts = opened({ limits: { maxPageBytes: 300 } })
      expect(await hosts.failure(repositories())).toMatch(/^HOST_ANSWER_TOO_LARGE .* more than 300 bytes$/)
    })

    test('a listing with too many pages or entries is a failure, not a part of it', async () => {
      hosts.close()
      hosts = opened({ limits: { maxPages: 1 } })
      const paged = subject.scm.unpaged ? pulls() : repositories()
      expect(await hosts.failure(paged)).toMatch(/^HOST_ANSWER_TOO_LARGE .* more than 1 pages$/)
      hosts.close()
      hosts = opened({ limits: { maxItems: 3 } })
      expect(await hosts.failure(repositories())).toMatch(/^HOST_ANSWER_TOO_LARGE .* more than 3 entries$/)
    })

    test('a host that does not answer in time is a failure', async () => {
      hosts.close()
      hosts = opened({ limits: { timeoutMs: 100 } })
      let release: () => void = () => undefined
      const after = new Promise<void>(resolve => {
        release = resolve
      })
      server.trouble = () => ({ status: 200, body: [], after })
      expect(await hosts.failure(repositories())).toMatch(/^HOST_TIMEOUT .* did not answer in 100 ms$/)
      release()
    })

    test('nobody is led to another host, with or without credentials', async () => {
      const other = await subject.serve(() => content)
      server.trouble = call => ({ status: 302, headers: { location: `${other.url}${call.target}` } })
      expect(await hosts.failure(repositories())).toMatch(/^HOST_REDIRECT .*which is not followed$/)
      expect(other.calls).toEqual([])
      await other.close()
    })

    test('follows a host to another place of its own', async () => {
      server.trouble = call =>
        call.query.has('moved')
          ? undefined
          : { status: 307, headers: { location: `${call.target}${call.target.includes('?') ? '&' : '?'}moved=1` } }
      expect(await listed(repositories())).not.toHaveLength(0)
    })

    test('a Secret goes to no host that it is not for', async () => {
      hosts.close()
      hosts = opened({ allowedProviders: [] })
      expect(await hosts.failure(repositories())).toMatch(
        /^HOST_SECRET_FORBIDDEN secret "creds" may not be sent to http:/,
      )
      expect(server.calls).toEqual([])
    })
  })
}
