import { expect, test } from 'vitest'
import { describeFailure } from './describe-failure.ts'

function coded(code: string): Error {
  return Object.assign(new Error('what happened'), { code })
}

test.each([
  'EADDRINUSE',
  'EACCES',
  'EADDRNOTAVAIL',
  'EEXIST',
  'ENOTDIR',
  'EROFS',
  'ENOSPC',
  'STORE_LOCKED',
  'STORE_FULL',
])('%s is what happened, and a way out', code =>
  expect(describeFailure(coded(code))).toEqual({ message: 'what happened', hint: expect.any(String) }),
)

test('what has no words here is told in its own; a defect shows its stack', () => {
  expect(describeFailure(coded('STORE_CORRUPT'))).toEqual({ message: 'what happened' })
  expect(describeFailure(new TypeError('x is not a function'))).toBeUndefined()
})
