import { mkdir, mkdtemp, readdir, readFile, rename, rm, utimes, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { GitBackend, GitCredentials, GitError, GitRepository } from '@flotilla/core/ports/git'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { FixtureRepository } from './testing/fixture-repository.ts'

/** Serves the repositories of a folder in one way: in place, over HTTP, over SSH. */
export interface Transport {
  readonly name: string
  start(root: string): Promise<Served>
}

export interface Served {
  url(repository: string): string
  readonly credentials?: GitCredentials
  stop(): Promise<void>
}

export interface ConformanceOptions {
  readonly backend: GitBackend
  readonly transport: Transport
  /** Case → why it cannot apply. */
  readonly skips?: Readonly<Record<string, string>>
}

/** What every backend must do over every transport that it speaks. */
export function describeGitBackend({ backend, transport, skips = {} }: ConformanceOptions): void {
  describe(`${backend.name} over ${transport.name}`, () => {
    let fixture: FixtureRepository
    let served: Served
    let directory: string
    let repository: GitRepository
    const used = new Set<string>()

    const reopen = async () => {
      await repository?.close()
      repository = await backend.open(served.url('fleet.git'), directory, served.credentials)
      return repository
    }
    const test = (name: string, run: () => Promise<void>) => {
      used.add(name)
      const reason = skips[name]
      it.skipIf(reason !== undefined)(reason === undefined ? name : `${name} (skipped: ${reason})`, run)
    }
    const read = async (revision: string, path: string) => {
      const commit = await repository.resolve(revision)
      if (!commit) return undefined
      let id = (await repository.readCommit(commit)).tree
      for (const name of path.split('/')) {
        const entry = (await repository.readTree(id)).find(other => other.name === name)
        if (!entry) return undefined
        id = entry.id
      }
      return Buffer.from(await repository.readBlob(id, 1000)).toString()
    }

    beforeEach(async () => {
      fixture = await FixtureRepository.make()
      directory = await mkdtemp(join(tmpdir(), 'flotilla-mirror-'))
      served = await transport.start(fixture.root)
    })
    afterEach(async () => {
      await repository?.close()
      await served.stop()
      await fixture.remove()
      await rm(directory, { recursive: true, force: true })
    })

    test('reads commits, trees and blobs of what it fetched', async () => {
      const id = await fixture.commit({
        message: 'first\n\nwith a body\n',
        at: 1_760_000_123,
        files: {
          'apps/web/web.yaml': 'kind: Deployment\n',
          'apps/run.sh': { executable: '#!/bin/sh\n' },
          'apps/link': { symlink: 'web/web.yaml' },
          'apps.txt': 'sorts between apps and apps/\n',
          'größe.txt': 'UTF-8\n',
        },
      })
      await reopen()
      await repository.fetch()
      expect(await repository.resolve('main')).toBe(id)
      const commit = await repository.readCommit(id)
      expect(commit).toEqual({
        id,
        tree: await fixture.git('rev-parse', `${id}^{tree}`),
        parents: [],
        author: 'Ann Example <ann@example.com>',
        committedAt: 1_760_000_123_000,
        message: 'first\n\nwith a body\n',
      })
      const root = await repository.readTree(commit.tree)
      expect(root.map(entry => [entry.name, entry.type])).toEqual([
        ['apps.txt', 'file'],
        ['apps', 'directory'],
        ['größe.txt', 'file'],
      ])
      const apps = await repository.readTree(root[1]!.id)
      expect(apps.map(entry => [entry.name, entry.type])).toEqual([
        ['link', 'symlink'],
        ['run.sh', 'executable'],
        ['web', 'directory'],
      ])
      expect(await read('main', 'apps/link')).toBe('web/web.yaml')
      expect(await read('main', 'apps/web/web.yaml')).toBe('kind: Deployment\n')
    })

    test('resolves HEAD, branches, tags, annotated tags, full refs, whole and abbreviated commit ids', async () => {
      const first = await fixture.commit({ files: { a: '1' } })
      const second = await fixture.commit({ files: { a: '2' } })
      await fixture.commit({ branch: 'feature/x', from: first, files: { a: 'x' } })
      await fixture.git('tag', 'light', first)
      await fixture.git('tag', '-a', '-m', 'annotated', 'v1.0', first)
      await fixture.git('tag', '-a', '-m', 'a tag of a tag', 'v1', 'v1.0')
      await reopen()
      await repository.fetch()
      const feature = await fixture.tip('feature/x')
      for (const [revision, id] of [
        ['HEAD', second],
        ['main', second],
        ['refs/heads/main', second],
        ['feature/x', feature],
        ['light', first],
        ['v1.0', first],
        ['v1', first],
        ['refs/tags/v1.0', first],
        [first, first],
        [first.slice(0, 8), first],
        [first.slice(0, 7).toUpperCase(), first],
        ['nowhere', undefined],
        ['', undefined],
        ['main~1', undefined],
        ['--all', undefined],
        ['0000000', undefined],
        ['0123456789012345678901234567890123456789', undefined],
      ] as const) {
        expect([revision, await repository.resolve(revision)]).toEqual([revision, id])
      }
    })

    test('does not take an id of a tree or a blob for a revision', async () => {
      await fixture.commit({ files: { a: '1' } })
      await reopen()
      await repository.fetch()
      expect(await repository.resolve(await fixture.git('rev-parse', 'main^{tree}'))).toBeUndefined()
      expect(await repository.resolve(await fixture.git('rev-parse', 'main:a'))).toBeUndefined()
    })

    test('sees a new commit after the next fetch', async () => {
      await fixture.commit({ files: { a: '1' } })
      await reopen()
      await repository.fetch()
      expect(await read('main', 'a')).toBe('1')
      await fixture.commit({ files: { a: '2' } })
      await repository.fetch()
      expect(await read('main', 'a')).toBe('2')
    })

    test('follows a forced push, also of a tag', async () => {
      await fixture.commit({ files: { a: '1' } })
      await fixture.git('tag', 'moving')
      await reopen()
      await repository.fetch()
      const rewritten = await fixture.commit({ from: null, files: { b: 'other history' } })
      await fixture.git('tag', '--force', 'moving', rewritten)
      await repository.fetch()
      expect(await repository.resolve('main')).toBe(rewritten)
      expect(await repository.resolve('moving')).toBe(rewritten)
      expect(await read('main', 'b')).toBe('other history')
      expect(await read('main', 'a')).toBeUndefined()
    })

    test('forgets a deleted branch, and one whose name becomes a folder of branches', async () => {
      const id = await fixture.commit({ files: { a: '1' } })
      await fixture.git('branch', 'old', id)
      await fixture.git('branch', 'team', id)
      await reopen()
      await repository.fetch()
      expect(await repository.resolve('old')).toBe(id)
      await fixture.git('branch', '-D', 'old', 'team')
      await fixture.git('branch', 'team/one', id)
      await repository.fetch()
      expect(await repository.resolve('old')).toBeUndefined()
      expect(await repository.resolve('team')).toBeUndefined()
      expect(await repository.resolve('team/one')).toBe(id)
    })

    test('follows HEAD to another branch, and to a commit of no branch', async () => {
      const first = await fixture.commit({ files: { a: '1' } })
      const other = await fixture.commit({ branch: 'other', from: first, files: { a: '2' } })
      await reopen()
      await repository.fetch()
      expect(await repository.resolve('HEAD')).toBe(first)
      await fixture.git('symbolic-ref', 'HEAD', 'refs/heads/other')
      await repository.fetch()
      expect(await repository.resolve('HEAD')).toBe(other)
      const loose = await fixture.commit({ branch: 'gone', from: first, files: { a: '3' } })
      await fixture.git('update-ref', '--no-deref', 'HEAD', loose)
      await fixture.git('branch', '-D', 'gone')
      await repository.fetch()
      expect(await repository.resolve('HEAD')).toBe(loose)
      expect(await read('HEAD', 'a')).toBe('3')
    })

    test('an empty repository has no revisions, and fills later', async () => {
      await reopen()
      await repository.fetch()
      expect(await repository.resolve('HEAD')).toBeUndefined()
      expect(await repository.resolve('main')).toBeUndefined()
      const id = await fixture.commit({ files: { a: '1' } })
      await repository.fetch()
      expect(await repository.resolve('HEAD')).toBe(id)
    })

    test('a blob larger than the limit is refused, and the next read works', async () => {
      await fixture.commit({ files: { large: 'x'.repeat(200_000), small: 'y' } })
      await reopen()
      await repository.fetch()
      const id = await fixture.git('rev-parse', 'main:large')
      await expect(repository.readBlob(id, 199_999)).rejects.toMatchObject({ code: 'OBJECT_TOO_LARGE', retry: false })
      expect(await repository.readBlob(id, 200_000)).toHaveLength(200_000)
      expect(await read('main', 'small')).toBe('y')
    })

    test('an object that is not there, or of another type, is OBJECT_MISSING', async () => {
      await fixture.commit({ files: { a: '1' } })
      await reopen()
      await repository.fetch()
      const missing = '0123456789012345678901234567890123456789'
      await expect(repository.readBlob(missing, 10)).rejects.toMatchObject({ code: 'OBJECT_MISSING' })
      const tree = await fixture.git('rev-parse', 'main^{tree}')
      await expect(repository.readBlob(tree, 1000)).rejects.toMatchObject({ code: 'OBJECT_MISSING' })
      await expect(repository.readCommit(tree)).rejects.toMatchObject({ code: 'OBJECT_MISSING' })
    })

    test('many reads at once all get their own answers', async () => {
      const files = Object.fromEntries(Array.from({ length: 150 }, (_, index) => [`f${index}`, `text ${index}`]))
      await fixture.commit({ files })
      await reopen()
      await repository.fetch()
      const texts = await Promise.all(Object.keys(files).map(name => read('main', name)))
      expect(texts).toEqual(Object.values(files))
    })

    test('a repository that is not there is REPOSITORY_NOT_FOUND', async () => {
      repository = await backend.open(served.url('missing.git'), directory, served.credentials)
      await expect(repository.fetch()).rejects.toMatchObject({ code: 'REPOSITORY_NOT_FOUND', retry: false })
      expect(await repository.resolve('HEAD')).toBeUndefined()
    })

    test('a repository that vanishes keeps what was fetched, and is found again', async () => {
      await fixture.commit({ files: { a: '1' } })
      await reopen()
      await repository.fetch()
      const resolved = await repository.resolve('main')
      await rename(fixture.path, `${fixture.path}.away`)
      await expect(repository.fetch()).rejects.toMatchObject({ code: 'REPOSITORY_NOT_FOUND' })
      expect(await repository.resolve('main')).toBe(resolved)
      await rename(`${fixture.path}.away`, fixture.path)
      await fixture.commit({ files: { a: '2' } })
      await repository.fetch()
      expect(await read('main', 'a')).toBe('2')
    })

    test('what was fetched is there after a restart, without the server', async () => {
      await fixture.commit({ files: { a: '1' } })
      await reopen()
      await repository.fetch()
      const commit = await repository.resolve('main')
      await served.stop()
      await reopen()
      expect(await repository.resolve('main')).toBe(commit)
      expect(await read('main', 'a')).toBe('1')
      await expect(repository.fetch()).rejects.toMatchObject({ code: 'REPOSITORY_UNREACHABLE', retry: true })
      expect(await read('main', 'a')).toBe('1')
    })

    test('a mirror with damaged packs says so and is made anew by the next fetch', async () => {
      const files = Object.fromEntries(Array.from({ length: 120 }, (_, index) => [`f${index}`, `${index}`.repeat(100)]))
      await fixture.commit({ files })
      await reopen()
      await repository.fetch()
      await repository.close()
      for (const pack of await findPacks(directory)) {
        const bytes = await readFile(pack)
        bytes.fill(0xaa, 100, bytes.length - 40)
        await rm(pack, { force: true })
        await writeFile(pack, bytes)
      }
      await reopen()
      const error = await read('main', 'f7').then(
        () => undefined,
        (caught: GitError) => caught,
      )
      expect(error?.code).toMatch(/^(REPOSITORY_CORRUPT|OBJECT_MISSING)$/)
      expect(error?.retry).toBe(true)
      await repository.fetch()
      expect(await read('main', 'f7')).toBe('7'.repeat(100))
    })

    test('a fetch cut off by a crash is as if it had not been', async () => {
      const id = await fixture.commit({ files: { a: '1' } })
      await reopen()
      await repository.fetch()
      await repository.close()
      const [pack] = await findPacks(directory)
      const folder = pack!.replace(/[^/]*$/, '')
      await writeFile(join(folder, `pack-${'0'.repeat(40)}.pack`), 'torn')
      await writeFile(join(folder, `tmp_pack_x`), 'torn')
      await reopen()
      expect(await repository.resolve('main')).toBe(id)
      await fixture.commit({ files: { a: '2' } })
      await repository.fetch()
      expect(await read('main', 'a')).toBe('2')
    })

    test('locks that a killed process left do not stop the next fetch', async () => {
      await fixture.commit({ files: { a: '1' } })
      await reopen()
      await repository.fetch()
      const [pack] = await findPacks(directory)
      const folder = pack!.replace(/\/objects\/.*/, '')
      await mkdir(join(folder, 'refs/heads'), { recursive: true })
      for (const name of ['HEAD.lock', 'packed-refs.lock', 'refs/heads/main.lock']) {
        await writeFile(join(folder, name), '')
        await utimes(join(folder, name), 0, 0)
      }
      await reopen()
      await fixture.commit({ files: { a: '2' } })
      await repository.fetch()
      expect(await read('main', 'a')).toBe('2')
    })

    test('a fetch that is stopped ends soon and can be repeated', async () => {
      await fixture.commit({ files: { a: '1' } })
      await reopen()
      await expect(repository.fetch(AbortSignal.abort())).rejects.toBeDefined()
      await repository.fetch()
      expect(await read('main', 'a')).toBe('1')
    })

    test('fetches at the same time do not disturb one another', async () => {
      const id = await fixture.commit({ files: { a: '1' } })
      await reopen()
      await Promise.all([repository.fetch(), repository.fetch(), repository.fetch()])
      expect(await repository.resolve('main')).toBe(id)
      expect(await read('main', 'a')).toBe('1')
    })

    test('many fetches leave a mirror that still reads everything', async () => {
      await fixture.commit({ files: { base: 'b' } })
      await reopen()
      await repository.fetch()
      for (let round = 0; round < 6; round++) {
        await fixture.commit({ files: { [`f${round}`]: `${round}` } })
        await repository.fetch()
      }
      expect(await Promise.all(['base', 'f0', 'f5'].map(name => read('main', name)))).toEqual(['b', '0', '5'])
      await reopen()
      expect(await read('main', 'f5')).toBe('5')
    })

    it('every skip names a case', () => {
      for (const name of Object.keys(skips)) expect(used).toContain(name)
    })
  })
}

async function findPacks(directory: string): Promise<string[]> {
  const names = await readdir(directory, { recursive: true })
  return names.filter(name => name.endsWith('.pack')).map(name => join(directory, name))
}
