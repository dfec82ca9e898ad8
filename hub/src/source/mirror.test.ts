import { seededRandom } from '@flotilla/core/ports/create-random'
import type { GitBackend, GitRepository } from '@flotilla/core/ports/git'
import type { Log } from '@flotilla/core/ports/log'
import { VirtualClock } from '@flotilla/core/ports/virtual-clock'
import { describe, expect, it } from 'vitest'
import { clockTicker } from './clock-ticker.ts'
import { gitError } from './git/git-errors.ts'
import { MemoryGit } from './git/memory-backend.ts'
import { RepositoryMirrors } from './mirror.ts'
import { mirrorRecordsInMemory } from './mirror-record.ts'
import { Poller } from './poller.ts'

const URL = 'https://git.example.com/fleet.git'
const START = 1_760_000_000_000

function setUp(options: { readonly pollIntervalMs?: number; readonly maxFetches?: number } = {}) {
  const clock = new VirtualClock({ startAt: START, settle: () => new Promise(resolve => setImmediate(resolve)) })
  const git = new MemoryGit(clock)
  const fetches: string[] = []
  const directories = new Set<string>()
  let gate: Promise<void> | undefined
  /** The memory backend, watched: which mirrors are opened and fetched, and when a fetch may go on. */
  const backend: GitBackend = {
    name: 'watched',
    supports: () => true,
    open: async (url, directory): Promise<GitRepository> => {
      directories.add(directory)
      const inner = await git.open(url, directory)
      return {
        ...inner,
        fetch: async signal => {
          fetches.push(url)
          await gate
          signal?.throwIfAborted()
          await inner.fetch(signal)
        },
      }
    },
  }
  const warnings: unknown[] = []
  const log: Log = {
    debug: () => undefined,
    info: () => undefined,
    warn: (message, fields) => void warnings.push([message, fields?.['code']]),
    error: () => undefined,
    child: () => log,
  }
  const records = mirrorRecordsInMemory()
  const make = () =>
    new RepositoryMirrors({
      dataDirectory: '/data',
      backendFor: url => {
        if (url.startsWith('ssh:')) throw gitError('URL_UNSUPPORTED', url, 'ssh needs the git program')
        return backend
      },
      pollIntervalMs: () => options.pollIntervalMs ?? 180_000,
      maxFetches: options.maxFetches ?? 4,
      clock,
      random: seededRandom(1),
      log,
      records,
    })
  const hold = () => {
    let release: () => void = () => undefined
    gate = new Promise(resolve => {
      release = () => {
        gate = undefined
        resolve()
      }
    })
    return () => release()
  }
  return { clock, git, fetches, directories, warnings, make, mirrors: make(), hold }
}

describe('RepositoryMirrors', () => {
  it('fetches once for all who ask, whatever the spelling of the URL', async () => {
    const { git, mirrors, fetches, directories } = setUp()
    git.commit(URL, { a: '1' })
    const spellings = [
      URL,
      'https://git.example.com/fleet',
      'HTTPS://GIT.example.com:443/fleet.git/',
      'https://ann:secret@git.example.com/fleet.git',
    ]
    await Promise.all(spellings.map(url => mirrors.refresh(url)))
    expect(fetches).toHaveLength(1)
    expect(directories.size).toBe(1)
    const repositories = await Promise.all(spellings.map(url => mirrors.open(url)))
    expect(new Set(repositories).size).toBe(1)
    expect(mirrors.counters.fetches).toBe(1)
  })

  it('a call while a fetch runs leads to one more, which sees what was pushed meanwhile', async () => {
    const { git, mirrors, fetches, hold, clock } = setUp()
    git.commit(URL, { a: '1' })
    const release = hold()
    const first = mirrors.refresh(URL)
    await clock.advance(0)
    expect(fetches).toHaveLength(1)
    const later = [mirrors.refresh(URL), mirrors.refresh(URL), mirrors.refresh(URL)]
    const pushed = git.commit(URL, { a: '2' })
    release()
    await Promise.all([first, ...later])
    expect(fetches).toHaveLength(2)
    expect(await (await mirrors.open(URL))?.resolve('main')).toBe(pushed)
  })

  it('is not open before the first fetch, and open after it', async () => {
    const { git, mirrors } = setUp()
    git.commit(URL, { a: '1' })
    expect(await mirrors.open(URL)).toBeUndefined()
    await mirrors.refresh(URL)
    expect(await mirrors.open(URL)).toBeDefined()
    expect(mirrors.status(URL)).toMatchObject({ fetchedAt: START, fetching: false })
  })

  it('keeps serving the last good fetch while the server is away, says since when, and recovers', async () => {
    const { git, mirrors, clock, warnings } = setUp()
    const first = git.commit(URL, { a: '1' })
    await mirrors.refresh(URL)
    git.away.add(URL)
    await clock.advance(60_000)
    await mirrors.refresh(URL)
    await clock.advance(60_000)
    await mirrors.refresh(URL)
    expect(await (await mirrors.open(URL))?.resolve('main')).toBe(first)
    expect(mirrors.failure(URL)).toMatchObject({ code: 'REPOSITORY_UNREACHABLE', since: START + 60_000, retry: true })
    expect(mirrors.status(URL)?.fetchedAt).toBe(START)
    expect(warnings).toEqual([['repository cannot be fetched', 'REPOSITORY_UNREACHABLE']])
    git.away.delete(URL)
    const second = git.commit(URL, { a: '2' })
    await mirrors.refresh(URL)
    expect(mirrors.failure(URL)).toBeUndefined()
    expect(await (await mirrors.open(URL))?.resolve('main')).toBe(second)
  })

  it('knows after a restart when it was last fetched', async () => {
    const { git, mirrors, clock, make } = setUp()
    git.commit(URL, { a: '1' })
    await mirrors.refresh(URL)
    await mirrors.close()
    await clock.advance(3_600_000)
    const restarted = make()
    expect(await restarted.open(URL)).toBeDefined()
    expect(restarted.status(URL)?.fetchedAt).toBe(START)
  })

  it('a URL that nothing can read is a lasting failure, not an exception', async () => {
    const { mirrors } = setUp()
    for (const url of ['ext::sh -c id', '-oProxyCommand=id', 'ssh://git@example.com/fleet.git']) {
      await mirrors.refresh(url)
      expect(await mirrors.open(url)).toBeUndefined()
      expect(mirrors.failure(url)).toMatchObject({ code: 'URL_UNSUPPORTED', retry: false })
    }
  })

  it('says nothing secret of a URL that holds credentials (Argo CD CVE-2023-25163)', async () => {
    const { mirrors, git } = setUp()
    const url = 'https://ann:s3cret@git.example.com/other.git'
    git.away.add(url)
    await mirrors.refresh(url)
    expect(JSON.stringify([mirrors.list(), mirrors.failure(url)])).not.toContain('s3cret')
  })

  it('runs at most so many fetches at once', async () => {
    const { git, mirrors, fetches, hold, clock } = setUp({ maxFetches: 2 })
    const urls = ['a', 'b', 'c'].map(name => `https://git.example.com/${name}.git`)
    for (const url of urls) git.commit(url, { a: '1' })
    const release = hold()
    const all = Promise.all(urls.map(url => mirrors.refresh(url)))
    await clock.advance(0)
    expect(fetches).toHaveLength(2)
    release()
    await all
    expect(fetches).toHaveLength(3)
  })

  it('closing stops the fetch under way, and none begins afterwards', async () => {
    const { git, mirrors, fetches, hold, clock } = setUp()
    git.commit(URL, { a: '1' })
    const release = hold()
    const refreshed = mirrors.refresh(URL)
    await clock.advance(0)
    const closed = mirrors.close()
    release()
    await Promise.all([refreshed, closed])
    await mirrors.refresh(URL)
    expect(fetches).toHaveLength(1)
    expect(mirrors.failure(URL)).toBeUndefined()
  })

  it('lets go of mirrors that nothing names any more', async () => {
    const { git, mirrors } = setUp()
    const other = 'https://git.example.com/other.git'
    for (const url of [URL, other]) {
      git.commit(url, { a: '1' })
      await mirrors.refresh(url)
    }
    await mirrors.retain([URL])
    expect(mirrors.list().map(status => status.url)).toEqual([URL])
    expect(await mirrors.open(other)).toBeDefined()
  })

  it('counts objects that were read, not those that were remembered', async () => {
    const { git, mirrors } = setUp()
    const commit = git.commit(URL, { 'a/x': '1', 'b/y': '2' })
    await mirrors.refresh(URL)
    const repository = (await mirrors.open(URL))!
    for (let round = 0; round < 3; round++) {
      const { tree } = await repository.readCommit(commit)
      for (const entry of await repository.readTree(tree)) await repository.readTree(entry.id)
    }
    expect(mirrors.counters).toEqual({ fetches: 1, commitsRead: 1, treesRead: 3, blobsRead: 0 })
  })
})

describe('Poller', () => {
  function poll(parts: ReturnType<typeof setUp>) {
    const { mirrors, clock } = parts
    const poller = new Poller({
      mirrors,
      ticker: clockTicker(clock, 1000),
      repositories: () => [URL],
      onDue: url => void mirrors.refresh(url),
    })
    poller.start()
    return poller
  }

  it('fetches at once and then at each interval, give or take a tenth', async () => {
    const parts = setUp({ pollIntervalMs: 100_000 })
    parts.git.commit(URL, { a: '1' })
    const poller = poll(parts)
    await parts.clock.advance(0)
    expect(parts.fetches).toHaveLength(1)
    await parts.clock.advance(1_000_000)
    expect(parts.fetches.length).toBeGreaterThanOrEqual(10)
    expect(parts.fetches.length).toBeLessThanOrEqual(12)
    poller.stop()
    await parts.clock.advance(1_000_000)
    expect(parts.fetches.length).toBeLessThanOrEqual(12)
    expect(parts.clock.pendingTimers).toBe(0)
  })

  it('asks a repository that is away soon, then ever more rarely, and at the interval again once it answers', async () => {
    const parts = setUp({ pollIntervalMs: 180_000 })
    parts.git.commit(URL, { a: '1' })
    parts.git.away.add(URL)
    poll(parts)
    const times: number[] = []
    for (let known = 0; known < 10; ) {
      await parts.clock.advance(1000)
      if (parts.fetches.length > known) times.push(parts.clock.now())
      known = parts.fetches.length
    }
    const waits = times.slice(1).map((time, index) => time - times[index]!)
    expect(waits[0]).toBeLessThanOrEqual(6_000)
    expect(waits[4]!).toBeGreaterThan(waits[0]! * 4)
    expect(Math.max(...waits)).toBeLessThanOrEqual(601_000)
    parts.git.away.delete(URL)
    await parts.clock.advance(601_000)
    const recovered = parts.fetches.length
    await parts.clock.advance(1_800_000)
    expect(parts.fetches.length - recovered).toBeGreaterThanOrEqual(8)
  })

  it('does not ask again while a fetch runs', async () => {
    const parts = setUp()
    parts.git.commit(URL, { a: '1' })
    const release = parts.hold()
    poll(parts)
    await parts.clock.advance(3_600_000)
    expect(parts.fetches).toHaveLength(1)
    release()
    await parts.clock.advance(0)
  })
})
