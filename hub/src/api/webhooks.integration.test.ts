import { createHmac } from 'node:crypto'
import request from 'supertest'
import { describe, expect, it } from 'vitest'
import { sampleApplication } from '../store/sample-rows.ts'
import type { ApiSettings } from './route.ts'
import { openTestApi, type TestApi } from './test-api.ts'

const PATH = '/api/v1/webhooks/generic'
const KNOWN = 'https://git.example.com/shop.git'

async function withApi(settings: Partial<ApiSettings>, work: (api: TestApi) => Promise<void>): Promise<void> {
  const api = await openTestApi(settings)
  const row = sampleApplication({ document: { spec: { source: { repoURL: KNOWN } } } })
  await api.write(rows => rows.putApplication(row), { applications: [row.id] })
  try {
    await work(api)
  } finally {
    await api.close()
  }
}

it('a known repository is refreshed under its own name, a strange one is not, and the answer is the same', () =>
  withApi({}, async api => {
    const known = await request(api.app).post(PATH).send({ repository: 'https://Git.example.com/shop', ref: 'main' })
    const strange = await request(api.app)
      .post(PATH)
      .send({ repositories: ['https://elsewhere/x', 'file:///etc'] })
    expect([known.status, known.text]).toEqual([strange.status, strange.text])
    expect(known.status).toBe(202)
    expect(api.done).toEqual([
      `repository ${KNOWN}`,
      'push generic https://Git.example.com/shop',
      // Its address is compared with all that anything reads; what is no address of a host is not.
      'push generic https://elsewhere/x',
    ])
  }))

it('with a secret configured it is wanted, as it is or as HMAC of the body', () =>
  withApi({ webhookSecret: 'swordfish' }, async api => {
    const text = JSON.stringify({ repository: KNOWN })
    const hook = (headers: Record<string, string>) =>
      request(api.app).post(PATH).set('Content-Type', 'application/json').set(headers).send(text)
    const hmac = (secret: string) => `sha256=${createHmac('sha256', secret).update(text).digest('hex')}`
    for (const headers of [
      {},
      { 'X-Flotilla-Token': 'wrong' },
      { 'X-Hub-Signature-256': hmac('wrong') },
      { 'X-Hub-Signature-256': 'sha256=' },
    ] as Record<string, string>[]) {
      await hook(headers).expect(401)
    }
    expect(api.done).toEqual([])
    await hook({ 'X-Flotilla-Token': 'swordfish' }).expect(202)
    await hook({ 'X-Hub-Signature-256': hmac('swordfish') }).expect(202)
    expect(api.done.filter(line => line.startsWith('repository'))).toHaveLength(2)
  }))

it('an address that calls too often has to wait, whatever it sends', () =>
  withApi({ webhooksPerMinute: 3 }, async api => {
    for (let count = 0; count < 3; count += 1) await request(api.app).post(PATH).send({ repository: KNOWN }).expect(202)
    const { headers } = await request(api.app).post(PATH).send({ repository: KNOWN }).expect(429)
    expect(headers['retry-after']).toBe('60')
    api.clock.move(60_000)
    await request(api.app).post(PATH).send({ repository: KNOWN }).expect(202)
  }))

const GITHUB = {
  ref: 'refs/heads/main',
  before: 'a'.repeat(40),
  after: 'b'.repeat(40),
  commits: [],
  repository: { name: 'shop', owner: { login: 'acme' }, html_url: 'https://github.com/acme/shop' },
}

describe('webhooks of Git hosts', () => {
  const hook = (api: TestApi, host: string, headers: Record<string, string>, body: string | object) =>
    request(api.app).post(`/api/v1/webhooks/${host}`).set('Content-Type', 'application/json').set(headers).send(body)

  it('are heard, and what concerns nobody is accepted as well', () =>
    withApi({}, async api => {
      await hook(api, 'github', { 'X-GitHub-Event': 'push' }, GITHUB).expect(202, { status: 'accepted' })
      await hook(api, 'github', { 'X-GitHub-Event': 'ping' }, { zen: 'x' }).expect(202, { status: 'accepted' })
      expect(api.done).toEqual(['push github https://github.com/acme/shop'])
    }))

  it('the same one twice is the same twice: nothing of it is kept', () =>
    withApi({}, async api => {
      for (let count = 0; count < 2; count++)
        await hook(api, 'github', { 'X-GitHub-Event': 'push' }, GITHUB).expect(202)
      expect(new Set(api.done).size).toBe(1)
    }))

  it('of another host, or of none, are refused', () =>
    withApi({}, async api => {
      const { body } = await hook(api, 'gitlab', { 'X-GitHub-Event': 'push' }, GITHUB).expect(400)
      expect(body.errors[0].message).toContain('not those of a webhook of gitlab')
      await hook(api, 'github', { 'X-GitHub-Event': 'push', 'X-Gitea-Event': 'push' }, GITHUB).expect(400)
      await hook(api, 'github', { 'X-GitHub-Event': 'push' }, { ...GITHUB, repository: {} }).expect(400)
      await hook(api, 'github', { 'X-GitHub-Event': 'push' }, '[1]').expect(400)
      expect(api.done).toEqual([])
    }))

  it('may be larger than other bodies, and not without end', () =>
    withApi({ maxBodyBytes: 1000 }, async api => {
      const large = { ...GITHUB, filler: 'x'.repeat(100_000) }
      await hook(api, 'github', { 'X-GitHub-Event': 'push' }, large).expect(202)
      await hook(api, 'generic', {}, { repository: KNOWN, filler: 'x'.repeat(2000) }).expect(413)
      const huge = { ...GITHUB, filler: 'x'.repeat(5 * 1024 * 1024) }
      await hook(api, 'github', { 'X-GitHub-Event': 'push' }, huge).expect(413)
    }))

  it('show the secret each in its own way', () =>
    withApi({ webhookSecret: 'swordfish' }, async api => {
      const text = JSON.stringify(GITHUB)
      const hmac = createHmac('sha256', 'swordfish').update(text).digest('hex')
      const basic = (word: string): string => `Basic ${Buffer.from(`flotilla:${word}`).toString('base64')}`
      const project = { path_with_namespace: 'acme/shop', web_url: 'https://gitlab.com/acme/shop' }
      const gitlab = JSON.stringify({ object_kind: 'push', ref: 'refs/heads/main', project })
      const bitbucket = JSON.stringify({
        repository: { full_name: 'acme/shop', links: { html: { href: 'https://bitbucket.org/acme/shop' } } },
        push: { changes: [{ new: { name: 'main', type: 'branch', target: { hash: 'b' } } }] },
      })
      const signed = createHmac('sha256', 'swordfish').update(bitbucket).digest('hex')
      const azure = JSON.stringify({
        eventType: 'git.push',
        resource: {
          refUpdates: [{ name: 'refs/heads/main' }],
          repository: { name: 'shop', project: { name: 'p' }, remoteUrl: 'https://dev.azure.com/acme/p/_git/shop' },
        },
      })
      const table: readonly (readonly [string, Record<string, string>, Record<string, string>, string])[] = [
        ['github', { 'X-GitHub-Event': 'push' }, { 'X-Hub-Signature-256': `sha256=${hmac}` }, text],
        ['gitea', { 'X-Gitea-Event': 'push' }, { 'X-Gitea-Signature': hmac }, text],
        ['gitlab', { 'X-Gitlab-Event': 'Push Hook' }, { 'X-Gitlab-Token': 'swordfish' }, gitlab],
        ['bitbucket', { 'X-Event-Key': 'repo:push' }, { 'X-Hub-Signature': `sha256=${signed}` }, bitbucket],
        ['azuredevops', { 'X-Vss-Activityid': '1' }, { Authorization: basic('swordfish') }, azure],
      ]
      for (const [host, headers, proof, body] of table) {
        await hook(api, host, headers, body).expect(401)
        const [name] = Object.keys(proof)
        await hook(api, host, { ...headers, [name!]: 'sha256=00' }, body).expect(401)
        // Another host's proof is none.
        await hook(api, host, { ...headers, 'X-Flotilla-Token': 'swordfish' }, body).expect(401)
        await hook(api, host, { ...headers, ...proof }, body).expect(202)
        await hook(api, host, { ...headers, ...proof }, `${body} `).expect(
          host === 'gitlab' || host === 'azuredevops' ? 202 : 401,
        )
      }
      expect(new Set(api.done.map(line => line.split(' ')[1]))).toEqual(new Set(table.map(([host]) => host)))
    }))

  it('a plugin is asked again when the generic one names it', () =>
    withApi({}, async api => {
      await hook(api, 'generic', {}, { plugins: ['teams', 'teams'] }).expect(202)
      expect(api.done).toEqual(['plugin teams'])
    }))
})
