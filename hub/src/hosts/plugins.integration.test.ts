import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { createServer, type IncomingMessage, type RequestListener, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createClock } from '@flotilla/core/ports/create-clock'
import type { PluginRequest } from '@flotilla/generators/inputs'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { mountedSettings } from './mounted-settings.ts'
import { NodeHttpClient } from './node-http-client.ts'
import { type PluginSettings, Plugins } from './plugins.ts'

const http = new NodeHttpClient({ clock: createClock(globalThis), environment: {} })
const never = new AbortController().signal
const ask: PluginRequest = {
  kind: 'plugin',
  setName: 'shop',
  configMapRef: 'teams',
  project: 'shop',
  trust: { kind: 'all' },
  input: { env: 'prod', count: 2 },
}
let folder = ''
const open: (() => Promise<void>)[] = []

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'flotilla-plugins-'))
})
afterEach(async () => {
  for (const end of open.splice(0)) await end()
})
afterAll(async () => {
  http.close()
  await rm(folder, { recursive: true, force: true })
})

async function served(listener: RequestListener): Promise<string> {
  const server = createServer(listener)
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  open.push(
    () =>
      new Promise(resolve => {
        server.closeAllConnections()
        server.close(() => resolve())
      }),
  )
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`
}

const says =
  (status: number, body: string) =>
  (_request: IncomingMessage, response: ServerResponse): void => {
    response.writeHead(status).end(body)
  }

function plugin(baseUrl: string, more: Partial<PluginSettings> = {}): PluginSettings {
  return { name: 'teams', baseUrl, token: async () => 'swordfish', requestTimeoutMs: 5_000, ...more }
}

describe('a plugin', () => {
  it('is asked as Argo CD asks it, below whatever path it has', async () => {
    const seen: unknown[] = []
    const url = await served((request, response) => {
      let text = ''
      request.on('data', chunk => (text += String(chunk)))
      request.on('end', () => {
        const { authorization, 'content-type': type, 'user-agent': agent } = request.headers
        seen.push([request.method, request.url, authorization, type, agent, JSON.parse(text)])
        response.end('{"output": {"parameters": [{"a": 1}, {"a": {"b": "c"}}]}}')
      })
    })
    for (const base of [url, `${url}/`, `${url}/teams`]) {
      const answer = await new Plugins(http, [plugin(base)]).ask(ask, never)
      expect(answer).toEqual({ kind: 'plugin', parameters: [{ a: 1 }, { a: { b: 'c' } }] })
    }
    const body = { applicationSetName: 'shop', input: { parameters: { env: 'prod', count: 2 } } }
    const facts = ['Bearer swordfish', 'application/json', 'argocd-applicationset', body]
    expect(seen).toEqual([
      ['POST', '/api/v1/getparams.execute', ...facts],
      ['POST', '/api/v1/getparams.execute', ...facts],
      ['POST', '/teams/api/v1/getparams.execute', ...facts],
    ])
  })

  it('that says nothing gives no parameters', async () => {
    for (const body of ['', '{}', '{"output": {}}', '{"output": null}', '{"output": {"parameters": null}}']) {
      const url = await served(says(200, body))
      expect(await new Plugins(http, [plugin(url)]).ask(ask, never)).toEqual({ kind: 'plugin', parameters: [] })
    }
  })

  const PREFIX = "error listing params: error get api 'shop': "
  const refusals: { readonly [sentence: string]: readonly [number, string, string] } = {
    'with a message': [
      500,
      '{"message": "no such team", "error": "x"}',
      'API error with status code 500: no such team',
    ],
    'with an error': [403, '{"error": "denied"}', 'API error with status code 403: denied'],
    'in plain words': [404, 'not here', 'API error with status code 404: not here'],
    'by leading elsewhere': [302, 'moved', 'API error with status code 302: moved'],
    'with our own token in it': [400, 'bad token swordfish', 'API error with status code 400: bad token ***'],
    'with no JSON': [200, '<html>', 'the answer is not JSON: <html>'],
    'with a list': [200, '[]', 'the answer is not {"output": {"parameters": [{…}]}}: []'],
    'with parameters that are none': [
      200,
      '{"output": {"parameters": [1]}}',
      'the answer is not {"output": {"parameters": [{…}]}}: {"output": {"parameters": [1]}}',
    ],
  }
  for (const [sentence, [status, body, message]] of Object.entries(refusals)) {
    it(`that refuses ${sentence} is an error`, async () => {
      const url = await served(says(status, body))
      await expect(new Plugins(http, [plugin(url)]).ask(ask, never)).rejects.toThrow(PREFIX + message)
    })
  }

  it('is not followed to another host, nor waited for, nor read, without end', async () => {
    const elsewhere = await served(says(200, '{}'))
    const moved = await served((_request, response) => void response.writeHead(307, { location: elsewhere }).end())
    await expect(new Plugins(http, [plugin(moved)]).ask(ask, never)).rejects.toMatchObject({ code: 'HOST_REDIRECT' })
    const silent = await served(() => undefined)
    const hurried = plugin(silent, { requestTimeoutMs: 50 })
    await expect(new Plugins(http, [hurried]).ask(ask, never)).rejects.toMatchObject({
      code: 'HOST_TIMEOUT',
      message: expect.stringContaining(PREFIX),
    })
    const endless = await served((_request, response) => {
      const more = (): void => {
        if (!response.destroyed) response.write(Buffer.alloc(1024 * 1024, 32), more)
      }
      more()
    })
    await expect(new Plugins(http, [plugin(endless)]).ask(ask, never)).rejects.toMatchObject({
      code: 'HOST_ANSWER_TOO_LARGE',
    })
  })

  it('that is down is an error, which a stopping hub does not wait for', async () => {
    const down = await served(says(200, '{}'))
    for (const end of open.splice(0)) await end()
    await expect(new Plugins(http, [plugin(down)]).ask(ask, never)).rejects.toMatchObject({ code: 'HOST_UNREACHABLE' })
    const stopping = new AbortController()
    const silent = await served(() => stopping.abort(new Error('stopping')))
    await expect(new Plugins(http, [plugin(silent)]).ask(ask, stopping.signal)).rejects.toThrow('stopping')
  })
})

describe('who may ask a plugin', () => {
  const trusted = (...projects: readonly string[]) => ({ kind: 'projects', projects }) as const
  const table: { readonly [sentence: string]: readonly [Partial<PluginSettings>, Partial<PluginRequest>, boolean] } = {
    'sets of sources that may declare everything': [{}, {}, true],
    'not those of others, unless it says so': [{}, { trust: trusted('shop') }, false],
    'sets of the projects that it names': [{ projects: ['shop'] }, { trust: trusted('shop') }, true],
    'not of a project that it does not name': [{ projects: ['shop'] }, { project: 'web' }, false],
    'not of a project that their source may not declare for': [
      { projects: ['shop'] },
      { trust: trusted('web') },
      false,
    ],
    'everybody, when it says so': [{ projects: ['*'] }, { project: 'web', trust: trusted('web') }, true],
    'not by another name': [{}, { configMapRef: 'team' }, false],
  }
  for (const [sentence, [settings, request, allowed]] of Object.entries(table)) {
    it(sentence, async () => {
      const url = await served(says(200, ''))
      const asked = new Plugins(http, [plugin(url, settings)]).ask({ ...ask, ...request }, never)
      if (allowed) return await expect(asked).resolves.toMatchObject({ kind: 'plugin' })
      const name = request.configMapRef ?? 'teams'
      // The same words as for a plugin that there is not.
      await expect(asked).rejects.toThrow(
        `error getting plugin from generator: error fetching ConfigMap: there is no plugin "${name}" for this set`,
      )
    })
  }
})

describe('a plugin that a mounted ConfigMap describes', () => {
  async function mount(kind: 'configmaps' | 'secrets', name: string, keys: { readonly [key: string]: string }) {
    await mkdir(join(folder, kind, name), { recursive: true })
    for (const [key, text] of Object.entries(keys)) await writeFile(join(folder, kind, name, key), text)
  }

  it('is asked with the token of the Secret that it names', async () => {
    const tokens: (string | undefined)[] = []
    const url = await served((request, response) => {
      tokens.push(request.headers.authorization)
      response.end('')
    })
    await mount('configmaps', 'first', { baseUrl: `${url}\n`, token: '$plugin.token', requestTimeout: '5' })
    await mount('configmaps', 'second', { baseUrl: url, token: '$mine:key' })
    await mount('configmaps', 'third', { baseUrl: url, token: '$absent:key' })
    await mount('configmaps', 'fourth', { baseUrl: url })
    await mount('secrets', 'argocd-secret', { 'plugin.token': 'one\n' })
    await mount('secrets', 'mine', { key: 'two' })
    const mounted = mountedSettings({
      configMapsFolder: join(folder, 'configmaps'),
      secretsFolder: join(folder, 'secrets'),
    })
    const plugins = new Plugins(http, [], mounted)
    const by = async (configMapRef: string) => await plugins.ask({ ...ask, configMapRef }, never)
    await by('first')
    await by('second')
    expect(tokens).toEqual(['Bearer one', 'Bearer two'])
    const settings = 'error getting plugin from generator: '
    await expect(by('third')).rejects.toThrow(`${settings}error fetching Secret token: error fetching secret absent`)
    await expect(by('fourth')).rejects.toThrow(`${settings}error fetching ConfigMap: token not found in ConfigMap`)
    await expect(by('fifth')).rejects.toThrow('there is no plugin "fifth"')
    await expect(by('../secrets/mine')).rejects.toThrow('there is no plugin')
    const limited = plugins.ask(
      { ...ask, configMapRef: 'first', trust: { kind: 'projects', projects: ['shop'] } },
      never,
    )
    await expect(limited).rejects.toThrow('there is no plugin "first"')
  })
})
