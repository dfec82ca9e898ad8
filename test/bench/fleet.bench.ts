import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { FixtureRepository } from '@flotilla/hub/source/git/testing/fixture-repository'
import { HttpGitServer } from '@flotilla/hub/source/git/testing/http-git-server'
import type { Benchmark, Figure } from './figure.ts'
import { AUTOMATED, declarations, foldersOnClusters } from './parts/declarations.ts'
import { clusterNames } from './parts/fleet-files.ts'
import { HubChild } from './parts/hub-child.ts'

const CLUSTERS = 100
const FOLDERS = 100
const POLLS = 20
const COMMITS = 5

/**
 * A hub that holds one set of 10,000 Applications, a matrix of Clusters and folders: its memory, and what looking at
 * the repository costs when nothing is new, and when a folder is, which makes a hundred Applications more.
 */
export const run: Benchmark = async () => {
  const fixture = await FixtureRepository.make()
  const server = await HttpGitServer.start({ root: fixture.root })
  const repository = server.url('fleet.git')
  const directory = await mkdtemp(join(tmpdir(), 'flotilla-bench-fleet-'))
  let hub: HubChild | undefined
  try {
    const folders = Array.from({ length: FOLDERS }, (_, index) => `app-${index}`)
    await fixture.commit({
      files: { 'fleet/fleet.yaml': declared(repository), ...Object.assign({}, ...folders.map(folderFiles)) },
    })
    hub = await HubChild.start({ directory, repository })
    await applications(hub, CLUSTERS * FOLDERS)
    await pause(10_000)
    const loaded = await hub.usage()
    const idle = await cpuMs(hub, async () => await pause(POLLS * 200))
    const polled = await cpuMs(hub, async () => {
      for (let poll = 0; poll < POLLS; poll++) {
        await hub!.webhook(repository)
        await pause(200)
      }
    })
    const added: number[] = []
    for (let round = 0; round < COMMITS; round++) {
      await fixture.commit({ files: folderFiles(`new-${round}`) })
      added.push(
        await cpuMs(hub, async () => {
          await hub!.webhook(repository)
          await applications(hub!, CLUSTERS * (FOLDERS + round + 1))
        }),
      )
    }
    const fleet = `${CLUSTERS * FOLDERS} Applications`
    return [
      figure(`hub that holds ${fleet}: memory (RSS)`, 'MB', loaded.rssMb, '< 250'),
      figure(`of that the JavaScript heap in use`, 'MB', loaded.heapMb),
      figure(`${fleet}: a poll that finds nothing new, hub's processor time`, 'ms', (polled - idle) / POLLS, '< 20'),
      figure(
        `${fleet}: one more folder, ${CLUSTERS} Applications made, stored, rendered and held; processor time`,
        'ms',
        median(added),
      ),
    ]
  } finally {
    await hub?.stop()
    await server.close()
    await fixture.remove()
    await rm(directory, { recursive: true, force: true })
  }
}

function folderFiles(name: string): Record<string, string> {
  return {
    [`apps/${name}/config.yaml`]: `apiVersion: v1\nkind: ConfigMap\nmetadata: {name: ${name}}\ndata: {of: ${name}}\n`,
  }
}

function declared(repository: string): string {
  return declarations({
    repository,
    clusters: clusterNames(CLUSTERS),
    generator: foldersOnClusters(repository, 'apps/*'),
    application: '{{path.basename}}-{{name}}',
    destination: { cluster: '{{name}}', namespace: 'shop' },
    syncPolicy: AUTOMATED,
  })
}

async function applications(hub: HubChild, count: number): Promise<void> {
  await hub.until('all is rendered and waits for its agent', all => all.sum('flotilla_applications_held') === count)
}

async function cpuMs(hub: HubChild, work: () => Promise<void>): Promise<number> {
  const before = await hub.usage()
  await work()
  return ((await hub.usage()).cpuSeconds - before.cpuSeconds) * 1000
}

function pause(ms: number): Promise<void> {
  return new Promise(resolve => setTimeout(resolve, ms))
}

function median(values: readonly number[]): number {
  return [...values].sort((a, b) => a - b)[values.length >> 1] ?? 0
}

function figure(name: string, unit: string, value: number, target?: string): Figure {
  return { figure: name, unit, value: Math.round(value * 10) / 10, ...(target !== undefined && { target }) }
}
