import { expect, test } from 'vitest'
import { firstAborted } from './first-aborted.ts'

test('ends with the first signal that does, for its reason', () => {
  const [one, other] = [new AbortController(), new AbortController()]
  const { controller } = firstAborted(one.signal, undefined, other.signal)
  expect(controller.signal.aborted).toBe(false)
  other.abort('gone')
  one.abort('later')
  expect(controller.signal.reason).toBe('gone')
})

test('has ended where one had before', () => {
  expect(firstAborted(new AbortController().signal, AbortSignal.abort('before')).controller.signal.reason).toBe(
    'before',
  )
})

test('goes on when it was released, and can be ended by itself', () => {
  const one = new AbortController()
  const { controller, release } = firstAborted(one.signal)
  release()
  one.abort()
  expect(controller.signal.aborted).toBe(false)
  controller.abort('silence')
  expect(controller.signal.reason).toBe('silence')
})
