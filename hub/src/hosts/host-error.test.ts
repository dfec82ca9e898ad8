import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'

/** Code and reference page name the same codes. */
test('every code of a failing host is explained, and none that is gone', () => {
  const source = readFileSync(new URL('./host-error.ts', import.meta.url), 'utf8')
  const declared = [...source.matchAll(/^ {2}\| '([A-Z_]+)'$/gm)].map(match => match[1]!)
  const page = readFileSync(new URL('../../../docs/diagnostics.md', import.meta.url), 'utf8')
  const explained = [...page.matchAll(/^\| `([A-Z_]+)` \|/gm)].map(match => match[1]!)
  expect(declared.length).toBeGreaterThan(10)
  expect(declared.filter(code => !explained.includes(code))).toEqual([])
  const known = new Set([...declared, 'HOST_PENDING', 'HOST_FORBIDDEN'])
  expect(explained.filter(code => code.startsWith('HOST_') && !known.has(code))).toEqual([])
})
