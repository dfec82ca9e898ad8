import { expect, test } from 'vitest'
import { HiddenNumbers } from './hidden-numbers.ts'

test('a number is found again by whoever has the secret, and by nobody else', () => {
  const mine = new HiddenNumbers('one')
  for (const number of [0, 1, 255, 2 ** 40, Number.MAX_SAFE_INTEGER]) {
    expect(mine.find(mine.hide(number))).toBe(number)
    expect(new HiddenNumbers('another').find(mine.hide(number))).toBeUndefined()
  }
  for (const text of ['', '3', 'A'.repeat(22), 'A'.repeat(23)]) expect(mine.find(text)).toBeUndefined()
})
