import { describe, expect, test } from 'vitest'
import { checkExpectations } from './appset-expect.ts'
import { casesFolder, countResults, readCases, runSuite } from './run-suite.ts'
import { failed, notApplicable, PASSED, type Suite } from './suite.ts'
import { SUITES } from './suites.ts'

const folder = casesFolder()

describe('conformance', () => {
  if (folder === undefined) {
    console.warn('SKIPPED: no conformance cases here (set FLOTILLA_CASES to their folder)')
    test.skip('the suites need the folder of cases (FLOTILLA_CASES)', () => {})
    return
  }
  for (const suite of SUITES) {
    const cases = readCases(folder, suite)
    if (cases === undefined) {
      console.warn(`SKIPPED: no ${suite.file} in ${folder}`)
      test.skip(`suite ${suite.name} needs ${suite.file}`, () => {})
      continue
    }
    test(`nothing that is built fails in suite ${suite.name}`, async () => {
      const results = await runSuite(suite, cases)
      const failures = results.flatMap(({ id, outcome }) =>
        outcome.kind === 'failed' ? [`${id}: ${outcome.detail}`] : [],
      )
      expect(failures).toEqual([])
      expect(countResults(results).passed).toBeGreaterThan(0)
      if (suite.name !== 'health') return
      const rules = results.filter(({ operation }) => operation === 'customization')
      const answered = (way: string) =>
        rules.filter(({ outcome }) => outcome.kind === 'passed' && outcome.ways?.includes(way)).length
      expect(answered('by rules as data')).toBeGreaterThanOrEqual(rules.length * 0.95)
      expect(answered('by the same rule as Lua')).toBe(rules.length)
    }, 120_000)
  }
})

describe('running a suite', () => {
  const suite: Suite = {
    name: 'example',
    file: 'example.json',
    operationOf: testCase => String(testCase['op']),
    operations: {
      good: () => PASSED,
      bad: () => failed('wrong'),
      broken: () => {
        throw new Error('fell over')
      },
      some: ({ id }) => (id === 'x' ? notApplicable('not built yet: x') : PASSED),
    },
    notApplicable: { 'away.*': 'no such thing here' },
  }
  const outcomes = async (...cases: readonly (readonly [string, string])[]) =>
    (
      await runSuite(
        suite,
        cases.map(([op, id]) => ({ op, id })),
      )
    ).map(({ outcome }) => outcome.kind)

  test('a case passes, fails or does not apply', async () => {
    expect(await outcomes(['good', 'a'], ['bad', 'b'], ['some', 'x'], ['some', 'y'])).toEqual([
      'passed',
      'failed',
      'not-applicable',
      'passed',
    ])
  })
  test('an operation that throws fails its case and no other', async () => {
    expect(await outcomes(['broken', 'a'], ['good', 'b'])).toEqual(['failed', 'passed'])
  })
  test('an operation without adapter needs a reason, or it fails', async () => {
    expect(await outcomes(['away.far', 'a'], ['forgotten', 'b'], ['constructor', 'c'])).toEqual([
      'not-applicable',
      'failed',
      'failed',
    ])
  })
  test('what is not built is counted among what does not apply, and apart', async () => {
    expect(
      countResults(
        await runSuite(suite, [
          { op: 'some', id: 'x' },
          { op: 'away.a', id: 'z' },
        ]),
      ),
    ).toEqual({
      passed: 0,
      failed: 0,
      notApplicable: 2,
      notBuilt: 1,
    })
  })
})

describe('checking the expectations of an appset case', () => {
  const kind = (expectation: object, result: Parameters<typeof checkExpectations>[1], apiObjects = false) =>
    checkExpectations({ id: 'a', ...expectation }, result, apiObjects).kind

  const table: { [sentence: string]: [object, Parameters<typeof checkExpectations>[1], boolean, string] } = {
    'an equal result passes': [
      { expect: [{ on: 'result', check: 'equal', value: [1] }] },
      { values: { result: [1] } },
      false,
      'passed',
    ],
    'another result fails': [
      { expect: [{ on: 'result', check: 'equal', value: [1] }] },
      { values: { result: [2] } },
      false,
      'failed',
    ],
    'order counts unless it says otherwise': [
      { expect: [{ on: 'result', check: 'equal', value: [1, 2] }] },
      { values: { result: [2, 1] } },
      false,
      'failed',
    ],
    'unordered lists may be in any order': [
      { expect: [{ on: 'result', check: 'unordered', value: [{ a: 1 }, { a: 2 }] }] },
      { values: { result: [{ a: 2 }, { a: 1 }] } },
      false,
      'passed',
    ],
    'a zero value of a parameter is a value': [
      { expect: [{ on: 'result', check: 'equal', value: { a: '' } }] },
      { values: { result: {} } },
      false,
      'failed',
    ],
    'a zero value of an API object is absence': [
      { expect: [{ on: 'result', check: 'equal', value: { a: { b: '' } } }] },
      { values: { result: {} } },
      true,
      'passed',
    ],
    'an error where none is expected fails': [{ error: { none: true } }, { error: 'x' }, false, 'failed'],
    'a missing error fails': [{ error: { any: true } }, {}, false, 'failed'],
    'another message fails': [{ error: { message: 'x' } }, { error: 'x y' }, false, 'failed'],
    'an object that is gone says so with its whole message': [
      { expect: [{ on: 'objectError', path: ['Application/a/b'], check: 'message', value: 'b not found' }] },
      { values: { objectError: { 'Application/a/b': 'b not found' } } },
      false,
      'passed',
    ],
    'an object that is there says nothing': [
      { expect: [{ on: 'objectError', path: ['Application/a/b'], check: 'message', value: 'b not found' }] },
      { values: { objectError: {} } },
      false,
      'failed',
    ],
    'a message may be asked for a part': [
      { expect: [{ on: 'error', check: 'messageContains', value: 'not' }] },
      { error: 'b not found' },
      false,
      'passed',
    ],
    'a part of the message suffices for contains': [
      { error: { contains: ['x'] } },
      { error: 'a x b' },
      false,
      'passed',
    ],
  }
  for (const [sentence, [testCase, observed, apiObjects, outcome]] of Object.entries(table)) {
    test(sentence, () => expect(kind(testCase, observed, apiObjects)).toBe(outcome))
  }
})

test('a folder that is named and not there is a mistake, not an empty list of cases', () => {
  expect(() => casesFolder({ FLOTILLA_CASES: '/no/such/folder' })).toThrow('/no/such/folder')
  expect(casesFolder({ FLOTILLA_CASES: import.meta.dirname })).toBe(import.meta.dirname)
})
