import { describe, expect, test } from 'vitest'
import { unifiedDiff } from './unified-diff.ts'

describe('unifiedDiff', () => {
  const cases: readonly [sentence: string, before: string, after: string, diff: string][] = [
    ['equal texts differ in nothing', 'a\nb\n', 'a\nb\n', ''],
    ['a line that changed goes and comes', 'a\nb\n', 'a\nc\n', '@@ -1,2 +1,2 @@\n a\n-b\n+c\n'],
    ['what is new is added', '', 'a\n', '@@ -0,0 +1,1 @@\n+a\n'],
    ['what is gone is removed', 'a\n', '', '@@ -1,1 +0,0 @@\n-a\n'],
    [
      'far from a difference nothing is shown',
      '1\n2\n3\n4\n5\n6\n7\n8\n9\n',
      '1\n2\n3\n4\nfive\n6\n7\n8\n9\n',
      '@@ -2,7 +2,7 @@\n 2\n 3\n 4\n-5\n+five\n 6\n 7\n 8\n',
    ],
    [
      'two differences far apart are two hunks',
      'a\n1\n2\n3\n4\n5\n6\n7\nb\n',
      'A\n1\n2\n3\n4\n5\n6\n7\nB\n',
      '@@ -1,4 +1,4 @@\n-a\n+A\n 1\n 2\n 3\n@@ -6,4 +6,4 @@\n 5\n 6\n 7\n-b\n+B\n',
    ],
    ['a missing end of line is told', 'a', 'a\n', '@@ -1,1 +1,1 @@\n-a\n\\ No newline at end of file\n+a\n'],
  ]
  test.each(cases)('%s', (_, before, after, diff) => expect(unifiedDiff(before, after)).toBe(diff))

  test('very different texts are told as a whole, in bounded time', () => {
    const before = Array.from({ length: 20_000 }, (_, index) => `left ${index}\n`).join('')
    const after = Array.from({ length: 20_000 }, (_, index) => `right ${index}\n`).join('')
    const lines = unifiedDiff(before, after).split('\n')
    expect(lines.filter(line => line.startsWith('-'))).toHaveLength(20_000)
    expect(lines.filter(line => line.startsWith('+'))).toHaveLength(20_000)
  })
})
