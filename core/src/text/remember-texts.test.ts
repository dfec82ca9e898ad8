import { expect, test } from 'vitest'
import { rememberTexts } from './remember-texts.ts'

function counting() {
  const asked: string[] = []
  const answer = (text: string) => {
    asked.push(text)
    if (text === 'bad') throw new RangeError('bad')
    return text === 'nothing' ? undefined : text.toUpperCase()
  }
  return { asked, answer }
}

test('a text is asked about once, whatever the answer', () => {
  const { asked, answer } = counting()
  const remembered = rememberTexts(answer, 10)
  expect(['a', 'a', 'nothing', 'nothing'].map(remembered)).toEqual(['A', 'A', undefined, undefined])
  expect(asked).toEqual(['a', 'nothing'])
})

test('what is thrown is thrown each time', () => {
  const { asked, answer } = counting()
  const remembered = rememberTexts(answer, 10)
  for (const _ of [1, 2]) expect(() => remembered('bad')).toThrow(RangeError)
  expect(asked).toEqual(['bad', 'bad'])
})

test('ever other texts, and long ones, are not kept', () => {
  const { asked, answer } = counting()
  const remembered = rememberTexts(answer, 2)
  const long = 'x'.repeat(501)
  for (const text of ['a', 'b', 'c', 'a', long, long]) expect(remembered(text)).toBe(text.toUpperCase())
  expect(asked).toEqual(['a', 'b', 'c', 'a', long, long])
})
