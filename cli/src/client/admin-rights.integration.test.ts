import { readFileSync } from 'node:fs'
import { seededRandom } from '@flotilla/core/ports/create-random'
import { hashPassword } from '@flotilla/hub/sign-in/password-hash'
import { hubWithSignIn, type SignInHub } from '@flotilla/hub/sign-in/testing/hub-with-sign-in'
import { FixtureRepository } from '@flotilla/hub/source/git/testing/fixture-repository'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { runInProcess } from '../testing/run-in-process.ts'

const PASSWORD = 'correct horse battery staple'
const POLICY = `apiVersion: flotilla.dev/v1alpha1
kind: AccessPolicy
metadata: { name: fleet }
spec: { policy: "g, zoe, role:admin" }
`

let hub: SignInHub
let fleet: FixtureRepository

beforeAll(async () => {
  fleet = await FixtureRepository.make()
  await fleet.commit({ files: { 'policy.yaml': POLICY } })
  const passwordHash = await hashPassword(PASSWORD, seededRandom(3), { ln: 14, r: 8, p: 1 })
  hub = await hubWithSignIn({
    accounts: ['ben', 'eve'].map(name => ({ name, passwordHash })),
    configSources: [{ name: 'fleet', repository: fleet.path, revision: 'main', path: '', trust: 'all' }],
    'access.policy': 'g, ben, role:admin\ng, eve, role:admin',
    'access.twoPersons': 'true',
  })
})
afterAll(async () => {
  await hub?.stop()
  await fleet?.remove()
})

it('the commands of docs/access.md: two people make an administrator, and one takes it back', async () => {
  const page = readFileSync(new URL('../../../docs/access.md', import.meta.url), 'utf8')
  const commands = [...page.matchAll(/^flotilla (rbac (?:admins|approve|revoke).*)$/gm)].map(([, line]) => line!)
  expect(commands.map(line => line.split(' ')[1])).toEqual(['admins', 'approve', 'revoke'])
  const [list, approve, revoke] = commands as [string, string, string]
  const as = async (name: string) => {
    const body = { name, password: PASSWORD, bearer: true }
    const { token } = (await hub.ask('/auth/login', { method: 'POST', body })).body
    return async (line: string, id = '') => {
      const words = [...line.matchAll(/"([^"]*)"|(\S+)/g)].map(([, quoted, plain]) => quoted ?? plain!)
      const given = words.map(word => (/^[0-9a-f]{24}$/.test(word) ? id : word))
      return await runInProcess([...given, '--hub', hub.url], { env: { FLOTILLA_TOKEN: String(token) } })
    }
  }
  const [ben, eve] = [await as('ben'), await as('eve')]
  const waiting = async () =>
    /^([0-9a-f]{24}) +waiting +zoe +g, zoe, role:admin +0 of 2$/m.exec((await ben(list)).stdout)?.[1]
  await expect.poll(waiting, { timeout: 60_000 }).toBeDefined()
  const id = (await waiting())!
  const first = await ben(approve, id)
  expect([first.code, first.stderr]).toEqual([1, expect.stringContaining('somebody else who has signed in')])
  const second = await eve(approve, id)
  expect([second.code, second.stdout]).toEqual([0, expect.stringMatching(/approved +zoe .* 2 of 2: ben, eve/)])
  expect((await eve(revoke, id)).code).toBe(0)
  expect(await waiting()).toBe(id)
})
