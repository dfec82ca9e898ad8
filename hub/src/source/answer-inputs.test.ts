import type { GitRepository } from '@flotilla/core/ports/git'
import type { GitFilesRequest, GitRequest, PathRule } from '@flotilla/generators/inputs'
import { describe, expect, it } from 'vitest'
import { InputAnswers } from './answer-inputs.ts'
import type { MemoryFile } from './git/memory-backend.ts'
import { openMemoryRepository } from './testing/memory-repository.ts'

const rule = (path: string, exclude = false): PathRule => ({ path, exclude })
const directories = (...rules: PathRule[]): GitRequest => ({
  kind: 'git-directories',
  repoURL: 'memory',
  revision: 'main',
  rules,
})
const files = (dialect: GitFilesRequest['dialect'], ...rules: PathRule[]): GitRequest => ({
  kind: 'git-files',
  repoURL: 'memory',
  revision: 'main',
  rules,
  dialect,
})

async function setUp(
  content: Readonly<Record<string, MemoryFile>>,
  limits?: ConstructorParameters<typeof InputAnswers>[1],
) {
  const { repository, commit } = await openMemoryRepository()
  const id = await commit(content)
  const failure = { code: 'REPOSITORY_UNREACHABLE', message: 'away', since: 0, retry: true }
  const mirrors = {
    open: async (url: string) => (url === 'memory' ? repository : undefined),
    failure: (url: string) => (url === 'away' ? failure : undefined),
  }
  return { repository, commit, id, answers: new InputAnswers(mirrors, limits) }
}

describe('directories', () => {
  const content = {
    'apps/web/a.yaml': '1',
    'apps/api/a.yaml': '1',
    'apps/api/deep/a.yaml': '1',
    'apps/.hidden/a.yaml': '1',
    'apps-old/web/a.yaml': '1',
    'README.md': '1',
  }
  const cases: Record<string, { readonly rules: readonly PathRule[]; readonly found: readonly string[] }> = {
    'one level, in byte order': { rules: [rule('apps/*')], found: ['apps/api', 'apps/web'] },
    'top level, a folder before what sorts after it': { rules: [rule('*')], found: ['apps', 'apps-old'] },
    'depth first': {
      rules: [rule('*'), rule('*/*')],
      found: ['apps', 'apps/api', 'apps/web', 'apps-old', 'apps-old/web'],
    },
    'without the excluded': { rules: [rule('apps/*'), rule('apps/api', true)], found: ['apps/web'] },
    'none where only files match': { rules: [rule('README.md')], found: [] },
    'none for an exclude alone': { rules: [rule('apps/*', true)], found: [] },
  }
  for (const [name, { rules, found }] of Object.entries(cases)) {
    it(name, async () => {
      const { answers, id } = await setUp(content)
      const answer = await answers.answer(directories(...rules))
      expect(answer).toEqual({ kind: 'git-directories', commit: id, directories: found })
    })
  }
})

describe('files', () => {
  it('come sorted by path, with their text', async () => {
    const { answers, id } = await setUp({ 'b/c.json': '{"n": 2}', 'a/c.json': '{"n": 1}', 'a/d.txt': 'no' })
    expect(await answers.answer(files('doublestar', rule('*/c.json')))).toEqual({
      kind: 'git-files',
      commit: id,
      files: [
        { path: 'a/c.json', text: '{"n": 1}' },
        { path: 'b/c.json', text: '{"n": 2}' },
      ],
    })
  })

  it('links are read through inside the repository', async () => {
    const { answers } = await setUp({ 'a/c.json': { symlink: '../shared.json' }, 'shared.json': '{}' })
    expect(await answers.answer(files('pathspec', rule('a/*')))).toMatchObject({
      files: [{ path: 'a/c.json', text: '{}' }],
    })
  })

  it('links out of the repository are left out with doublestar, and fail a pathspec', async () => {
    const { answers } = await setUp({ 'a/bad.json': { symlink: '/etc/passwd' }, 'a/good.json': '{}' })
    expect(await answers.answer(files('doublestar', rule('a/*')))).toMatchObject({ files: [{ path: 'a/good.json' }] })
    expect(await answers.answer(files('pathspec', rule('a/*')))).toMatchObject({
      kind: 'failed',
      code: 'FILE_UNREADABLE',
      message: 'memory: it is a symbolic link, and "a/bad.json" links to "/etc/passwd", outside the repository',
      retry: false,
    })
  })
})

describe('the answer is a failure', () => {
  const cases: Record<
    string,
    { readonly request: GitRequest; readonly is: object; readonly content?: Record<string, MemoryFile> }
  > = {
    'when the repository is away': {
      request: { ...directories(rule('*')), repoURL: 'away' },
      is: { code: 'REPOSITORY_UNREACHABLE', message: 'away', retry: true },
    },
    'when it was never fetched': {
      request: { ...directories(rule('*')), repoURL: 'new' },
      is: { code: 'REPOSITORY_UNREACHABLE', retry: true },
    },
    'when the revision is missing': {
      request: { ...directories(rule('*')), revision: 'gone' },
      is: { code: 'REVISION_MISSING', message: 'memory has no revision "gone"', retry: false },
    },
    'when a file is too large': {
      request: files('doublestar', rule('big.json')),
      content: { 'big.json': 'x'.repeat(200) },
      is: { code: 'FILE_TOO_LARGE', message: 'memory: "big.json" has more than 100 bytes' },
    },
    'when a file is not text': {
      request: files('doublestar', rule('a.json')),
      content: { 'a.json': new Uint8Array([0xff]) },
      is: { code: 'FILE_UNREADABLE', message: 'memory: "a.json" is not UTF-8 text' },
    },
    'when too many match': {
      request: files('doublestar', rule('*')),
      content: { a: '', b: '', c: '', d: '' },
      is: { code: 'TOO_MANY_FILES', message: 'memory: more than 3 files match' },
    },
    'when the files are too large together': {
      request: files('doublestar', rule('*')),
      content: { a: 'x'.repeat(90), b: 'x'.repeat(90) },
      is: { code: 'TOO_MANY_FILES' },
    },
    'when folders nest without end': {
      request: files('doublestar', rule('**')),
      content: { [`${'d/'.repeat(20)}f`]: '' },
      is: { code: 'TOO_MANY_FILES', message: 'memory: folders nest deeper than 10 levels' },
    },
  }
  for (const [name, { request, is, content = { a: '' } }] of Object.entries(cases)) {
    it(name, async () => {
      const limits = { maxFileBytes: 100, maxMatches: 3, maxTotalCharacters: 150, maxDepth: 10 }
      const { answers } = await setUp(content, limits)
      expect(await answers.answer(request)).toMatchObject({ kind: 'failed', ...is })
    })
  }
})

describe('the cost', () => {
  it('of an answer after a commit is the folders on its way, and the files it changed', async () => {
    const content = Object.fromEntries(
      Array.from({ length: 200 }, (_, index) => [`apps/app-${index}/config.json`, `${index}`]),
    )
    const { repository, commit, answers } = await setUp(content)
    const request = files('doublestar', rule('apps/*/config.json'))
    await answers.answer(request)
    const before = { ...repository.counters }
    await commit({ ...content, 'apps/app-7/config.json': 'changed' })
    const answer = await answers.answer(request)
    expect(answer.kind === 'git-files' && answer.files.find(file => file.path === 'apps/app-7/config.json')?.text).toBe(
      'changed',
    )
    expect(repository.counters.treesRead - before.treesRead).toBe(3)
    expect(repository.counters.blobsRead - before.blobsRead).toBe(1)
  })

  it('of folders that a commit did not touch is not even a question', async () => {
    const { repository, commit } = await openMemoryRepository()
    let asked = 0
    const watched: GitRepository = {
      fetch: signal => repository.fetch(signal),
      resolve: revision => repository.resolve(revision),
      readCommit: id => repository.readCommit(id),
      readTree: id => {
        asked++
        return repository.readTree(id)
      },
      readBlob: (id, maxBytes) => repository.readBlob(id, maxBytes),
      close: () => repository.close(),
    }
    const answers = new InputAnswers({ open: async () => watched, failure: () => undefined })
    const content = Object.fromEntries(Array.from({ length: 50 }, (_, index) => [`apps/app-${index}/x`, `${index}`]))
    await commit(content)
    await answers.answer(files('doublestar', rule('apps/*/x')))
    asked = 0
    await commit({ ...content, 'apps/app-7/x': 'changed' })
    await answers.answer(files('doublestar', rule('apps/*/x')))
    expect(asked).toBe(3)
  })

  it('of the same answer again is nothing', async () => {
    const { repository, answers } = await setUp({ 'a/x': '1', 'b/x': '2' })
    await answers.answer(directories(rule('*')))
    const before = { ...repository.counters }
    await answers.answer(directories(rule('*')))
    expect(repository.counters).toEqual(before)
  })

  it('of a list in which nothing came or went is not even its length', async () => {
    const content = { 'apps/a/x': '1', 'apps/b/x': '1', 'lib/x': '1' }
    const { commit, answers } = await setUp(content)
    const listed = async () => {
      const answer = await answers.answer(directories(rule('*/*')))
      return answer.kind === 'git-directories' ? answer.directories : undefined
    }
    const first = await listed()
    await commit({ ...content, 'apps/b/x': '2' })
    expect(await listed()).toBe(first)
    await commit({ ...content, 'lib/c/x': '1' })
    expect(await listed()).toEqual(['apps/a', 'apps/b', 'lib/c'])
    await commit(content)
    expect(await listed()).toEqual(first)
  })

  it('of folders that no rule can match is nothing', async () => {
    const { repository, answers } = await setUp({ 'apps/a/x': '1', 'vendor/big/tree/y': '2' })
    await answers.answer(directories(rule('apps/*')))
    expect(repository.counters.treesRead).toBe(2)
  })
})
