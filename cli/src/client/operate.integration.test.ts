import { randomBytes } from 'node:crypto'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createClock } from '@flotilla/core/ports/create-clock'
import { createRandom } from '@flotilla/core/ports/create-random'
import type { Log } from '@flotilla/core/ports/log'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type Demo, startDemo } from '../demo/run-demo.ts'
import { runInProcess } from '../testing/run-in-process.ts'

const silent: Log = { debug() {}, info() {}, warn() {}, error() {}, child: () => silent }

let directory: string
let demo: Demo

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'flotilla-operate-'))
  demo = await startDemo(
    { directory, clusters: 1, real: false, port: 0, version: '0.1.0' },
    { clock: createClock(globalThis), random: createRandom(randomBytes), log: silent, say: () => undefined },
  )
  expect(await demo.settled(300_000)).toBe(true)
})

afterAll(async () => {
  await demo?.stop()
  await rm(directory, { recursive: true, force: true })
})

const flotilla = async (...words: string[]) =>
  await runInProcess([...words, '--hub', demo.hub.url], { env: { FLOTILLA_TOKEN: demo.hub.adminToken ?? '' } })

const WEB = 'apps/Deployment shop/checkout'

async function target(): Promise<{ readonly name: string; readonly object: string }> {
  const { applications } = demo.look()
  const application = applications.find(({ name }) => name.includes('checkout'))!
  const { stdout } = await flotilla('app', 'sync', application.name, '--dry-run', '--yes', '-o', 'json')
  const whole = JSON.parse(stdout) as { items: { operation: { results: { key: Record<string, string> }[] } }[] }
  const keys = whole.items[0]!.operation.results.map(({ key }) => key)
  const key = keys.find(({ kind }) => kind === 'Deployment')!
  return { name: application.name, object: `apps/Deployment ${key['namespace']}/${key['name']}` }
}

describe('flotilla app, by hand', () => {
  it('sync shows a plan first, then syncs and says how it ended', async () => {
    const { name } = await target()
    const plan = await flotilla('app', 'sync', name)
    expect([plan.code, plan.stderr]).toEqual([1, 'nothing was done; --yes to sync it\n'])
    expect(plan.stdout).toMatch(new RegExp(`^${name} +dev-1 +planned`, 'm'))
    const done = await flotilla('app', 'sync', name, '--yes', '--reason', 'after the incident')
    expect(done.stdout).toMatch(new RegExp(`^${name} +dev-1 +succeeded`, 'm'))
    expect(done.code).toBe(0)
    const audit = await demo.hub.hub.desk.wouldTerminate(name, { by: 'nobody', reason: '' })
    expect(audit).toMatchObject({ kind: 'refused', code: 'IDLE' })
  })

  it('a dry run writes nothing and says what would change', async () => {
    const { name } = await target()
    const { code, stdout } = await flotilla('app', 'sync', name, '--dry-run', '--yes')
    expect(code).toBe(0)
    expect(stdout).toContain(`${name}: nothing would change`)
  })

  it('many at once by selector, each with its own answer', async () => {
    const { code, stdout } = await flotilla('app', 'sync', '--cluster', 'dev-1', '--yes')
    expect(code, stdout).toBe(0)
    expect(stdout.match(/succeeded/g)).toHaveLength(demo.look().applications.length)
    const nobody = await flotilla('app', 'sync', 'no-such-application', '--yes')
    expect(nobody.code).toBe(1)
    expect(nobody.stdout).toMatch(/^no-such-application +- +refused/m)
    expect((await flotilla('app', 'sync', '--yes')).code).toBe(2)
  })

  it('scale shows what is there, and with --yes makes it so', async () => {
    const { name, object } = await target()
    const plan = await flotilla('app', 'scale', name, object, '--replicas', '0')
    expect([plan.code, plan.stderr]).toEqual([1, 'nothing was done; --yes to do it\n'])
    expect(plan.stdout).toContain(`would scale ${object} from 1 to 0 replicas`)
    const done = await flotilla('app', 'scale', name, object, '--replicas', '0', '--yes')
    expect(done.stdout).toContain('scaled from 1 to 0 replicas')
    expect(done.code).toBe(0)
  })

  it('restart writes its id once', async () => {
    const { name, object } = await target()
    const done = await flotilla('app', 'restart', name, object, '--yes')
    expect([done.code, done.stdout]).toEqual([0, expect.stringContaining('restarted')])
  })

  it('delete-resource deletes the very object that was shown, and self-heal brings it back', async () => {
    const { name, object } = await target()
    const plan = await flotilla('app', 'delete-resource', name, object)
    expect(plan.stdout).toMatch(/would delete apps\/Deployment \S+ \(uid [0-9a-f-]{36}\)/)
    const done = await flotilla('app', 'delete-resource', name, object, '--yes')
    expect(done.stdout).toContain('is being deleted')
    expect(await demo.settled(300_000)).toBe(true)
  })

  it('refuses objects of nobody and of others, kinds without the verb, and what is not written as an object', async () => {
    const { name, object } = await target()
    const other = demo.look().applications.find(each => each.name !== name)!
    const foreign = await flotilla('app', 'restart', other.name, object, '--yes')
    expect([foreign.code, foreign.stdout]).toEqual([
      1,
      expect.stringMatching(/is not tracked by this Application|is not there/),
    ])
    const missing = await flotilla('app', 'restart', name, WEB.replace('shop/checkout', 'nowhere/none'), '--yes')
    expect([missing.code, missing.stdout]).toEqual([1, expect.stringContaining('is not there')])
    const [, place] = object.split(' ')
    const config = (await flotilla('app', 'suspend', name, `Service ${place}`, '--yes')).stderr
    expect(config).toContain('cannot suspend')
    expect((await flotilla('app', 'restart', name, 'nonsense', '--yes')).code).toBe(2)
  })

  it('a pause leaves alone what somebody does by hand, until it is resumed', async () => {
    const { name, object } = await target()
    const plan = await flotilla('app', 'pause', name)
    expect([plan.code, plan.stdout]).toEqual([1, expect.stringContaining(`would pause ${name}`)])
    const paused = await flotilla('app', 'pause', name, '--until', '2h', '--reason', 'by hand', '--yes')
    expect([paused.code, paused.stdout]).toEqual([0, expect.stringMatching(/is paused until \d{4}-/)])
    const shown = await flotilla('app', 'get', name)
    expect(shown.stdout).toMatch(/paused: by \S+ since \S+ until \S+ \(by hand\)/)
    expect((await flotilla('app', 'delete-resource', name, object, '--yes')).code).toBe(0)
    const drifted = async () => (await flotilla('app', 'get', name, '-o', 'json')).stdout
    await expect.poll(drifted, { timeout: 300_000, interval: 100 }).toContain('"status": "OutOfSync"')
    expect((await flotilla('app', 'scale', name, object, '--replicas', '1')).stdout).toContain('is not there')
    const done = await flotilla('app', 'resume', name, '--yes')
    expect([done.code, done.stdout]).toEqual([0, `${name} goes on\n`])
    expect(await demo.settled(300_000)).toBe(true)
    expect((await flotilla('app', 'resume', name, '--yes')).stderr).toContain('is not paused')
  })

  it('many are paused by what they have in common, and the plan comes first', async () => {
    const { name } = await target()
    const { project } = demo.look().applications.find(each => each.name === name)!
    const names = demo
      .look()
      .applications.filter(each => each.project === project)
      .map(each => each.name)
    const plan = await flotilla('app', 'pause', '--project', project, '--until', '2h')
    expect([plan.code, plan.stderr]).toEqual([
      1,
      `nothing was done; --yes to pause ${names.length === 1 ? 'it' : `these ${names.length}`}\n`,
    ])
    expect((await flotilla('app', 'get', name)).stdout).not.toContain('paused:')
    const paused = await flotilla('app', 'pause', '--project', project, '--until', '2h', '--reason', 'moving', '--yes')
    expect(paused.code).toBe(0)
    for (const each of names) expect(paused.stdout).toMatch(new RegExp(`^${each} +dev-1 +done`, 'm'))
    expect((await flotilla('app', 'get', name)).stdout).toMatch(/paused: by \S+ since \S+ until \S+ \(moving\)/)
    const resumed = await flotilla('app', 'resume', '--project', project, '--yes')
    expect([resumed.code, resumed.stderr]).toEqual([0, ''])
    const again = await flotilla('app', 'resume', name, 'nobody', '--yes')
    expect([again.code, again.stdout]).toEqual([1, expect.stringMatching(/is not paused\nnobody +- +refused/)])
    expect((await flotilla('app', 'pause', '--yes')).code).toBe(2)
  })

  it('orphans are listed, and it is said where nobody asks for them', async () => {
    const { name } = await target()
    const listed = await flotilla('app', 'orphans', name)
    expect([listed.code, listed.stderr]).toEqual([0, expect.stringMatching(/^Project \S+ does not ask for orphans$/m)])
    expect((await flotilla('app', 'orphans', 'nobody')).code).toBe(1)
  })

  it('a rollback is shown before it is done', async () => {
    const { name } = await target()
    const plan = await flotilla('app', 'rollback', name, '--dry-run')
    expect([plan.code, plan.stderr]).toEqual([1, expect.stringContaining('nothing before it that succeeded')])
  })

  it('terminate has nothing to end where nothing runs', async () => {
    const { name } = await target()
    const done = await flotilla('app', 'terminate', name, '--yes')
    expect([done.code, done.stdout]).toEqual([1, expect.stringContaining('has no operation that could be ended')])
  })
})

describe('flotilla app tree', () => {
  it('shows what the objects have made, under what made it, as the agent sees it now', async () => {
    const { name, object } = await target()
    const replicas = async () => (await flotilla('app', 'tree', name)).stdout
    const workload = object.split('/').at(-1)!
    await expect.poll(replicas, { timeout: 300_000, interval: 100 }).toMatch(new RegExp(`└ Pod +\\S+ +${workload}-`))
    const { code, stdout, stderr } = await flotilla('app', 'tree', name)
    expect([code, stderr]).toEqual([0, ''])
    expect(stdout).toMatch(
      new RegExp(`^apps/Deployment +\\S+ +${workload}[^\\n]*\\n└ apps/ReplicaSet +\\S+ +${workload}-`, 'm'),
    )
    const whole = JSON.parse((await flotilla('app', 'tree', name, '-o', 'json')).stdout)
    expect(whole.live).toMatchObject({ state: 'complete', notes: [] })
    const without = await flotilla('app', 'tree', name, '--no-live')
    expect(without.stdout).not.toContain('ReplicaSet')
    const get = await flotilla('app', 'get', name, '--tree')
    expect([get.code, get.stdout]).toEqual([0, expect.stringContaining('└ apps/ReplicaSet')])
  })
})
