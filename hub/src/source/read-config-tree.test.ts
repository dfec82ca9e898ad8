import { load } from '@flotilla/config/load'
import { describe, expect, it } from 'vitest'
import type { MemoryFile } from './git/memory-backend.ts'
import { ConfigTrees } from './read-config-tree.ts'
import { openMemoryRepository } from './testing/memory-repository.ts'

const project = (name: string) =>
  `apiVersion: flotilla.dev/v1alpha1\nkind: Project\nmetadata: {name: ${name}}\nspec: {}\n`

async function setUp() {
  const { repository, commit } = await openMemoryRepository()
  const trees = new ConfigTrees()
  const read = async (files: Readonly<Record<string, MemoryFile>>, path = 'fleet', narrower: readonly string[] = []) =>
    trees.read(repository, await commit(files), path, narrower)
  return { repository, read }
}

describe('a config source', () => {
  it('is its YAML and JSON files, sorted, less hidden ones and those of narrower sources', async () => {
    const { read } = await setUp()
    const files = {
      'fleet/b.yaml': 'b',
      'fleet/a.yml': 'a',
      'fleet/deep/er/c.json': 'c',
      'fleet/.github/d.yaml': 'd',
      'fleet/kustomization.yaml': 'k',
      'fleet/notes.txt': 'n',
      'fleet/teams/web/e.yaml': 'e',
      'fleet/teams-all/f.yaml': 'f',
      'other/g.yaml': 'g',
    }
    const result = await read(files, './fleet/', ['fleet/teams'])
    expect(result.kind === 'read' && result.files).toEqual([
      { path: 'fleet/a.yml', text: 'a' },
      { path: 'fleet/b.yaml', text: 'b' },
      { path: 'fleet/deep/er/c.json', text: 'c' },
      { path: 'fleet/teams-all/f.yaml', text: 'f' },
    ])
  })

  it('reads links inside the repository, and reports those that lead elsewhere', async () => {
    const { read } = await setUp()
    const result = await read({
      'fleet/a.yaml': { symlink: '../shared/a.yaml' },
      'fleet/b.yaml': { symlink: '../../b.yaml' },
      'shared/a.yaml': 'shared',
    })
    expect(result).toMatchObject({
      files: [
        { path: 'fleet/a.yaml', text: 'shared' },
        {
          path: 'fleet/b.yaml',
          unreadable: {
            code: 'FILE_UNREADABLE',
            message: 'it is a symbolic link, and "fleet/b.yaml" leaves the repository',
            hint: 'put the file itself there',
          },
        },
      ],
    })
  })

  it('reads after a commit only the file that it changed', async () => {
    const { repository, read } = await setUp()
    const files = Object.fromEntries(Array.from({ length: 50 }, (_, index) => [`fleet/${index}.yaml`, `${index}`]))
    await read(files)
    const before = repository.counters.blobsRead
    await read({ ...files, 'fleet/7.yaml': 'changed' })
    expect(repository.counters.blobsRead - before).toBe(1)
  })

  it('keeps what a file declared when the file becomes too large or no text', async () => {
    const { read } = await setUp()
    const settings = { source: 'fleet', trust: { kind: 'all' } } as const
    const good = await read({ 'fleet/p.yaml': project('web') })
    if (good.kind !== 'read') throw new Error(good.message)
    const first = load({ ...settings, files: good.files })
    expect(first.fleet.projects.map(declared => declared.name)).toEqual(['web'])
    for (const broken of ['#'.repeat(3_000_000), new Uint8Array([0xff, 0xfe])]) {
      const bad = await read({ 'fleet/p.yaml': broken })
      if (bad.kind !== 'read') throw new Error(bad.message)
      const next = load({ ...settings, files: bad.files, lastGood: first.lastGood })
      expect(next.fleet.projects.map(declared => declared.name)).toEqual(['web'])
      expect(next.diagnostics.map(diagnostic => diagnostic.code)).toContain(
        typeof broken === 'string' ? 'FILE_TOO_LARGE' : 'FILE_UNREADABLE',
      )
    }
  })

  it('fails as a whole when its path is missing, a file, or outside', async () => {
    const { read } = await setUp()
    const files = { 'fleet/a.yaml': 'a' }
    for (const [path, message] of [
      ['flet', '"flet" is not in the repository'],
      ['fleet/a.yaml', '"fleet/a.yaml" is a file; a config source is a folder'],
      ['../fleet', '"../fleet" leaves the repository'],
    ] as const) {
      expect(await read(files, path)).toEqual({ kind: 'failed', code: 'PATH_MISSING', message })
    }
  })
})
