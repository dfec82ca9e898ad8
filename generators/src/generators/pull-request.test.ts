import { describe, expect, test } from 'vitest'
import { declaredSet } from '../../test/declared-set.ts'
import { contextOf, generate } from '../../test/generator-context.ts'
import { expand } from '../expand.ts'
import type { InputAnswer, InputRequest, PullRequest } from '../inputs.ts'
import type { GeneratorContext } from './generator.ts'

const HEAD = '189d92cbf9ff857a39e6feccd32798ca700fb958'

function pullRequest(number: number, more: Partial<PullRequest> = {}): PullRequest {
  return {
    ...{ number: String(number), title: `PR ${number}`, branch: `branch-${number}`, targetBranch: 'main' },
    ...{ headSha: HEAD, author: 'ada', labels: [] },
    ...more,
  }
}

/** A host with these pull requests; `files` by number. */
function hostWith(pullRequests: readonly PullRequest[], files: Record<string, InputAnswer> = {}) {
  const asked: InputRequest[] = []
  const ask = (request: InputRequest): InputAnswer | undefined => {
    asked.push(request)
    if (request.kind === 'pull-requests') return { kind: 'pull-requests', pullRequests }
    if (request.kind === 'pull-request-files') return files[request.number]
    throw new Error(request.kind)
  }
  return { asked, context: (more: Parameters<typeof contextOf>[0] = {}) => contextOf({ ask, ...more }) }
}

function numbers(yaml: string, context: GeneratorContext): readonly unknown[] | string {
  const sets = generate(yaml, context)
  return typeof sets === 'string' ? sets : sets.map(set => set['number'])
}

const ENTRY = 'pullRequest: { github: { owner: acme, repo: web }'

describe('pullRequest', () => {
  const one = pullRequest(1, { branch: 'Feature/my_branch', targetBranch: 'release_1', labels: ['preview', 'team-a'] })
  const flat = {
    ...{ number: '1', title: 'PR 1', branch: 'Feature/my_branch', branch_slug: 'feature-my-branch' },
    ...{ target_branch: 'release_1', target_branch_slug: 'release-1', author: 'ada' },
    ...{ head_sha: HEAD, head_short_sha: '189d92cb', head_short_sha_7: '189d92c' },
  }

  test('flat parameters are texts, and labels are not among them (27)', () => {
    const yaml = `${ENTRY}, values: { name: "web-{{number}}", labels: "{{labels}}" } }`
    expect(generate(yaml, hostWith([one]).context())).toEqual([
      { ...flat, 'values.name': 'web-1', 'values.labels': '{{labels}}' },
    ])
  })

  test('nested parameters have the labels as a list, which a selector sees as one text (27)', () => {
    const context = hostWith([one, pullRequest(2)]).context({ nested: true })
    expect(generate(`${ENTRY} }`, context)[0]).toEqual({ ...flat, labels: ['preview', 'team-a'] })
    const selected = generate(`{ ${ENTRY} }, selector: { matchLabels: { labels: "[preview team-a]" } } }`, context)
    expect(selected).toHaveLength(1)
  })

  test('a commit that is shorter than its short form is taken whole', () => {
    const context = hostWith([pullRequest(1, { headSha: 'abcd' })]).context()
    expect(generate(`${ENTRY} }`, context)[0]).toMatchObject({ head_short_sha: 'abcd', head_short_sha_7: 'abcd' })
  })

  const four = [
    pullRequest(1, { branch: 'one', title: 'PR one - filter' }),
    pullRequest(2, { branch: 'two', targetBranch: 'branch1', labels: ['a', 'b'] }),
    pullRequest(3, { branch: 'three', targetBranch: 'branch2', labels: ['a'] }),
    pullRequest(4, { branch: 'four', targetBranch: 'branch3', title: '[filter] PR four' }),
  ]

  test.each([
    ['no filter keeps all', '', ['1', '2', '3', '4']],
    ['a filter without conditions takes all', 'filters: [{}, { branchMatch: nothing }]', ['1', '2', '3', '4']],
    ['a pattern is searched for anywhere', 'filters: [{ branchMatch: w }]', ['2']],
    ['target branches', 'filters: [{ targetBranchMatch: "1" }]', ['2']],
    ['titles', 'filters: [{ titleMatch: "\\\\[filter]" }]', ['4']],
    [
      'filters are alternatives, their conditions are not',
      'filters: [{ branchMatch: w, targetBranchMatch: "2" }, { branchMatch: r, targetBranchMatch: "3" }]',
      ['4'],
    ],
  ])('%s', (_, filters, expected) => {
    expect(numbers(`${ENTRY}, ${filters} }`, hostWith(four).context())).toEqual(expected)
  })

  test('all labels must be there, exactly, and sets with different ones share a listing', () => {
    const host = hostWith(four)
    const withLabels = (labels: string) => `pullRequest: { github: { owner: acme, repo: web, labels: ${labels} } }`
    expect(numbers(withLabels('[a, b]'), host.context())).toEqual(['2'])
    expect(numbers(withLabels('[a]'), host.context())).toEqual(['2', '3'])
    expect(numbers(withLabels('[A]'), host.context())).toEqual([])
    expect(new Set(host.asked.map(request => JSON.stringify(request))).size).toBe(1)
  })

  test('GitLab is asked with the labels, because it lists merge requests of every state (26)', () => {
    const host = hostWith(four)
    expect(numbers('pullRequest: { gitlab: { project: "7", labels: [a] } }', host.context())).toHaveLength(4)
    expect(host.asked[0]).toMatchObject({ provider: 'gitlab', config: { project: '7', labels: ['a'] } })
  })

  test.each([
    [
      'none given',
      'pullRequest: {}',
      'pullRequest: failed to select pull request service provider: no Pull Request provider implementation configured',
    ],
    [
      'a bad pattern',
      `${ENTRY}, filters: [{ titleMatch: "(" }] }`,
      'pullRequest.filters.0.titleMatch: error listing repos: error compiling TitleMatch regexp "(": error parsing regexp: missing closing ): `(`',
    ],
    ['filters that are no list', `${ENTRY}, filters: {} }`, 'pullRequest.filters: filters is a list'],
    [
      'an address that is no text',
      'pullRequest: { gitea: { api: 7 } }',
      'pullRequest.gitea.api: failed to select pull request service provider: api is a text',
    ],
  ])('says what is wrong: %s', (_, yaml, message) => {
    expect(generate(yaml, hostWith(four).context())).toBe(message)
  })

  test('a repository that is missing is an error, or with continueOnRepoNotFoundError nothing at all (25)', () => {
    const context = contextOf({ ask: () => ({ kind: 'pull-requests', pullRequests: [], repositoryMissing: true }) })
    expect(generate(`${ENTRY} }`, context)).toBe('pullRequest: error listing repos: repository not found')
    expect(generate(`${ENTRY}, continueOnRepoNotFoundError: true }`, context)).toEqual([])
  })
})

describe('whose word a listing is', () => {
  const spec = (generator: string) => `
apiVersion: argoproj.io/v1alpha1
kind: ApplicationSet
metadata: { name: previews }
spec:
  generators: [${generator}]
  template:
    metadata: { name: "web-{{number}}" }
    spec:
      project: default
      source: { repoURL: https://git.example.com/web, path: . }
      destination: { server: https://kubernetes.default.svc, namespace: web }
`
  const outcome = (generator: string, missing = false) => {
    const answer: InputAnswer = {
      kind: 'pull-requests',
      pullRequests: missing ? [] : [pullRequest(1)],
      ...(missing && { repositoryMissing: true }),
    }
    const inputs = { clusters: [], projects: ['default'], answer: () => answer }
    const [found] = expand(declaredSet(spec(generator)), inputs).generators
    return { status: found?.status, count: found?.applications.length, authoritative: found?.authoritative ?? false }
  }

  test.each([
    [
      'open pull requests: the host says that the others are closed',
      `{ ${ENTRY} } }`,
      false,
      { status: 'ok', count: 1, authoritative: true },
    ],
    [
      'a repository that is not found says nothing of its pull requests (25)',
      `{ ${ENTRY}, continueOnRepoNotFoundError: true } }`,
      true,
      { status: 'ok', count: 0, authoritative: false },
    ],
    [
      'a matrix has other reasons to give less',
      `{ matrix: { generators: [{ ${ENTRY} } }, { list: { elements: [{ a: b }] } }] } }`,
      false,
      { status: 'ok', count: 1, authoritative: false },
    ],
  ])('%s', (_, generator, missing, expected) => {
    expect(outcome(generator, missing)).toEqual(expected)
  })
})

describe('changedPaths', () => {
  const files = (...paths: readonly string[]): InputAnswer => ({ kind: 'pull-request-files', paths })
  const ours = (context: GeneratorContext): GeneratorContext => ({
    ...context,
    set: { ...context.set, group: 'flotilla.dev' },
  })
  const host = hostWith([pullRequest(1), pullRequest(2), pullRequest(3)], {
    1: files('apps/web/main.ts', 'README.md'),
    2: files('docs/guide.md'),
    3: { kind: 'pull-request-files', paths: ['other'], truncated: true },
  })

  test.each([
    ['a glob that spans folders', '["apps/**/*.ts"]', ['1', '3']],
    ['a folder stands for all that is in it', '[./apps/web/]', ['1', '3']],
    ['the beginning of a name is no folder', '[app, apps/we, doc]', ['3']],
    ['any of several', '[docs, apps]', ['1', '2', '3']],
  ])('%s; a list that its host cut off counts as touching everything', (_, globs, expected) => {
    expect(numbers(`${ENTRY}, changedPaths: ${globs} }`, ours(host.context()))).toEqual(expected)
  })

  test('the changed files are a parameter where lists can be', () => {
    const nested = ours(host.context({ nested: true }))
    expect(generate(`${ENTRY}, changedPaths: [apps] }`, nested)[0]).toMatchObject({
      changedFiles: ['apps/web/main.ts', 'README.md'],
    })
    expect(generate(`${ENTRY}, changedPaths: [apps] }`, ours(host.context()))[0]).not.toHaveProperty('changedFiles')
  })

  test('only pull requests that passed the filters are asked about, by head and target', () => {
    const fresh = hostWith([pullRequest(1), pullRequest(2)])
    expect(generate(`${ENTRY}, filters: [{ branchMatch: "2" }], changedPaths: [x] }`, ours(fresh.context()))).toBe(
      'waiting',
    )
    expect(fresh.asked.slice(1)).toEqual([
      {
        ...{ kind: 'pull-request-files', provider: 'github', config: { owner: 'acme', repo: 'web' } },
        ...{ project: 'default', trust: { kind: 'all' }, number: '2', headSha: HEAD, targetBranch: 'main' },
      },
    ])
  })

  test('a malformed glob is named', () => {
    expect(generate(`${ENTRY}, changedPaths: [a, "[b"] }`, ours(host.context()))).toBe(
      'pullRequest.changedPaths.1: "[b" is not a glob',
    )
  })

  test('a host that cannot say fails the generator, so that its last good result stays', () => {
    const failing = hostWith([pullRequest(1)], { 1: { kind: 'failed', code: 'X', message: 'boom', retry: true } })
    expect(generate(`${ENTRY}, changedPaths: [x] }`, ours(failing.context()))).toBe(
      'pullRequest: error listing the files of pull request 1: boom',
    )
  })

  test('Argo CD has no such field', () => {
    expect(generate(`${ENTRY}, changedPaths: [x] }`, host.context())).toBe(
      'pullRequest: there is no field "changedPaths"',
    )
  })
})
