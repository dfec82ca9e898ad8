import { once } from 'node:events'
import http from 'node:http'
import net, { type AddressInfo } from 'node:net'
import { afterEach, describe, expect, test } from 'vitest'
import { runInProcess } from '../testing/run-in-process.ts'

const closing: (() => void)[] = []
afterEach(() => {
  for (const close of closing.splice(0)) close()
})

async function listen(server: net.Server): Promise<number> {
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  closing.push(() => server.close())
  return (server.address() as AddressInfo).port
}

/** Whatever answers at a hub's address. */
async function answering(status: number, body: string, type = 'application/problem+json'): Promise<string> {
  const server = http.createServer((_request, response) => {
    response.writeHead(status, { 'content-type': type, connection: 'close' }).end(body)
  })
  return `http://127.0.0.1:${await listen(server)}`
}

function flotilla(words: readonly string[], token = 'flt_a.b') {
  return runInProcess(words, { env: { FLOTILLA_TOKEN: token } })
}

const JOIN = ['cluster', 'join-token', '--cluster', 'eu-1']
const problem = (title: string, more: object = {}) => JSON.stringify({ title, ...more })

describe('a join token is asked for', () => {
  const cases: Record<string, [() => Promise<string>, number, string]> = {
    'with a token that the hub does not know': [
      () => answering(401, problem('no')),
      3,
      'the token is not valid there\n  hint: give --token-file or FLOTILLA_TOKEN',
    ],
    'with a token of Argo CD': [
      () => answering(401, problem('no', { detail: 'This token was issued by Argo CD: flotilla token create' })),
      3,
      'This token was issued by Argo CD: flotilla token create',
    ],
    'without the right to': [
      () => answering(403, problem('This token may not make join tokens.')),
      3,
      'This token may not make',
    ],
    'for a Cluster that is not declared': [
      () => answering(404, problem('There is nothing here.')),
      1,
      'has no Cluster "eu-1", or you may not see it',
    ],
    'when the hub is in trouble': [() => answering(503, problem('The store is full.')), 1, 'The store is full.'],
    'of something that is no hub': [
      () => answering(404, '<html>', 'text/html'),
      3,
      'answered 404, and not as a hub does',
    ],
    'of something that answers with success, and is no hub': [
      () => answering(200, '[]'),
      3,
      'does not answer as a hub does',
    ],
    'where nothing listens': [
      async () => 'http://127.0.0.1:1',
      3,
      'ECONNREFUSED 127.0.0.1:1\n  hint: nothing listens there: does the hub run, and is the port right?',
    ],
    'over TLS of a hub without': [
      async () => (await answering(200, '{}')).replace('http:', 'https:'),
      3,
      'what answers there speaks no TLS\n  hint: a hub that listens without TLS has an http:// URL',
    ],
    'of what speaks no HTTP': [
      async () => `http://127.0.0.1:${await listen(net.createServer(socket => socket.end('SSH-2.0-x\r\n')))}`,
      3,
      'hint: a hub with TLS has an https:// URL',
    ],
  }
  test.each(Object.entries(cases))('%s', async (_, [serve, code, text]) => {
    const url = await serve()
    const answer = await flotilla(['--hub', url, ...JOIN])
    expect(answer).toMatchObject({ code, stdout: '', stderr: expect.stringContaining(text) })
    // One line and at most a hint: no stack, no library's internals.
    expect(answer.stderr.trim().split('\n').length).toBeLessThanOrEqual(2)
    expect(answer.stderr).toMatch(/^error: /)
  })

  test('without saying of which hub, with which token, for which cluster: wrong usage', async () => {
    expect(await flotilla(JOIN)).toMatchObject({ code: 2, stderr: expect.stringContaining('give --hub URL') })
    expect(await flotilla(['--hub', 'http://127.0.0.1:1', ...JOIN], '')).toMatchObject({
      code: 2,
      stderr: expect.stringContaining('give --token-file FILE or FLOTILLA_TOKEN'),
    })
    expect(await flotilla(['--hub', 'http://127.0.0.1:1', 'cluster', 'join-token'])).toMatchObject({ code: 2 })
    expect(await flotilla(['--context', 'eu', ...JOIN])).toMatchObject({
      code: 2,
      stderr: expect.stringContaining('keeps no hubs by name'),
    })
    expect(await flotilla(['--hub', 'http://127.0.0.1:1', '--token-file', '/no where', ...JOIN])).toEqual({
      code: 2,
      stdout: '',
      stderr: 'error: --token-file: there is no file /no where\n',
    })
  })
})

test('an Application that is not there is named', async () => {
  const url = await answering(404, problem('There is nothing here.'))
  expect(await flotilla(['--hub', url, 'app', 'get', 'web'])).toEqual({
    code: 1,
    stdout: '',
    stderr: `error: ${url} has no Application "web", or you may not see it\n`,
  })
})

test('a list without anything says so to people, and to programs by being empty', async () => {
  const url = await answering(200, JSON.stringify({ items: [], total: 0, next: null }))
  for (const words of [
    ['app', 'list'],
    ['cluster', 'list'],
    ['source', 'list'],
    ['appset', 'list'],
  ]) {
    const people = await flotilla(['--hub', url, ...words])
    expect(people).toMatchObject({ code: 0, stdout: expect.stringMatching(/^NAME .*\n$/), stderr: 'there is none\n' })
    expect(await flotilla(['--hub', url, ...words, '-o', 'name'])).toEqual({ code: 0, stdout: '', stderr: '' })
  }
})

test('the agent of a cluster is connected, away, silent, or not there at all', async () => {
  const agents = {
    on: [true, true, false],
    off: [true, false, false],
    quiet: [true, false, true],
    never: [false, false, false],
  }
  const items = Object.entries(agents).map(([name, [joined, connected, silent]]) => ({
    name,
    joined,
    agent: { connected, silent },
  }))
  const url = await answering(200, JSON.stringify({ items, total: 4, next: null }))
  const { stdout } = await flotilla(['--hub', url, 'cluster', 'list'])
  // Below it stand the agents that wait for approval, and what to do about each state.
  const [table = ''] = stdout.trim().split('\n\n')
  const shown = table
    .split('\n')
    .slice(1)
    .map(line => line.split(/ +/))
    .map(([name, , , agent]) => [name, agent])
  expect(Object.fromEntries(shown)).toEqual({ on: 'connected', off: 'away', quiet: 'silent', never: '-' })
})
