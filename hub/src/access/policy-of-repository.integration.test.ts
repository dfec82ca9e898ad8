import * as fs from 'node:fs'
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { createClock } from '@flotilla/core/ports/create-clock'
import { seededRandom } from '@flotilla/core/ports/create-random'
import * as git from 'isomorphic-git'
import { afterEach, expect, it } from 'vitest'
import { type RunningHub, startHub } from '../start-hub.ts'
import { silentLog } from '../store/test-store.ts'

const ending: (() => Promise<unknown>)[] = []
afterEach(async () => {
  for (const end of ending.splice(0).reverse()) await end()
})

const project = (name: string) =>
  `apiVersion: flotilla.dev/v1alpha1\nkind: Project\nmetadata: { name: ${name} }\nspec: { sourceRepos: ["*"], destinations: [] }\n`
const policy = (...rows: readonly string[]) =>
  `apiVersion: flotilla.dev/v1alpha1\nkind: AccessPolicy\nmetadata: { name: fleet }\nspec:\n  policy: |\n${rows.map(row => `    ${row}\n`).join('')}`

async function commit(folder: string, files: { readonly [path: string]: string }): Promise<void> {
  for (const [filepath, text] of Object.entries(files)) {
    await mkdir(dirname(join(folder, filepath)), { recursive: true })
    await writeFile(join(folder, filepath), text)
    await git.add({ fs, dir: folder, filepath })
  }
  await git.commit({ fs, dir: folder, message: 'Fleet', author: { name: 'a', email: 'a@flotilla.invalid' } })
}

async function start(folder: string): Promise<RunningHub> {
  const repository = pathToFileURL(join(folder, 'fleet')).href
  const running = await startHub(
    {
      dataDirectory: join(folder, 'data'),
      listen: { host: '127.0.0.1', port: 0 },
      version: '0.0.0',
      configSources: [{ name: 'platform', repository, revision: 'main', path: 'fleet', trust: { kind: 'all' } }],
    },
    { clock: createClock(globalThis), random: seededRandom(Math.floor(process.hrtime()[1])), log: silentLog },
  )
  ending.push(() => running.stop())
  return running
}

it('what the config repository declares is the policy of the API: at once, whole, numbered, and after a restart', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'flotilla-policy-'))
  ending.push(() => rm(folder, { recursive: true, force: true }))
  const fleet = join(folder, 'fleet')
  await git.init({ fs, dir: fleet, defaultBranch: 'main' })
  await commit(fleet, {
    'fleet/shop.yaml': project('shop'),
    'fleet/bank.yaml': project('bank'),
    'fleet/access.yaml': policy('p, role:readonly, projects, get, bank, deny'),
  })
  let running = await start(folder)
  const admin = running.adminToken!
  const ask = async (token: string, path: string, body?: object) => {
    const headers = { authorization: `Bearer ${token}`, 'content-type': 'application/json' }
    const init = body === undefined ? { headers } : { method: 'POST', headers, body: JSON.stringify(body) }
    return (await (await fetch(`${running.url}/api/v1/${path}`, init)).json()) as { [key: string]: unknown }
  }
  const projects = async (token: string) =>
    ((await ask(token, 'projects'))['items'] as { name: string }[]).map(({ name }) => name)
  /** The test's own limit ends this when it never comes. */
  const until = async (holds: () => Promise<boolean>) => {
    while (!(await holds())) await new Promise(resolve => setTimeout(resolve, 20))
  }
  const version = async (): Promise<string> => String((await ask(admin, 'whoami'))['policyVersion'])

  await until(async () => (await ask(admin, 'sources/platform'))['documentCount'] === 3)
  const { token: reader } = (await ask(admin, 'tokens', { name: 'reader', role: 'readonly' })) as { token: string }
  expect(await projects(reader)).toEqual(['shop'])
  const first = await version()
  const asked = { subject: 'role:readonly', action: 'get', resource: 'project', object: 'bank' }
  expect((await ask(admin, 'can', asked))['because']).toEqual([
    { row: 'p, role:readonly, projects, get, bank, deny', source: 'platform', file: 'fleet/access.yaml', line: 6 },
  ])

  await commit(fleet, { 'fleet/access.yaml': policy('p, role:readonly, projects, get, shop, deny') })
  await ask(admin, 'sources/platform/refresh', {})
  await until(async () => (await version()) !== first)
  expect(await projects(reader)).toEqual(['bank'])
  const second = await version()

  // A row that is none: the whole policy stays as it was, and says where.
  await commit(fleet, {
    'fleet/access.yaml': policy('p, role:readonly, projects, get'),
    'fleet/web.yaml': project('web'),
  })
  await ask(admin, 'sources/platform/refresh', {})
  const mistakes = async () => (await ask(admin, 'sources/platform'))['diagnostics'] as { code: string; line: number }[]
  await until(async () => (await mistakes()).some(({ code }) => code === 'POLICY_ROW_INVALID'))
  expect((await mistakes()).map(({ code, line }) => [code, line])).toContainEqual(['POLICY_ROW_INVALID', 6])
  expect([await projects(reader), await version()]).toEqual([['bank'], second])

  await ending.pop()!()
  running = await start(folder)
  expect([await projects(reader), await version()]).toEqual([['bank'], second])
})
