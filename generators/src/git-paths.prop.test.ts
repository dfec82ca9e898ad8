import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { directoryMatcher, fileMatcher, type PathMatcher } from './git-paths.ts'
import type { PathRule } from './inputs.ts'

const piece = fc.constantFrom(
  'a',
  'b',
  '.yaml',
  '/',
  '/',
  '*',
  '**',
  '?',
  '[ab]',
  '[!a]',
  '[^b]',
  '{a,b/c}',
  '\\a',
  ':(glob)',
)
const pattern = fc.array(piece, { minLength: 1, maxLength: 7 }).map(pieces => pieces.join(''))
const rules: fc.Arbitrary<PathRule[]> = fc.array(fc.record({ path: pattern, exclude: fc.boolean() }), { maxLength: 4 })
const path = fc.array(fc.constantFrom('a', 'b', 'c', 'ab', 'a.yaml', '.a'), { minLength: 1, maxLength: 5 })

const MATCHERS: { readonly [name: string]: (rules: readonly PathRule[]) => PathMatcher } = {
  directories: directoryMatcher,
  pathspec: list => fileMatcher(list, 'pathspec'),
  doublestar: list => fileMatcher(list, 'doublestar'),
}

for (const [name, matcherOf] of Object.entries(MATCHERS)) {
  describe(`laws of ${name}`, () => {
    test('every tree on the way to a match is read', () => {
      fc.assert(
        fc.property(rules, path, (list, parts) => {
          const matcher = matcherOf(list)
          fc.pre(matcher.matches(parts.join('/')))
          const ancestors = parts.map((_, index) => parts.slice(0, index).join('/'))
          expect(ancestors.filter(directory => !matcher.mayContain(directory))).toEqual([])
        }),
        { numRuns: 400 },
      )
    })
    test('the order of the rules never matters', () => {
      fc.assert(
        fc.property(rules, path, (list, parts) => {
          const reversed = matcherOf(list.toReversed())
          expect(reversed.matches(parts.join('/'))).toBe(matcherOf(list).matches(parts.join('/')))
        }),
      )
    })
    test('an exclude rule never adds a path', () => {
      fc.assert(
        fc.property(rules, pattern, path, (list, excluded, parts) => {
          const more = matcherOf([...list, { path: excluded, exclude: true }])
          if (more.matches(parts.join('/'))) expect(matcherOf(list).matches(parts.join('/'))).toBe(true)
        }),
      )
    })
    test('a path without special characters matches itself', () => {
      fc.assert(
        fc.property(path, parts => {
          const plain = parts.map(part => part.replaceAll('.', 'x')).join('/')
          expect(matcherOf([{ path: plain, exclude: false }]).matches(plain)).toBe(true)
        }),
      )
    })
  })
}
