import { describe, expect, test } from 'vitest'
import { contextOf, generate } from '../../test/generator-context.ts'

describe('list', () => {
  const flat: { [sentence: string]: [string, unknown] } = {
    'each element is a parameter set': [
      'list: { elements: [{ a: x }, { a: z, b: w }] }',
      [{ a: 'x' }, { a: 'z', b: 'w' }],
    ],
    'an empty element is an empty set': ['list: { elements: [{}] }', [{}]],
    'no elements give nothing': ['list: {}', []],
    'values are taken out of their object': [
      'list: { elements: [{ a: x, values: { b: z } }] }',
      [{ a: 'x', 'values.b': 'z' }],
    ],
    'elements of a text come last and stay as they are': [
      'list: { elements: [{ a: x }], elementsYaml: "[{a: 1, b: {c: d}}]" }',
      [{ a: 'x' }, { a: 1, b: { c: 'd' } }],
    ],
    'an empty text gives nothing': ['list: { elementsYaml: "# none" }', []],
    'a number is refused': [
      'list: { elements: [{ a: x }, { a: 1 }] }',
      expect.stringMatching(/^list.elements.1.a: error parsing value as string/),
    ],
    'every mistake is listed': [
      'list: { elements: [{ a: 1 }, { b: true }] }',
      expect.stringMatching(/elements.0.a: .*\n.*elements.1.b: /),
    ],
    'values that are no object are refused': [
      'list: { elements: [{ values: x }] }',
      expect.stringMatching(/error parsing values map/),
    ],
    'a value that is no text is refused': [
      'list: { elements: [{ values: { a: 1 } }] }',
      expect.stringMatching(/^list.elements.0.values.a: error parsing value as string/),
    ],
    'an element that is no object is refused': [
      'list: { elements: [x] }',
      expect.stringMatching(/error unmarshling list element/),
    ],
    'a text that is no list is refused': [
      'list: { elementsYaml: "a: 1" }',
      expect.stringMatching(/error unmarshling decoded ElementsYaml/),
    ],
    'so is a broken text': [
      'list: { elementsYaml: "[" }',
      expect.stringMatching(/error unmarshling decoded ElementsYaml: yaml: line 1/),
    ],
  }
  for (const [sentence, [yaml, expected]] of Object.entries(flat)) {
    test(sentence, () => expect(generate(yaml)).toEqual(expected))
  }
  test('nested parameters are the elements as they are', () => {
    const yaml = 'list: { elements: [{ a: 1, b: [true], values: { c: null } }] }'
    expect(generate(yaml, contextOf({ nested: true }))).toEqual([{ a: 1, b: [true], values: { c: null } }])
  })
})
