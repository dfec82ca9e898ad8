import { seededRandom } from '@flotilla/core/ports/create-random'
import type { Log } from '@flotilla/core/ports/log'
import { VirtualClock } from '@flotilla/core/ports/virtual-clock'
import type { HostedRequest, InputAnswer } from '@flotilla/generators/inputs'
import { describe, expect, test } from 'vitest'
import { Hosts, type HostsParts } from './hosts.ts'
import { githubRoutes } from './testing/github-server.ts'
import type { HostContent, HostReply } from './testing/host-server.ts'
import { ReplayedHost } from './testing/replayed-host.ts'

const MINUTE = 60_000
const HALF_HOUR = 30 * MINUTE

const branch = { name: 'main', sha: 'a'.repeat(40), files: ['deploy'] }
const CONTENT: HostContent = {
  organization: 'acme',
  repositories: ['web', 'shop', 'docs'].map((name, index) => ({
    ...{ id: index + 1, name, defaultBranch: 'main', labels: [], branches: [branch] },
  })),
  pulls: {},
}

interface Lab {
  readonly clock: VirtualClock
  readonly host: ReplayedHost
  readonly hosts: Hosts
  content: HostContent
  /** Readers that were told, since the last look. */
  told(): readonly string[]
  readonly complaints: readonly string[]
  /** How often anybody was told. */
  tellings: number
}

function lab(settings: Partial<HostsParts['settings']> = {}): Lab {
  const clock = new VirtualClock({ startAt: 1_800_000_000_000, settle: () => new Promise(setImmediate) })
  const told: string[] = []
  const complaints: string[] = []
  const complain = (message: string, fields?: object): void =>
    void complaints.push(`${message} ${JSON.stringify(fields)}`)
  const log: Log = { debug() {}, info() {}, warn: complain, error: complain, child: () => log }
  const made = {
    clock,
    content: CONTENT,
    host: new ReplayedHost(githubRoutes(() => made.content)),
    complaints,
    tellings: 0,
    told: () => told.splice(0),
  } as unknown as { -readonly [Key in keyof Lab]: Lab[Key] }
  made.hosts = new Hosts({
    ...{ http: made.host, clock, random: seededRandom(7), log },
    settings: { enabled: true, allowedProviders: [], secrets: [], ...settings },
    changed: readers => {
      made.tellings++
      told.push(...readers)
    },
  })
  return made
}

function repositories(host: ReplayedHost, more: object = {}): HostedRequest {
  return {
    ...{ kind: 'scm-repositories', provider: 'github', cloneProtocol: '', project: 'web', trust: { kind: 'all' } },
    config: { organization: 'acme', api: host.url },
    ...more,
  } as HostedRequest
}

const namesIn = (answer: InputAnswer): unknown =>
  answer.kind === 'scm-repositories' ? answer.repositories.map(each => each.repository) : answer

describe('one answer for all', () => {
  test('fifty readers make one request a page, at once and later', async () => {
    const { hosts, host } = lab()
    const readers = Array.from({ length: 50 }, (_, index) => `set/${index}`)
    const answers = await Promise.all(readers.map(reader => hosts.answer(repositories(host), reader)))
    expect(new Set(answers).size).toBe(1)
    expect(namesIn(answers[0]!)).toEqual(['web', 'shop', 'docs'])
    expect(host.calls).toHaveLength(2)
    await hosts.answer(repositories(host), 'set/late')
    await hosts.answer(repositories(host, { project: 'other', trust: { kind: 'projects', projects: ['x'] } }), 'set/51')
    expect(host.calls).toHaveLength(2)
  })

  test('what is equal is one question, in whatever order it is written', async () => {
    const { hosts, host } = lab()
    await hosts.answer(repositories(host), 'set/a')
    await hosts.answer(repositories(host, { config: { api: host.url, organization: 'acme' } }), 'set/b')
    expect(hosts.size).toBe(1)
  })
})

describe('when an answer is looked at again', () => {
  async function reading(...refreshes: readonly number[]): Promise<Lab> {
    const made = lab()
    for (const [index, refreshMs] of refreshes.entries()) {
      await made.hosts.answer(repositories(made.host), `set/${index}`)
      made.hosts.reads(`set/${index}`, [repositories(made.host)], refreshMs)
    }
    made.host.calls.splice(0)
    return made
  }

  test('after its interval, by its marks; who reads it is told of another answer alone', async () => {
    const made = await reading(HALF_HOUR)
    await made.clock.advance(HALF_HOUR * 0.89)
    expect(made.host.calls).toEqual([])
    await made.clock.advance(HALF_HOUR * 0.22)
    expect(made.host.calls).toHaveLength(2)
    expect(made.host.calls.every(call => call.headers['if-none-match'] !== undefined)).toBe(true)
    expect(made.told()).toEqual([])
    made.content = { ...CONTENT, repositories: CONTENT.repositories.slice(1) }
    await made.clock.advance(HALF_HOUR * 1.11)
    expect(made.told()).toEqual(['set/0'])
    expect(namesIn(await made.hosts.answer(repositories(made.host), 'set/0'))).toEqual(['shop', 'docs'])
  })

  test('the shortest interval of those who read it counts, and none is shorter than half a minute', async () => {
    const made = await reading(HALF_HOUR, 2 * MINUTE, 0)
    await made.clock.advance(2.3 * MINUTE)
    expect(made.host.calls).toHaveLength(2)
    made.hosts.reads('set/1', [], 0)
    made.host.calls.splice(0)
    await made.clock.advance(20 * MINUTE)
    expect(made.host.calls.length).toBeLessThanOrEqual(2)
    const hasty = await reading(1_000)
    await hasty.clock.advance(26_000)
    expect(hasty.host.calls).toHaveLength(0)
  })

  test('never by time for a reader that asks for that, and at once when a webhook says so', async () => {
    const made = await reading(0)
    await made.clock.advance(24 * 60 * MINUTE)
    expect(made.host.calls).toHaveLength(0)
    made.content = { ...CONTENT, repositories: [] }
    made.hosts.invalidate(request => request.kind === 'pull-requests')
    await made.clock.advance(1_001)
    expect(made.told()).toEqual([])
    made.hosts.invalidate(request => request.kind === 'scm-repositories')
    await made.clock.advance(1_001)
    expect(made.told()).toEqual(['set/0'])
  })

  test('a webhook during a look leads to another one after it', async () => {
    const made = await reading(HALF_HOUR)
    let release: () => void = () => undefined
    const after = new Promise<void>(resolve => {
      release = resolve
    })
    const old = githubRoutes(() => CONTENT)
    made.host.trouble = call => ({ ...old(call), after })
    made.hosts.invalidate(() => true)
    await made.clock.advance(1)
    expect(made.host.calls).toHaveLength(1)
    made.content = { ...CONTENT, repositories: [] }
    made.hosts.invalidate(() => true)
    made.host.trouble = undefined
    release()
    await made.clock.advance(1_001)
    expect(made.told()).toContain('set/0')
    expect(namesIn(await made.hosts.answer(repositories(made.host), 'set/0'))).toEqual([])
  })

  test('what nobody reads any more is forgotten', async () => {
    const made = await reading(HALF_HOUR)
    made.hosts.reads('set/0', [], 0)
    expect(made.hosts.size).toBe(0)
    await made.hosts.answer(repositories(made.host))
    expect(made.hosts.size).toBe(1)
    await made.clock.advance(11 * MINUTE)
    expect(made.hosts.size).toBe(0)
  })

  test('what is at a commit is asked once', async () => {
    const made = lab()
    const { hosts, host, clock } = made
    const [repository] = CONTENT.repositories.map(({ name, id }) => ({
      ...{ organization: 'acme', repository: name, url: '', branch: 'main', sha: branch.sha, labels: [] },
      repositoryId: id,
    }))
    const path = { ...repositories(host), kind: 'scm-path', repository, path: 'deploy' } as unknown as HostedRequest
    expect(await hosts.answer(path, 'set/a')).toEqual({ kind: 'scm-path', exists: true })
    hosts.reads('set/a', [path], MINUTE)
    await clock.advance(60 * MINUTE)
    hosts.invalidate(() => true)
    await clock.advance(1)
    expect(host.calls).toHaveLength(1)
  })
})

describe('when a host fails', () => {
  test('the failure is the answer, it is asked again with growing distance, and readers are told of the change', async () => {
    const made = lab()
    await made.hosts.answer(repositories(made.host), 'set/a')
    made.hosts.reads('set/a', [repositories(made.host)], HALF_HOUR)
    made.host.trouble = 'unreachable'
    made.hosts.invalidate(() => true)
    await made.clock.advance(1_001)
    expect(made.told()).toEqual(['set/a'])
    expect(await made.hosts.answer(repositories(made.host), 'set/a')).toEqual({
      ...{ kind: 'failed', code: 'HOST_UNREACHABLE', message: 'git.host.example cannot be reached', retry: true },
    })
    made.host.calls.splice(0)
    await made.clock.advance(10 * MINUTE)
    const early = made.host.calls.splice(0).length
    await made.clock.advance(40 * MINUTE)
    expect([early, made.host.calls.length]).toEqual([expect.any(Number), expect.any(Number)])
    expect(early).toBeGreaterThanOrEqual(3)
    expect(made.host.calls.length).toBeLessThanOrEqual(5)
    // The same failure is no news.
    expect(made.told()).toEqual([])
    expect(made.complaints).toHaveLength(1)
    made.host.trouble = undefined
    await made.clock.advance(16 * MINUTE)
    expect(made.told()).toEqual(['set/a'])
    expect(namesIn(await made.hosts.answer(repositories(made.host), 'set/a'))).toEqual(['web', 'shop', 'docs'])
  })

  test('a host that says when it is asked again is left alone until then, by everyone with these credentials', async () => {
    const made = lab()
    const reset = String(Math.floor(made.clock.now() / 1000) + 40 * 60)
    made.host.trouble = () => ({
      ...{ status: 403, body: { message: 'API rate limit exceeded' } },
      headers: { 'x-ratelimit-remaining': '0', 'x-ratelimit-reset': reset },
    })
    const other = repositories(made.host, { config: { organization: 'other', api: made.host.url } })
    for (const request of [repositories(made.host), other]) {
      expect(await made.hosts.answer(request, 'set/a')).toMatchObject({ code: 'HOST_RATE_LIMITED', retry: true })
    }
    expect(made.host.calls).toHaveLength(1)
    made.host.trouble = undefined
    await made.clock.advance(39.9 * MINUTE)
    expect(made.host.calls).toHaveLength(1)
    await made.clock.advance(MINUTE + 1_001)
    expect(made.told()).toContain('set/a')
  })

  test('what differs each time does not wake anybody', async () => {
    const made = lab()
    let count = 0
    made.host.trouble = () => {
      const id = `${1234 + count}:ABCD:EF0123:${count++}45678`
      return { status: 500, body: { message: `boom, request id ${id}, try again in ${count} seconds` } }
    }
    await made.hosts.answer(repositories(made.host), 'set/a')
    await made.clock.advance(60 * MINUTE)
    expect(count).toBeGreaterThan(3)
    expect(made.told()).toEqual([])
  })

  test('what a host lists without a name is a failure: left out, it would be gone', async () => {
    const made = lab()
    made.host.trouble = () => ({ status: 200, body: [{ number: 7, head: { ref: 'a' } }, { head: { ref: 'b' } }] })
    const pulls = { kind: 'pull-requests', config: { owner: 'acme', repo: 'web', api: made.host.url } }
    expect(await made.hosts.answer(repositories(made.host, pulls))).toMatchObject({
      ...{ kind: 'failed', code: 'HOST_ANSWER_INVALID', message: 'the host lists a pull request without its name' },
    })
  })

  test('a slow host holds nobody up: its answer comes when it comes', async () => {
    const made = lab()
    let release: () => void = () => undefined
    const after = new Promise<void>(resolve => {
      release = resolve
    })
    made.host.trouble = (call): HostReply => ({ ...githubRoutes(() => made.content)(call), after })
    let answer: InputAnswer | undefined
    void made.hosts.answer(repositories(made.host), 'set/a').then(said => {
      answer = said
    })
    await made.clock.advance(4_000)
    expect(answer).toBeUndefined()
    await made.clock.advance(2_000)
    expect(answer).toMatchObject({ kind: 'failed', code: 'HOST_PENDING', retry: true })
    // Whoever comes later does not wait at all.
    expect(await made.hosts.answer(repositories(made.host), 'set/b')).toMatchObject({ code: 'HOST_PENDING' })
    made.host.trouble = undefined
    release()
    await made.clock.advance(1_001)
    expect(made.told()).toEqual(['set/a', 'set/b'])
  })

  test('a reader of many slow answers is told of them once a second, not once each', async () => {
    const made = lab()
    const names = Array.from({ length: 30 }, (_, index) => `org-${index}`)
    const releases: (() => void)[] = []
    made.host.trouble = () => ({
      ...{ status: 200, body: [] },
      after: new Promise<void>(resolve => {
        releases.push(resolve)
      }),
    })
    const requests = names.map(organization =>
      repositories(made.host, { config: { organization, api: made.host.url } }),
    )
    for (const request of requests) void made.hosts.answer(request, 'set/a')
    await made.clock.advance(6_000)
    while (releases.length > 0) {
      for (const release of releases.splice(0)) release()
      await made.clock.advance(1)
    }
    await made.clock.advance(1_000)
    expect(made.host.calls).toHaveLength(30)
    expect(made.told()).toEqual(['set/a'])
    await made.clock.advance(5_000)
    expect(made.tellings).toBe(1)
  })

  test('a hub without a way to the network says so', async () => {
    const clock = new VirtualClock({ startAt: 0, settle: () => new Promise(setImmediate) })
    const log: Log = { debug() {}, info() {}, warn() {}, error() {}, child: () => log }
    const settings = { enabled: true, allowedProviders: [], secrets: [] }
    const hosts = new Hosts({ clock, random: seededRandom(1), log, settings, changed() {} })
    const request = repositories(new ReplayedHost(() => ({ status: 500 })))
    expect(await hosts.answer(request)).toMatchObject({ kind: 'failed', code: 'INPUT_UNAVAILABLE', retry: false })
  })
})

describe('who may ask what', () => {
  const named = { organization: 'acme', tokenRef: { secretName: 'github', key: 'token' } }

  test('an answer that was given to one project is not given to another that may not use its Secret', async () => {
    const { hosts, host } = lab({ secrets: [{ name: 'github', projects: ['web'] }] })
    const config = { ...named, api: host.url }
    const ours = await hosts.answer(repositories(host, { config }), 'set/a')
    expect(ours).toMatchObject({
      code: 'HOST_SECRET_FORBIDDEN',
      message: expect.stringContaining('may not be sent to'),
    })
    const theirs = await hosts.answer(repositories(host, { config, project: 'shop' }), 'set/b')
    expect(theirs).toMatchObject({ message: 'secret "github" is not granted to project "shop"' })
    expect(host.calls).toEqual([])
  })

  test('the hub itself is lent to AWS CodeCommit for nobody, unless that is granted', async () => {
    const trust = { kind: 'projects', projects: ['web'] }
    const aws = { provider: 'awsCodeCommit', config: { role: 'arn:aws:iam::1:role/theirs' }, trust }
    const { hosts, host } = lab()
    expect(await hosts.answer(repositories(host, aws))).toMatchObject({
      code: 'HOST_SECRET_FORBIDDEN',
      message: expect.stringContaining('secret "aws" is not granted'),
    })
    const granted = lab({ secrets: [{ name: 'aws', projects: ['web'] }] })
    expect(await granted.hosts.answer(repositories(granted.host, aws))).not.toMatchObject({
      code: 'HOST_SECRET_FORBIDDEN',
    })
  })

  test('a source of one project names no host of its own, and nothing is asked when hosts are off', async () => {
    const { hosts, host } = lab()
    const trust = { kind: 'projects', projects: ['web'] }
    expect(await hosts.answer(repositories(host, { trust }))).toMatchObject({ code: 'HOST_FORBIDDEN' })
    const off = lab({ enabled: false })
    expect(await off.hosts.answer(repositories(off.host))).toMatchObject({ message: 'scm providers are disabled' })
    expect([...host.calls, ...off.host.calls]).toEqual([])
  })
})
