import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { OperationReport } from './report.ts'
import { attributed, historyTakes, MOST_OPERATIONS_AN_HOUR } from './report-rules.ts'
import { SAMPLE_DIGEST, sampleGrant } from './samples.ts'

const operation: OperationReport = {
  id: 'grant-1',
  trigger: 'manual',
  by: 'ana',
  phase: 'Succeeded',
  message: '',
  digest: SAMPLE_DIGEST,
  revision: 'abc',
  startedAt: 1,
  results: [],
  resultsCut: 0,
}
const triggers = fc.constantFrom('automated', 'manual', 'override', 'delete', 'heal') as fc.Arbitrary<
  OperationReport['trigger']
>

describe('whose an operation is', () => {
  test('the Grant says, whatever the agent says', () => {
    fc.assert(
      fc.property(triggers, fc.string(), (trigger, by) => {
        const told = attributed(
          { ...operation, trigger, by },
          'app-1',
          sampleGrant({ trigger: 'automated', by: 'hub' }),
        )
        expect([told.trigger, told.by]).toEqual(['automated', 'hub'])
      }),
    )
  })

  test('no agent can name a person: not without a Grant, nor by one of another Application', () => {
    fc.assert(
      fc.property(triggers, fc.string(), fc.boolean(), (trigger, by, foreign) => {
        const grant = foreign ? sampleGrant({ application: 'app-2', by: 'ben' }) : undefined
        const told = attributed({ ...operation, trigger, by }, 'app-1', grant)
        expect(told.by).toBe(trigger === 'heal' ? 'self-heal' : 'unknown')
      }),
    )
  })
})

describe('history', () => {
  test('takes at most so many operations of an agent’s own in any hour, and every one that was permitted', () => {
    const steps = fc.array(fc.record({ afterMs: fc.nat(10 * 60_000), permitted: fc.boolean() }), { maxLength: 300 })
    fc.assert(
      fc.property(steps, list => {
        let now = 10 * 3_600_000
        const own: number[] = []
        for (const { afterMs, permitted } of list) {
          now += afterMs
          const takes = historyTakes(permitted, own, now)
          if (permitted) expect(takes).toBe(true)
          else if (takes) own.push(now)
        }
        for (const at of own) {
          const within = own.filter(other => other > at - 3_600_000 && other <= at)
          expect(within.length).toBeLessThanOrEqual(MOST_OPERATIONS_AN_HOUR)
        }
      }),
    )
  })
})
