import { expect, test } from 'vitest'
import type { FunctionScope } from '../go-function.ts'
import { GoInteger, type GoValue } from '../go-value.ts'
import { SPRIG_FUNCTIONS } from './index.ts'

class Spent extends Error {}

function scopeOf(limit: number): FunctionScope {
  let left = limit
  return {
    environment: { now: () => 0, bytes: length => new Uint8Array(length) },
    spend(amount) {
      left -= amount
      if (left < 0) throw new Spent()
    },
  }
}

const huge = new GoInteger(1_000_000_000)
const lines = '\n'.repeat(50_000)
const text = 'a '.repeat(50_000)

const cases: readonly [sentence: string, name: string, args: readonly GoValue[]][] = [
  ['a text repeated a thousand million times', 'repeat', [huge, 'ab']],
  ['as many numbers', 'until', [huge]],
  ['the same with a step', 'untilStep', [new GoInteger(0), huge, new GoInteger(3)]],
  ['the same as a text', 'seq', [huge]],
  ['an indentation as wide', 'indent', [huge, 'a']],
  ['a wide indentation of many lines', 'nindent', [new GoInteger(1000), lines]],
  ['lines of one character with a long text between', 'wrapWith', [new GoInteger(1), 'x'.repeat(1000), text]],
  ['a long text in place of each character', 'replace', ['a', 'x'.repeat(1000), text]],
  ['a long text between many', 'join', ['x'.repeat(1000), Array.from({ length: 10_000 }, () => 'a')]],
  ['a long text for each match', 'regexReplaceAll', ['a', text, 'x'.repeat(1000)]],
  ['random letters', 'randAlpha', [huge]],
  ['random bytes', 'randBytes', [huge]],
  ['a list searched for each of its items', 'uniq', [Array.from({ length: 5000 }, (_, index) => index)]],
  [
    'a list without as many',
    'without',
    [Array.from({ length: 5000 }, () => 1), ...Array.from({ length: 5000 }, () => 2)],
  ],
  ['keys of 4,096 bits one after another', 'genPrivateKey', ['rsa']],
]

test.each(cases)('%s ends at the limit before it is made', (_sentence, name, args) => {
  expect(() => SPRIG_FUNCTIONS.get(name)!.call(args, scopeOf(1_000_000))).toThrow(Spent)
})

test('a pattern that others take ages for takes none', () => {
  const args = ['^(a+)+$', `${'a'.repeat(50_000)}b`]
  expect(SPRIG_FUNCTIONS.get('regexMatch')!.call(args, scopeOf(10_000_000))).toBe(false)
})

test('a map that would hold itself is refused: nothing could print it', () => {
  const map = { a: { b: {} as { [key: string]: GoValue } } }
  expect(() => SPRIG_FUNCTIONS.get('set')!.call([map.a.b, 'c', map], scopeOf(1000))).toThrow('a map cannot hold itself')
  expect(() => SPRIG_FUNCTIONS.get('merge')!.call([map.a, { x: map }], scopeOf(1000))).toThrow(
    'a map cannot hold itself',
  )
})

test.each(['toJson', 'toYaml', 'deepCopy'])('%s refuses what nests a thousand times', name => {
  let value: GoValue = {}
  for (let depth = 0; depth < 2000; depth++) value = { a: value }
  expect(() => SPRIG_FUNCTIONS.get(name)!.call([value], scopeOf(1_000_000))).toThrow('levels of nesting')
})
