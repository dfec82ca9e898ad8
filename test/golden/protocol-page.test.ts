import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'

const read = (path: string): string => readFileSync(new URL(`../../${path}`, import.meta.url), 'utf8')
const rows = (text: string): readonly (readonly string[])[] =>
  text
    .split('\n')
    .filter(line => line.startsWith('|') && !/^\|[-|]+\|$/.test(line))
    .slice(1)
    .map(line =>
      line
        .split('|')
        .slice(1, -1)
        .map(cell => cell.trim()),
    )

/** The text of each test's name, as it stands in the file, whatever its quotes. */
function namesIn(path: string): ReadonlySet<string> {
  const calls = read(path).matchAll(/\b(?:test|it)[\w.]*(?:\([\w[\]. ]*\))?\(\s*(?:(['"`])(.*?)(?<!\\)\1)/g)
  const tables = read(path).matchAll(/\)\(\s*(['"`])(.*?)(?<!\\)\1/g)
  return new Set([...calls, ...tables].map(([, , name = '']) => name))
}

test('every line of what goes wrong has a test, and each test that is named is there', () => {
  const [, section = ''] = read('docs/protocol.md').split('## 10. When it goes wrong')
  const lines = rows(section).map(([cell = '']) => cell)
  const [, table = ''] = read('test/faults/README.md').split('## What shows each row')
  let line = ''
  const shown = new Map<string, string[]>()
  for (const [name = '', test = ''] of rows(table)) {
    line = name === '' ? line : name
    shown.set(line, [...(shown.get(line) ?? []), test])
  }
  expect(lines.length).toBeGreaterThan(15)
  expect([...shown.keys()]).toEqual(lines)
  for (const [what, tests] of shown) {
    for (const each of tests) {
      const [, path = '', name = ''] = /^`([^`]+)`: (.+)$/.exec(each) ?? []
      expect(namesIn(path), `${what}: ${path}`).toContain(name)
    }
  }
})
