import { execFile } from 'node:child_process'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { performance } from 'node:perf_hooks'
import { promisify } from 'node:util'
import type { GitBackend, GitRepository } from '@flotilla/core/ports/git'
import { changedPaths } from '@flotilla/hub/loop/changed-paths'
import { directoryRenderer } from '@flotilla/hub/render/directory-renderer'
import { isomorphicBackend } from '@flotilla/hub/source/git/isomorphic-backend'
import { nativeBackend } from '@flotilla/hub/source/git/native-backend'
import { cleanEnvironment, FixtureRepository } from '@flotilla/hub/source/git/testing/fixture-repository'
import { HttpGitServer } from '@flotilla/hub/source/git/testing/http-git-server'
import type { Benchmark, Figure } from './figure.ts'

const DIRECTORIES = 2000
const ROUNDS = 15
const run_ = promisify(execFile)

/**
 * A commit that touches one folder of a repository of 2,000: fetch over HTTP, tree diff, render of that folder. Beside
 * it the git program alone, fetching and diffing the same commits into a mirror of its own.
 */
export const run: Benchmark = async () => {
  const fixture = await FixtureRepository.make()
  const server = await HttpGitServer.start({ root: fixture.root })
  const directory = await mkdtemp(join(tmpdir(), 'flotilla-bench-git-'))
  try {
    await fixture.commit({
      files: Object.fromEntries(Array.from({ length: DIRECTORIES }, (_, index) => files(index, 0)).flat()),
    })
    const figures: Figure[] = []
    const raw = await measureRaw(fixture, server.url('fleet.git'), join(directory, 'raw.git'))
    for (const backend of [isomorphicBackend(), nativeBackend()]) {
      const measured = await measure(backend, fixture, server.url('fleet.git'), join(directory, backend.name))
      const beside = { unit: 'ms', baselineOf: 'git alone' }
      figures.push(
        { figure: `${backend.name}: first fetch`, value: measured.firstMs, baseline: raw.firstMs, ...beside },
        { figure: `${backend.name}: poll, nothing new`, unit: 'ms', value: measured.pollMs },
        {
          figure: `${backend.name}: one-folder commit, fetch`,
          value: measured.fetchMs,
          baseline: raw.fetchMs,
          ...beside,
        },
        {
          figure: `${backend.name}: one-folder commit, tree diff`,
          value: measured.diffMs,
          baseline: raw.diffMs,
          ...beside,
        },
        { figure: `${backend.name}: one-folder commit, render`, unit: 'ms', value: measured.renderMs },
        {
          figure: `${backend.name}: one-folder commit, longest stall of the event loop`,
          unit: 'ms',
          value: measured.stallMs,
        },
      )
    }
    return figures
  } finally {
    await server.close()
    await fixture.remove()
    await rm(directory, { recursive: true, force: true })
  }
}

async function measure(backend: GitBackend, fixture: FixtureRepository, url: string, directory: string) {
  const repository = await backend.open(url, directory)
  try {
    const firstMs = await timed(() => repository.fetch())
    const samples = {
      pollMs: [] as number[],
      fetchMs: [] as number[],
      diffMs: [] as number[],
      renderMs: [] as number[],
    }
    let tree = await treeOf(repository)
    let stallMs = 0
    for (let round = 1; round <= ROUNDS; round++) {
      samples.pollMs.push(await timed(() => repository.fetch()))
      const touched = round * 7
      await fixture.commit({ files: Object.fromEntries(files(touched, performance.now())) })
      const stalls = watchStalls()
      samples.fetchMs.push(await timed(() => repository.fetch()))
      const before = tree
      tree = await treeOf(repository)
      samples.diffMs.push(await timed(() => changedPaths(repository, before, tree)))
      const commit = (await repository.resolve('main'))!
      const source = { repoURL: url, path: folder(touched) }
      samples.renderMs.push(await timed(() => directoryRenderer().render({ source, repository, commit })))
      stallMs = Math.max(stallMs, stalls())
    }
    const medians = Object.fromEntries(Object.entries(samples).map(([name, values]) => [name, median(values)]))
    return { firstMs: round(firstMs), stallMs: round(stallMs), ...(medians as Record<keyof typeof samples, number>) }
  } finally {
    await repository.close()
  }
}

async function measureRaw(fixture: FixtureRepository, url: string, mirror: string) {
  const git = (...parts: string[]) => run_('git', parts, { env: cleanEnvironment(), maxBuffer: 64 * 1024 * 1024 })
  const firstMs = await timed(() => git('clone', '--quiet', '--mirror', url, mirror))
  const fetches: number[] = []
  const diffs: number[] = []
  for (let round = 1; round <= ROUNDS; round++) {
    const before = await fixture.tip()
    const after = await fixture.commit({ files: Object.fromEntries(files(round, performance.now())) })
    fetches.push(await timed(() => git('-C', mirror, 'fetch', '--quiet')))
    diffs.push(await timed(() => git('-C', mirror, 'diff-tree', '-r', '--name-only', `${before}`, after)))
  }
  return { firstMs: round(firstMs), fetchMs: median(fetches), diffMs: median(diffs) }
}

function folder(index: number): string {
  return `apps/team-${String(index % 40).padStart(2, '0')}/app-${index}`
}

function files(index: number, version: number): [string, string][] {
  const object = (kind: string, name: string) =>
    `apiVersion: v1\nkind: ${kind}\nmetadata:\n  name: ${name}-${index}\ndata:\n  version: "${version}"\n`
  return ['ConfigMap', 'Secret', 'Service'].map(kind => [
    `${folder(index)}/${kind.toLowerCase()}.yaml`,
    object(kind, kind.toLowerCase()),
  ])
}

async function treeOf(repository: GitRepository): Promise<string> {
  return (await repository.readCommit((await repository.resolve('main'))!)).tree
}

/** Samples the event loop until the returned function is called; that says the longest gap. */
function watchStalls(): () => number {
  let last = performance.now()
  let longest = 0
  const look = () => {
    longest = Math.max(longest, performance.now() - last)
    last = performance.now()
  }
  const timer = setInterval(look, 1)
  return () => {
    look()
    clearInterval(timer)
    return longest
  }
}

async function timed(work: () => Promise<unknown>): Promise<number> {
  const start = performance.now()
  await work()
  return performance.now() - start
}

function median(values: readonly number[]): number {
  return round([...values].sort((a, b) => a - b)[Math.floor(values.length / 2)] ?? 0)
}

function round(value: number): number {
  return Math.round(value * 10) / 10
}
