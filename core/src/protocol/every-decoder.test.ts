import { readdirSync, readFileSync } from 'node:fs'
import { expect, test } from 'vitest'

const FOLDER = new URL('.', import.meta.url)
/** Steps inside of those that are tried: they are handed what another one has read, or only a few characters of it. */
const INNER = ['decode', 'decodeDocument', 'parseBoundedJson', 'parseBoundedJsonBytes', 'parseNumberText']

test('every reader of the protocol is given what hostile strangers send', () => {
  const tried = readFileSync(new URL('decoders.prop.test.ts', FOLDER), 'utf8')
  const readers = readdirSync(FOLDER)
    .filter(name => name.endsWith('.ts') && !name.endsWith('.test.ts'))
    .flatMap(name => [...readFileSync(new URL(name, FOLDER), 'utf8').matchAll(EXPORTED_READER)])
    .map(([, reader = '']) => reader)
  expect(readers.length).toBeGreaterThan(20)
  expect(
    readers.filter(
      reader => !INNER.includes(reader) && !tried.includes(`${reader}(`) && !tried.includes(`, ${reader})`),
    ),
  ).toEqual([])
})

const EXPORTED_READER = /^export (?:function|const) ((?:decode|read|parse)\w*)/gm
