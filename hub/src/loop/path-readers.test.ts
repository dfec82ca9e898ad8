import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { PathReaders } from './path-readers.ts'

const at = (path: string) => [{ repository: 'r', revision: 'main', path }]

describe('PathReaders', () => {
  const cases: readonly [sentence: string, path: string, kind: 'file' | 'directory', expected: readonly string[]][] = [
    ['a file concerns the folder it is in', 'apps/web/prod/cm.yaml', 'file', ['root', 'apps', 'web-prod']],
    ['a file concerns no sibling folder', 'apps/web/dev/cm.yaml', 'file', ['root', 'apps']],
    [
      'a folder that came or went concerns those that read inside it',
      'apps/web',
      'directory',
      ['root', 'apps', 'web-prod'],
    ],
    ['a name that only begins alike is another folder', 'apps/web-2/cm.yaml', 'file', ['root', 'apps']],
    ['a file with the name of a folder that is read', 'apps/web/prod', 'file', ['root', 'apps', 'web-prod']],
    ['the root itself concerns everyone', '', 'directory', ['root', 'apps', 'web-prod']],
    ['elsewhere', 'docs/a.md', 'file', ['root']],
  ]
  it.each(cases)('%s', (_sentence, path, kind, expected) => {
    const readers = new PathReaders()
    readers.set('root', at(''))
    readers.set('apps', at('apps/'))
    readers.set('web-prod', at('./apps/web/prod'))
    expect([...readers.affected('r', 'main', [{ path, kind }])].sort()).toEqual([...expected].sort())
  })

  it('keeps revisions and repositories apart', () => {
    const readers = new PathReaders()
    readers.set('a', [
      { repository: 'r', revision: 'dev', path: '' },
      { repository: 's', revision: 'main', path: '' },
    ])
    expect(readers.affected('r', 'main', [{ path: 'x', kind: 'file' }]).size).toBe(0)
    expect(readers.revisionsOf('r')).toEqual(['dev'])
    expect(readers.repositories()).toEqual(['r', 's'])
  })

  it('forgets a reader wholly', () => {
    fc.assert(
      fc.property(fc.array(fc.tuple(fc.nat(5), fc.stringMatching(/^([ab]\/?){0,4}$/)), { maxLength: 30 }), steps => {
        const readers = new PathReaders()
        for (const [reader, path] of steps) readers.set(`k${reader}`, at(path))
        for (let reader = 0; reader <= 5; reader++) readers.remove(`k${reader}`)
        return readers.repositories().length === 0 && [...readers.all('r', 'main')].length === 0
      }),
    )
  })

  it('finds what a plain comparison of prefixes finds', () => {
    const path = fc.array(fc.constantFrom('a', 'b', 'c'), { maxLength: 4 }).map(parts => parts.join('/'))
    fc.assert(
      fc.property(
        fc.array(path, { maxLength: 12 }),
        path,
        fc.constantFrom('file', 'directory'),
        (reads, changed, kind) => {
          const readers = new PathReaders()
          reads.forEach((read, index) => {
            readers.set(String(index), at(read))
          })
          const isBelow = (inner: string, outer: string) =>
            outer === '' || inner === outer || inner.startsWith(`${outer}/`)
          const expected = reads.flatMap((read, index) =>
            isBelow(changed, read) || (kind === 'directory' && isBelow(read, changed)) ? [String(index)] : [],
          )
          expect([...readers.affected('r', 'main', [{ path: changed, kind }])].sort()).toEqual(expected.sort())
        },
      ),
    )
  })
})
