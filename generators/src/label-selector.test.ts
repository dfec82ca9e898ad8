import type { Json } from '@flotilla/core/json/json'
import { describe, expect, test } from 'vitest'
import { isDnsSubdomain, matchesSelector, parseLabelSelector, type SelectorTarget } from './label-selector.ts'

const expression = (key: string, operator: string, values?: Json): Json => ({
  matchExpressions: [{ key, operator, ...(values !== undefined && { values }) }],
})

describe('selectors', () => {
  const labels = { env: 'prod', url: 'https://example.com/a?b=c', 'example.com/tier': 'gold' }
  const table: { [sentence: string]: [Json | undefined, boolean] } = {
    'no selector takes everything': [undefined, true],
    'an empty one too': [{}, true],
    'matchLabels compares': [{ matchLabels: { env: 'prod' } }, true],
    'all of them must hold': [{ matchLabels: { env: 'prod', 'example.com/tier': 'silver' } }, false],
    'matchLabels and matchExpressions must both hold': [
      { matchLabels: { env: 'prod' }, ...(expression('env', 'NotIn', ['prod']) as object) },
      false,
    ],
    'values may be any text': [{ matchLabels: { url: 'https://example.com/a?b=c' } }, true],
    In: [expression('env', 'In', ['dev', 'prod']), true],
    'In is false for a missing key': [expression('no', 'In', ['x']), false],
    'NotIn is true for a missing key': [expression('no', 'NotIn', ['x']), true],
    Exists: [expression('env', 'Exists'), true],
    'Exists with empty values': [expression('no', 'Exists', []), false],
    DoesNotExist: [expression('no', 'DoesNotExist'), true],
    'inherited names are missing': [expression('constructor', 'Exists'), false],
  }
  for (const [sentence, [selector, expected]] of Object.entries(table)) {
    test(sentence, () => expect(matchesSelector(parseLabelSelector(selector, 'parameters'), labels)).toBe(expected))
  }

  const mistakes: { [sentence: string]: [Json, SelectorTarget, string] } = {
    'an operator that nobody knows': [
      expression('a', 'Is', ['b']),
      'parameters',
      '"Is" is not a valid pod selector operator',
    ],
    'an operator that nobody knows, on Clusters': [
      expression('a', 'Is', ['b']),
      'labels',
      '"Is" is not a valid label selector operator',
    ],
    'a key with an index': [
      { matchLabels: { 'path[0]': 'a' } },
      'parameters',
      'key: Invalid value: "path[0]": name part must consist of',
    ],
    'a key with two slashes': [
      { matchLabels: { 'a/b/c': 'a' } },
      'parameters',
      'key: Invalid value: "a/b/c": a qualified name',
    ],
    'a prefix that is no DNS name': [
      { matchLabels: { 'A/b': 'a' } },
      'parameters',
      'prefix part must be a DNS subdomain',
    ],
    'In without values': [
      expression('a', 'In', []),
      'parameters',
      "for 'in', 'notin' operators, values set can't be empty",
    ],
    'Exists with values': [expression('a', 'Exists', ['b']), 'parameters', 'values set must be empty for exists'],
    'a label value with a slash, on Clusters': [
      { matchLabels: { a: 'b/c' } },
      'labels',
      'values[0][a]: Invalid value: "b/c"',
    ],
    'a number': [{ matchLabels: { a: 1 } }, 'labels', 'matchLabels holds texts'],
    'a list': [[], 'labels', 'a selector is an object'],
    'a text where a list belongs': [{ matchExpressions: 'a' }, 'labels', 'matchExpressions is a list'],
  }
  for (const [sentence, [selector, target, message]] of Object.entries(mistakes)) {
    test(`refused: ${sentence}`, () => expect(() => parseLabelSelector(selector, target)).toThrow(message))
  }
})

test('DNS subdomains', () => {
  const names = ['a', 'a.b', 'a-b', 'A', 'a_b', '-a', 'a-', 'a..b', '', 'a'.repeat(254), '0.a']
  expect(names.filter(isDnsSubdomain)).toEqual(['a', 'a.b', 'a-b', '0.a'])
})
