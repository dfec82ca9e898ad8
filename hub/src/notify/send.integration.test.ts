import { createHmac } from 'node:crypto'
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { messageContext } from '@flotilla/core/notify/message-context'
import type { RouteTarget } from '@flotilla/core/notify/route'
import { createClock } from '@flotilla/core/ports/create-clock'
import type { MessageRow } from '@flotilla/core/ports/store'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import type { SecretGrant } from '../hosts/host-secrets.ts'
import { sampleMessage } from '../store/sample-rows.ts'
import { AddressGuard } from './address-guard.ts'
import { RouteSecrets } from './route-secrets.ts'
import { type Sending, send, signatureOf } from './send.ts'
import { SendError } from './send-error.ts'
import { COMMIT } from './testing/notifier-harness.ts'
import { type PlayedTarget, playMailServer, playTarget } from './testing/targets.ts'
import { writeMessage } from './write-message.ts'

const TRIGGER = { name: 'on-health-degraded', kind: 'on-health-degraded', forMs: 0 } as const
let folder: string
let target: PlayedTarget
const clock = createClock(globalThis)

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'flotilla-notify-'))
})
afterAll(() => rm(folder, { recursive: true, force: true }))
beforeEach(async () => {
  target = await playTarget()
})
afterEach(() => target.close())

async function secret(name: string, value: string): Promise<{ secretName: string; key: string }> {
  await mkdir(join(folder, name), { recursive: true })
  await writeFile(join(folder, name, 'key'), `${value}\n`)
  return { secretName: name, key: 'key' }
}

function sendingOf(kind: RouteTarget['kind'], over: Partial<MessageRow> = {}, first?: string): Sending {
  const message = sampleMessage({ id: '0190-1', route: 'oncall', kind: 'firing', ...over })
  const resolved = message.kind === 'resolved'
  const context = messageContext({
    ...{
      kind: message.kind,
      route: 'oncall',
      trigger: TRIGGER,
      openedAt: 0,
      firing: resolved ? 0 : 1,
      total: 1,
      id: 'i',
    },
    ...{
      cause: {
        kind: 'commit',
        text: 'commit 9f2c',
        revision: COMMIT,
        repository: 'https://git.example.com/shop/deploy.git',
      },
    },
    told: [{ name: 'shop', message: '<!channel> *bold* [x](http://evil) "&\u202e' }],
    hubUrl: 'https://hub.example.com',
    ...(resolved && { resolvedAt: 1 }),
  })
  return {
    message,
    content: { ...writeMessage({}, context, kind), context },
    first,
    signal: new AbortController().signal,
  }
}

function parts({ networks = ['127.0.0.0/8'], secrets = [] }: { networks?: string[]; secrets?: SecretGrant[] } = {}) {
  return {
    guard: new AddressGuard(networks),
    secrets: new RouteSecrets({ secretsFolder: folder, secrets, allowedProviders: [] }),
    clock,
  }
}

const bodies = () => target.got.map(({ body }) => JSON.parse(body))

describe('Slack', () => {
  it('gets a text in which no value is a link or a mention', async () => {
    const urlRef = await secret('chat', `${target.url}/services/T0/SECRET`)
    await send({ name: 'chat', kind: 'slack', urlRef }, sendingOf('slack'), parts())
    expect(target.got[0]?.path).toBe('/services/T0/SECRET')
    expect(bodies()[0].text).toContain('*1 Degraded: commit 9f2c*\n')
    expect(bodies()[0].text).toContain('shop: &lt;!channel&gt; *bold* [x](http://evil) "&amp;  https://hub')
  })

  it('by a bot: what follows goes into the thread of the first', async () => {
    const tokenRef = await secret('bot', 'xoxb-1')
    const bot = { name: 'chat', kind: 'slack', channel: '#ops', tokenRef, api: `${target.url}/api` } as const
    target.answers.push(
      { status: 200, body: '{"ok":true,"ts":"17.1"}' },
      { status: 200, body: '{"ok":true,"ts":"18.1"}' },
    )
    const first = await send(bot, sendingOf('slack'), parts())
    expect(first).toBe('17.1')
    expect(await send(bot, sendingOf('slack', { kind: 'resolved' }, first), parts())).toBe('17.1')
    expect(target.got[0]?.headers.authorization).toBe('Bearer xoxb-1')
    expect(bodies().map(({ channel, thread_ts }) => [channel, thread_ts])).toEqual([
      ['#ops', undefined],
      ['#ops', '17.1'],
    ])
    target.answers.push({ status: 200, body: '{"ok":false,"error":"channel_not_found"}' })
    await expect(send(bot, sendingOf('slack'), parts())).rejects.toMatchObject({ code: 'NOTIFY_REFUSED', retry: false })
  })
})

it('Teams gets an Adaptive Card in which no value is a link', async () => {
  const urlRef = await secret('teams', `${target.url}/workflows/1`)
  await send({ name: 'teams', kind: 'teams', urlRef }, sendingOf('teams'), parts())
  const { content, contentType } = bodies()[0].attachments[0]
  expect(contentType).toBe('application/vnd.microsoft.card.adaptive')
  expect(content.body[0]).toMatchObject({ text: '1 Degraded: commit 9f2c', weight: 'Bolder' })
  expect(content.body[1].text).toContain('\\<!channel\\> \\*bold\\* \\[x\\]\\(http://evil\\)')
  expect(content.body[1].text).toContain('https://hub.example.com/api/v1/clusters/shop')
})

describe('a webhook', () => {
  it('is signed as Standard Webhooks says, and has the id of the message', async () => {
    const signingKeyRef = await secret('sign', 'a key')
    const url = `${target.url}/hook`
    await send({ name: 'w', kind: 'webhook', url, signingKeyRef }, sendingOf('webhook'), parts())
    const [{ headers, body }] = target.got as [PlayedTarget['got'][0]]
    expect(headers['webhook-id']).toBe('0190-1')
    const signed = createHmac('sha256', 'a key')
      .update(`0190-1.${headers['webhook-timestamp']}.${body}`)
      .digest('base64')
    expect(headers['webhook-signature']).toBe(`v1,${signed}`)
    expect(JSON.parse(body)).toMatchObject({
      id: '0190-1',
      kind: 'firing',
      title: '1 Degraded: commit 9f2c',
      count: { total: 1 },
    })
  })

  it('has the signature of the example of Standard Webhooks', () => {
    const key = 'whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw'
    expect(signatureOf(key, 'msg_p5jXN8AQM9LWM0D4loKWxJek', '1614265330', '{"test": 2432232314}')).toBe(
      'v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=',
    )
  })

  const answers: {
    readonly [sentence: string]: readonly [answer: PlayedTarget['answers'][0], told: Partial<SendError>]
  } = {
    'that is busy says when': [
      { status: 429, headers: { 'Retry-After': '120' } },
      { code: 'NOTIFY_UNAVAILABLE', retry: true, retryAfterMs: 120_000 },
    ],
    'that is broken is tried again': [{ status: 502 }, { code: 'NOTIFY_UNAVAILABLE', retry: true }],
    'that is not there is not': [
      { status: 404, body: 'it was SECRET' },
      { code: 'NOTIFY_REFUSED', retry: false },
    ],
    'leads nowhere else': [
      { status: 302, headers: { Location: 'http://169.254.169.254/' } },
      { code: 'NOTIFY_REFUSED', retry: false },
    ],
  }
  it.each(Object.entries(answers))('%s', async (_, [answer, told]) => {
    target.answers.push(answer)
    const sent = send({ name: 'w', kind: 'webhook', url: target.url }, sendingOf('webhook'), parts())
    await expect(sent).rejects.toMatchObject(told)
    await expect(sent).rejects.not.toThrow(/SECRET/)
    expect(target.got).toHaveLength(1)
  })
})

describe('addresses', () => {
  const refused = [
    ...['http://127.0.0.1:1/', 'http://localhost:1/', 'http://169.254.169.254/latest/meta-data', 'http://[::1]:1/'],
    ...[
      'http://[::ffff:169.254.169.254]/',
      'http://[fe80::1]/',
      'http://2852039166/',
      'http://0x7f.1:1/',
      'http://0.0.0.0:1/',
    ],
  ]
  it.each(refused)('%s is not spoken to', async url => {
    const sent = send({ name: 'w', kind: 'webhook', url }, sendingOf('webhook'), parts({ networks: [] }))
    await expect(sent).rejects.toMatchObject({ code: 'NOTIFY_ADDRESS_REFUSED', retry: false })
  })

  it('of a mail server are bounded alike', async () => {
    const mail = {
      name: 'm',
      kind: 'email',
      server: 'smtp://127.0.0.1:25',
      from: 'a@example.com',
      to: ['b@example.com'],
    } as const
    const sent = send(mail, sendingOf('email'), parts({ networks: [] }))
    await expect(sent).rejects.toMatchObject({ code: 'NOTIFY_ADDRESS_REFUSED' })
  })

  it('behind a proxy are the proxy’s to resolve, but for those that are written out', async () => {
    const proxied = {
      ...parts({ networks: [] }),
      proxies: { HTTP_PROXY: target.url, NO_PROXY: 'internal.example.com' },
    }
    const to = (url: string) => send({ name: 'w', kind: 'webhook', url }, sendingOf('webhook'), proxied)
    await to('http://chat.example.invalid/hook')
    expect(target.got.map(({ path }) => path)).toEqual(['http://chat.example.invalid/hook'])
    for (const url of ['http://169.254.169.254/', 'http://localhost/', 'http://[::1]/', 'http://2130706433/']) {
      await expect(to(url)).rejects.toMatchObject({ code: 'NOTIFY_ADDRESS_REFUSED' })
    }
    // What goes without the proxy is resolved and checked here.
    await expect(to('http://a.internal.example.com.invalid/')).resolves.toBeUndefined()
    await expect(to('http://x.internal.example.com/')).rejects.toMatchObject({ code: 'NOTIFY_UNREACHABLE' })
    expect(target.got).toHaveLength(2)
  })

  it('where nobody listens are tried again', async () => {
    await target.close()
    const sent = send({ name: 'w', kind: 'webhook', url: target.url }, sendingOf('webhook'), parts())
    await expect(sent).rejects.toMatchObject({ code: 'NOTIFY_UNREACHABLE', retry: true })
    target = await playTarget()
  })
})

describe('credentials', () => {
  it('are no text of an error, and of no other host', async () => {
    const tokenRef = await secret('token', 'CANARY')
    const github = { name: 'g', kind: 'github', api: target.url, tokenRef, context: 'flotilla' } as const
    const here = sendingOf('github')
    ;(here.content.context['cause'] as { repository: string }).repository = `${target.url}/shop/deploy.git`
    target.answers.push({ status: 401, body: 'bad token CANARY' })
    const error = await send(github, here, parts()).then(
      () => undefined,
      (thrown: unknown) => thrown as SendError,
    )
    expect(error).toMatchObject({ code: 'NOTIFY_REFUSED', message: expect.not.stringContaining('CANARY') })
    const elsewhere = parts({ secrets: [{ name: 'token', hosts: ['https://api.github.com'] }] })
    await expect(send(github, here, elsewhere)).rejects.toMatchObject({ code: 'NOTIFY_SECRET' })
    const ofProjects = parts({ secrets: [{ name: 'token', projects: ['shop'] }] })
    await expect(send(github, here, ofProjects)).rejects.toMatchObject({ code: 'NOTIFY_SECRET' })
    expect(target.got).toHaveLength(1)
  })

  it('that are missing are looked for again', async () => {
    const urlRef = { secretName: 'missing', key: 'url' }
    const sent = send({ name: 't', kind: 'teams', urlRef }, sendingOf('teams'), parts())
    await expect(sent).rejects.toMatchObject({ code: 'NOTIFY_SECRET', retry: true })
  })

  it('lead no way out of their folder', async () => {
    const urlRef = { secretName: '..', key: 'url' }
    const sent = send({ name: 't', kind: 'teams', urlRef }, sendingOf('teams'), parts())
    await expect(sent).rejects.toBeInstanceOf(SendError)
  })
})

describe('a commit', () => {
  const at = (kind: 'github' | 'gitlab', repository: string, over: Partial<MessageRow> = {}) => {
    const sending = sendingOf(kind, over)
    ;(sending.content.context['cause'] as { repository: string }).repository = repository
    return sending
  }

  it('has a status at GitHub', async () => {
    const tokenRef = await secret('gh', 'ghp')
    const github = { name: 'g', kind: 'github', api: `${target.url}/api/v3`, tokenRef, context: 'fleet' } as const
    await send(github, at('github', `${target.url}/shop/deploy.git`), parts())
    await send(github, at('github', `${target.url}/shop/deploy.git`, { kind: 'resolved' }), parts())
    expect(target.got.map(({ path }) => path)).toEqual(Array(2).fill(`/api/v3/repos/shop/deploy/statuses/${COMMIT}`))
    expect(target.got[0]?.headers.authorization).toBe('Bearer ghp')
    expect(bodies()).toEqual([
      { state: 'failure', description: '1 Degraded: commit 9f2c', context: 'fleet/oncall' },
      { state: 'success', description: 'Resolved: 1 Degraded: commit 9f2c', context: 'fleet/oncall' },
    ])
  })

  it('has a status at GitLab', async () => {
    const tokenRef = await secret('gl', 'glpat')
    const gitlab = { name: 'g', kind: 'gitlab', api: `${target.url}/api/v4`, tokenRef, context: 'fleet' } as const
    await send(gitlab, at('gitlab', `git@127.0.0.1:group/sub/deploy.git`), parts())
    expect(target.got[0]?.path).toBe(`/api/v4/projects/group%2Fsub%2Fdeploy/statuses/${COMMIT}`)
    expect(target.got[0]?.headers['private-token']).toBe('glpat')
    expect(bodies()[0]).toMatchObject({ state: 'failed', name: 'fleet/oncall' })
  })

  it('of another host, or with a path that leads elsewhere, has none', async () => {
    const tokenRef = await secret('gh', 'ghp')
    const github = { name: 'g', kind: 'github', api: target.url, tokenRef, context: 'fleet' } as const
    for (const repository of [
      'https://git.example.com/shop/deploy',
      `${target.url}/a/../b`,
      `${target.url}/a/b/c`,
      '',
    ]) {
      await send(github, at('github', repository), parts())
    }
    expect(target.got).toEqual([])
  })
})

describe('mail', () => {
  it('has a stable id, is a reply to the first, and shows values as text', async () => {
    const server = await playMailServer()
    try {
      const mail: RouteTarget = {
        ...{
          name: 'm',
          kind: 'email' as const,
          from: 'Flotilla <flotilla@example.com>',
          to: ['ops@example.com', 'x@example.com'],
        },
        server: `smtp://127.0.0.1:${server.port}`,
      }
      const first = await send(mail, sendingOf('email'), parts())
      expect(first).toBe('<0190-1@example.com>')
      await send(mail, sendingOf('email', { id: '0190-2', kind: 'resolved' }, first), parts())
      expect(server.mails.map(({ from, to }) => [from, to])).toEqual(
        Array(2).fill(['flotilla@example.com', ['ops@example.com', 'x@example.com']]),
      )
      const [one, two] = server.mails.map(({ text }) => text) as [string, string]
      expect(one).toMatch(/^Message-ID: <0190-1@example.com>$/im)
      expect(one).toMatch(/^Subject: 1 Degraded: commit 9f2c/m)
      expect(one).toContain('&lt;!channel&gt;')
      expect(two).toMatch(/^In-Reply-To: <0190-1@example.com>$/im)
    } finally {
      await server.close()
    }
  })

  it('shows a password only to a server that encrypts', async () => {
    const [usernameRef, passwordRef] = [await secret('user', 'flotilla'), await secret('pass', 'CANARY')]
    const seen: string[] = []
    const server = await playMailServer({
      onAuth(auth, _session, done) {
        seen.push(String(auth.password))
        done(null, { user: auth.username })
      },
    })
    try {
      const mail: RouteTarget = {
        ...{
          name: 'm',
          kind: 'email' as const,
          from: 'flotilla@example.com',
          to: ['ops@example.com'],
          usernameRef,
          passwordRef,
        },
        server: `smtp://127.0.0.1:${server.port}`,
      }
      const sent = send(mail, sendingOf('email'), parts())
      await expect(sent).rejects.toMatchObject({ code: expect.stringMatching(/^NOTIFY_/) })
      await expect(sent).rejects.not.toThrow(/CANARY/)
      expect(seen).toEqual([])
      expect(server.mails).toEqual([])
    } finally {
      await server.close()
    }
  })

  it('goes to nobody whose certificate is not trusted', async () => {
    const server = await playMailServer({ hideSTARTTLS: false, disabledCommands: [] })
    try {
      const to = ['ops@example.com']
      const mail = {
        name: 'm',
        kind: 'email',
        from: 'a@example.com',
        to,
        server: `smtp://127.0.0.1:${server.port}`,
      } as const
      await expect(send(mail, sendingOf('email'), parts())).rejects.toMatchObject({
        code: 'NOTIFY_UNREACHABLE',
        retry: true,
      })
      expect(server.mails).toEqual([])
    } finally {
      await server.close()
    }
  })

  it('that is refused for good is dead, and that is put off is tried again', async () => {
    for (const [responseCode, retry] of [
      [550, false],
      [451, true],
    ] as const) {
      const server = await playMailServer({
        onRcptTo: (_address, _session, done) => done(Object.assign(new Error('no'), { responseCode })),
      })
      try {
        const mail: RouteTarget = {
          ...{ name: 'm', kind: 'email' as const, from: 'a@example.com', to: ['b@example.com'] },
          server: `smtp://127.0.0.1:${server.port}`,
        }
        await expect(send(mail, sendingOf('email'), parts())).rejects.toMatchObject({ retry })
      } finally {
        await server.close()
      }
    }
  })
})
