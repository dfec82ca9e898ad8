import { createClock } from '@flotilla/core/ports/create-clock'
import { compileHubOptions, type LooseSettings } from '@flotilla/hub/settings/compile-hub-options'
import { TestProvider } from '@flotilla/hub/sign-in/testing/test-provider'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { checkSignIn } from './check-sign-in.ts'

let provider: TestProvider
beforeAll(async () => {
  provider = await TestProvider.open()
})
afterAll(() => provider?.close())

async function look(loose: LooseSettings): Promise<readonly string[]> {
  const compiled = compileHubOptions(loose)
  if (compiled.kind === 'refused') throw new Error(JSON.stringify(compiled.problems))
  const { signIn, publicUrl } = compiled.options
  const findings = await checkSignIn(signIn, publicUrl, createClock(globalThis), {})
  return findings.map(({ status, message }) => `${status}: ${message}`)
}

const CLIENT = { 'oidc.clientId': 'flotilla', publicUrl: 'https://hub.example.com' }

it('a provider that answers is well, one whose name differs by a slash is not', async () => {
  expect(await look({ ...CLIENT, 'oidc.issuer': provider.issuer })).toEqual(['ok: it answers, with 1 keys'])
  const [slash] = await look({ ...CLIENT, 'oidc.issuer': `${provider.issuer}/` })
  expect(slash).toMatch(/^failed: /)
})

it('a provider that is away, signs otherwise, or a hub without a public URL is told', async () => {
  const [away] = await look({ ...CLIENT, 'oidc.issuer': 'http://127.0.0.1:9' })
  expect(away).toMatch(/^failed: .*PROVIDER_AWAY/)
  const [, otherwise] = await look({ ...CLIENT, 'oidc.issuer': provider.issuer, 'oidc.algorithms': 'ES512' })
  expect(otherwise).toMatch(/^failed: it signs by .*RS256.*none of which oidc\.algorithms takes/)
  const [url] = await look({ 'oidc.issuer': provider.issuer, 'oidc.clientId': 'x' })
  expect(url).toMatch(/^warning: the provider leads browsers back/)
})

it('a hub without either, with accounts whose file is away, and with an open door', async () => {
  expect(await look({})).toEqual(['skipped: there is no identity provider'])
  const accounts = [{ name: 'ana', passwordHashFile: '/no/such/file' }]
  const [, file, open] = await look({ accounts, 'signIn.anonymous': true })
  expect(file).toMatch(/^failed: \/no\/such\/file: .*ENOENT/)
  expect(open).toMatch(/^warning: who shows nothing has what the default role gives/)
})
