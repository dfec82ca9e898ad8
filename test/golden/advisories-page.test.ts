import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'

const read = (path: string): string => readFileSync(new URL(`../../${path}`, import.meta.url), 'utf8')
const ROW = /^\| (?:[A-Z][\w ]+) ((?:CVE|GHSA)-[\w-]+) \| [^|]+ \| `([^`]+)` \|$/

test('each advisory is named by a test of the file that the page says', () => {
  const lines = read('test/security/README.md').split('\n')
  const rows = lines.flatMap(line => {
    const [, advisory, path] = ROW.exec(line) ?? []
    return advisory !== undefined && path !== undefined ? [{ advisory, path }] : []
  })
  expect(rows.length).toBe(lines.filter(line => line.startsWith('| ')).length - 1)
  expect(rows.length).toBeGreaterThan(29)
  for (const { advisory, path } of rows) {
    const names = read(path).matchAll(/\b(?:describe|test|it)(?:\.each\([^)]*\))?\(\s*(['"`])(.*?)(?<!\\)\1/g)
    const named = [...names].filter(([, , name]) => name?.includes(advisory))
    expect(named.length, `${advisory} in ${path}`).toBeGreaterThan(0)
  }
})
