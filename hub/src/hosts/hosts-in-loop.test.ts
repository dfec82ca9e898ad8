import { seededRandom } from '@flotilla/core/ports/create-random'
import type { Log } from '@flotilla/core/ports/log'
import { describe, expect, it } from 'vitest'
import { APPS, CONFIG, cluster, configMap, LoopHarness, project } from '../loop/testing/loop-harness.ts'
import { Hosts } from './hosts.ts'
import { githubRoutes } from './testing/github-server.ts'
import type { HostContent, HostPull } from './testing/host-server.ts'
import { ReplayedHost } from './testing/replayed-host.ts'

const MINUTE = 60_000

function pull(number: number, more: Partial<HostPull> = {}): HostPull {
  return {
    ...{ number, title: `Change ${number}`, branch: `feature-${number}`, target: 'main', sha: 'b'.repeat(40) },
    ...{ author: 'ada', labels: [], files: [{ path: 'apps/web/x.ts' }] },
    ...more,
  }
}

/** A set that makes a preview of each pull request, named after itself. */
function previews(name: string, api: string, generator: object = {}): string {
  return JSON.stringify({
    apiVersion: 'flotilla.dev/v1alpha1',
    kind: 'ApplicationSet',
    metadata: { name },
    spec: {
      generators: [{ pullRequest: { github: { owner: 'acme', repo: 'web', api }, ...generator } }],
      template: {
        metadata: { name: `${name}-{{number}}` },
        spec: {
          project: 'shop',
          source: { repoURL: APPS, targetRevision: 'main', path: 'apps/web' },
          destination: { name: 'eu-1', namespace: 'pr-{{number}}' },
        },
      },
    },
  })
}

/** A hub whose sets ask one replayed GitHub. */
class Lab {
  readonly hub = new LoopHarness()
  pulls: readonly HostPull[] = [pull(1), pull(2), pull(3)]
  readonly host = new ReplayedHost(githubRoutes(() => this.#content(), { pageSize: 100 }))
  expansions = 0

  #content(): HostContent {
    const web = { id: 1, name: 'web', defaultBranch: 'main', labels: [], branches: [] }
    return { organization: 'acme', repositories: [web], pulls: { web: this.pulls } }
  }

  async start(sets: { readonly [name: string]: object }): Promise<void> {
    const { hub, host } = this
    const log: Log = { debug() {}, info() {}, warn() {}, error() {}, child: () => log }
    hub.hosted = new Hosts({
      ...{ http: host, clock: hub.clock, random: seededRandom(3), log },
      settings: { enabled: true, allowedProviders: [host.url], secrets: [] },
      changed: readers => hub.loop.hostedChanged(readers),
    })
    const documents = Object.entries(sets).map(([name, generator]) => [
      `sets/${name}.json`,
      previews(name, host.url, generator),
    ])
    hub.git.commit(CONFIG, {
      'clusters/eu-1.json': cluster('eu-1'),
      'projects/shop.json': project('shop'),
      ...Object.fromEntries(documents),
    })
    hub.git.commit(APPS, { 'apps/web/cm.json': configMap('web', {}) })
    await hub.start()
    await hub.refresh(APPS)
  }

  async pass(minutes: number): Promise<void> {
    await this.hub.clock.advance(minutes * MINUTE)
    await this.hub.loop.idle()
  }

  async expandedAt(): Promise<number | undefined> {
    return (await this.hub.store.read(rows => rows.sets()))[0]?.expandedAt
  }

  /** Names of the Applications that are to be there. */
  active(): readonly string[] {
    const rows = [...this.hub.loop.world.applications()]
    return rows.flatMap(({ name, state }) => (state === 'active' ? [name] : [])).sort()
  }
}

describe('sets that ask a Git host', () => {
  it('fifty of them make one request a page, at the start and at each look', async () => {
    const lab = new Lab()
    await lab.start(Object.fromEntries(Array.from({ length: 50 }, (_, index) => [`set-${index}`, {}])))
    expect(lab.active()).toHaveLength(150)
    expect(lab.host.calls).toHaveLength(1)
    await lab.pass(34)
    expect(lab.host.calls).toHaveLength(2)
  })

  it('an answer that is still the same expands nothing', async () => {
    const lab = new Lab()
    await lab.start({ web: {} })
    const before = await lab.expandedAt()
    await lab.pass(70)
    expect(lab.host.calls).toHaveLength(3)
    expect(lab.host.calls[2]?.headers['if-none-match']).toBeDefined()
    expect(await lab.expandedAt()).toBe(before)
  })

  it('a closed pull request takes its Application with it, and no other', async () => {
    const lab = new Lab()
    await lab.start({ web: {} })
    expect(lab.active()).toEqual(['web-1', 'web-2', 'web-3'])
    lab.pulls = [pull(1), pull(4)]
    await lab.pass(34)
    expect(lab.active()).toEqual(['web-1', 'web-4'])
  })

  it('all of them may close at once: their host says so', async () => {
    const lab = new Lab()
    lab.pulls = Array.from({ length: 30 }, (_, index) => pull(index))
    await lab.start({ web: {} })
    expect(lab.active()).toHaveLength(30)
    lab.pulls = []
    await lab.pass(34)
    expect(lab.active()).toEqual([])
  })

  it('a host that fails takes nothing away, and the set says so until it answers', async () => {
    const lab = new Lab()
    await lab.start({ web: { requeueAfterSeconds: 60 } })
    lab.host.trouble = () => ({ status: 500, body: { message: 'boom' } })
    lab.pulls = []
    await lab.pass(5)
    expect(lab.active()).toEqual(['web-1', 'web-2', 'web-3'])
    const [row] = await lab.hub.store.read(rows => rows.sets())
    expect(row?.generators).toMatchObject([{ generator: '0', status: 'stale', applications: 3 }])
    expect(row?.errors[0]).toMatchObject({ code: 'HOST_FAILED', message: expect.stringContaining('answers 500: boom') })
    lab.host.trouble = undefined
    await lab.pass(5)
    expect(lab.active()).toEqual([])
  })

  it('a repository that is hidden from us takes nothing away', async () => {
    const lab = new Lab()
    await lab.start({ web: { requeueAfterSeconds: 60 } })
    lab.host.trouble = () => ({ status: 404, body: { message: 'Not Found' } })
    await lab.pass(5)
    expect(lab.active()).toEqual(['web-1', 'web-2', 'web-3'])
  })

  it('only pull requests that touch given paths have previews, and their files are asked once a head', async () => {
    const lab = new Lab()
    lab.pulls = [pull(1), pull(2, { files: [{ path: 'docs/x.md' }] })]
    await lab.start({ web: { changedPaths: ['apps/web'], requeueAfterSeconds: 60 } })
    expect(lab.active()).toEqual(['web-1'])
    const files = () => lab.host.calls.filter(({ segments }) => segments.at(-1) === 'files').length
    expect(files()).toBe(2)
    await lab.pass(10)
    expect(files()).toBe(2)
    lab.pulls = [pull(1), pull(2, { sha: 'c'.repeat(40), files: [{ path: 'apps/web/y.ts' }] })]
    await lab.pass(3)
    expect(lab.active()).toEqual(['web-1', 'web-2'])
    expect(files()).toBe(3)
  })
})

describe('a set that asks a plugin', () => {
  it('may give and be given integers beyond 2^53, and a look that finds the same expands nothing', async () => {
    const hub = new LoopHarness()
    const log: Log = { debug() {}, info() {}, warn() {}, error() {}, child: () => log }
    let asked = 0
    hub.hosted = new Hosts({
      ...{
        clock: hub.clock,
        random: seededRandom(3),
        log,
        settings: { enabled: true, allowedProviders: [], secrets: [] },
      },
      others: {
        plugin: async request => {
          asked++
          return { kind: 'plugin', parameters: [{ name: 'a', account: request.input['account'] ?? 0 }] }
        },
      },
      changed: readers => hub.loop.hostedChanged(readers),
    })
    const account = '12345678901234567890'
    hub.git.commit(CONFIG, {
      'clusters/eu-1.json': cluster('eu-1'),
      'projects/shop.json': project('shop'),
      'sets/teams.json': `{"apiVersion":"flotilla.dev/v1alpha1","kind":"ApplicationSet","metadata":{"name":"teams"},"spec":{
        "generators":[{"plugin":{"configMapRef":{"name":"teams"},"input":{"parameters":{"account":${account}}}}}],
        "template":{"metadata":{"name":"{{name}}","labels":{"account":"{{account}}"}},"spec":{"project":"shop",
          "source":{"repoURL":"${APPS}","targetRevision":"main","path":"apps/web"},"destination":{"name":"eu-1","namespace":"a"}}}}}`,
    })
    hub.git.commit(APPS, { 'apps/web/cm.json': configMap('web', {}) })
    await hub.start()
    await hub.refresh(APPS)
    await hub.clock.advance(2_000)
    await hub.loop.idle()
    expect(hub.complaints).toEqual([])
    expect([...hub.loop.world.applications()].map(({ name, labels }) => [name, labels['account']])).toEqual([
      ['a', account],
    ])
    const before = (await hub.store.read(rows => rows.sets()))[0]?.expandedAt
    await hub.clock.advance(70 * MINUTE)
    await hub.loop.idle()
    expect(asked).toBeGreaterThan(1)
    expect((await hub.store.read(rows => rows.sets()))[0]?.expandedAt).toBe(before)
  })
})
