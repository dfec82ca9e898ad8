import { execFileSync } from 'node:child_process'
import { chmodSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { openAtRevision } from './commit-repository.ts'
import { DirectoryRepository } from './directory-repository.ts'
import { findOwnRepository } from './own-repository.ts'
import { Repositories } from './repositories.ts'

let directory: string

function git(...words: string[]): string {
  const identity = ['-c', 'user.name=t', '-c', 'user.email=t@example.com', '-c', 'init.defaultBranch=main']
  return execFileSync('git', ['-C', directory, ...identity, ...words], { encoding: 'utf8' }).trim()
}

function put(path: string, text: string): void {
  mkdirSync(join(directory, path, '..'), { recursive: true })
  writeFileSync(join(directory, path), text)
}

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'flotilla-cli-'))
})
afterEach(() => rmSync(directory, { recursive: true, force: true }))

function putSample(): void {
  put('a.yaml', 'a: 1\n')
  put('a/b/c.yaml', 'b: 2\n')
  put('a-b.txt', 'sorts between a.yaml and a/')
  put('run.sh', '#!/bin/sh\n')
  chmodSync(join(directory, 'run.sh'), 0o755)
  symlinkSync('a/b/c.yaml', join(directory, 'link'))
  put('ünïcode/ü.yaml', 'x\n')
}

describe('a folder as a commit', () => {
  test('has the ids that Git gives it', async () => {
    putSample()
    const plain = await DirectoryRepository.open(directory)
    const { tree } = await plain.readCommit(await plain.resolve())
    git('init', '-q')
    git('add', '-A')
    expect(tree).toBe(git('write-tree'))
    const inGit = await DirectoryRepository.open(directory)
    expect((await inGit.readCommit(await inGit.resolve())).tree).toBe(tree)
  })

  test('leaves out what Git ignores, and the .git folder', async () => {
    putSample()
    put('secret/key', 'x')
    put('.gitignore', 'secret/\n')
    git('init', '-q')
    const repository = await DirectoryRepository.open(directory)
    const { tree } = await repository.readCommit(await repository.resolve())
    expect((await repository.readTree(tree)).map(entry => entry.name)).toEqual([
      '.gitignore',
      'a-b.txt',
      'a.yaml',
      'a',
      'link',
      'run.sh',
      'ünïcode',
    ])
  })

  test('a folder whose files are gone, though Git still has them in its index, is gone', async () => {
    put('gone/deep/a.yaml', 'a: 1\n')
    put('stays/a.yaml', 'a: 1\n')
    git('init', '-q')
    git('add', '-A')
    rmSync(join(directory, 'gone'), { recursive: true })
    const repository = await DirectoryRepository.open(directory)
    const entries = await repository.readTree((await repository.readCommit(await repository.resolve())).tree)
    expect(entries.map(({ name }) => name)).toEqual(['stays'])
  })

  test('a file that changes after it was listed is an error, not other content under an old id', async () => {
    put('a.yaml', 'a: 1\n')
    const repository = await DirectoryRepository.open(directory)
    const { tree } = await repository.readCommit(await repository.resolve())
    const [entry] = await repository.readTree(tree)
    put('a.yaml', 'a: 2\n')
    await expect(repository.readBlob(entry!.id, 100)).rejects.toThrow('changed while it was read')
    put('a.yaml', 'a: 1\n'.repeat(100))
    await expect(repository.readBlob(entry!.id, 100)).rejects.toMatchObject({ code: 'OBJECT_TOO_LARGE' })
  })
})

describe('the repository that a folder lies in', () => {
  test('is found from below, with its origin', () => {
    put('fleet/a.yaml', '')
    git('init', '-q')
    expect(findOwnRepository(join(directory, 'fleet'))).toMatchObject({ prefix: 'fleet' })
    git('remote', 'add', 'other', 'https://git.example.com/other.git')
    git('remote', 'add', 'origin', 'https://git.example.com/fleet.git')
    expect(findOwnRepository(join(directory, 'fleet'))?.origin).toBe('https://git.example.com/fleet.git')
    const repositories = new Repositories({ cwd: directory, path: 'fleet', mappings: [] })
    expect(repositories.directoryOf('https://git.example.com/fleet')).toBe(directory)
    expect(repositories.directoryOf('git@git.example.com:fleet.git')).toBeUndefined()
  })

  test('is found from a worktree', () => {
    put('a.yaml', '')
    git('init', '-q')
    git('remote', 'add', 'origin', 'https://git.example.com/fleet.git')
    git('add', '-A')
    git('commit', '-qm', 'x')
    git('worktree', 'add', '-q', 'wt', '-b', 'b')
    expect(findOwnRepository(join(directory, 'wt'))).toMatchObject({
      top: join(directory, 'wt'),
      origin: 'https://git.example.com/fleet.git',
    })
  })

  test('is read at a revision, from the folder that was asked for', async () => {
    put('fleet/a.yaml', 'old\n')
    git('init', '-q')
    git('add', '-A')
    git('commit', '-qm', 'x')
    put('fleet/a.yaml', 'new\n')
    const { repository, commit } = await openAtRevision(join(directory, 'fleet'), 'main')
    const [entry] = await repository.readTree((await repository.readCommit(commit)).tree)
    expect(entry?.name).toBe('a.yaml')
    expect(Buffer.from(await repository.readBlob(entry!.id, 100)).toString()).toBe('old\n')
    await repository.close()
    await expect(openAtRevision(directory, 'nowhere')).rejects.toThrow('has no revision "nowhere"')
  })
})

test('a mapping that cannot mean anything is wrong usage', () => {
  const make =
    (...mappings: string[]) =>
    () =>
      new Repositories({ cwd: directory, path: '.', mappings })
  expect(make('https://x')).toThrow('is not URL=DIR')
  expect(make('https://x=nowhere')).toThrow('there is no folder')
  expect(make('https://x/a.git=.', 'https://X/a=.')).toThrow('twice')
  expect(make('https://x/?a=b=.')().directoryOf('https://x/?a=b')).toBe(directory)
})
