import { createHmac } from 'node:crypto'
import type { Json } from '@flotilla/core/json/json'
import { describe, expect, test } from 'vitest'
import { adapterOf, WEBHOOK_ADAPTERS } from './adapters.ts'
import type { WebhookEvent, WebhookHost } from './event.ts'

const ZEROS = '0'.repeat(40)
const A = 'a'.repeat(40)
const B = 'b'.repeat(40)

type Headers = { readonly [name: string]: string }

function read(headers: Headers, body: Json): readonly WebhookEvent[] {
  return adapterOf(name => headers[name])!.read(name => headers[name], body)
}

const GITHUB = {
  name: 'shop',
  owner: { login: 'acme' },
  default_branch: 'main',
  html_url: 'https://github.com/acme/shop',
  ssh_url: 'git@github.com:acme/shop.git',
}
const GITLAB = {
  id: 7,
  path_with_namespace: 'acme/web/shop',
  default_branch: 'main',
  web_url: 'https://gitlab.com/acme/web/shop',
  git_ssh_url: 'ssh://git@gitlab.com:2222/acme/web/shop.git',
}
const CLOUD = { full_name: 'acme/shop', links: { html: { href: 'https://bitbucket.org/acme/shop' } } }
const SERVER = {
  slug: 'shop',
  project: { key: 'WEB' },
  links: { self: [{ href: 'https://git.example.com/bitbucket/projects/WEB/repos/shop/browse' }] },
}
const AZURE = {
  name: 'shop',
  project: { name: 'web' },
  defaultBranch: 'refs/heads/main',
  remoteUrl: 'https://acme.visualstudio.com/web/_git/shop',
}

describe('payloads', () => {
  const table: { [sentence: string]: [Headers, Json, unknown] } = {
    'GitHub: a push names branch, commits and files': [
      { 'x-github-event': 'push' },
      {
        ref: 'refs/heads/main',
        before: A,
        after: B,
        commits: [
          { added: ['a'], removed: [], modified: ['b', 'a'] },
          { added: [], removed: ['c'], modified: [] },
        ],
        repository: GITHUB,
      },
      [{ kind: 'push', ref: 'refs/heads/main', oldSha: A, newSha: B, paths: ['a', 'b', 'c'] }],
    ],
    'GitHub: a new tag has no old commit, and without commits the files are not known': [
      { 'x-github-event': 'push' },
      { ref: 'refs/tags/v1', before: ZEROS, after: B, commits: [], repository: GITHUB },
      [{ kind: 'push', ref: 'refs/tags/v1', newSha: B }],
    ],
    'GitHub: a forced push leaves files out that it takes back': [
      { 'x-github-event': 'push' },
      {
        ref: 'refs/heads/main',
        before: A,
        after: B,
        forced: true,
        commits: [{ added: ['a'], removed: [], modified: [] }],
        repository: GITHUB,
      },
      [{ kind: 'push', ref: 'refs/heads/main', oldSha: A, newSha: B }],
    ],
    'GitHub: a pull request that was edited is told as well': [
      { 'x-github-event': 'pull_request' },
      { action: 'edited', number: 7, repository: GITHUB },
      [{ kind: 'pull-request', number: '7', action: 'edited' }],
    ],
    'GitHub: a repository that came': [
      { 'x-github-event': 'repository' },
      { action: 'created', repository: GITHUB },
      [{ kind: 'repository', action: 'created' }],
    ],
    'GitHub: a package': [
      { 'x-github-event': 'package' },
      {
        action: 'published',
        package: { name: 'shop', package_type: 'CONTAINER', package_version: { version: '1.2.3' } },
        repository: GITHUB,
      },
      [{ kind: 'package', packageName: 'shop', packageType: 'container', version: '1.2.3' }],
    ],
    'GitHub: a ping concerns nobody': [{ 'x-github-event': 'ping' }, { zen: 'x' }, []],
    'GitHub: neither do stars': [{ 'x-github-event': 'star' }, {}, []],
    'GitLab: a push': [
      { 'x-gitlab-event': 'Push Hook' },
      {
        object_kind: 'push',
        ref: 'refs/heads/main',
        before: A,
        after: B,
        total_commits_count: 1,
        commits: [{ added: [], modified: ['x/y'], removed: [] }],
        project: GITLAB,
      },
      [{ kind: 'push', oldSha: A, newSha: B, paths: ['x/y'] }],
    ],
    'GitLab: a push of more commits than it names': [
      { 'x-gitlab-event': 'System Hook' },
      {
        object_kind: 'push',
        ref: 'refs/heads/main',
        before: A,
        after: ZEROS,
        total_commits_count: 30,
        commits: [{ added: [], modified: ['x/y'], removed: [] }],
        project: GITLAB,
      },
      [{ kind: 'push', ref: 'refs/heads/main', oldSha: A }],
    ],
    'GitLab: a merge request belongs to its target': [
      { 'x-gitlab-event': 'Merge Request Hook' },
      {
        object_kind: 'merge_request',
        project: { ...GITLAB, id: 99, path_with_namespace: 'fork/shop' },
        object_attributes: { iid: 3, action: 'update', target_project_id: 7, target: GITLAB },
      },
      [
        {
          kind: 'pull-request',
          number: '3',
          action: 'update',
          repository: expect.objectContaining({ id: '7', namespace: 'acme/web', name: 'shop' }),
        },
      ],
    ],
    'GitLab: a project that came, told by the system': [
      { 'x-gitlab-event': 'System Hook' },
      { event_name: 'project_create', path_with_namespace: 'acme/web/new', project_id: 8 },
      [
        {
          kind: 'repository',
          action: 'project_create',
          repository: expect.objectContaining({ namespace: 'acme/web' }),
        },
      ],
    ],
    'GitLab: an issue concerns nobody': [{ 'x-gitlab-event': 'Issue Hook' }, { object_kind: 'issue' }, []],
    'Gitea: it sends GitHub’s header too': [
      { 'x-gitea-event': 'push', 'x-github-event': 'push' },
      { ref: 'refs/heads/main', before: A, after: B, commits: [], repository: GITHUB },
      [{ kind: 'push', host: 'gitea' }],
    ],
    'Gitea: a label of a pull request': [
      { 'x-gitea-event': 'pull_request_label', 'x-github-event': 'pull_request' },
      { action: 'label_updated', number: 4, repository: GITHUB },
      [{ kind: 'pull-request', host: 'gitea', number: '4' }],
    ],
    'Gitea: a comment on a pull request concerns nobody': [
      { 'x-gitea-event': 'pull_request_comment' },
      { action: 'created', number: 4, repository: GITHUB },
      [],
    ],
    'Bitbucket Cloud: a push of several refs': [
      { 'x-event-key': 'repo:push' },
      {
        repository: CLOUD,
        push: {
          changes: [
            {
              old: { name: 'main', type: 'branch', target: { hash: A } },
              new: { name: 'main', type: 'branch', target: { hash: B } },
            },
            { old: null, new: { name: 'v1', type: 'tag', target: { hash: B } } },
            { old: { name: 'gone', type: 'branch', target: { hash: A } }, new: null },
          ],
        },
      },
      [
        { ref: 'refs/heads/main', oldSha: A, newSha: B },
        { ref: 'refs/tags/v1', newSha: B },
        { ref: 'refs/heads/gone', oldSha: A },
      ],
    ],
    'Bitbucket Cloud: a pull request': [
      { 'x-event-key': 'pullrequest:updated' },
      { repository: CLOUD, pullrequest: { id: 5 } },
      [{ kind: 'pull-request', number: '5', repository: expect.objectContaining({ namespace: 'acme', name: 'shop' }) }],
    ],
    'Bitbucket Server: a push, whose repository is given by its page alone': [
      { 'x-event-key': 'repo:refs_changed' },
      { repository: SERVER, changes: [{ ref: { id: 'refs/heads/main' }, fromHash: A, toHash: B }] },
      [
        {
          ref: 'refs/heads/main',
          repository: expect.objectContaining({
            urls: ['https://git.example.com/bitbucket/scm/WEB/shop.git', 'ssh://git@git.example.com/WEB/shop.git'],
          }),
        },
      ],
    ],
    'Bitbucket Server: a pull request belongs to its target': [
      { 'x-event-key': 'pr:modified' },
      { pullRequest: { id: 6, toRef: { repository: SERVER } } },
      [{ kind: 'pull-request', number: '6', repository: expect.objectContaining({ namespace: 'WEB', name: 'shop' }) }],
    ],
    'Bitbucket: its test of the connection concerns nobody': [
      { 'x-event-key': 'diagnostics:ping' },
      { test: true },
      [],
    ],
    'Azure DevOps: a push': [
      { 'x-vss-activityid': '1' },
      {
        eventType: 'git.push',
        resource: { refUpdates: [{ name: 'refs/heads/main', oldObjectId: A, newObjectId: B }], repository: AZURE },
      },
      [{ kind: 'push', ref: 'refs/heads/main', repository: expect.objectContaining({ defaultBranch: 'main' }) }],
    ],
    'Azure DevOps: a pull request, whose repository has no address but the API’s': [
      { 'x-vss-activityid': '1' },
      {
        eventType: 'git.pullrequest.updated',
        resource: {
          pullRequestId: 8,
          repository: {
            name: 'shop',
            project: { name: 'web' },
            url: 'https://dev.azure.com/acme/6ce954b1/_apis/git/repositories/4bc14d40',
          },
        },
      },
      [
        {
          kind: 'pull-request',
          number: '8',
          repository: expect.objectContaining({ urls: ['https://dev.azure.com/acme/web/_git/shop'] }),
        },
      ],
    ],
    'Azure DevOps: a build concerns nobody': [{ 'x-vss-activityid': '1' }, { eventType: 'build.complete' }, []],
  }
  for (const [sentence, [headers, body, expected]] of Object.entries(table)) {
    test(sentence, () => {
      const events = read(headers, body)
      expect(events).toHaveLength((expected as readonly unknown[]).length)
      expect(events).toEqual((expected as readonly object[]).map(each => expect.objectContaining(each)))
      // What is not expected is absent: a list of files that is not whole must not be given.
      for (const [index, each] of (expected as readonly { paths?: unknown }[]).entries()) {
        expect((events[index] as { paths?: unknown }).paths).toEqual(each.paths)
      }
    })
  }

  test('requests without any of these headers are nobody’s', () => {
    expect(adapterOf(name => ({ 'x-random-event': 'push' })[name])).toBeUndefined()
  })

  test('a payload of another shape is refused, whatever it holds', () => {
    const headers: readonly Headers[] = [
      { 'x-github-event': 'push' },
      { 'x-gitea-event': 'pull_request' },
      { 'x-event-key': 'repo:push' },
      { 'x-event-key': 'repo:refs_changed' },
      { 'x-vss-activityid': '1' },
    ]
    for (const body of [null, [], 'x', 7, {}, { repository: null }, { repository: { name: 'x' } }] as Json[]) {
      for (const each of headers) expect(() => read(each, body), JSON.stringify([each, body])).toThrow(/needed|address/)
    }
    expect(() => read({ 'x-gitlab-event': 'Push Hook' }, { object_kind: 'push' })).toThrow(
      'path_with_namespace is needed',
    )
  })

  test('names without end are refused', () => {
    const body = { ref: `refs/heads/${'x'.repeat(3000)}`, repository: GITHUB }
    expect(() => read({ 'x-github-event': 'push' }, body)).toThrow('ref is needed')
  })

  test('a push with very many files counts as one whose files are not known', () => {
    const added = Array.from({ length: 10_001 }, (_, index) => `f${index}`)
    const body = { ref: 'refs/heads/main', commits: [{ added, removed: [], modified: [] }], repository: GITHUB }
    expect(read({ 'x-github-event': 'push' }, body)[0]).not.toHaveProperty('paths')
  })
})

describe('proof of the secret', () => {
  const body = Buffer.from('{"a":1}')
  const hmac = (secret: string): string => createHmac('sha256', secret).update(body).digest('hex')
  const basic = (text: string): string => `Basic ${Buffer.from(text).toString('base64')}`
  const table: { [host in WebhookHost]: { readonly right: readonly Headers[]; readonly wrong: readonly Headers[] } } = {
    github: {
      right: [{ 'x-hub-signature-256': `sha256=${hmac('s3')}` }],
      wrong: [
        { 'x-hub-signature-256': `sha256=${hmac('other')}` },
        { 'x-hub-signature-256': hmac('s3') },
        { 'x-hub-signature': `sha256=${hmac('s3')}` },
        { 'x-gitlab-token': 's3' },
      ],
    },
    gitea: {
      right: [{ 'x-gitea-signature': hmac('s3') }, { 'x-hub-signature-256': `sha256=${hmac('s3')}` }],
      wrong: [{ 'x-gitea-signature': hmac('other') }, { 'x-gitea-signature': '' }],
    },
    gitlab: { right: [{ 'x-gitlab-token': 's3' }], wrong: [{ 'x-gitlab-token': 's' }, { 'x-gitlab-token': '' }] },
    bitbucket: {
      right: [{ 'x-hub-signature': `sha256=${hmac('s3')}` }],
      wrong: [{ 'x-hub-signature': `sha1=${hmac('s3')}` }, { 'x-hub-signature': 'sha256=' }],
    },
    azuredevops: {
      right: [{ authorization: basic('flotilla:s3') }, { authorization: basic(':s3') }],
      wrong: [{ authorization: basic('s3:') }, { authorization: 'Bearer s3' }, { authorization: 'Basic %%%' }],
    },
  }
  for (const adapter of WEBHOOK_ADAPTERS) {
    test(`${adapter.host} shows it in its own way and no other`, () => {
      const admits = (headers: Headers): boolean => adapter.admits(name => headers[name], body, 's3')
      const { right, wrong } = table[adapter.host]
      expect(right.map(admits)).toEqual(right.map(() => true))
      expect([{}, ...wrong].map(admits)).toEqual([{}, ...wrong].map(() => false))
    })
  }
})
