import { describe, expect, it } from 'vitest'
import { ignoreRuleProblems } from './ignore-rule-problems.ts'

interface Row {
  readonly rule: { readonly [field: string]: string }
  readonly message?: string
}

const ROWS: { readonly [sentence: string]: Row } = {
  'a pointer': { rule: { jsonPointers: '/spec/replicas' } },
  'no pointer': { rule: { jsonPointers: 'spec.replicas' }, message: 'is no JSON pointer' },
  'an escape that there is not': { rule: { jsonPointers: '/a~2b' }, message: 'is no JSON pointer' },
  'a path': { rule: { jqPathExpressions: '.spec.containers[] | select(.name | test("^istio-")) | .image' } },
  'more of jq than is run': { rule: { jqPathExpressions: '.spec.replicas + 1' }, message: '"+" is not run here' },
  'a word with a slip': {
    rule: { jqPathExpressions: '.a[] | selct(.b)' },
    message: 'did you mean select? (character 8)',
  },
  'a test of a difference': { rule: { celExpressions: 'path == ".spec.replicas" && live > desired' } },
  'a name that there is not': { rule: { celExpressions: 'value > 1' }, message: 'Unknown variable' },
  'what a template fills in': { rule: { jqPathExpressions: '.spec.{{field}} + 1' } },
}

describe('ignoreRuleProblems', () => {
  it.each(Object.entries(ROWS))('%s', (_sentence, { rule, message }) => {
    const [field, source] = Object.entries(rule)[0]!
    const problems = ignoreRuleProblems({ ignoreDifferences: [{ kind: '*', [field]: [source] }] }, ['spec'])
    const path = ['spec', 'ignoreDifferences', 0, field, 0]
    expect(problems).toEqual(
      message === undefined
        ? []
        : [expect.objectContaining({ code: 'IGNORE_RULE_INVALID', path, message: expect.stringContaining(message) })],
    )
  })
})
