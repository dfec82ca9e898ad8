import type { JsonObject } from '@flotilla/core/json/json'
import { describe, expect, test } from 'vitest'
import type { TemplateEngine } from './engines/engine.ts'
import { fasttemplate } from './engines/fasttemplate.ts'
import { TemplateError } from './failure.ts'
import { GENERATORS } from './generators/registry.ts'
import { interpolation } from './interpolate.ts'

const fill = (entry: JsonObject | null, parameters: JsonObject, engine = fasttemplate) =>
  interpolation(entry, engine, GENERATORS)(parameters, { remaining: 1e6 })

describe('interpolation', () => {
  const table: { [sentence: string]: [JsonObject, JsonObject, JsonObject] } = {
    'every text of the entry is filled in': [
      { git: { repoURL: '{{r}}', files: [{ path: '{{p}}/*' }], template: { metadata: { name: '{{r}}' } } } },
      { r: 'R', p: 'P' },
      { git: { repoURL: 'R', files: [{ path: 'P/*' }], template: { metadata: { name: 'R' } } } },
    ],
    'keys too': [
      { clusters: { selector: { matchLabels: { '{{k}}': 'x' } } } },
      { k: 'env' },
      { clusters: { selector: { matchLabels: { env: 'x' } } } },
    ],
    'but not those of values': [
      { clusters: { values: { '{{k}}': '{{k}}' } } },
      { k: 'env' },
      { clusters: { values: { '{{k}}': 'env' } } },
    ],
    'values that refer to something else wait for their generator': [
      { clusters: { values: { a: '{{k}}', b: '{{name}}' } } },
      { k: 'env' },
      { clusters: { values: { a: 'env', b: '{{name}}' } } },
    ],
    'a list has no values of that kind': [
      { list: { elements: [{ values: { '{{k}}': 'x' } }] } },
      { k: 'env' },
      { list: { elements: [{ values: { env: 'x' } }] } },
    ],
    'empty parameters change nothing': [{ git: { repoURL: '{{r}}' } }, {}, { git: { repoURL: '{{r}}' } }],
    'combinators inside are filled in': [
      { matrix: { generators: [{ list: { elements: [{ a: '{{k}}' }] } }] } },
      { k: 'env' },
      { matrix: { generators: [{ list: { elements: [{ a: 'env' }] } }] } },
    ],
  }
  for (const [sentence, [entry, parameters, expected]] of Object.entries(table)) {
    test(sentence, () => expect(fill(entry, parameters)).toEqual(expected))
  }
  test('a null entry is an error', () => expect(() => fill(null, {})).toThrow('generator is empty'))
  test('a broken text is an error that says so', () => {
    expect(() => fill({ git: { repoURL: '{{a}}{{' } }, { a: 'x' })).toThrow(
      /^failed to replace parameters in generator: invalid template: Cannot find end tag/,
    )
  })
  test('an engine may keep a value for later, or refuse it', () => {
    const engine: TemplateEngine = {
      ...fasttemplate,
      preResolve: template => {
        if (template === 'bad') throw new TemplateError('X', 'no')
        return template === 'later' ? undefined : 'now'
      },
    }
    expect(fill({ clusters: { values: { a: 'later', b: 'x' } } }, { k: 'v' }, engine)).toEqual({
      clusters: { values: { a: 'later', b: 'now' } },
    })
    expect(() => fill({ clusters: { values: { k: 'bad' } } }, { k: 'v' }, engine)).toThrow(
      'failed to replace parameters in generator: failed to pre-resolve Values key "k": no',
    )
  })
})
