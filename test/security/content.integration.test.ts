import {
  APPS,
  application,
  CONFIG,
  cluster,
  configMap,
  LoopHarness,
  project,
} from '@flotilla/hub/loop/testing/loop-harness'
import { directoryRenderer } from '@flotilla/hub/render/directory-renderer'
import { parseRepositoryUrl } from '@flotilla/hub/source/git/repository-url'
import { openMemoryRepository } from '@flotilla/hub/source/testing/memory-repository'
import { describe, expect, test } from 'vitest'
import { CANARY_PASSWORD, canariesIn } from './helpers/canary.ts'
import { HOSTILE_PATHS } from './helpers/hostile-paths.ts'

const OUTSIDE = { 'outside/secret.json': configMap('stolen', { word: CANARY_PASSWORD }) }

/** A hub whose Applications read this repository, each from a folder of its own. */
async function hubWith(
  applications: { readonly [name: string]: string },
  files: { readonly [path: string]: string } = {},
): Promise<LoopHarness> {
  const hub = new LoopHarness()
  hub.git.commit(CONFIG, {
    'clusters/eu-1.json': cluster('eu-1'),
    'projects/shop.json': project('shop'),
    ...applications,
  })
  hub.git.commit(APPS, { 'apps/web/cm.json': configMap('web', { greeting: 'hello' }), ...files })
  await hub.start()
  await hub.refresh(APPS)
  return hub
}

async function everything(hub: LoopHarness): Promise<string> {
  const rows = await hub.store.read(async store => [
    await store.applications(),
    await store.clusters(),
    await store.sources(),
    await store.sets(),
  ])
  return JSON.stringify(rows)
}

describe('Argo CD CVE-2022-24348, CVE-2022-24730, CVE-2022-24731: a path led out of the repository', () => {
  test('no spelling of a path does, and an Application with one holds up no other', async () => {
    const applications = HOSTILE_PATHS.map(([, path], index): [string, string] => [
      `apps/hostile-${index}.json`,
      application(`hostile-${index}`, APPS, path),
    ])
    const good: [string, string] = ['apps/good.json', application('good', APPS, 'apps/web')]
    const hub = await hubWith(Object.fromEntries([...applications, good]), OUTSIDE)
    const id = await hub.join('eu-1')
    await hub.clock.advance(60_000)
    for (const [index, [what]] of HOSTILE_PATHS.entries()) {
      const row = hub.names().includes(`hostile-${index}`) ? hub.application(`hostile-${index}`) : undefined
      // Refused when it is read, or held.
      expect(row?.digest, what).toBeUndefined()
      if (row !== undefined) expect(row.hold?.code, what).toBeDefined()
    }
    expect(hub.application('good').hold).toBeUndefined()
    const offers = (await hub.documents(id)).filter(document => 'application' in document)
    expect(offers).toHaveLength(1)
  })
})

describe('Flux CVE-2022-24877, CVE-2022-24878: a render read outside, or ate what there was', () => {
  const link = (target: string) => ({ symlink: target })
  const bomb = ['a: &a [x,x,x,x,x,x,x,x,x,x]']
  for (let level = 1; level < 12; level++) {
    const [name, before] = [String.fromCharCode(97 + level), String.fromCharCode(96 + level)]
    bomb.push(`${name}: &${name} [${Array.from({ length: 10 }, () => `*${before}`).join(',')}]`)
  }
  const cases: Record<string, { readonly [path: string]: string | { readonly symlink: string } }> = {
    'a link that leaves': { 'app/a.json': link('../../outside/secret.json') },
    'a link from the root': { 'app/a.json': link('/etc/passwd') },
    'links in a circle': { 'app/a.json': link('b.json'), 'app/b.json': link('a.json') },
    'a link to itself': { 'app/a.json': link('a.json') },
    'a document that grows as it is read': { 'app/a.yaml': `${bomb.join('\n')}\n` },
    'lists within lists': { 'app/a.json': `${'['.repeat(100_000)}${']'.repeat(100_000)}` },
    'more documents than there may be': { 'app/a.yaml': '---\na: 1\n'.repeat(100_000) },
  }
  test.each(Object.entries(cases))('%s is refused, with its file', async (_, files) => {
    const { repository, commit } = await openMemoryRepository()
    const id = await commit({ ...files, ...OUTSIDE } as Parameters<typeof commit>[0])
    const source = { repoURL: 'memory', path: 'app' }
    const result = await directoryRenderer().render({ source, repository, commit: id })
    expect(result.kind).toBe('failed')
    if (result.kind !== 'failed') return
    expect(result.problems.every(({ file }) => file?.startsWith('app/'))).toBe(true)
    expect(canariesIn(JSON.stringify(result.problems))).toEqual([])
  })
})

describe('Argo CD CVE-2025-47933, CVE-2026-45738 (GHSA-h98r-wv3h-fr38): a link that ran a script', () => {
  test.each([
    'javascript:alert(1)//github.com/shop/fleet.git',
    'JavaScript:alert(1)',
    'java\tscript:alert(1)',
    'data:text/html,<script>alert(1)</script>',
    'vbscript:msgbox(1)',
    'ext::sh -c touch% /tmp/x',
    '-u./run',
    '--upload-pack=./run',
  ])('%s is no repository', url => {
    const parsed = () => parseRepositoryUrl(url)
    try {
      // What looks like a path on a host is asked over SSH, and is never a link.
      expect(parsed().kind).toBe('ssh')
    } catch (error) {
      expect((error as { code?: string }).code).toBe('URL_UNSUPPORTED')
    }
  })
})

describe('Argo CD CVE-2025-23216: a Secret that could not be read was quoted in the error', () => {
  const secret = (more: object) =>
    JSON.stringify({ apiVersion: 'v1', kind: 'Secret', metadata: { name: 's' }, ...more })
  const cases: Record<string, string> = {
    'no base64': secret({ data: { password: `${CANARY_PASSWORD}!` } }),
    'a number': secret({ data: { password: 5, [CANARY_PASSWORD]: 5 } }),
    nested: secret({ data: { password: { deep: CANARY_PASSWORD } } }),
    'a list': secret({ stringData: [CANARY_PASSWORD] }),
    'text in place of the map': secret({ data: CANARY_PASSWORD }),
    'the same key twice': `{"apiVersion":"v1","kind":"Secret","metadata":{"name":"s"},"data":{"a":"${CANARY_PASSWORD}","a":"${CANARY_PASSWORD}"}}`,
    'no JSON': `{"apiVersion":"v1","kind":"Secret","metadata":{"name":"s"},"data":{"a":"${CANARY_PASSWORD}",,}}`,
  }
  test.each(Object.entries(cases))('%s', async (_, text) => {
    const hub = await hubWith(
      { 'apps/web.json': application('web', APPS, 'apps/web') },
      { 'apps/web/secret.json': text },
    )
    await hub.join('eu-1')
    await hub.clock.advance(60_000)
    expect(canariesIn(await everything(hub))).toEqual([])
    expect(canariesIn(hub.complaints.join('\n'))).toEqual([])
  })
})

describe('Flux CVE-2022-24817: credentials of a cluster ran a program', () => {
  test('a cluster’s Secret of Argo CD gives its name and labels; what it would run is nowhere', async () => {
    const config = { execProviderConfig: { command: CANARY_PASSWORD, args: [CANARY_PASSWORD] } }
    const secret = {
      ...{ apiVersion: 'v1', kind: 'Secret' },
      metadata: { name: 'eu-2', labels: { 'argocd.argoproj.io/secret-type': 'cluster' } },
      stringData: { name: 'eu-2', server: 'https://eu-2.example.com', config: JSON.stringify(config) },
    }
    const hub = await hubWith({ 'clusters/eu-2.json': JSON.stringify(secret) })
    await hub.clock.advance(60_000)
    expect(canariesIn(await everything(hub))).toEqual([])
    expect(canariesIn(hub.complaints.join('\n'))).toEqual([])
  })
})

describe('Flux CVE-2022-39272, CVE-2022-36049: one team’s bad value stopped everybody', () => {
  const poison: Record<string, object> = {
    'a duration that is none': { syncPolicy: { retry: { limit: 5, backoff: { duration: 'x'.repeat(5000) } } } },
    'a number in place of text': { destination: 5 },
    'a source that is a list': { source: [[[]]] },
    'options that are none': { syncPolicy: { syncOptions: [5, { a: 1 }, 'Prune=maybe'] } },
    'a pattern that takes for ever': { ignoreDifferences: [{ kind: '*', jqPathExpressions: ['.'.repeat(5000)] }] },
    'a prototype': JSON.parse('{"__proto__":{"polluted":true}}'),
  }
  test.each(Object.entries(poison))('%s: the other Application goes on', async (_, change) => {
    const hub = await hubWith({
      'apps/bad.json': application('bad', APPS, 'apps/web', change),
      'apps/good.json': application('good', APPS, 'apps/web'),
    })
    const id = await hub.join('eu-1')
    await hub.clock.advance(60_000)
    expect(hub.application('good').hold).toBeUndefined()
    expect((await hub.documents(id)).length).toBeGreaterThan(0)
    await hub.push(APPS, { 'apps/web/cm.json': configMap('web', { greeting: 'again' }) })
    await hub.clock.advance(60_000)
    expect(hub.application('good').hold).toBeUndefined()
    expect(({} as { polluted?: boolean }).polluted).toBeUndefined()
  })
})

describe('Fleet GHSA-864g-863m-vcvq: labels of a namespace switched its security off', () => {
  test.each([
    ['pod-security.kubernetes.io/enforce', 'privileged'],
    ['pod-security.kubernetes.io/enforce-version', 'v1.0'],
    ['kubernetes.io/metadata.name', 'kube-system'],
  ])('an Application that would set %s is held, and another is not', async (label, value) => {
    const withLabels = (labels: object) => ({
      syncPolicy: { automated: {}, syncOptions: ['CreateNamespace=true'], managedNamespaceMetadata: { labels } },
    })
    const hub = await hubWith({
      'apps/bad.json': application('bad', APPS, 'apps/web', withLabels({ [label]: value })),
      'apps/good.json': application('good', APPS, 'apps/web', withLabels({ team: 'shop' })),
    })
    await hub.join('eu-1')
    await hub.clock.advance(60_000)
    expect(hub.application('bad').hold?.reason).toContain(label)
    expect(hub.application('good').hold).toBeUndefined()
  })
})
