import type { Json, JsonObject } from '@flotilla/core/json/json'
import { createClock } from '@flotilla/core/ports/create-clock'
import { type HostedRequest, PULL_REQUEST_PROVIDERS, SCM_PROVIDERS } from '@flotilla/generators/inputs'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { type GitHostRequest, GitHosts } from './ask-host.ts'
import { HostApis } from './host-api.ts'
import { HostError } from './host-error.ts'
import { ReplayedHost } from './testing/replayed-host.ts'

/** Keys that hosts use, so that chance gets below the surface. */
const KEYS = [
  ...[
    'name',
    'id',
    'number',
    'iid',
    'title',
    'labels',
    'topics',
    'default_branch',
    'branch',
    'branches',
    'commit',
    'sha',
  ],
  ...[
    'values',
    'value',
    'links',
    'clone',
    'href',
    'next',
    'nextPageStart',
    'isLastPage',
    'slug',
    'owner',
    'login',
    'user',
  ],
  ...[
    'head',
    'base',
    'ref',
    'namespace',
    'full_path',
    'path',
    'filename',
    'type',
    'mainbranch',
    'repositories',
    '__proto__',
  ],
]

const LINKS: Readonly<Record<string, string>> = {
  link: '<?page=2>; rel="next"',
  'x-next-page': '2',
  'x-ms-continuationtoken': 'x',
}

const anything = fc.letrec<{ value: Json }>(tie => ({
  value: fc.oneof(
    { depthSize: 'small', withCrossShrink: true },
    fc.constantFrom<Json>(null, true, '', '..', '/', 'main', 'x', 0, -1, 7, 1e308, 12345678901234567890n),
    fc.array(tie('value'), { maxLength: 3 }),
    fc.array(fc.tuple(fc.constantFrom(...KEYS), tie('value')), { maxLength: 5 }).map(pairs => {
      const object: { [key: string]: Json } = {}
      for (const [key, value] of pairs)
        Object.defineProperty(object, key, { value, enumerable: true, configurable: true, writable: true })
      return object
    }),
  ),
})).value

const repository = {
  organization: 'acme',
  repository: 'web',
  url: '',
  branch: 'main',
  sha: '',
  labels: [],
  repositoryId: 7,
}

function config(url: string): JsonObject {
  return {
    ...{
      api: url,
      organization: 'acme',
      group: 'acme',
      owner: 'acme',
      repo: 'web',
      project: 'acme',
      teamProject: 'acme',
    },
    ...{ user: 'ada', region: 'eu-west-1', allBranches: true },
  }
}

const SCM = SCM_PROVIDERS.filter(provider => provider !== 'awsCodeCommit').flatMap(provider =>
  [
    { kind: 'scm-repositories', provider, cloneProtocol: '' },
    { kind: 'scm-branches', provider, repository },
    { kind: 'scm-path', provider, repository, path: 'deploy' },
  ].map(facts => [`${provider} ${facts.kind}`, facts] as const),
)
const PULLS = PULL_REQUEST_PROVIDERS.flatMap(provider =>
  [
    { kind: 'pull-requests', provider },
    { kind: 'pull-request-files', provider, number: '1', headSha: 'a', targetBranch: 'main' },
  ].map(facts => [`${provider} ${facts.kind}`, facts] as const),
)

describe('whatever a host answers', () => {
  test.each([...SCM, ...PULLS])('%s is an answer or a HostError', async (_, facts) => {
    await fc.assert(
      fc.asyncProperty(fc.array(anything, { minLength: 1, maxLength: 4 }), fc.boolean(), async (bodies, linked) => {
        let at = 0
        const host = new ReplayedHost(() => ({
          status: 200,
          body: bodies[at++ % bodies.length]!,
          headers: linked ? LINKS : {},
        }))
        const clock = createClock(globalThis)
        const hosts = new GitHosts(new HostApis({ http: host, clock, limits: { maxPages: 5 } }), clock, {
          ...{ secrets: [], allowedProviders: [host.url] },
        })
        const request = { ...facts, project: 'web', trust: { kind: 'all' }, config: config(host.url) } as HostedRequest
        try {
          const answer = await hosts.ask(request as GitHostRequest, new AbortController().signal)
          expect(answer.kind).toBe(facts.kind)
        } catch (error) {
          if (!(error instanceof HostError)) throw error
        }
        for (const call of host.calls) expect(call.origin).toBe(host.url)
      }),
      { numRuns: 60 },
    )
  })
})
