import { readFile } from 'node:fs/promises'
import { NodeHttpClient } from '../hosts/node-http-client.ts'
import type { ConfiguredAccounts, ConfiguredProvider, ConfiguredSignIn } from '../settings/read-sign-in.ts'
import type { ConfiguredAccount } from './accounts.ts'
import { IdentityProvider, type ProviderParts } from './identity-provider.ts'
import { readPasswordHash } from './password-hash.ts'
import { SignIn, type SignInParts } from './sign-in.ts'

/** What a hub signs people in with, and how it is let go. */
export interface OpenedSignIn {
  readonly signIn: SignIn
  close(): void
}

/** A file of the settings that does not hold what it is for. */
export class SignInFileError extends Error {
  readonly code = 'SIGN_IN_FILE'
  readonly subject: string
  readonly retry = false

  constructor(subject: string, message: string, cause?: unknown) {
    super(`${subject}: ${message} (SIGN_IN_FILE)`, { cause })
    this.name = 'SignInFileError'
    this.subject = subject
  }
}

/**
 * Opens what people sign in with. The provider is asked when somebody comes, not now: a hub starts while it is away.
 *
 * @param environment Where the proxy is found.
 * @throws SignInFileError for a certificate, a hash or a secret that cannot be read.
 */
export async function openSignIn(
  configured: ConfiguredSignIn,
  parts: Omit<SignInParts, 'provider'>,
  environment: Readonly<Record<string, string | undefined>>,
): Promise<OpenedSignIn> {
  const { accounts, sessions, anonymous } = configured
  const opened = configured.provider && (await openProvider(configured.provider, parts, environment))
  const groupsClaims = configured.provider?.groupsClaims ?? []
  const nameClaim = configured.provider?.nameClaim
  const signIn = new SignIn(
    {
      ...{ sessions, anonymous },
      accounts: { ...accounts, accounts: await openAccounts(accounts) },
      ...(nameClaim !== undefined && { nameClaim }),
    },
    {
      ...parts,
      ...(opened && { provider: opened.provider }),
      groupClaims: () => [...new Set([...(parts.groupClaims?.() ?? ['groups']), ...groupsClaims])],
    },
  )
  signIn.start()
  return {
    signIn,
    close: () => {
      signIn.stop()
      opened?.http.close()
    },
  }
}

/** The provider of these settings, and the sockets to it. @throws SignInFileError */
export async function openProvider(
  configured: ConfiguredProvider,
  { clock, random }: Pick<ProviderParts, 'clock' | 'random'>,
  environment: Readonly<Record<string, string | undefined>>,
): Promise<{ readonly provider: IdentityProvider; readonly http: NodeHttpClient }> {
  const { rootCAFile, clientSecret, clientSecretFile, issuer, clientId, cliClientId } = configured
  const certificateAuthority = rootCAFile === undefined ? undefined : await textOf(rootCAFile)
  const http = new NodeHttpClient({
    clock,
    environment,
    ...(certificateAuthority !== undefined && { certificateAuthority }),
  })
  const secret = clientSecretFile === undefined ? clientSecret : undefined
  const { audiences, algorithms, clockSkewMs, scopes, userInfo } = configured
  const provider = new IdentityProvider(
    {
      ...{ issuer, clientId, audiences, algorithms, clockSkewMs, scopes, userInfo },
      ...(cliClientId !== undefined && { cliClientId }),
      ...(secret !== undefined && { clientSecret: async () => secret }),
      ...(clientSecretFile !== undefined && { clientSecret: async () => (await textOf(clientSecretFile)).trim() }),
    },
    { http, clock, random },
  )
  return { provider, http }
}

/** Accounts with their hashes, also those in files. @throws SignInFileError */
export async function openAccounts({ accounts }: ConfiguredAccounts): Promise<readonly ConfiguredAccount[]> {
  return await Promise.all(
    accounts.map(async ({ passwordHashFile, ...account }) => {
      if (passwordHashFile === undefined) return account
      const passwordHash = (await textOf(passwordHashFile)).trim()
      if (readPasswordHash(passwordHash) !== undefined) return { ...account, passwordHash }
      throw new SignInFileError(passwordHashFile, 'it holds no hash of flotilla account hash-password')
    }),
  )
}

async function textOf(path: string): Promise<string> {
  try {
    return await readFile(path, 'utf8')
  } catch (error) {
    throw new SignInFileError(path, error instanceof Error ? error.message : String(error), error)
  }
}
