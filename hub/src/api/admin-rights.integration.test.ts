import { seededRandom } from '@flotilla/core/ports/create-random'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { hashPassword } from '../sign-in/password-hash.ts'
import { hubWithSignIn, type SignInHub } from '../sign-in/testing/hub-with-sign-in.ts'
import { FixtureRepository } from '../source/git/testing/fixture-repository.ts'

const PASSWORD = 'correct horse battery staple'
/** The least that is taken, so that a test of many sign-ins is quick. */
const CHEAP = { ln: 14, r: 8, p: 1 }
const policy = (rows: readonly string[]) =>
  `apiVersion: flotilla.dev/v1alpha1\nkind: AccessPolicy\nmetadata: { name: fleet }\nspec:\n  policy: |\n${rows
    .map(row => `    ${row}\n`)
    .join('')}`

let hub: SignInHub
let fleet: FixtureRepository

beforeAll(async () => {
  fleet = await FixtureRepository.make()
  await fleet.commit({
    files: { 'policy.yaml': policy(['g, zoe, role:admin', 'g, ana, role:admin', 'g, kim, role:boss']) },
  })
  const passwordHash = await hashPassword(PASSWORD, seededRandom(3), CHEAP)
  const account = (name: string) => ({ name, passwordHash, capabilities: ['login', 'apiKey'] })
  hub = await hubWithSignIn({
    accounts: ['ana', 'ben', 'eve', 'zoe', 'kim'].map(name => account(name)),
    configSources: [{ name: 'fleet', repository: fleet.path, revision: 'main', path: '', trust: 'all' }],
    'access.admins': ['ana', 'ben', 'eve'],
    'access.policy': 'g, ben, role:admin\ng, eve, role:admin',
    'access.twoPersons': 'true',
  })
})
afterAll(async () => {
  await hub?.stop()
  await fleet?.remove()
})

const signIn = async (name: string) =>
  String(
    (await hub.ask('/auth/login', { method: 'POST', body: { name, password: PASSWORD, bearer: true } })).body['token'],
  )

interface Right {
  readonly id: string
  readonly subject: string
  readonly state: string
}
const rights = async () => {
  const { body } = await hub.ask('/api/v1/access/admin-rights', { token: hub.admin })
  return body['items'] as readonly Right[]
}
const mayMakeTokens = async (name: string) => {
  const asked = { action: 'update', resource: 'accounts', object: '*' }
  return (await hub.ask('/api/v1/can', { token: await signIn(name), method: 'POST', body: asked })).body['allowed']
}

it('whom documents make an administrator is one when two others agree who have signed in', async () => {
  await expect.poll(rights, { timeout: 60_000 }).toMatchObject([{ subject: 'zoe', state: 'waiting' }])
  // Whoever is listed is one by merging alone, as before.
  expect([await mayMakeTokens('ana'), await mayMakeTokens('zoe')]).toEqual([true, false])
  const [{ id }] = (await rights()) as [Right]
  const approve = (token: string, which = id) =>
    hub.ask(`/api/v1/access/admin-rights/${which}/approve`, { token, method: 'POST', body: { comment: 'yes' } })
  const ben = await signIn('ben')

  // Neither who keeps the first token, nor a token that somebody has made, of a person by name or of a program.
  const made = await hub.ask('/api/v1/tokens', { token: ben, method: 'POST', body: { name: 'eve', role: 'own' } })
  const person = { name: 'eve', role: 'admin', kind: 'person' }
  const named = await hub.ask('/api/v1/tokens', { token: hub.admin, method: 'POST', body: person })
  for (const token of [hub.admin, String(made.body['token']), String(named.body['token'])]) {
    const refused = await approve(token)
    expect([refused.status, refused.body['code']]).toEqual([403, 'RIGHT_NEEDS_PERSON'])
  }
  // Nor the same person twice, in another session.
  expect((await approve(ben)).body).toMatchObject({ state: 'waiting', people: [{ by: 'ben' }] })
  expect((await approve(await signIn('ben'))).body).toMatchObject({ state: 'waiting', people: [{ by: 'ben' }] })
  expect(await mayMakeTokens('zoe')).toBe(false)
  expect((await approve(await signIn('zoe'))).status).toBe(403)

  expect((await approve(await signIn('eve'))).body).toMatchObject({ state: 'approved', people: [{}, { by: 'eve' }] })
  expect(await mayMakeTokens('zoe')).toBe(true)
  expect((await approve(ben, 'unknown')).status).toBe(404)
  // Who has it already gains nothing by it for himself, and takes no part in it.
  expect((await approve(await signIn('zoe'))).body['code']).toBe('RIGHT_OWN')

  const revoked = await hub.ask(`/api/v1/access/admin-rights/${id}/revoke`, {
    ...{ token: ben, method: 'POST', body: { reason: 'has left' } },
  })
  expect(revoked.body).toMatchObject({ state: 'waiting', people: [] })
  expect(await mayMakeTokens('zoe')).toBe(false)
  const { body: log } = await hub.ask('/api/v1/audit?action=access.', { token: hub.admin })
  const told = (log['items'] as { actor: string; action: string }[]).map(({ actor, action }) => `${actor} ${action}`)
  expect(told.filter(each => !each.includes('RIGHT'))).toEqual(
    expect.arrayContaining(['ben access.revoke', 'eve access.approve', 'ben access.approve']),
  )
})

it('what a role gives by now is what was agreed on: another commit that widens it waits again', async () => {
  const rows = ['g, kim, role:boss', 'p, role:boss, clusters, update, eu-1, allow']
  await fleet.commit({ files: { 'policy.yaml': policy(rows) } })
  await hub.ask('/api/v1/sources/fleet/refresh', { token: hub.admin, method: 'POST' })
  await expect.poll(rights, { timeout: 60_000 }).toMatchObject([{ subject: 'kim', state: 'waiting' }])
  const [{ id }] = (await rights()) as [Right]
  for (const name of ['ben', 'eve']) {
    await hub.ask(`/api/v1/access/admin-rights/${id}/approve`, { token: await signIn(name), method: 'POST', body: {} })
  }
  expect(await rights()).toMatchObject([{ subject: 'kim', state: 'approved' }])
  await fleet.commit({ files: { 'policy.yaml': policy([...rows, 'p, role:boss, accounts, update, *, allow']) } })
  await hub.ask('/api/v1/sources/fleet/refresh', { token: hub.admin, method: 'POST' })
  await expect
    .poll(async () => (await rights()).map(({ subject, state }) => `${subject} ${state}`), { timeout: 60_000 })
    .toEqual(['kim waiting', 'kim unused'])
  expect(await mayMakeTokens('kim')).toBe(false)
})
