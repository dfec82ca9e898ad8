import type { Json } from '@flotilla/core/json/json'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { adapterOf, WEBHOOK_ADAPTERS } from './adapters.ts'
import { WebhookError } from './event.ts'
import { isAbout } from './match-event.ts'
import { addressOf } from './repository-address.ts'

const HEADERS: readonly { readonly [name: string]: string }[] = [
  ...['push', 'pull_request', 'repository', 'package'].map(event => ({ 'x-github-event': event })),
  ...['push', 'pull_request_label', 'repository', 'package'].map(event => ({ 'x-gitea-event': event })),
  { 'x-gitlab-event': 'System Hook' },
  ...['repo:push', 'repo:refs_changed', 'pullrequest:created', 'pr:opened', 'repo:created', 'repo:modified'].map(
    event => ({ 'x-event-key': event }),
  ),
  { 'x-vss-activityid': '1' },
]

/** Words of payloads, so that what is made up comes further than the first field. */
const WORDS = [
  ...['ref', 'before', 'after', 'commits', 'added', 'removed', 'modified', 'repository', 'name', 'owner', 'login'],
  ...[
    'html_url',
    'clone_url',
    'action',
    'number',
    'pull_request',
    'object_kind',
    'project',
    'path_with_namespace',
    'id',
  ],
  ...['web_url', 'total_commits_count', 'object_attributes', 'target', 'full_name', 'links', 'html', 'href', 'push'],
  ...['changes', 'new', 'old', 'type', 'slug', 'clone', 'self', 'eventType', 'resource', 'refUpdates', 'remoteUrl'],
  ...['__proto__', 'constructor', 'toString'],
]
const TEXTS = [
  'push',
  'merge_request',
  'git.push',
  'git.pullrequest.updated',
  'refs/heads/main',
  'a/b',
  'https://h/a/b',
]
const text = fc.oneof(fc.constantFrom(...TEXTS), fc.string())
const payload = fc.letrec<{ json: Json }>(tie => ({
  json: fc.oneof(
    { maxDepth: 6, withCrossShrink: true },
    text,
    fc.integer(),
    fc.boolean(),
    fc.constant(null),
    fc.array(tie('json'), { maxLength: 3 }) as fc.Arbitrary<Json>,
    fc.dictionary(fc.constantFrom(...WORDS), tie('json'), { maxKeys: 8 }) as fc.Arbitrary<Json>,
  ),
})).json

describe('webhooks of whatever kind', () => {
  it('are events or a WebhookError, and nothing else is thrown', () => {
    fc.assert(
      fc.property(fc.constantFrom(...HEADERS), payload, (headers, body) => {
        const header = (name: string): string | undefined => headers[name]
        try {
          for (const event of adapterOf(header)!.read(header, body)) {
            expect(typeof event.repository.name).toBe('string')
            isAbout(event.repository, 'https://h/a/b')
          }
        } catch (error) {
          expect(error).toBeInstanceOf(WebhookError)
        }
      }),
      { numRuns: 2000 },
    )
  })

  it('are never admitted by a secret that was not used', () => {
    fc.assert(
      fc.property(
        fc.constantFrom(...WEBHOOK_ADAPTERS),
        fc.string(),
        fc.string({ minLength: 1 }),
        (adapter, given, secret) => {
          fc.pre(given !== secret)
          const headers = (name: string): string | undefined =>
            name === 'authorization' ? `Basic ${Buffer.from(`u:${given}`).toString('base64')}` : given
          expect(adapter.admits(headers, Buffer.from('{}'), secret)).toBe(false)
        },
      ),
    )
  })

  it('an address is itself, however it is spelt', () => {
    const name = fc.stringMatching(/^[a-z0-9]([a-z0-9-]{0,20}[a-z0-9])?$/)
    fc.assert(
      fc.property(name, name, name, (host, owner, repository) => {
        fc.pre(host !== 'ssh' && host !== 'altssh' && repository !== 'git')
        const path = `${owner}/${repository}`
        const expected = { host: `${host}.example`, path }
        for (const spelling of [
          `https://${host}.example/${path}.git`,
          `https://${host}.example:8443/${path}/`,
          `ssh://git@${host}.example:22/${path}`,
          `git@${host}.example:${path}.git`,
          `HTTPS://${host}.EXAMPLE/${path.toUpperCase()}`,
        ]) {
          expect(addressOf(spelling), spelling).toEqual(expected)
        }
      }),
    )
  })
})
