import type { Clock } from '@flotilla/core/ports/clock'
import { createRandom } from '@flotilla/core/ports/create-random'
import type { ConfiguredProvider, ConfiguredSignIn } from '@flotilla/hub/settings/read-sign-in'
import { openAccounts, openProvider } from '@flotilla/hub/sign-in/open-sign-in'
import { type Finding, failed, ok, reasonOf, skipped, warning } from './finding.ts'

/** How people come in, as the settings say: whether the provider answers as it should, and the accounts can be read. */
export async function checkSignIn(
  { provider, accounts, anonymous }: ConfiguredSignIn,
  publicUrl: string | undefined,
  clock: Clock,
  environment: Readonly<Record<string, string | undefined>>,
): Promise<readonly Finding[]> {
  const findings: Finding[] = []
  if (provider === undefined) findings.push(skipped('sign-in', 'oidc', 'there is no identity provider'))
  else findings.push(...(await checkProvider(provider, publicUrl, clock, environment)))
  try {
    const count = (await openAccounts(accounts)).length
    if (count > 0) {
      const message = accounts.enabled ? `${count} accounts can be read` : `${count} accounts, none of which counts`
      findings.push(ok('sign-in', 'accounts', message))
    }
  } catch (error) {
    findings.push(failed('sign-in', 'accounts', reasonOf(error), 'flotilla account hash-password makes a hash'))
  }
  if (anonymous) {
    const hint = 'set signIn.anonymous to false unless everybody who reaches the hub may have that'
    findings.push(warning('sign-in', 'anonymous', 'who shows nothing has what the default role gives', hint))
  }
  return findings
}

async function checkProvider(
  configured: ConfiguredProvider,
  publicUrl: string | undefined,
  clock: Clock,
  environment: Readonly<Record<string, string | undefined>>,
): Promise<readonly Finding[]> {
  const { issuer, algorithms, cliClientId } = configured
  const findings: Finding[] = []
  if (publicUrl === undefined) {
    const hint =
      'set publicUrl to the URL that browsers use; <publicUrl>/auth/callback is what the provider has to know'
    findings.push(warning('sign-in', issuer, 'the provider leads browsers back to where the hub listens', hint))
  }
  // Nothing here is a secret that somebody could guess: no sign-in is begun.
  const random = createRandom(count => new Uint8Array(count))
  try {
    const { provider, http } = await openProvider(configured, { clock, random }, environment)
    try {
      const { keys, device, algorithms: theirs } = await provider.examine()
      findings.push(ok('sign-in', issuer, `it answers, with ${keys} keys`))
      if (theirs.length > 0 && !theirs.some(each => (algorithms as readonly string[]).includes(each))) {
        const message = `it signs by ${theirs.join(', ')}, none of which oidc.algorithms takes`
        findings.push(failed('sign-in', issuer, message, 'have it sign id tokens by RS256 or ES256'))
      }
      if (cliClientId !== undefined && !device) {
        findings.push(warning('sign-in', issuer, 'it knows no sign-in by device: flotilla login needs a browser'))
      }
    } finally {
      http.close()
    }
  } catch (error) {
    const hint =
      'compare oidc.issuer letter by letter with /.well-known/openid-configuration; see oidc.rootCAFile, proxies'
    findings.push(failed('sign-in', issuer, reasonOf(error), hint))
  }
  return findings
}
