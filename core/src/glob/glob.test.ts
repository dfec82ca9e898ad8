import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { compileGlob, GlobSyntaxError } from './glob.ts'

describe('compileGlob', () => {
  const cases: readonly [sentence: string, pattern: string, separator: string, text: string, matches: boolean][] = [
    ['a star stays in one segment', 'https://git/*', '/', 'https://git/a/b', false],
    ['two stars cross segments', 'https://git/**', '/', 'https://git/a/b', true],
    ['a star crosses everything where there is no separator', 'a*c', '', 'a/b/c', true],
    ['a star matches nothing as well', 'a*', '/', 'a', true],
    ['a question mark is one character', 'a?c', '/', 'abc', true],
    ['a question mark is no separator', 'a?c', '/', 'a/c', false],
    ['a class', 'a[b-d]e', '', 'ace', true],
    ['a negated class', 'a[!b-d]e', '', 'ace', false],
    ['alternatives', '{eu,us}-1', '', 'us-1', true],
    ['nested alternatives', 'a{b,c{d,e}}', '', 'ace', true],
    ['an escaped star is a star', 'a\\*', '', 'ab', false],
    ['an escaped star matches a star', 'a\\*', '', 'a*', true],
    ['a dot is a dot', 'a.c', '', 'abc', false],
    ['characters beyond the first plane are one character', 'a?c', '', 'a😀c', true],
  ]
  it.each(cases)('%s', (_sentence, pattern, separator, text, expected) => {
    expect(compileGlob(pattern, separator)(text)).toBe(expected)
  })

  it.each(['a[b', 'a{b', 'a\\', '[]'])('refuses %s', pattern => {
    expect(() => compileGlob(pattern, '')).toThrow(GlobSyntaxError)
  })

  it('refuses alternatives that explode', () => {
    expect(() => compileGlob('{a,b}'.repeat(12), '')).toThrow(/alternatives/)
  })

  it('matches its own text when nothing in it is special', () => {
    fc.assert(
      fc.property(fc.stringMatching(/^[a-z0-9/.-]*$/), text => compileGlob(text, '/')(text)),
      { numRuns: 200 },
    )
  })

  it('takes no time on patterns made to be slow', () => {
    expect(compileGlob('*a'.repeat(40), '')(`${'a'.repeat(2000)}b`)).toBe(false)
  })
})
