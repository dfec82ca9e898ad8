import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { HostedRequest } from '@flotilla/generators/inputs'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { readRecordedInputs } from './recorded-inputs.ts'

let folder: string
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'flotilla-inputs-'))
})
afterAll(() => rmSync(folder, { recursive: true, force: true }))

function read(text: string) {
  writeFileSync(join(folder, 'inputs.yaml'), text)
  return readRecordedInputs(['inputs.yaml'], folder)
}

const plugin = (setName: string, input: object = {}) =>
  ({ kind: 'plugin', setName, configMapRef: 'p', input }) as unknown as HostedRequest

test('the first recording whose fields are in the request answers it', () => {
  const inputs = read(`
- request: {kind: plugin, setName: a, input: {parameters: {x: 1}}}
  answer: {parameters: [{v: '1'}]}
- request: {kind: plugin}
  answer: {kind: plugin, parameters: [{v: '2'}]}
`)
  expect(inputs.answer(plugin('a', { parameters: { x: 1, z: 2 } }))).toEqual({
    kind: 'plugin',
    parameters: [{ v: '1' }],
  })
  expect(inputs.answer(plugin('a'))).toEqual({ kind: 'plugin', parameters: [{ v: '2' }] })
})

test('what nobody recorded is unknown', () => {
  expect(read('[]').answer(plugin('a'))).toMatchObject({ kind: 'failed', code: 'INPUT_UNAVAILABLE' })
})

test('a host that was away can be recorded', () => {
  const inputs = read(
    '- {request: {kind: plugin}, answer: {kind: failed, code: HOST_AWAY, message: away, retry: true}}',
  )
  expect(inputs.answer(plugin('a'))).toMatchObject({ kind: 'failed', code: 'HOST_AWAY' })
})

const wrong: readonly [sentence: string, text: string, message: string][] = [
  ['a file that is no list', 'request: {}', 'inputs.yaml:1 is no list'],
  ['an entry without an answer', '[]\n---\n- request: {kind: plugin}', 'inputs.yaml:3 has no request and answer'],
  [
    'an answer of another kind',
    '- {request: {kind: plugin}, answer: {kind: scm-path, exists: true}}',
    'answers "scm-path"',
  ],
  ['an answer without its list', '- {request: {kind: plugin}, answer: {kind: plugin}}', 'has "parameters"'],
  ['no YAML', '- {', 'inputs.yaml:1'],
]
test.each(wrong)('%s is told with its place', (_, text, message) => expect(() => read(text)).toThrow(message))
