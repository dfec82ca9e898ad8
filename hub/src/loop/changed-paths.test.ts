import type { GitRepository, TreeEntry } from '@flotilla/core/ports/git'
import { describe, expect, it } from 'vitest'
import { changedPaths } from './changed-paths.ts'

type Folder = { readonly [name: string]: string | Folder }

/** Trees by content, as Git has them: equal folders have equal ids. */
function repository() {
  const trees = new Map<string, TreeEntry[]>()
  let reads = 0
  const add = (folder: Folder): string => {
    const entries = Object.entries(folder).map(
      ([name, value]): TreeEntry =>
        typeof value === 'string'
          ? { name, type: 'file', id: `blob:${value}` }
          : { name, type: 'directory', id: add(value) },
    )
    const id = `tree:${JSON.stringify(entries)}`
    trees.set(id, entries)
    return id
  }
  const port = {
    readTree: async (id: string) => {
      reads++
      return trees.get(id)!
    },
  } as unknown as GitRepository
  return { add, port, reads: () => reads }
}

describe('changedPaths', () => {
  const cases: readonly [sentence: string, before: Folder, after: Folder, expected: readonly string[]][] = [
    ['nothing', { a: '1' }, { a: '1' }, []],
    ['a changed file', { a: { b: '1', c: '1' } }, { a: { b: '2', c: '1' } }, ['file a/b']],
    ['a new folder is named once', { a: '1' }, { a: '1', n: { x: '1', y: '2' } }, ['directory n']],
    ['a folder that went', { n: { x: '1' } }, {}, ['directory n']],
    ['a file that turned into a folder', { n: '1' }, { n: { x: '1' } }, ['directory n']],
    ['a moved folder is gone and new', { a: { x: '1' } }, { b: { x: '1' } }, ['directory a', 'directory b']],
  ]
  it.each(cases)('%s', async (_sentence, before, after, expected) => {
    const { add, port } = repository()
    const changes = await changedPaths(port, add(before), add(after))
    expect(changes.map(change => `${change.kind} ${change.path}`)).toEqual(expected)
  })

  it('reads only the trees on the way to the change', async () => {
    const { add, port, reads } = repository()
    const wide = Object.fromEntries(
      Array.from({ length: 500 }, (_, index) => [`app-${index}`, { file: String(index) }]),
    )
    await changedPaths(port, add({ apps: wide }), add({ apps: { ...wide, 'app-7': { file: 'changed' } } }))
    expect(reads()).toBe(6)
  })

  it('says that everything changed when there was nothing before', async () => {
    const { add, port } = repository()
    expect(await changedPaths(port, undefined, add({ a: '1' }))).toEqual([{ path: '', kind: 'directory' }])
  })
})
