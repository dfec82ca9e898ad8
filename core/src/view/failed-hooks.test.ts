import { expect, it } from 'vitest'
import type { ObjectResult } from '../protocol/report.ts'
import { failedHooks, withShortLogs } from './failed-hooks.ts'

const RESULT: ObjectResult = {
  key: { group: 'batch', kind: 'Job', namespace: 'shop', name: 'migrate' },
  phase: 'PreSync',
  wave: 0,
  outcome: 'failed',
  hook: 'Failed',
  message: 'Job has reached the specified backoff limit',
}
const LOG = { pod: 'migrate-x', container: 'job', reason: 'OOMKilled', exitCode: 137, text: 'a\nb', cut: false }

it('a hook that failed says why, with its last lines', () => {
  const many = Array.from({ length: 30 }, (_, index) => `line ${index}`).join('\n')
  expect(failedHooks({ results: [{ ...RESULT, log: { ...LOG, text: many } }] })).toEqual([
    {
      object: 'batch/Job shop/migrate',
      phase: 'PreSync',
      message: 'Job has reached the specified backoff limit',
      reason: 'OOMKilled',
      exitCode: 137,
      pod: 'migrate-x',
      lastLines: Array.from({ length: 10 }, (_, index) => `line ${20 + index}`),
    },
  ])
})

it('what a container wrote about its end comes before what its Job says', () => {
  expect(failedHooks({ results: [{ ...RESULT, log: { ...LOG, message: 'no disk' } }] })[0]?.message).toBe('no disk')
})

it('hooks that did not fail and ordinary objects are left out', () => {
  const { hook: _, ...object } = RESULT
  expect(failedHooks({ results: [object, { ...RESULT, outcome: 'created', hook: 'Succeeded' }] })).toEqual([])
})

it('a list of operations has the end of a long log', () => {
  const [short] = withShortLogs([{ ...RESULT, log: { ...LOG, text: `${'x'.repeat(5_000)}end` } }])
  expect([short?.log?.text.length, short?.log?.text.endsWith('end'), short?.log?.cut]).toEqual([2_000, true, true])
  expect(withShortLogs([{ ...RESULT, log: LOG }])[0]?.log).toBe(LOG)
})
