import { nearest } from '@flotilla/core/text/nearest'
import type { ConfiguredAccount } from '../sign-in/accounts.ts'
import { readPasswordHash } from '../sign-in/password-hash.ts'
import type { SessionSettings } from '../sign-in/sessions.ts'
import type { Algorithm } from '../sign-in/verify-id-token.ts'
import type { SettingProblem } from './compile-hub-options.ts'
import { isLoopback } from './setting-readers.ts'

/** The identity provider as hub.yaml names it. */
export interface ConfiguredProvider {
  readonly issuer: string
  readonly clientId: string
  readonly clientSecret?: string
  /** Read when the provider is asked, so that it can be changed. */
  readonly clientSecretFile?: string
  readonly cliClientId?: string
  readonly audiences: readonly string[]
  readonly scopes: readonly string[]
  readonly groupsClaims: readonly string[]
  readonly nameClaim?: string
  readonly userInfo: boolean
  readonly algorithms: readonly Algorithm[]
  readonly clockSkewMs: number
  readonly rootCAFile?: string
}

export interface ConfiguredAccounts {
  readonly enabled: boolean
  readonly accounts: readonly (ConfiguredAccount & { readonly passwordHashFile?: string })[]
  readonly failures: number
  readonly failureWindowMs: number
}

/** How people sign in. */
export interface ConfiguredSignIn {
  readonly provider?: ConfiguredProvider
  readonly accounts: ConfiguredAccounts
  readonly sessions: SessionSettings
  /** Whether who shows nothing comes in as nobody, with what the default role gives. */
  readonly anonymous: boolean
}

/** The plain settings, read already. */
export interface LooseSignIn {
  readonly issuer: string | undefined
  readonly clientId: string | undefined
  readonly clientSecret: string | undefined
  readonly clientSecretFile: string | undefined
  readonly cliClientId: string | undefined
  readonly audiences: readonly string[] | undefined
  readonly scopes: readonly string[] | undefined
  readonly groupsClaims: readonly string[] | undefined
  readonly nameClaim: string | undefined
  readonly userInfo: 'true' | 'false' | undefined
  readonly algorithms: readonly Algorithm[] | undefined
  readonly clockSkewMs: number | undefined
  readonly rootCAFile: string | undefined
  readonly localAccounts: 'true' | 'false' | undefined
  readonly failures: number | undefined
  readonly failureWindowMs: number | undefined
  readonly idleMs: number | undefined
  readonly lifeMs: number | undefined
  readonly anonymous: 'true' | 'false' | undefined
}

type Refuse = (problem: SettingProblem) => void

/** How people sign in, or every mistake in it. */
export function compileSignIn(loose: LooseSignIn, accounts: unknown, refuse: Refuse): ConfiguredSignIn {
  const { idleMs = 0, lifeMs = 0, failures = 0, failureWindowMs = 0 } = loose
  if (idleMs > lifeMs && lifeMs > 0) refuse({ field: 'sessions.idle', message: 'cannot be longer than sessions.life' })
  const provider = compileProvider(loose, refuse)
  return {
    ...(provider && { provider }),
    accounts: {
      ...{ enabled: loose.localAccounts !== 'false', failures, failureWindowMs },
      accounts: readAccounts(accounts, refuse),
    },
    sessions: { idleMs, lifeMs },
    anonymous: loose.anonymous === 'true',
  }
}

function compileProvider(loose: LooseSignIn, refuse: Refuse): ConfiguredProvider | undefined {
  const { issuer, clientId, clientSecret, clientSecretFile, cliClientId, nameClaim, rootCAFile } = loose
  const given = { clientId, clientSecret, clientSecretFile, cliClientId, nameClaim, rootCAFile }
  if (issuer === undefined) {
    for (const [field, value] of Object.entries(given)) {
      if (value !== undefined) refuse({ field: `oidc.${field}`, message: 'is for oidc.issuer, which is not given' })
    }
    return undefined
  }
  refuseIssuer(issuer, refuse)
  if (clientId === undefined) refuse({ field: 'oidc.clientId', message: 'is needed with oidc.issuer' })
  if (clientSecret !== undefined && clientSecretFile !== undefined) {
    refuse({ field: 'oidc.clientSecret', message: 'cannot stand beside oidc.clientSecretFile' })
  }
  const { scopes = [], audiences = [], algorithms = [], groupsClaims = [], clockSkewMs = 0 } = loose
  if (!scopes.includes('openid')) refuse({ field: 'oidc.scopes', message: 'must hold openid' })
  const own = [clientId ?? '', ...(cliClientId === undefined ? [] : [cliClientId])]
  return {
    ...{ issuer, clientId: clientId ?? '', scopes, groupsClaims, algorithms, clockSkewMs },
    audiences: audiences.length > 0 ? audiences : [...new Set(own)],
    userInfo: loose.userInfo === 'true',
    ...(clientSecret !== undefined && { clientSecret }),
    ...(clientSecretFile !== undefined && { clientSecretFile }),
    ...(cliClientId !== undefined && { cliClientId }),
    ...(nameClaim !== undefined && { nameClaim }),
    ...(rootCAFile !== undefined && { rootCAFile }),
  }
}

/** Who could stand between could be anyone's identity provider. */
function refuseIssuer(issuer: string, refuse: Refuse): void {
  const field = 'oidc.issuer'
  const url = URL.canParse(issuer) ? new URL(issuer) : undefined
  if (url === undefined || url.search !== '' || url.hash !== '' || url.username !== '' || url.password !== '') {
    refuse({
      field,
      message: 'must be a URL without user, query and fragment, letter by letter as the provider has it',
    })
    return
  }
  const local = isLoopback(url.hostname.replace(/^\[|\]$/g, ''))
  if (url.protocol !== 'https:' && !(url.protocol === 'http:' && local)) {
    refuse({ field, message: 'must begin with https://' })
  }
}

const KEYS = ['name', 'enabled', 'capabilities', 'passwordHash', 'passwordHashFile']
const CAPABILITIES = ['login', 'apiKey'] as const
const ACCOUNT_NAME = /^[a-zA-Z0-9][a-zA-Z0-9@._-]{0,99}$/

/** Reads `accounts`. What is refused is named by its field; its value is never repeated. */
function readAccounts(loose: unknown, refuse: Refuse): ConfiguredAccounts['accounts'] {
  const field = 'accounts'
  const list = typeof loose === 'string' ? parsedJson(loose) : (loose ?? [])
  if (!Array.isArray(list)) {
    refuse({ field, message: 'must be a list of accounts' })
    return []
  }
  const accounts = list.map((entry: unknown, index) => readAccount(entry, `${field}[${index}]`, refuse))
  const seen = new Set<string>()
  accounts.forEach(({ name }, index) => {
    if (name !== '' && seen.has(name)) {
      refuse({ field: `${field}[${index}].name`, message: 'is the name of another account' })
    }
    seen.add(name)
  })
  return accounts
}

function readAccount(entry: unknown, field: string, refuse: Refuse): ConfiguredAccounts['accounts'][number] {
  const isMap = typeof entry === 'object' && entry !== null && !Array.isArray(entry)
  const given = (isMap ? entry : {}) as Readonly<Record<string, unknown>>
  for (const key of Object.keys(given)) {
    if (KEYS.includes(key)) continue
    const near = nearest(key, KEYS)
    const hint = near === undefined ? {} : { hint: `did you mean "${near}"?` }
    refuse({ field: `${field}.${key}`, message: 'is not a field of an account', ...hint })
  }
  const { name, enabled = true, capabilities = ['login'], passwordHash, passwordHashFile } = given
  if (typeof name !== 'string' || !ACCOUNT_NAME.test(name)) {
    refuse({
      field: `${field}.name`,
      message: 'must be a name of letters, digits and @._-, with a letter or digit first',
    })
  }
  if (typeof enabled !== 'boolean') refuse({ field: `${field}.enabled`, message: 'must be true or false' })
  const known = (each: unknown): boolean => (CAPABILITIES as readonly unknown[]).includes(each)
  if (!Array.isArray(capabilities) || !capabilities.every(known)) {
    refuse({ field: `${field}.capabilities`, message: `must be a list of ${CAPABILITIES.join(', ')}` })
  }
  if (passwordHash !== undefined && passwordHashFile !== undefined) {
    refuse({ field: `${field}.passwordHash`, message: 'cannot stand beside passwordHashFile' })
  }
  if (
    passwordHash !== undefined &&
    (typeof passwordHash !== 'string' || readPasswordHash(passwordHash) === undefined)
  ) {
    const hint = 'flotilla account hash-password makes one'
    refuse({ field: `${field}.passwordHash`, message: 'must be a hash that begins with $scrypt$', hint })
  }
  if (passwordHashFile !== undefined && (typeof passwordHashFile !== 'string' || passwordHashFile === '')) {
    refuse({ field: `${field}.passwordHashFile`, message: 'must be a text that is not empty' })
  }
  return {
    name: typeof name === 'string' ? name : '',
    enabled: enabled === true,
    capabilities: Array.isArray(capabilities) ? (capabilities as ConfiguredAccount['capabilities']) : [],
    ...(typeof passwordHash === 'string' && { passwordHash }),
    ...(typeof passwordHashFile === 'string' && { passwordHashFile }),
  }
}

function parsedJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch (error) {
    if (error instanceof SyntaxError) return undefined
    throw error
  }
}
