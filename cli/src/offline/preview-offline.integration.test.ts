import { execFileSync } from 'node:child_process'
import { cpSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { runInProcess } from '../testing/run-in-process.ts'

const URL = 'https://git.example.com/fleet.git'
const APPS = 'https://git.example.com/apps.git'
let root: string

beforeAll(() => {
  root = mkdtempSync(join(tmpdir(), 'flotilla-preview-'))
})
afterAll(() => rmSync(root, { recursive: true, force: true }))

function git(folder: string, ...words: readonly string[]): string {
  const who = ['-c', 'user.email=test@example.com', '-c', 'user.name=test', '-c', 'commit.gpgsign=false']
  return execFileSync('git', ['-C', folder, ...who, ...words], { encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] })
}

function write(folder: string, files: { readonly [path: string]: string | null }): void {
  for (const [path, text] of Object.entries(files)) {
    const full = join(folder, path)
    if (text === null) rmSync(full, { recursive: true, force: true })
    else {
      mkdirSync(dirname(full), { recursive: true })
      writeFileSync(full, text)
    }
  }
}

function commit(folder: string, files: { readonly [path: string]: string | null }): void {
  write(folder, files)
  git(folder, 'add', '-A')
  git(folder, 'commit', '-q', '-m', 'change')
}

function repository(name: string, files: { readonly [path: string]: string }, origin?: string): string {
  const folder = join(root, name)
  mkdirSync(folder, { recursive: true })
  git(folder, 'init', '-q', '-b', 'main')
  if (origin) git(folder, 'remote', 'add', 'origin', origin)
  commit(folder, files)
  return folder
}

const PROJECT = `apiVersion: flotilla.dev/v1alpha1
kind: Project
metadata: {name: shop}
spec: {sourceRepos: ['*'], destinations: [{name: '*', namespace: '*'}], clusterResourceWhitelist: [{group: '*', kind: '*'}]}
`
const CLUSTER = `apiVersion: flotilla.dev/v1alpha1
kind: Cluster
metadata: {name: eu-1}
spec: {}
`
const set = (url: string, name = 'shop'): string => `apiVersion: flotilla.dev/v1alpha1
kind: ApplicationSet
metadata: {name: ${name}}
spec:
  generators:
  - git: {repoURL: ${url}, revision: main, directories: [{path: apps/*}]}
  template:
    metadata: {name: '{{path.basename}}'}
    spec:
      project: shop
      source: {repoURL: ${url}, targetRevision: main, path: '{{path}}'}
      destination: {name: eu-1, namespace: shop}
      syncPolicy: {automated: {prune: true}}
`
const map = (value: string): string => `apiVersion: v1
kind: ConfigMap
metadata: {name: settings}
data: {value: '${value}'}
`
const secret = (value: string): string => `apiVersion: v1
kind: Secret
metadata: {name: password}
stringData: {password: ${value}}
`
const FLEET = { 'fleet/project.yaml': PROJECT, 'fleet/cluster.yaml': CLUSTER, 'fleet/shop.yaml': set(URL) }

async function preview(folder: string, ...words: readonly string[]) {
  const ran = await runInProcess(['preview', 'fleet', ...words, '-o', 'json'], { cwd: folder })
  return { ...ran, json: ran.code === 2 || ran.stdout === '' ? undefined : JSON.parse(ran.stdout) }
}

function namesOf(json: Record<string, { readonly name: string }[]>) {
  return Object.fromEntries(
    ['created', 'updated', 'deleted', 'held'].map(key => [key, json[key]!.map(({ name }) => name)]),
  )
}

describe('preview', () => {
  test('the files as they are are compared with a commit; both sides of a monorepo follow', async () => {
    const folder = repository(
      'monorepo',
      { ...FLEET, 'apps/a/map.yaml': map('1'), 'apps/b/map.yaml': map('1'), 'apps/c/map.yaml': map('1') },
      URL,
    )
    write(folder, { 'apps/a/map.yaml': map('2'), 'apps/b': null, 'apps/d/map.yaml': map('1') })
    const { json, code } = await preview(folder, '--base', 'main')
    expect(namesOf(json)).toEqual({ created: ['d'], updated: ['a'], deleted: ['b'], held: [] })
    expect(json.unchanged).toBe(1)
    expect(json.updated[0].diff.manifests).toEqual([
      {
        object: 'ConfigMap settings',
        change: 'updated',
        diff: expect.stringContaining("-  value: '1'\n+  value: '2'\n"),
      },
    ])
    expect(json.deleted[0]).toMatchObject({ objects: 'prune', manifests: ['ConfigMap settings'] })
    expect(json.created[0].provenance).toMatchObject({ set: 'shop', file: 'fleet/shop.yaml', generator: '0' })
    expect(code).toBe(0)
    expect((await preview(folder, '--base', 'main', '--exit-code')).code).toBe(1)
    commit(folder, {})
    expect(namesOf((await preview(folder, '--base', 'HEAD~1', '--head', 'main')).json)).toEqual(namesOf(json))
    expect((await preview(folder, '--base', 'main', '--exit-code')).code).toBe(0)
  })

  test('a set under another name keeps what it has', async () => {
    const folder = repository('renamed', { ...FLEET, 'apps/a/map.yaml': map('1'), 'apps/b/map.yaml': map('1') }, URL)
    write(folder, { 'fleet/shop.yaml': set(URL, 'store') })
    const { json } = await preview(folder, '--base', 'main')
    expect(namesOf(json)).toEqual({ created: [], updated: ['a', 'b'], deleted: [], held: [] })
    expect(json.updated[0].diff).toEqual({ fields: [{ path: 'set', before: 'shop', after: 'store' }], manifests: [] })
  })

  test('more removals than the budget allows are held, with the reason that the hub would give', async () => {
    const apps = Object.fromEntries(['a', 'b', 'c', 'd', 'e'].map(name => [`apps/${name}/map.yaml`, map('1')]))
    const folder = repository('budget', { ...FLEET, ...apps }, URL)
    write(folder, { 'apps/a': null, 'apps/b': null, 'apps/c': null })
    const { json } = await preview(folder, '--base', 'main')
    expect(namesOf(json)).toEqual({ created: [], updated: [], deleted: [], held: ['a', 'b', 'c'] })
    expect(json.held[0]).toMatchObject({
      change: 'delete',
      code: 'DELETION_BUDGET',
      reason: expect.stringContaining('shop'),
    })
  })

  test('another repository stands at its own revisions', async () => {
    const apps = repository('apps', { 'apps/a/map.yaml': map('1') })
    git(apps, 'tag', 'v1')
    commit(apps, { 'apps/b/map.yaml': map('1') })
    const folder = repository('config', { ...FLEET, 'fleet/shop.yaml': set(APPS) })
    expect(namesOf((await preview(folder, '--base', 'main', '--repo', `${APPS}=${apps}`)).json).created).toEqual([])
    expect(
      namesOf((await preview(folder, '--base', 'main', '--repo', `${APPS}=${apps}@v1..main`)).json).created,
    ).toEqual(['b'])
    commit(apps, { 'apps/c/map.yaml': map('1') })
    write(apps, { 'apps/d/map.yaml': map('1') })
    expect(namesOf((await preview(folder, '--base', 'main', '--repo', `${APPS}=${apps}@v1..`)).json).created).toEqual([
      'b',
      'c',
      'd',
    ])
    expect(namesOf((await preview(folder, '--base', 'main', '--repo', `${APPS}=${apps}@v1`)).json).created).toEqual([])
  })

  test('what names a tag, a commit or another branch stays where it is', async () => {
    const folder = repository('pinned', { ...FLEET, 'apps/a/map.yaml': map('1') }, URL)
    git(folder, 'tag', 'v1')
    git(folder, 'branch', 'stable')
    const commitId = git(folder, 'rev-parse', 'HEAD').trim()
    const pinned = (name: string, revision: string): string => `apiVersion: flotilla.dev/v1alpha1
kind: Application
metadata: {name: ${name}}
spec:
  project: shop
  source: {repoURL: ${URL}, targetRevision: ${revision}, path: apps/a}
  destination: {name: eu-1, namespace: shop}
`
    const documents = ['main', 'HEAD', 'v1', 'stable', commitId].map((revision, index) =>
      pinned(`p-${index}`, revision),
    )
    commit(folder, { 'fleet/pinned.yaml': documents.join('---\n') })
    git(folder, 'checkout', '-q', '-b', 'work')
    commit(folder, { 'apps/a/map.yaml': map('2') })
    expect(namesOf((await preview(folder, '--base', 'main')).json).updated).toEqual(['a', 'p-0', 'p-1'])
    // Which branch a commit is merged into is not known: any of them may be it.
    expect(namesOf((await preview(folder, '--base', 'HEAD~1')).json).updated).toEqual(['a', 'p-0', 'p-1', 'p-3'])
  })

  test('no value of a Secret leaves, in any format', async () => {
    const folder = repository('secrets', { ...FLEET, 'apps/a/secret.yaml': secret('hunter-one') }, URL)
    write(folder, { 'apps/a/secret.yaml': secret('hunter-two'), 'apps/b/secret.yaml': secret('hunter-three') })
    for (const format of [
      ['-o', 'json'],
      ['-o', 'yaml'],
      ['--format', 'github'],
      ['--format', 'text'],
    ]) {
      const { stdout, stderr } = await runInProcess(['preview', 'fleet', '--base', 'main', ...format], { cwd: folder })
      expect(stdout).toContain('masked-1')
      expect(stdout + stderr).not.toContain('hunter')
    }
  })

  test('a shallow clone says how to get the rest', async () => {
    const folder = repository('deep', { ...FLEET, 'apps/a/map.yaml': map('1') }, URL)
    commit(folder, { 'apps/a/map.yaml': map('2') })
    const shallow = join(root, 'shallow')
    git(root, 'clone', '-q', '--depth', '1', `file://${folder}`, shallow)
    const { code, stderr } = await preview(shallow, '--base', 'HEAD~1')
    expect(code).toBe(1)
    expect(stderr).toContain('git fetch --unshallow')
    expect(stderr).toContain('fetch-depth: 0')
  })

  test('a branch that only the remote has is found', async () => {
    const folder = repository('origin-branch', { ...FLEET, 'apps/a/map.yaml': map('1') })
    const clone = join(root, 'clone')
    git(root, 'clone', '-q', folder, clone)
    git(clone, 'checkout', '-q', '-b', 'work')
    git(clone, 'branch', '-q', '-D', 'main')
    expect((await preview(clone, '--base', 'main')).code).toBe(0)
  })

  test('mistakes of the change are told, and end with 1', async () => {
    const folder = repository('mistake', { ...FLEET, 'apps/a/map.yaml': map('1') }, URL)
    write(folder, { 'fleet/shop.yaml': `${set(URL)}      nothing: [` })
    const { json, code } = await preview(folder, '--base', 'main')
    expect(code).toBe(1)
    expect(json.diagnostics.filter((one: { new: boolean }) => one.new)).not.toEqual([])
    expect(namesOf(json)).toEqual({ created: [], updated: [], deleted: [], held: [] })
  })

  test('several config sources stay within their trust', async () => {
    const folder = repository('teams', { ...FLEET, 'team/app.yaml': '', 'apps/a/map.yaml': map('1') }, URL)
    const sources = `configSources:
- {name: platform, repository: ${URL}, revision: main, path: fleet, trust: all}
- {name: team, repository: ${URL}, revision: main, path: team, trust: {projects: [web]}, namePrefix: web-}
`
    write(folder, {
      'hub.yaml': sources,
      'team/app.yaml': set(URL, 'taken').replace('{{path.basename}}', '{{path.basename}}-2'),
    })
    const { json, code } = await preview(folder, '--base', 'main', '--sources', 'hub.yaml')
    expect(code).toBe(1)
    expect(json.diagnostics.map((one: { code: string }) => one.code)).toContain('NOT_TRUSTED')
    expect(namesOf(json)).toEqual({ created: [], updated: [], deleted: [], held: [] })
  })

  const wrong: readonly [sentence: string, words: readonly string[], message: string][] = [
    ['a path outside of any repository', ['/', '--base', 'main'], 'lies in no Git repository'],
    ['a path that is not there', ['nowhere', '--base', 'main'], 'there is no nowhere'],
    ['no base', ['fleet'], "required option '--base <ref>'"],
    ['a revision that is not there', ['fleet', '--base', 'no-such-branch'], 'has no revision "no-such-branch"'],
    ['a revision that is an option', ['fleet', '--base=-x'], 'is no revision'],
    ['a format that there is not', ['fleet', '--base', 'main', '--format', 'slack'], 'is not one of'],
    ['inputs that are not there', ['fleet', '--base', 'main', '--inputs', 'no.yaml'], 'there is no file no.yaml'],
  ]
  test.each(wrong)('%s is told', async (_, words, message) => {
    const folder = join(root, 'monorepo')
    const { code, stderr } = await runInProcess(['preview', ...words], { cwd: folder })
    expect(stderr).toContain(message)
    expect(code).toBeGreaterThan(0)
  })

  test('a config path that is new creates everything', async () => {
    const folder = repository('new-path', { 'README.md': '' }, URL)
    cpSync(join(root, 'monorepo', 'fleet'), join(folder, 'fleet'), { recursive: true })
    write(folder, { 'apps/a/map.yaml': map('1') })
    const { json } = await preview(folder, '--base', 'main')
    expect(namesOf(json).created).toEqual(['a'])
    expect(json.created[0].notes).toEqual([
      { code: 'CLUSTER_NOT_JOINED', message: 'waits for an agent to join as "eu-1"' },
    ])
  })
})
