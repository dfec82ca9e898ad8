import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, readdirSync } from 'node:fs'
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { controlPlaneAvailability } from './availability.ts'
import { buildControlPlane } from './build.ts'
import { processStart } from './process-table.ts'
import { sleep } from './real-time.ts'
import { makeRunDirectory } from './run-directory.ts'

const availability = await controlPlaneAvailability()
const main = fileURLToPath(new URL('./main.ts', import.meta.url))

let folder = ''
let before: string | undefined

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'leftovers-'))
  before = process.env['TMPDIR']
  process.env['TMPDIR'] = folder
})
afterEach(async () => {
  if (before === undefined) delete process.env['TMPDIR']
  else process.env['TMPDIR'] = before
  await rm(folder, { recursive: true, force: true })
})

/** A launcher that handles no signal of its own, unlike the command does. */
const heedless = `
  import { startControlPlane } from ${JSON.stringify(new URL('./index.ts', import.meta.url).href)}
  console.log((await startControlPlane({ components: 'apiserver' })).kubeconfigPath)
  setInterval(() => {}, 1000)
`

/** Starts a control plane in a process of its own; resolves when that has printed its kubeconfig. */
async function startLauncher(
  command: readonly string[] = [main, 'start', '--apiserver-only'],
): Promise<{ launcher: ChildProcess; children: readonly number[] }> {
  const launcher = spawn(process.execPath, command, { stdio: ['ignore', 'pipe', 'ignore'] })
  const [line] = (await once(launcher.stdout!, 'data')) as [Buffer]
  const run = join(line.toString().trim(), '..', '..')
  const list = await readFile(join(run, 'processes'), 'utf8')
  return { launcher, children: [...list.matchAll(/^child (\d+)$/gm)].map(match => Number(match[1])) }
}

async function areRunning(pids: readonly number[]): Promise<boolean> {
  const starts = await Promise.all(pids.map(processStart))
  return starts.some(start => start !== undefined)
}

async function untilGone(pids: readonly number[]): Promise<void> {
  while (await areRunning(pids)) await sleep(20)
}

function runs(): readonly string[] {
  return readdirSync(folder).flatMap(user => readdirSync(join(folder, user)))
}

describe.skipIf(availability.kind === 'unavailable')('the processes of a launcher', () => {
  // The first build on a machine takes minutes; no test below should.
  beforeAll(() => buildControlPlane(), 900_000)

  it('end with it when it is told to end and stops them itself, and so do its files', async () => {
    const { launcher, children } = await startLauncher()
    expect(children.length).toBe(2)
    launcher.kill('SIGTERM')
    expect(await once(launcher, 'exit')).toEqual([0, null])
    await untilGone(children)
    expect(runs()).toEqual([])
  })

  it('end with it when a signal ends it that it does not handle', async () => {
    const { launcher, children } = await startLauncher(['--input-type=module', '--eval', heedless])
    launcher.kill('SIGINT')
    expect(await once(launcher, 'exit')).toEqual([null, 'SIGINT'])
    await untilGone(children)
    expect(runs()).toEqual([])
  })

  it('outlive one that is killed, until the next one starts', async () => {
    const { launcher, children } = await startLauncher()
    launcher.kill('SIGKILL')
    await once(launcher, 'exit')
    expect(await areRunning(children)).toBe(true)
    const next = await makeRunDirectory()
    await untilGone(children)
    expect(runs().length).toBe(1)
    next.removeNow()
  })

  it('are left alone while it lives', async () => {
    const { launcher, children } = await startLauncher()
    const next = await makeRunDirectory()
    expect(await areRunning(children)).toBe(true)
    next.removeNow()
    launcher.kill('SIGTERM')
    await once(launcher, 'exit')
  })
})

describe('a process whose id a dead launcher once wrote down', () => {
  it('is left alone when it is not ours, and the old files go', async () => {
    const stranger = spawn(process.execPath, ['-e', 'setInterval(() => {}, 1000)'], { stdio: 'ignore' })
    await once(stranger, 'spawn')
    const first = await makeRunDirectory()
    const old = join(first.path, '..', 'run-old')
    await mkdir(old)
    await writeFile(join(old, 'processes'), `launcher ${stranger.pid} long-ago\nchild ${stranger.pid}\n`)
    const second = await makeRunDirectory()
    expect(existsSync(old)).toBe(false)
    expect(await processStart(stranger.pid!)).toBeDefined()
    stranger.kill('SIGKILL')
    first.removeNow()
    second.removeNow()
  })
})
