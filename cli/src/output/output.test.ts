import type { Json } from '@flotilla/core/json/json'
import { equalJson } from '@flotilla/core/json/json'
import { VirtualClock } from '@flotilla/core/ports/virtual-clock'
import { parseYamlDocuments } from '@flotilla/core/yaml/parse-yaml'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { CliContext, Sink } from '../context.ts'
import { coloursOf } from './colours.ts'
import { formatOf } from './formats.ts'
import { prettyJson } from './json.ts'
import { table } from './table.ts'
import { prettyYaml } from './yaml.ts'

function contextWith(env: Record<string, string>, isTerminal: boolean): { context: CliContext; sink: Sink } {
  const sink: Sink = { write: () => undefined, isTerminal }
  const clock = new VirtualClock({ startAt: 0, settle: async () => undefined })
  return { context: { cwd: '/', env, clock, stdout: sink, stderr: sink, exitCode: 0 }, sink }
}

describe('colours', () => {
  const cases: Record<string, [Record<string, string>, boolean, { color?: boolean }, boolean]> = {
    'on a terminal': [{}, true, {}, true],
    'not in a pipe': [{}, false, {}, false],
    'not with NO_COLOR': [{ NO_COLOR: '1' }, true, {}, false],
    'an empty NO_COLOR says nothing': [{ NO_COLOR: '' }, true, {}, true],
    'not with --no-color': [{}, true, { color: false }, false],
    'not on a dumb terminal': [{ TERM: 'dumb' }, true, {}, false],
  }
  test.each(Object.entries(cases))('%s', (_, [env, isTerminal, options, expected]) => {
    const { context, sink } = contextWith(env, isTerminal)
    expect(coloursOf(context, sink, options).red('x') !== 'x').toBe(expected)
  })
})

test('a table lines its columns up, and text from documents cannot move the cursor', () => {
  const { context, sink } = contextWith({}, false)
  const text = table(
    ['NAME', 'SET'],
    [
      ['é', 'x'],
      ['\u001b[2Jlong\nname', ''],
    ],
    coloursOf(context, sink),
  )
  expect(text).toBe('NAME       SET\né          x\nlong\uFFFDname\n')
})

test('integers beyond 2^53 keep their digits, what is undefined is not there', () => {
  const value = { a: 12345678901234567890n, b: undefined, c: [1, { d: -9007199254740993n }], e: {}, f: [] } as Json
  expect(prettyJson(value)).toBe(
    '{\n  "a": 12345678901234567890,\n  "c": [\n    1,\n    {\n      "d": -9007199254740993\n    }\n  ],\n  "e": {},\n  "f": []\n}',
  )
  expect(prettyYaml(value)).toBe('a: 12345678901234567890\nc:\n- 1\n- d: -9007199254740993\ne: {}\nf: []\n')
})

test('text that a YAML reader could take for something else is quoted', () => {
  for (const text of ['yes', 'on', 'y', '010', '0o7', '1_000', '12:30', '2026-11-21', '~', '<<', 'null', '1e3', '.5']) {
    const { documents } = parseYamlDocuments(prettyYaml({ a: text }), { file: 'f' })
    expect(documents[0]?.value).toEqual({ a: text })
  }
})

test('whatever is printed as YAML or JSON is read back as it was', () => {
  const leaf = fc.oneof(
    fc.string(),
    fc.integer(),
    fc.boolean(),
    fc.constant(null),
    fc.bigInt({ min: 2n ** 53n, max: 2n ** 80n }),
  )
  const value = fc.dictionary(fc.string({ minLength: 1 }), fc.oneof(leaf, fc.array(leaf, { maxLength: 3 })), {
    noNullPrototype: true,
  })
  fc.assert(
    fc.property(value, object => {
      for (const print of [prettyYaml, prettyJson]) {
        const { documents, diagnostics } = parseYamlDocuments(print(object as Json), { file: 'f' })
        expect(diagnostics).toEqual([])
        expect(equalJson(documents[0]?.value, object as Json)).toBe(true)
      }
    }),
  )
})

test('a format that a verb does not have is wrong usage, with the nearest', () => {
  expect(formatOf({}, ['table', 'json'])).toBe('table')
  expect(() => formatOf({ output: 'jsn' }, ['table', 'json'])).toThrow('is not one of table, json')
})
