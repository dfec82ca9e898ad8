import { createHmac } from 'node:crypto'
import request from 'supertest'
import { expect, it } from 'vitest'
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
    expect(api.done).toEqual([`repository ${KNOWN}`])
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
    expect(api.done).toHaveLength(2)
  }))

it('an address that calls too often has to wait, whatever it sends', () =>
  withApi({ webhooksPerMinute: 3 }, async api => {
    for (let count = 0; count < 3; count += 1) await request(api.app).post(PATH).send({ repository: KNOWN }).expect(202)
    const { headers } = await request(api.app).post(PATH).send({ repository: KNOWN }).expect(429)
    expect(headers['retry-after']).toBe('60')
    api.clock.move(60_000)
    await request(api.app).post(PATH).send({ repository: KNOWN }).expect(202)
  }))
