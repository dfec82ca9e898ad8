import fc from 'fast-check'
import { expect, test } from 'vitest'
import { unifiedDiff } from './unified-diff.ts'

const text = fc
  .array(fc.constantFrom('a', 'b', 'c', 'd', ''), { maxLength: 30 })
  .map(lines => lines.map(line => `${line}\n`).join(''))

test('applied to the one text it gives the other', () => {
  fc.assert(
    fc.property(text, text, fc.nat(4), (before, after, context) => {
      expect(patch(before, unifiedDiff(before, after, context))).toBe(after)
    }),
  )
})

/** What `patch` does with hunks that apply exactly. */
function patch(before: string, diff: string): string {
  const source = before.split('\n').slice(0, -1)
  const result: string[] = []
  let at = 0
  for (const line of diff.split('\n').slice(0, -1)) {
    const hunk = /^@@ -(\d+),(\d+) \+\d+,\d+ @@$/.exec(line)
    if (hunk) {
      const start = Number(hunk[1]) - (hunk[2] === '0' ? 0 : 1)
      result.push(...source.slice(at, start))
      at = start
    } else if (line.startsWith('+')) result.push(line.slice(1))
    else {
      expect(source[at]).toBe(line.slice(1))
      if (line.startsWith(' ')) result.push(line.slice(1))
      at++
    }
  }
  return [...result, ...source.slice(at)].map(line => `${line}\n`).join('')
}
