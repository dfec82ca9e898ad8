import { describe, expect, test } from 'vitest'
import { compileRules } from './compile-rules.ts'
import type { FreezeRule, GateTarget } from './rules.ts'
import { simulate } from './simulate.ts'

const FROM = Date.UTC(2026, 11, 18)
const TO = Date.UTC(2026, 11, 21)

function application(name: string, project: string, cluster: string): GateTarget {
  return { name, project, labels: {}, destination: { name: cluster, namespace: name } }
}

const freeze = (projects: string[], from: string): FreezeRule => ({
  name: 'FreezePeriod/audit',
  level: 'organisation',
  freeze: 'soft',
  reason: 'audit',
  scope: { projects },
  when: [{ from, through: '2026-12-19' }],
})

describe('what a change of the rules would do', () => {
  const applications = [
    application('cart', 'shop', 'eu-1'),
    application('pay', 'shop', 'us-1'),
    application('books', 'bank', 'eu-1'),
  ]
  const before = compileRules({ windows: [], freezes: [freeze(['bank'], '2026-12-18')] })

  test('those whose times change are named, with what closes and opens by trigger', () => {
    const after = compileRules({ windows: [], freezes: [freeze(['shop'], '2026-12-18')] })
    const { changes, blockedNow } = simulate(before, after, applications, FROM, TO)
    const times = [{ from: FROM, to: Date.UTC(2026, 11, 20) }]
    expect(changes.map(({ application: { name }, automated }) => [name, automated])).toEqual([
      ['cart', { closes: times, opens: [] }],
      ['pay', { closes: times, opens: [] }],
      ['books', { closes: [], opens: times }],
    ])
    expect(changes.every(({ manual }) => manual.closes.length + manual.opens.length === 0)).toBe(true)
    expect(blockedNow).toEqual({ applications: 2, clusters: 2 })
  })

  test('nothing changes, nobody is named', () => {
    expect(simulate(before, before, applications, FROM, TO).changes).toEqual([])
  })
})
