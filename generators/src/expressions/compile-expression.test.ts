import type { Json, JsonObject } from '@flotilla/core/json/json'
import { describe, expect, test } from 'vitest'
import { TemplateError } from '../failure.ts'
import { compileExpression } from './compile-expression.ts'
import { EXPRESSION_LIMITS } from './limits.ts'

const parameters: JsonObject = {
  cluster: { name: 'eu-1', replicas: 3, labels: { env: 'prod', 'a/b': 'x' } },
  replicas: 3,
  ratio: 1.5,
  list: [1, 2, 3],
  big: 12345678901234567890n,
  type: 'web',
  namespace: 'shop',
  nothing: null,
  enabled: true,
  'metadata.labels.env': 'qa',
  constructor: { name: 'own' },
}

const evaluate = (source: string, scope: JsonObject = parameters): Json => compileExpression(source).evaluate(scope)

function failureOf(source: string, scope: JsonObject = parameters): TemplateError {
  try {
    compileExpression(source).evaluate(scope)
  } catch (error) {
    if (error instanceof TemplateError) return error
    throw error
  }
  throw new Error(`${source} has a value`)
}

describe('a value keeps its type', () => {
  const table: { [sentence: string]: readonly [string, Json] } = {
    'a whole number': ['cluster.replicas * 2', 6],
    'a number with a fraction': ['ratio * 2.5', 3.75],
    'a whole number and one with a fraction': [
      '[replicas * 1.5, ratio + replicas, 1.0 - 1, 1 / 2.0]',
      [4.5, 4.5, 0, 0.5],
    ],
    'an integer beyond 2^53': ['big', 12345678901234567890n],
    'an integer that grew beyond 2^53': ['9007199254740991 + 1', 9007199254740992n],
    'a boolean': ['replicas > 2 && enabled', true],
    null: ['nothing', null],
    'a text': ['cluster.name + "-" + string(replicas)', 'eu-1-3'],
    'a list': ['list.map(x, x * 2)', [2, 4, 6]],
    'a list of many types': ['[1, "a", null, true, [1.5]]', [1, 'a', null, true, [1.5]]],
    'an object': ['{"a": 1, "b": {"c": [true]}}', { a: 1, b: { c: [true] } }],
    'a whole parameter': ['cluster.labels', { env: 'prod', 'a/b': 'x' }],
    'an optional that holds something': ['cluster.?name', 'eu-1'],
    'an optional that holds nothing is null': ['cluster.?tier', null],
    'and leaves out its member of a map': ['{"a": 1, "b": optional.none()}', { a: 1 }],
  }
  for (const [sentence, [source, expected]] of Object.entries(table)) {
    test(sentence, () => expect(evaluate(source)).toEqual(expected))
  }
  test('keys that mean something to JavaScript are keys', () => {
    const value = evaluate('{"constructor": 1, "__proto__": {"a": 2}}') as JsonObject
    expect(Object.keys(value)).toEqual(['constructor', '__proto__'])
    expect(JSON.stringify(value)).toBe('{"constructor":1,"__proto__":{"a":2}}')
  })
  test('an optional that holds nothing can be told from null', () => {
    const expression = compileExpression('cluster.?tier')
    expect(expression.evaluateOptional(parameters)).toBeUndefined()
    expect(compileExpression('nothing').evaluateOptional(parameters)).toBeNull()
  })
})

describe('names', () => {
  const table: { [sentence: string]: readonly [string, Json] } = {
    'a parameter whose name is no identifier': ['params["metadata.labels.env"]', 'qa'],
    'a name with dots, as flat parameters have them': ['metadata.labels.env', 'qa'],
    'which has() knows too': ['has(metadata.labels.env) && !has(metadata.labels.tier)', true],
    'has() asks without fear': [
      '[has(no.such.thing), has(cluster.no.such), has(cluster.labels.env)]',
      [false, false, true],
    ],
    'a word that the language keeps for itself': ['params.namespace', 'shop'],
    'a word that the language gives another meaning': ['type + "!"', 'web!'],
    'the variable of a macro hides a parameter': ['["a"].map(cluster, cluster + "1")', ['a1']],
    'also one with dots': ['[{"labels": {"env": "x"}}].map(metadata, metadata.labels.env)', ['x']],
    'a parameter of a name that every object has': ['constructor.name', 'own'],
    'a key in brackets': ['cluster.labels["a/b"]', 'x'],
  }
  for (const [sentence, [source, expected]] of Object.entries(table)) {
    test(sentence, () => expect(evaluate(source)).toEqual(expected))
  }
  test('what is read can be asked', () => {
    const source = 'has(a.b) ? list.map(x, x.y + c[d].e) : cel.bind(z, f.g.h, z + i.?j.orValue(k))'
    expect(compileExpression(source).references).toEqual(['a.b', 'c', 'd', 'f.g.h', 'i', 'k', 'list'])
  })
})

describe('functions', () => {
  const table: { [sentence: string]: readonly [string, Json] } = {
    'of texts': [
      '["Ab".lowerAscii(), "Ab".upperAscii(), " a ".trim(), "a_B".normalize(), "aXa".replace("a", "b")]',
      ['ab', 'AB', 'a', 'a-b', 'bXb'],
    ],
    'that split and join': ['"a,b".split(",").join("-") + ["c"].join()', 'a-bc'],
    'a join that is too short to be one': ['[].join("-")', ''],
    'that find': ['["abc".indexOf("c"), "abc".lastIndexOf("a"), "abc".substring(1)]', [2, 0, 'bc']],
    'regular expressions': [
      '["eu-1".matches("^eu-[0-9]+$"), "us".matches("eu"), "xeux".matches("eu")]',
      [true, false, true],
    ],
    'of maps': [
      '[cluster.labels.keys(), {"a": 1}.merge({"b": 2}).keys()]',
      [
        ['a/b', 'env'],
        ['a', 'b'],
      ],
    ],
    'the later map wins': ['{"a": 1, "b": 1}.merge({"b": 2})', { a: 1, b: 2 }],
    'types are texts': [
      '[1, 1.5, "", true, null, [], {}].map(x, type(x))',
      ['int', 'double', 'string', 'bool', 'null', 'list', 'map'],
    ],
    conversions: ['[int("3"), int(3.9), double("1.5"), bool("true")]', [3, 3, 1.5, true]],
    'questions about lists': [
      '[list.all(x, x > 0), list.exists(x, x == 9), list.exists_one(x, x == 2), 2 in list, "name" in cluster]',
      [true, false, true, true, true],
    ],
  }
  for (const [sentence, [source, expected]] of Object.entries(table)) {
    test(sentence, () => expect(evaluate(source)).toEqual(expected))
  }
})

describe('mistakes', () => {
  const table: { [sentence: string]: readonly [string, string, RegExp] } = {
    'text that ends too early': ['1 +', 'EXPRESSION_INVALID', /^Unexpected token: EOF, at 1:4 of/],
    'types that never fit': ['1 + "a"', 'EXPRESSION_INVALID', /^no such overload: int \+ string, at 1:1 of/],
    'types that do not fit this time': [
      'replicas + "a"',
      'EXPRESSION_FAILED',
      /^no such overload: int \+ string, at 1:1/,
    ],
    'the place counts lines': ['replicas +\n  nope', 'EXPRESSION_FAILED', /^Unknown variable: nope, at 2:3 of/],
    'a member that is missing': ['cluster.tier', 'EXPRESSION_FAILED', /^No such key: tier, at 1:9 of/],
    'what every JavaScript object has is no parameter': [
      'toString',
      'EXPRESSION_FAILED',
      /^Unknown variable: toString/,
    ],
    'nor a member': ['cluster.toString', 'EXPRESSION_FAILED', /^No such key: toString/],
    'nor is the prototype': ['params.__proto__', 'EXPRESSION_FAILED', /^No such key: __proto__/],
    'a parameter named like a type is told by its name': ['list[0]', 'EXPRESSION_FAILED', /^Unknown variable: list, /],
    'a function that there is not': [
      'frobnicate(1)',
      'EXPRESSION_INVALID',
      /^there is no function "frobnicate" here, at 1:1/,
    ],
    'one that would read the machine': ['timestamp("2020-01-01T00:00:00Z")', 'EXPRESSION_INVALID', /"timestamp"/],
    'one that cannot be written': ['"a".matchesPattern("a")', 'EXPRESSION_INVALID', /no function "matchesPattern"/],
    bytes: ['b"a"', 'EXPRESSION_INVALID', /^bytes and unsigned integers are no JSON values, at 1:1/],
    'an unsigned integer': ['[1u]', 'EXPRESSION_INVALID', /^bytes and unsigned integers/],
    'not a number': ['0.0 / 0.0', 'EXPRESSION_FAILED', /^the result is NaN, which is no JSON number/],
    'a map with keys that are no texts': ['{1: 2}', 'EXPRESSION_FAILED', /^a key of a map must be a text here, not 1/],
    'a map with a key twice': ['{"a": 1, "a": 2}', 'EXPRESSION_FAILED', /^the key "a" occurs twice/],
    'an integer that is too large to add to': ['9223372036854775807 + 1', 'EXPRESSION_FAILED', /^integer overflow/],
    'a regular expression that is none': ['"a".matches("(")', 'EXPRESSION_FAILED', /missing closing \)/],
    'a join of what is no text': ['[1].join("")', 'EXPRESSION_FAILED', /every item must be a text/],
  }
  for (const [sentence, [source, code, message]] of Object.entries(table)) {
    test(sentence, () => {
      const error = failureOf(source, source === 'list[0]' ? {} : parameters)
      expect([error.code, error.message]).toEqual([code, expect.stringMatching(message)])
    })
  }
  test('hints name what there is, and how to write it', () => {
    expect(failureOf('nope', { a: 1, b: 2 }).hint).toBe(
      'the parameters here are a, b; params.?nope.orValue("") is a default',
    )
    expect(failureOf('nope', {}).hint).toMatch(/^there are no parameters here/)
    expect(failureOf('namespace').hint).toBe('the language keeps this word for itself: write params.namespace')
    expect(failureOf('enabled ? 1 : "a"').hint).toBe('dyn(…) around both branches lets them differ')
  })
  test('a long expression is shown in part', () => {
    expect(failureOf(`nope${' '.repeat(1000)}`).message.length).toBeLessThan(300)
  })
})

describe('hostile expressions', () => {
  const big = Array.from({ length: 20_000 }, (_, index) => ({ index, tags: [1, 2, 3] }))
  const scope: JsonObject = { x: big, y: structuredClone(big), t: 'a'.repeat(400_000) }
  const nest = (levels: number, inner: string): string =>
    Array.from({ length: levels }, (_, level) => level).reduceRight(
      (rest, level) => `cel.bind(v${level + 1}, [${Array.from({ length: 10 }, () => `v${level}`).join()}], ${rest})`,
      inner,
    )
  const table: { [sentence: string]: readonly [string, RegExp] } = {
    'loops in loops': ['x.all(i, x.all(j, x.all(k, true)))', /steps/],
    'loops in loops that swallow errors': ['true || x.exists(i, x.exists(j, i == "q"))', /^$/],
    'swallowed errors do not hide the bound': ['x.exists(i, x.exists(j, i == "q"))', /steps/],
    'comparing large values again and again': ['x.map(i, x == y).size()', /steps/],
    'looking through large values again and again': ['x.exists(i, !(x in [y]))', /steps/],
    'reading a long text again and again': ['x.map(i, t.size()).size()', /steps/],
    'a list that doubles': [
      'cel.bind(a, x + x, cel.bind(b, a + a, cel.bind(c, b + b, size(c))))',
      /a list has more than/,
    ],
    'a text that doubles': ['cel.bind(a, t + t, cel.bind(b, a + a, size(b)))', /a text has more than/],
    'a result that shares its parts': [`cel.bind(v0, [1], ${nest(8, 'v8')})`, /the result has more than/],
    'a comparison of what shares its parts': [`cel.bind(v0, [1], ${nest(9, 'v9 == v9.map(q, q)')})`, /steps/],
    'a join of long texts': ['x.map(i, t).join("")', /a text has more than/],
    'a replacement that grows': ['t.replace("a", "bbbb")', /a text has more than/],
    'a regular expression that backtracking engines never end with': ['t.matches("^(a|a|(a|a)*)*$x")', /^$|too long/],
    'a regular expression that is large': ['t.matches("(a{30}b{30}){15}")', /too long for this pattern/],
    'a regular expression that is long': [`t.matches("${'a'.repeat(2000)}")`, /a pattern may have/],
    'parentheses in parentheses': [`${'('.repeat(500)}1${')'.repeat(500)}`, /maxDepth/],
    'not not not': [`${'!'.repeat(EXPRESSION_LIMITS.source - 8)}true`, /too large|inside one another|maxAstNodes/],
    'a sum without end': [`1${'+1'.repeat(5000)}`, /maxAstNodes|inside one another/],
    'a longer text than an expression may be': ['1'.repeat(EXPRESSION_LIMITS.source + 1), /may have/],
  }
  for (const [sentence, [source, message]] of Object.entries(table)) {
    test(sentence, () => {
      if (message.test('')) {
        const outcome = ((): string => {
          try {
            evaluate(source, scope)
            return ''
          } catch (error) {
            expect(error).toBeInstanceOf(TemplateError)
            return (error as TemplateError).message
          }
        })()
        expect(outcome).toMatch(message)
      } else expect(failureOf(source, scope).message).toMatch(message)
    })
  }
  test('what a set may do is shared by all its expressions', () => {
    const meter = { remaining: 1e6, steps: 100 }
    const expression = compileExpression('[1, 2, 3].map(x, x + 1)')
    expression.evaluate({}, meter)
    expect(meter.steps).toBeGreaterThan(50)
    expect(meter.steps).toBeLessThan(95)
    expect(() => {
      for (let round = 0; round < 20; round++) expression.evaluate({}, meter)
    }).toThrow(/steps/)
    expect(meter.steps).toBe(0)
  })
})
