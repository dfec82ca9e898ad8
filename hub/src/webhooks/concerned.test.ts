import type { JsonObject } from '@flotilla/core/json/json'
import type { ApplicationSetSpec } from '@flotilla/core/model/fleet'
import { fasttemplate } from '@flotilla/generators/engines/fasttemplate'
import type { GeneratorContext } from '@flotilla/generators/generators/generator'
import { GENERATORS } from '@flotilla/generators/generators/registry'
import type { HostedRequest } from '@flotilla/generators/inputs'
import { describe, expect, test } from 'vitest'
import type { EventRepository, WebhookEvent, WebhookHost } from './event.ts'
import { pushTo, revisionHasChanged, shortRef } from './match-event.ts'
import { concernedBy } from './requests-concerned-by.ts'
import { setsConcernedBy } from './sets-concerned-by.ts'

const SHOP: EventRepository = {
  urls: ['https://github.com/acme/shop', 'git@github.com:acme/shop.git'],
  hostName: 'github.com',
  namespace: 'acme',
  name: 'shop',
  id: '7',
  defaultBranch: 'main',
}

const push = (ref: string, parts: Partial<WebhookEvent & { kind: 'push' }> = {}): WebhookEvent => ({
  kind: 'push',
  host: 'github',
  repository: SHOP,
  ref,
  oldSha: 'a',
  newSha: 'b',
  ...parts,
})
const pullRequest = (host: WebhookHost, action: string, repository = SHOP): WebhookEvent => ({
  kind: 'pull-request',
  host,
  repository,
  number: '3',
  action,
})

const context: GeneratorContext = {
  set: {
    name: 'x',
    group: 'argoproj.io',
    project: 'default',
    trust: { kind: 'all' },
    numbers: 'go',
    fileGlobs: 'pathspec',
  },
  inputs: { clusters: [], projects: ['default'] },
  engine: fasttemplate,
  meter: { remaining: 1e9 },
  registry: GENERATORS,
  depth: 0,
  ask: () => undefined,
}

/** Whether Argo CD would refresh a set of these generators. */
function refreshes(event: WebhookEvent, ...generators: readonly JsonObject[]): boolean {
  const set = { spec: { generators } as unknown as ApplicationSetSpec }
  return setsConcernedBy(event, [{ set, context }]).length > 0
}

describe('a revision has changed', () => {
  const table: { [sentence: string]: [string, string, boolean, boolean] } = {
    'HEAD when the default branch was pushed': ['HEAD', 'main', true, true],
    'not HEAD when another was': ['HEAD', 'dev', false, false],
    'none at all like HEAD': ['', 'main', true, true],
    'a branch by its name': ['env/dev', 'env/dev', false, true],
    'a branch by its whole ref': ['refs/heads/env/dev', 'env/dev', false, true],
    'a tag by its name': ['v3.14.1', 'v3.14.1', false, true],
    'no branch of which it is the end': ['dev', 'env/dev', false, false],
    'a range of versions never': ['v3.*', 'v3.1', false, false],
  }
  for (const [sentence, [revision, pushed, head, expected]] of Object.entries(table)) {
    test(sentence, () => expect(revisionHasChanged(revision, pushed, head)).toBe(expected))
  }
  test('what is no whole ref stays', () =>
    expect(['refs/heads/a/b', 'refs/tags/v1', 'a/b/c', 'main'].map(shortRef)).toEqual(['a/b', 'v1', 'a/b/c', 'main']))
})

describe('Argo CD refreshes', () => {
  const git = { git: { repoURL: 'https://github.com/acme/shop.git', revision: 'main' } }
  const requests = { pullRequest: { github: { owner: 'ACME', repo: 'shop' } } }
  const plugin = { plugin: { configMapRef: { name: 'x' } } }
  const list = { list: { elements: [{ repo: 'shop' }, { repo: 'web' }] } }
  const yes: { [sentence: string]: [WebhookEvent, ...JsonObject[]] } = {
    'a set that reads the pushed branch': [push('refs/heads/main'), git],
    'whatever files were pushed': [push('refs/heads/main', { paths: ['elsewhere'] }), git],
    'plugins at every event (36)': [push('refs/heads/other'), plugin],
    'pull requests that were labelled': [pullRequest('github', 'labeled'), requests],
    'a merge of one that matches': [push('refs/heads/main'), { merge: { generators: [list, git] } }],
    'a matrix whose first one matches': [push('refs/heads/main'), { matrix: { generators: [git, list] } }],
    'a matrix whose second one matches once it is filled in': [
      push('refs/heads/main'),
      { matrix: { generators: [list, { git: { repoURL: 'https://github.com/acme/{{repo}}', revision: 'main' } }] } },
    ],
    'a matrix in a matrix, however its keys are spelt (38)': [
      push('refs/heads/main'),
      {
        matrix: {
          generators: [
            { list: { elements: [{}] } },
            {
              matrix: {
                Generators: [
                  { List: { Elements: [{ repo: 'shop' }] } },
                  { Git: { RepoURL: 'https://github.com/acme/{{ repo }}' } },
                ],
              },
            },
          ],
        },
      },
    ],
    'a matrix with a plugin behind a first one that can be run': [
      push('refs/heads/other'),
      { matrix: { generators: [list, plugin] } },
    ],
    'GitLab’s project by its number (26)': [
      pullRequest('gitlab', 'open', { ...SHOP, urls: ['https://gitlab.com/acme/shop'], hostName: 'gitlab.com' }),
      { pullRequest: { gitlab: { project: '7' } } },
    ],
    'Azure’s pull requests by project and repository': [
      pullRequest('azuredevops', 'git.pullrequest.updated', { ...SHOP, hostName: 'dev.azure.com' }),
      { pullRequest: { azuredevops: { project: 'acme', repo: 'shop', organization: 'other' } } },
    ],
  }
  for (const [sentence, [event, ...generators]] of Object.entries(yes)) {
    test(sentence, () => expect(refreshes(event, ...generators)).toBe(true))
  }
  const no: { [sentence: string]: [WebhookEvent, ...JsonObject[]] } = {
    'another branch': [push('refs/heads/dev'), git],
    'another repository': [push('refs/heads/main'), { git: { repoURL: 'https://github.com/acme/shop-2' } }],
    'listings of repositories': [push('refs/heads/main'), { scmProvider: { github: { organization: 'acme' } } }],
    'a pull request that was edited': [pullRequest('github', 'edited'), requests, plugin],
    'pull requests at another server': [
      pullRequest('github', 'opened'),
      { pullRequest: { github: { owner: 'acme', repo: 'shop', api: 'https://ghe.example.com/' } } },
    ],
    'GitLab’s project by its path (26)': [
      pullRequest('gitlab', 'open', { ...SHOP, hostName: 'gitlab.com' }),
      { pullRequest: { gitlab: { project: 'acme/shop' } } },
    ],
    'a plugin inside a merge': [push('refs/heads/dev'), { merge: { generators: [plugin, list] } }],
    'a matrix whose first one cannot be run': [
      push('refs/heads/main'),
      { matrix: { generators: [{ clusters: { selector: { matchExpressions: 7 } } }, git] } },
    ],
    'hosts that it does not know': [push('refs/heads/main', { host: 'gitea' }), git, plugin],
    'sets without generators': [push('refs/heads/main')],
  }
  for (const [sentence, [event, ...generators]] of Object.entries(no)) {
    test(`not: ${sentence}`, () => expect(refreshes(event, ...generators)).toBe(false))
  }
})

const facts = { project: 'default', trust: { kind: 'all' } } as const
const shop = {
  ...{ organization: 'acme', repository: 'shop', url: 'https://github.com/acme/shop.git', branch: 'main', sha: '' },
  ...{ labels: [], repositoryId: 1 },
}

const isConcerned = (request: HostedRequest, event: WebhookEvent): boolean => concernedBy([event])(request)

describe('what was asked has another answer', () => {
  const requests = (config: JsonObject): HostedRequest => ({
    kind: 'pull-requests',
    provider: 'github',
    config,
    ...facts,
  })
  const listing: HostedRequest = {
    kind: 'scm-repositories',
    provider: 'github',
    config: { organization: 'Acme' },
    cloneProtocol: '',
    ...facts,
  }
  const branches: HostedRequest = { kind: 'scm-branches', provider: 'github', config: {}, repository: shop, ...facts }
  const files: HostedRequest = {
    kind: 'pull-request-files',
    provider: 'github',
    config: { owner: 'acme', repo: 'shop' },
    number: '3',
    headSha: 'a',
    targetBranch: 'main',
    ...facts,
  }
  const repository = (action: string): WebhookEvent => ({
    kind: 'repository',
    host: 'github',
    repository: SHOP,
    action,
  })
  const table: { [sentence: string]: [HostedRequest, WebhookEvent, boolean] } = {
    'of pull requests at any change, an edited title included': [
      requests({ owner: 'acme', repo: 'SHOP' }),
      pullRequest('github', 'edited'),
      true,
    ],
    'of pull requests at a server of one’s own': [
      requests({ owner: 'acme', repo: 'shop', api: 'https://ghe.example.com/api/v3' }),
      pullRequest('github', 'opened', { ...SHOP, hostName: 'ghe.example.com' }),
      true,
    ],
    'of no pull requests at another server': [
      requests({ owner: 'acme', repo: 'shop', api: 'https://ghe.example.com' }),
      pullRequest('github', 'opened'),
      false,
    ],
    'of no pull requests at a push': [requests({ owner: 'acme', repo: 'shop' }), push('refs/heads/main'), false],
    'of the files of that pull request': [files, pullRequest('github', 'edited'), true],
    'of a listing in which a repository came': [listing, repository('created'), true],
    'of a listing in which a repository has its first branch': [
      listing,
      push('refs/heads/main', { oldSha: undefined } as unknown as Partial<WebhookEvent & { kind: 'push' }>),
      true,
    ],
    'of no listing at an ordinary push': [listing, push('refs/heads/main'), false],
    'of no listing of another kind of host': [listing, { ...repository('created'), host: 'gitea' }, false],
    'of branches that were pushed': [branches, push('refs/heads/dev'), true],
    'of branches of the repository that a generic webhook names, however it writes it': [
      branches,
      pushTo('git@github.com:acme/shop.git')!,
      true,
    ],
    'of no branches of another': [branches, pushTo('https://github.com/acme/shop-2')!, false],
    'of no plugin, whatever happened (36)': [
      { kind: 'plugin', setName: 'x', configMapRef: 'y', input: {}, ...facts },
      push('refs/heads/main'),
      false,
    ],
    'of no decision': [{ kind: 'decision-resources', configMapRef: 'y', ...facts }, push('refs/heads/main'), false],
  }
  for (const [sentence, [request, event, expected]] of Object.entries(table)) {
    test(sentence, () => expect(isConcerned(request, event)).toBe(expected))
  }

  test('GitLab’s projects are known by path and by number, its groups by those around them', () => {
    const event = pullRequest('gitlab', 'update', {
      ...SHOP,
      urls: ['https://gitlab.com/acme/web/shop'],
      hostName: 'gitlab.com',
      namespace: 'acme/web',
    })
    const asks = (project: string): HostedRequest => ({
      kind: 'pull-requests',
      provider: 'gitlab',
      config: { project },
      ...facts,
    })
    expect(
      ['7', 'acme/web/shop', 'Acme/Web/Shop', 'acme/shop', ''].map(each => isConcerned(asks(each), event)),
    ).toEqual([true, true, true, false, false])
    const lists = (group: string): HostedRequest => ({
      kind: 'scm-repositories',
      provider: 'gitlab',
      config: { group },
      cloneProtocol: '',
      ...facts,
    })
    const created: WebhookEvent = { kind: 'repository', host: 'gitlab', repository: event.repository, action: 'x' }
    expect(['acme', 'acme/web', '12', 'acme/we', 'web'].map(each => isConcerned(lists(each), created))).toEqual([
      true,
      true,
      true,
      false,
      false,
    ])
  })

  test('of many events each counts, and a thousand refs of one push are one', () => {
    const one = { ...SHOP }
    const many = Array.from({ length: 1000 }, (_, index) => ({ ...push(`refs/heads/b${index}`), repository: one }))
    expect(concernedBy(many)(branches)).toBe(true)
    expect(concernedBy([...many, pullRequest('github', 'opened', one)])(files)).toBe(true)
    expect(concernedBy([...many, repository('created')])(listing)).toBe(true)
    expect(concernedBy(many)(files)).toBe(false)
    expect(concernedBy([])(branches)).toBe(false)
  })
})
