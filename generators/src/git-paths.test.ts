import { describe, expect, test } from 'vitest'
import { directoryMatcher, fileMatcher, malformedRules } from './git-paths.ts'
import type { PathRule } from './inputs.ts'

const take = (path: string): PathRule => ({ path, exclude: false })
const leave = (path: string): PathRule => ({ path, exclude: true })

describe('directoryMatcher', () => {
  const tree = ['apps', 'apps/a', 'apps/a/b', 'apps/a/b/c', 'apps/.git', 'apps/.git/x', 'lib', 'lib/a', '.hidden', 'A']
  const table: { [sentence: string]: [readonly PathRule[], readonly string[]] } = {
    'one star is one level': [[take('apps/*')], ['apps/a']],
    'two stars are one star: there is no doublestar': [[take('apps/**')], ['apps/a']],
    'deeper levels have a star each': [[take('apps/*/*')], ['apps/a/b']],
    'a star alone is the top level': [[take('*')], ['apps', 'lib', 'A']],
    'without wildcards it is that directory alone': [[take('apps/a')], ['apps/a']],
    'a question mark is one character and no slash': [[take('app?')], ['apps']],
    'letters have a case': [[take('a')], []],
    'classes and ranges': [[take('[a-m]*')], ['apps', 'lib']],
    'negated classes': [[take('[^a]*')], ['lib', 'A']],
    'what an exclude rule takes is left out, wherever it stands': [[leave('*/a'), take('*/*')], []],
    'to exclude a directory does not exclude what is in it': [[take('*/*/*'), leave('apps/a')], ['apps/a/b']],
    'exclude rules alone give nothing': [[leave('apps')], []],
    'a malformed pattern is left out': [[take('[a'), take('lib')], ['lib']],
    'a malformed exclude pattern too': [[take('lib'), leave('[]a]')], ['lib']],
    'a backslash takes the next character as it is': [[take('\\A')], ['A']],
  }
  for (const [sentence, [rules, expected]] of Object.entries(table)) {
    test(sentence, () => expect(tree.filter(directoryMatcher(rules).matches)).toEqual(expected))
  }
  test('the root and hidden directories never match, and no tree is read for them', () => {
    const matcher = directoryMatcher([take('*'), take('*/*'), take('.hidden')])
    expect(['', '.hidden', 'apps/.git'].filter(matcher.matches)).toEqual([])
    expect(matcher.mayContain('apps/.git')).toBe(false)
  })
  test('only trees that can hold a match are read', () => {
    const matcher = directoryMatcher([take('apps/*'), take('lib/*/x')])
    expect(['', 'apps', 'apps/a', 'lib', 'lib/a', 'lib/a/x', 'docs'].filter(matcher.mayContain)).toEqual([
      '',
      'apps',
      'lib',
      'lib/a',
    ])
  })
})

const FILES = [
  'a.yaml',
  'apps/a.yaml',
  'apps/b/a.yaml',
  'apps/b/c/config.json',
  'apps/x/config.json',
  'apps/.h/x',
  'App/c-1.json',
]

describe('fileMatcher, git pathspec', () => {
  // Each row is what `git ls-files -- PATTERN` prints in a repository with these files.
  const table: { [sentence: string]: [string, readonly string[]] } = {
    'a star crosses slashes': ['apps/*.yaml', ['apps/a.yaml', 'apps/b/a.yaml']],
    'so does a question mark': ['apps?a.yaml', ['apps/a.yaml']],
    'two stars are one': ['**/config.json', ['apps/b/c/config.json', 'apps/x/config.json']],
    'the name of a directory takes everything under it': ['apps/b', ['apps/b/a.yaml', 'apps/b/c/config.json']],
    'with a slash too': ['apps/b/', ['apps/b/a.yaml', 'apps/b/c/config.json']],
    'but not a part of a name': ['app', []],
    'a dot and repeated slashes mean nothing': ['./apps//a.yaml', ['apps/a.yaml']],
    'a class may be negated with an exclamation mark': [
      'apps/[!b]*',
      ['apps/a.yaml', 'apps/x/config.json', 'apps/.h/x'],
    ],
    'a class may name a set': ['[[:upper:]]*', ['App/c-1.json']],
    'glob magic keeps stars within a segment': [':(glob)apps/*.yaml', ['apps/a.yaml']],
    'glob magic gives two stars their meaning': [':(glob)**/a.yaml', ['a.yaml', 'apps/a.yaml', 'apps/b/a.yaml']],
    'glob magic with closing stars takes what is inside': [
      ':(glob)apps/b/**',
      ['apps/b/a.yaml', 'apps/b/c/config.json'],
    ],
    'icase magic ignores the case': [':(icase)APP/*', ['App/c-1.json']],
    'literal magic has no wildcards': [':(literal)apps/*', []],
    'exclude magic takes the others': [':!apps', ['a.yaml', 'App/c-1.json']],
    'top magic is where we are': [':/a.yaml', ['a.yaml']],
    'an unfinished class matches nothing': ['apps/[b', []],
  }
  for (const [sentence, [pattern, expected]] of Object.entries(table)) {
    test(`${sentence}: ${pattern}`, () => {
      expect(FILES.filter(fileMatcher([take(pattern)], 'pathspec').matches)).toEqual(expected)
    })
  }
  test('a question mark is one byte, as for Git', () => {
    const matches = (pattern: string) => fileMatcher([take(pattern)], 'pathspec').matches('é')
    expect([matches('?'), matches('??')]).toEqual([false, true])
  })
  test('trees outside the fixed part of a pattern are not read', () => {
    const matcher = fileMatcher([take('apps/b*/x.yaml')], 'pathspec')
    expect(['', 'apps', 'apps/b', 'apps/b/c', 'apps/x', 'lib'].filter(matcher.mayContain)).toEqual([
      '',
      'apps',
      'apps/b',
      'apps/b/c',
    ])
  })
  test('patterns that Git refuses are named', () => {
    const rules = ['', '../x', '/x', ':(what)x', ':(attr:a)x', ':(glob', 'x'].map(take)
    expect(malformedRules(rules, 'pathspec')).toEqual([0, 1, 2, 3, 4, 5])
  })
})

describe('fileMatcher, doublestar', () => {
  const table: { [sentence: string]: [string, readonly string[]] } = {
    'a star stays in its segment': ['apps/*.yaml', ['apps/a.yaml']],
    'two stars span any number of directories, none included': [
      '**/a.yaml',
      ['a.yaml', 'apps/a.yaml', 'apps/b/a.yaml'],
    ],
    'two stars in the middle': ['apps/**/config.json', ['apps/b/c/config.json', 'apps/x/config.json']],
    'two stars at the end': ['apps/b/**', ['apps/b/a.yaml', 'apps/b/c/config.json']],
    'stars beside other characters are one star': ['apps/**.yaml', ['apps/a.yaml']],
    'hidden files match': ['apps/*/x', ['apps/.h/x']],
    alternatives: ['{apps/a,a}.yaml', ['a.yaml', 'apps/a.yaml']],
    'alternatives inside alternatives': ['apps/{b/{a,z},x}*', ['apps/b/a.yaml']],
    classes: ['App/[a-c]-[!2].json', ['App/c-1.json']],
    'a directory is not its files': ['apps', []],
    'a leading dot is a character': ['./a.yaml', []],
  }
  for (const [sentence, [pattern, expected]] of Object.entries(table)) {
    test(`${sentence}: ${pattern}`, () => {
      expect(FILES.filter(fileMatcher([take(pattern)], 'doublestar').matches)).toEqual(expected)
    })
  }
  test('malformed patterns are named', () => {
    const rules = ['{a', 'a}', '[a', 'a\\', '[]', '{{a}', 'a'].map(take)
    expect(malformedRules(rules, 'doublestar')).toEqual([0, 1, 2, 3, 4, 5])
  })
  test('include, then exclude, in any order', () => {
    const rules = [leave('apps/x/**'), take('**/config.json')]
    expect(FILES.filter(fileMatcher(rules, 'doublestar').matches)).toEqual(['apps/b/c/config.json'])
  })
})

describe('hostile patterns', () => {
  const long = 'a'.repeat(4000)
  test('many stars take no longer than pattern times text', () => {
    const pattern = `${'a*'.repeat(1000)}b`
    for (const dialect of ['pathspec', 'doublestar'] as const) {
      expect(fileMatcher([take(pattern)], dialect).matches(long)).toBe(false)
    }
    expect(directoryMatcher([take(pattern)]).matches(long)).toBe(false)
  })
  test('many doublestars take no longer than segments times segments', () => {
    const pattern = `${'**/a/'.repeat(500)}b`
    expect(fileMatcher([take(pattern)], 'doublestar').matches('a/'.repeat(800))).toBe(false)
  })
  test('alternatives that multiply are refused', () => {
    expect(malformedRules([take('{a,b}'.repeat(11))], 'doublestar')).toEqual([0])
    expect(malformedRules([take('{a,b}'.repeat(10))], 'doublestar')).toEqual([])
  })
  test('alternatives nested without end are refused', () => {
    expect(malformedRules([take(`${'{'.repeat(1000)}a${'}'.repeat(1000)}`)], 'doublestar')).toEqual([0])
  })
  test('a pattern of a book is refused', () => {
    expect(malformedRules([take('a'.repeat(5000))], 'directories')).toEqual([0])
  })
})
