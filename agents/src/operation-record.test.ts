import type { OperationReport } from '@flotilla/core/protocol/report'
import { describe, expect, test } from 'vitest'
import { type OperationRecord, terminationOf, withTerminator } from './operation-record.ts'

const stored = (phase: OperationReport['phase'], message: string) => ({ report: { phase, message } }) as OperationRecord
const report = (message: string, finishedAt?: number) =>
  ({ message, ...(finishedAt !== undefined && { finishedAt }) }) as OperationReport
const told = stored('Terminating', 'terminated by ana')

describe('an operation that somebody ends while it is being driven', () => {
  test('ends with the words of one that is not', () => {
    expect(terminationOf(told)).toEqual({ message: 'Operation terminated by ana' })
    expect(terminationOf(stored('Running', 'started'))).toBeUndefined()
    expect(terminationOf(undefined)).toBeUndefined()
  })

  test.each([
    ['says who it was', report('Operation terminated by ana', 1), told, 'ana'],
    ['says nothing before its end', report('Operation terminated by ana'), told, undefined],
    ['says nothing where it had come to its end by itself', report('successfully synced', 1), told, undefined],
    ['says nothing where nobody asked', report('failed', 1), stored('Running', 'started'), undefined],
  ])('%s', (_, given, record, by) => {
    expect(withTerminator(given, record).terminatedBy).toBe(by)
  })
})
