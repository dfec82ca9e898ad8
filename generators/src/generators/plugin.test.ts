import type { JsonObject } from '@flotilla/core/json/json'
import { describe, expect, test } from 'vitest'
import { contextOf, generate } from '../../test/generator-context.ts'
import { type InputAnswer, type InputRequest, inputKey } from '../inputs.ts'
import { requeueAfterMs } from '../requeue.ts'

const ENTRY = 'plugin: { configMapRef: { name: teams }, input: { parameters: { env: prod, count: 2 } } }'
const INPUT = { generator: { input: { parameters: { env: 'prod', count: 2 } } } }

const says = (...parameters: readonly JsonObject[]) => contextOf({ ask: () => ({ kind: 'plugin', parameters }) })

test('integers beyond 2^53 in its input tell one request from another', () => {
  const keyed = (account: string): string => {
    let key = ''
    const ask = (request: InputRequest) => {
      key = inputKey(request)
      return { kind: 'plugin' as const, parameters: [] }
    }
    generate(
      `plugin: { configMapRef: { name: p }, input: { parameters: { account: ${account} } } }`,
      contextOf({ ask }),
    )
    return key
  }
  expect(keyed('12345678901234567890')).toContain('"account":12345678901234567890')
  expect(keyed('12345678901234567891')).not.toBe(keyed('12345678901234567890'))
})

describe('plugin', () => {
  test('asks the named plugin for the set, its project and the parameters as they are', () => {
    const asked: InputRequest[] = []
    const context = contextOf({
      ask: request => {
        asked.push(request)
        return undefined
      },
    })
    expect(generate(ENTRY, context)).toBe('waiting')
    expect(generate('plugin: { configMapRef: { name: teams } }', context)).toBe('waiting')
    const request = {
      kind: 'plugin',
      setName: 'web',
      configMapRef: 'teams',
      project: 'default',
      trust: { kind: 'all' },
    }
    expect(asked).toEqual([
      { ...request, input: { env: 'prod', count: 2 } },
      { ...request, input: {} },
    ])
  })

  test('flat parameters are dotted texts, and the input stays an object that no flat template can use (28)', () => {
    const context = says({ key: 'a', deep: { list: [1, true], none: null }, count: 1_234_567 }, {})
    expect(generate(ENTRY, context)).toEqual([
      { key: 'a', 'deep.list.0': '1', 'deep.list.1': 'true', 'deep.none': '<nil>', count: '1.234567e+06', ...INPUT },
      INPUT,
    ])
  })

  test('nested parameters are the output as it is, and the input holds plain values (28)', () => {
    const answer: InputAnswer = { kind: 'plugin', parameters: [{ deep: { list: [1] } }] }
    expect(generate(ENTRY, contextOf({ nested: true, ask: () => answer }))).toEqual([{ deep: { list: [1] }, ...INPUT }])
  })

  test('the input and then values win over output of the same name', () => {
    const yaml = `plugin: { configMapRef: { name: teams }, input: { parameters: { a: b } }, values: { x: "{{key}}!" } }`
    expect(generate(yaml, says({ key: 'k', 'values.x': 'mine', generator: 'mine' }))).toEqual([
      { key: 'k', 'values.x': 'k!', generator: { input: { parameters: { a: 'b' } } } },
    ])
  })

  test('a plugin that answers nothing makes nothing', () => {
    expect(generate(ENTRY, says())).toEqual([])
  })

  test('what the plugin refuses is the error of the generator', () => {
    const message = "error listing params: error get api 'web': API error with status code 500: broken"
    const failed: InputAnswer = { kind: 'failed', code: 'PLUGIN_FAILED', message, retry: true }
    expect(generate(ENTRY, contextOf({ ask: () => failed }))).toBe(`plugin: ${message}`)
  })

  const mistakes: { [sentence: string]: [string, string] } = {
    'a plugin has to be named': ['plugin: {}', 'plugin.configMapRef: configMapRef.name is needed'],
    'its reference is an object, other than that of decision resources': [
      'plugin: { configMapRef: teams }',
      'plugin.configMapRef: configMapRef.name is needed',
    ],
    'input is an object': [
      'plugin: { configMapRef: { name: a }, input: { parameters: [1] } }',
      'plugin.input: input is an object { parameters: { … } }',
    ],
    'values are texts': [
      'plugin: { configMapRef: { name: a }, values: { b: 1 } }',
      'plugin.values.b: values is an object of texts',
    ],
  }
  for (const [sentence, [yaml, expected]] of Object.entries(mistakes)) {
    test(sentence, () => expect(generate(yaml)).toBe(expected))
  }

  test('one output that is too large names itself, and the others are no way round it', () => {
    const large = Object.fromEntries(Array.from({ length: 100_001 }, (_, index) => [`key${index}`, 'x']))
    expect(generate(ENTRY, says({ fine: 'x' }, large))).toMatch(
      /output.parameters\[1\]: one parameter set has more than/,
    )
  })

  test('as the second child of a matrix its input is made of the first', () => {
    const yaml = `
matrix:
  generators:
    - list: { elements: [{ team: a }, { team: b }] }
    - plugin: { configMapRef: { name: teams }, input: { parameters: { team: "{{team}}" } } }
`
    const context = contextOf({
      ask: request => ({ kind: 'plugin', parameters: [{ of: request.kind === 'plugin' ? request.input : {} }] }),
    })
    const sets = generate(yaml, context)
    expect(Array.isArray(sets) && sets.map(set => [set['team'], set['of.team']])).toEqual([
      ['a', 'a'],
      ['b', 'b'],
    ])
  })

  test('it is asked again every half an hour, or as the set says', () => {
    const after = (more: object) =>
      requeueAfterMs({ generators: [{ plugin: { configMapRef: { name: 'a' }, ...more } }] }) / 60_000
    expect([after({}), after({ requeueAfterSeconds: 60 }), after({ requeueAfterSeconds: 0 })]).toEqual([30, 1, 0])
  })
})
