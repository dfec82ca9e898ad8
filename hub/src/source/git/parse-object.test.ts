import { describe, expect, it } from 'vitest'
import { MalformedObject, parseCommit, parseTag, parseTree } from './parse-object.ts'

const id = '1234567890123456789012345678901234567890'
const bytes = (text: string) => new TextEncoder().encode(text)
const entry = (mode: string, name: string) => Buffer.concat([Buffer.from(`${mode} ${name}\0`), Buffer.from(id, 'hex')])

describe('a tree', () => {
  it('gives its entries with their types, in its own order', () => {
    const tree = Buffer.concat([
      entry('100755', 'a'),
      entry('40000', 'b'),
      entry('120000', 'c d'),
      entry('160000', 'e'),
      entry('100664', 'f'),
    ])
    expect(parseTree(id, tree).map(({ name, type }) => [name, type])).toEqual([
      ['a', 'executable'],
      ['b', 'directory'],
      ['c d', 'symlink'],
      ['e', 'submodule'],
      ['f', 'file'],
    ])
    expect(parseTree(id, tree)[0]?.id).toBe(id)
    expect(parseTree(id, new Uint8Array())).toEqual([])
  })

  it('cut off anywhere is malformed', () => {
    const tree = Buffer.concat([entry('100644', 'a'), entry('100644', 'b')])
    for (let length = 1; length < tree.length; length++) {
      if (length === tree.length / 2) continue
      expect(() => parseTree(id, tree.subarray(0, length))).toThrow(MalformedObject)
    }
  })

  it('with a mode that Git does not have is malformed', () => {
    expect(() => parseTree(id, entry('100000', 'a'))).toThrow(MalformedObject)
  })
})

describe('a commit', () => {
  const text = [
    `tree ${'a'.repeat(40)}`,
    `parent ${'b'.repeat(40)}`,
    `parent ${'c'.repeat(40)}`,
    'author Ann <ann@example.com> 1760000000 +0200',
    'committer Bob <bob@example.com> 1760000001 -0130',
    'gpgsig -----BEGIN PGP SIGNATURE-----',
    ' tree of nothing',
    ' -----END PGP SIGNATURE-----',
    '',
    'subject\n\nbody\n',
  ].join('\n')

  it('gives its tree, parents, author, time and message, and skips a signature', () => {
    expect(parseCommit(id, bytes(text))).toEqual({
      id,
      tree: 'a'.repeat(40),
      parents: ['b'.repeat(40), 'c'.repeat(40)],
      author: 'Ann <ann@example.com>',
      committedAt: 1_760_000_001_000,
      message: 'subject\n\nbody\n',
    })
  })

  it('without a tree is malformed', () => {
    expect(() => parseCommit(id, bytes('author x\n\n'))).toThrow(MalformedObject)
  })
})

describe('a tag', () => {
  it('gives what it points at', () => {
    expect(parseTag(id, bytes(`object ${'d'.repeat(40)}\ntype commit\ntag v1\n\nmessage`))).toBe('d'.repeat(40))
  })

  it('without an object is malformed', () => {
    expect(() => parseTag(id, bytes('tag v1\n\n'))).toThrow(MalformedObject)
  })
})
