import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { type CryptoKey, exportJWK, generateKeyPair, type JWK, SignJWT } from 'jose'
import Provider from 'oidc-provider'

/** Somebody whom the provider knows; it asks for no password. */
export interface TestPerson {
  readonly groups: readonly string[]
  readonly email?: string
  readonly claims?: Readonly<Record<string, unknown>>
}

export interface TestClient {
  readonly id: string
  readonly secret?: string
  readonly redirectUris: readonly string[]
  readonly grants?: readonly string[]
}

/** A real identity provider on this machine: `oidc-provider`, with pages that say yes to everybody. */
export class TestProvider {
  readonly issuer: string
  readonly people = new Map<string, TestPerson>()
  /** Who signs in next. */
  signsIn = 'ana'
  /** Whether its answers to refresh tokens are a no. */
  refusesRefresh = false
  /** Requests by path. */
  readonly asked: string[] = []
  readonly #server: Server
  readonly #clients: TestClient[] = []
  #keys: { readonly jwk: JWK; readonly key: CryptoKey }[] = []
  #handle: ReturnType<Provider['callback']> | undefined
  /** Outlives a rotation of keys: who has signed in stays so. */
  readonly #memory = new Map<string, { readonly value: unknown }>()

  private constructor(server: Server) {
    this.#server = server
    this.issuer = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
    server.on('request', (request, response) => {
      this.asked.push(`${request.method} ${request.url?.replace(/\?.*$/, '')}`)
      if (this.refusesRefresh && request.url === '/token') {
        response.writeHead(400, { 'content-type': 'application/json' }).end('{"error":"invalid_grant"}')
        return
      }
      this.#handle?.(request, response)
    })
  }

  static async open(): Promise<TestProvider> {
    const server = createServer()
    await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
    const provider = new TestProvider(server)
    await provider.rotateKeys()
    return provider
  }

  /** Makes it know a client; after the first request is too late. */
  addClient(client: TestClient): void {
    this.#clients.push(client)
    this.#build()
  }

  /** Signs with a new key from now on, and publishes no other. */
  async rotateKeys(): Promise<void> {
    const { privateKey } = await generateKeyPair('RS256', { extractable: true })
    const jwk = { ...(await exportJWK(privateKey)), alg: 'RS256', use: 'sig', kid: `key-${this.#keys.length + 1}` }
    this.#keys.push({ jwk, key: privateKey })
    this.#build()
  }

  /** An id token of this provider, signed by its key, with whatever claims. */
  async sign(
    claims: Readonly<Record<string, unknown>>,
    header: Readonly<Record<string, string>> = {},
  ): Promise<string> {
    const { key, jwk } = this.#keys.at(-1)!
    return await new SignJWT({ ...claims }).setProtectedHeader({ alg: 'RS256', kid: jwk.kid!, ...header }).sign(key)
  }

  async close(): Promise<void> {
    this.#server.closeAllConnections()
    await new Promise(resolve => this.#server.close(resolve))
  }

  #build(): void {
    const newest = this.#keys.at(-1)
    if (newest === undefined) return
    const provider = new Provider(this.issuer, {
      jwks: { keys: [newest.jwk] },
      clients: this.#clients.map(({ id, secret, redirectUris, grants }) => ({
        client_id: id,
        ...(secret === undefined ? { token_endpoint_auth_method: 'none' } : { client_secret: secret }),
        application_type: secret === undefined ? 'native' : 'web',
        redirect_uris: redirectUris,
        response_types: redirectUris.length > 0 ? ['code'] : [],
        grant_types: grants ?? ['authorization_code', 'refresh_token'],
      })),
      adapter: adapterOver(this.#memory),
      cookies: { keys: ['of a test'] },
      claims: {
        openid: ['sub'],
        email: ['email', 'email_verified'],
        groups: ['groups', 'hasgroups'],
        profile: ['name'],
      },
      scopes: ['openid', 'offline_access', 'email', 'groups', 'profile'],
      conformIdTokenClaims: false,
      pkce: { required: () => true },
      features: {
        devInteractions: { enabled: false },
        deviceFlow: { enabled: true, ...DEVICE_PAGES },
        rpInitiatedLogout: { enabled: true },
      },
      issueRefreshToken: () => true,
      rotateRefreshToken: true,
      findAccount: (_context: unknown, id: string) => ({
        accountId: id,
        claims: () => {
          const { groups = [], email = `${id}@example.com`, claims = {} } = this.people.get(id) ?? {}
          return { sub: id, groups, email, email_verified: true, ...claims }
        },
      }),
      interactions: { url: (_context: unknown, { uid }: { readonly uid: string }) => `/interaction/${uid}` },
      ttl: {
        IdToken: 3600,
        AccessToken: 3600,
        RefreshToken: 86_400,
        Session: 86_400,
        Interaction: 3600,
        Grant: 86_400,
        DeviceCode: 600,
      },
    })
    const callback = provider.callback()
    this.#handle = (request, response) => {
      if (!request.url?.startsWith('/interaction/')) return callback(request, response)
      this.#interact(provider, request, response).catch((error: unknown) => {
        response.writeHead(500).end(String(error))
      })
    }
  }

  /** Whoever is to sign in does, and agrees to everything. */
  async #interact(
    provider: Provider,
    request: Parameters<ReturnType<Provider['callback']>>[0],
    response: Parameters<ReturnType<Provider['callback']>>[1],
  ) {
    const { interactionDetails, interactionFinished, Grant } = provider as unknown as {
      interactionDetails(...given: unknown[]): Promise<{
        prompt: { name: string }
        params: { client_id: string; scope: string }
        session?: { accountId: string }
      }>
      interactionFinished(...given: unknown[]): Promise<void>
      Grant: new (of: object) => { addOIDCScope(scope: string): void; save(): Promise<string> }
    }
    const { prompt, params, session } = await interactionDetails.call(provider, request, response)
    if (prompt.name === 'login') {
      await interactionFinished.call(provider, request, response, { login: { accountId: this.signsIn } })
      return
    }
    const grant = new Grant({ accountId: session?.accountId, clientId: params.client_id })
    grant.addOIDCScope(params.scope)
    await interactionFinished.call(provider, request, response, { consent: { grantId: await grant.save() } })
  }
}

interface Page {
  body: string
}

/** Pages of the device flow that a test can read: the form as it is. */
const DEVICE_PAGES = {
  userCodeInputSource: (context: Page, form: string) => {
    context.body = form
  },
  userCodeConfirmSource: (context: Page, form: string) => {
    context.body = form
  },
  successSource: (context: Page) => {
    context.body = 'done'
  },
}

/** What the provider remembers, in a map that outlives it. */
function adapterOver(memory: Map<string, { readonly value: unknown }>) {
  return class {
    readonly #model: string
    constructor(model: string) {
      this.#model = model
    }
    async upsert(id: string, payload: { uid?: string; userCode?: string; grantId?: string }): Promise<void> {
      memory.set(`${this.#model} ${id}`, { value: payload })
      if (payload.uid) memory.set(`${this.#model} uid ${payload.uid}`, { value: id })
      if (payload.userCode) memory.set(`${this.#model} code ${payload.userCode}`, { value: id })
    }
    async find(id: string): Promise<unknown> {
      return memory.get(`${this.#model} ${id}`)?.value
    }
    async findByUid(uid: string): Promise<unknown> {
      return await this.find(String(memory.get(`${this.#model} uid ${uid}`)?.value))
    }
    async findByUserCode(code: string): Promise<unknown> {
      return await this.find(String(memory.get(`${this.#model} code ${code}`)?.value))
    }
    async consume(id: string): Promise<void> {
      const entry = memory.get(`${this.#model} ${id}`)?.value as { consumed?: number } | undefined
      if (entry) entry.consumed = 1
    }
    async destroy(id: string): Promise<void> {
      memory.delete(`${this.#model} ${id}`)
    }
    async revokeByGrantId(grantId: string): Promise<void> {
      for (const [key, { value }] of memory) if ((value as { grantId?: string }).grantId === grantId) memory.delete(key)
    }
  }
}
