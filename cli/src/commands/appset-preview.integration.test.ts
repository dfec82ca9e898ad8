import { execFileSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { createClock } from '@flotilla/core/ports/create-clock'
import { seededRandom } from '@flotilla/core/ports/create-random'
import type { Log } from '@flotilla/core/ports/log'
import { type RunningHub, startHub } from '@flotilla/hub/start-hub'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { runInProcess } from '../testing/run-in-process.ts'

const QUIET: Log = { debug() {}, info() {}, warn() {}, error() {}, child: () => QUIET }

let root: string
let config: string
let hub: RunningHub

const set = (elements: string): string => `apiVersion: flotilla.dev/v1alpha1
kind: ApplicationSet
metadata: {name: shop}
spec:
  generators: [{list: {elements: [${elements}]}}]
  template:
    metadata: {name: 'shop-{{app}}'}
    spec:
      project: default
      source: {repoURL: ${config}, targetRevision: main, path: app}
      destination: {name: eu-1, namespace: shop}
`

beforeAll(async () => {
  root = mkdtempSync(join(tmpdir(), 'flotilla-appset-'))
  config = join(root, 'config')
  mkdirSync(config)
  git('init', '-q', '-b', 'main')
  commit({
    'fleet/cluster.yaml': 'apiVersion: flotilla.dev/v1alpha1\nkind: Cluster\nmetadata: {name: eu-1}\nspec: {}\n',
    'fleet/shop.yaml': set('{app: one}, {app: two}'),
    'app/secret.yaml': 'apiVersion: v1\nkind: Secret\nmetadata: {name: s}\nstringData: {password: hunter2}\n',
  })
  git('checkout', '-q', '-b', 'work')
  commit({ 'fleet/shop.yaml': set('{app: one}, {app: three}') })
  git('checkout', '-q', 'main')
  hub = await startHub(
    {
      dataDirectory: join(root, 'data'),
      listen: { host: '127.0.0.1', port: 0 },
      version: '0.0.0',
      configSources: [
        { name: 'platform', repository: config, revision: 'main', path: 'fleet', trust: { kind: 'all' } },
      ],
    },
    { clock: createClock(globalThis), random: seededRandom(1), log: QUIET },
  )
  await hub.hub.settled()
})
afterAll(async () => {
  await hub.stop()
  rmSync(root, { recursive: true, force: true })
})

function git(...words: readonly string[]): void {
  const who = ['-c', 'user.email=test@example.com', '-c', 'user.name=test', '-c', 'commit.gpgsign=false']
  execFileSync('git', ['-C', config, ...who, ...words], { stdio: 'ignore' })
}

function commit(files: { readonly [path: string]: string }): void {
  for (const [path, text] of Object.entries(files)) {
    mkdirSync(dirname(join(config, path)), { recursive: true })
    writeFileSync(join(config, path), text)
  }
  git('add', '-A')
  git('commit', '-q', '-m', 'change')
}

const run = (...words: string[]) =>
  runInProcess(['appset', 'preview', ...words, '--hub', hub.url], {
    cwd: root,
    env: { FLOTILLA_TOKEN: hub.adminToken },
  })

test('a branch is previewed against the fleet that the hub has', async () => {
  const { code, stdout } = await run('--revision', 'work', '-o', 'json')
  const preview = JSON.parse(stdout)
  expect(preview.created.map((one: { name: string }) => one.name)).toEqual(['shop-three'])
  // Never offered to a cluster, for none has joined: nothing is lost with it.
  expect(preview.deleted).toEqual([expect.objectContaining({ name: 'shop-two', manifests: [] })])
  expect([code, preview.unchanged]).toEqual([0, 1])
  expect(hub.hub.loop.world.applicationCount).toBe(2)
})

test('documents of a file take the place of those of their name', async () => {
  writeFileSync(join(root, 'shop.yaml'), set('{app: one}, {app: two}, {app: four}'))
  const { code, stdout } = await run('-f', 'shop.yaml', '--exit-code')
  expect(stdout).toContain('+ shop-four')
  expect(stdout).toContain('1 to create; 2 unchanged')
  expect(code).toBe(1)
  const comment = await run('-f', 'shop.yaml', '--format', 'github')
  expect(comment.stdout).toMatch(/^<!-- flotilla-preview -->\n/)
  expect(comment.stdout).toContain('masked-1')
  expect(comment.stdout).not.toContain('hunter2')
})

test('what cannot be previewed is told in a sentence', async () => {
  expect(await run('--revision', 'nowhere')).toMatchObject({
    code: 1,
    stderr: expect.stringContaining('has no revision "nowhere"'),
  })
  expect(await run('--revision', 'main', '--source', 'nobody')).toMatchObject({
    code: 1,
    stderr: expect.stringContaining('there are platform'),
  })
  expect((await run()).code).toBe(2)
  expect((await run('-f', 'a.yaml', '--revision', 'main')).code).toBe(2)
  expect(await run('-f', 'not-there.yaml')).toMatchObject({ code: 2, stderr: expect.stringContaining('--file') })
})
