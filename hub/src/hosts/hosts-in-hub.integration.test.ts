import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { createClock } from '@flotilla/core/ports/create-clock'
import { seededRandom } from '@flotilla/core/ports/create-random'
import { expect, test } from 'vitest'
import { FixtureRepository } from '../source/git/testing/fixture-repository.ts'
import { startHub } from '../start-hub.ts'
import { silentLog, withDirectory } from '../store/test-store.ts'
import { githubRoutes } from './testing/github-server.ts'
import { type HostContent, serveHost } from './testing/host-server.ts'

/** A set of pull requests with a Secret that is granted to `shop` alone. */
function previews(name: string, project: string, api: string): string {
  return `
apiVersion: flotilla.dev/v1alpha1
kind: ApplicationSet
metadata: { name: ${name} }
spec:
  generators:
  - pullRequest:
      github: { owner: acme, repo: web, api: '${api}', tokenRef: { secretName: github, key: token } }
  template:
    metadata: { name: '${name}-{{number}}' }
    spec:
      project: ${project}
      source: { repoURL: https://git.example.com/web.git, path: . }
      destination: { name: eu-1, namespace: web }
`
}

const open = (number: number) => ({
  ...{ number, title: 'x', branch: 'x', target: 'main', sha: 'b'.repeat(40), author: 'ada', labels: [], files: [] },
})

test('a hub as a process asks a host with the Secret that a project was granted, and another project gets nothing', () =>
  withDirectory(async directory => {
    let pulls = [open(1), open(2), open(3)]
    const content = (): HostContent => ({
      organization: 'acme',
      repositories: [{ id: 1, name: 'web', defaultBranch: 'main', labels: [], branches: [] }],
      pulls: { web: pulls },
    })
    const host = await serveHost(githubRoutes(content, { token: 'swordfish' }))
    const fleet = await FixtureRepository.make()
    const repository = fleet.path
    await fleet.commit({
      files: {
        'eu-1.yaml': 'apiVersion: flotilla.dev/v1alpha1\nkind: Cluster\nmetadata: { name: eu-1 }\n',
        'shop.yaml': previews('shop', 'shop', host.url),
        'other.yaml': previews('other', 'other', host.url),
      },
    })
    await mkdir(join(directory, 'secrets', 'github'), { recursive: true })
    await writeFile(join(directory, 'secrets', 'github', 'token'), 'swordfish')
    const running = await startHub(
      {
        ...{ dataDirectory: join(directory, 'data'), listen: { host: '127.0.0.1', port: 0 }, version: '0.0.0' },
        configSources: [{ name: 'fleet', repository, revision: 'main', path: '', trust: { kind: 'all' } }],
        hosts: {
          ...{ enabled: true, allowedProviders: [host.url], secretsFolder: join(directory, 'secrets') },
          secrets: [{ name: 'github', projects: ['shop'] }],
        },
      },
      { clock: createClock(globalThis), random: seededRandom(1), log: silentLog },
    )
    const { hub } = running
    const names = () => [...hub.loop.world.applications()].map(({ name }) => name).sort()
    try {
      await expect.poll(names, { timeout: 60_000 }).toEqual(['shop-1', 'shop-2', 'shop-3'])
      expect(host.calls.map(call => call.headers.authorization)).not.toContain(undefined)
      pulls = [open(4), ...pulls]
      hub.hosts.invalidate(request => request.kind === 'pull-requests')
      await expect.poll(names, { timeout: 60_000 }).toEqual(['shop-1', 'shop-2', 'shop-3', 'shop-4'])
    } finally {
      await running.stop()
      await host.close()
      await fleet.remove()
    }
  }))
