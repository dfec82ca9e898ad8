import { load } from '@flotilla/config/load'
import type { JsonObject } from '@flotilla/core/json/json'
import type { MadeGateRow } from '@flotilla/core/ports/store'
import { describe, expect, test } from 'vitest'
import { NOTHING_STORED, rulesInForce, type StoredGates } from './rules-in-force.ts'

const SPEC = {
  level: 'hard',
  reason: 'closing',
  scope: { all: true },
  when: [{ from: '2026-12-18', through: '2027-01-03' }],
}
const document = (name: string, spec: object = SPEC): JsonObject =>
  ({ apiVersion: 'flotilla.dev/v1alpha1', kind: 'FreezePeriod', metadata: { name }, spec }) as unknown as JsonObject
const made = (name: string, more: Partial<MadeGateRow> = {}): MadeGateRow => ({
  ...{ id: `id-${name}`, kind: 'FreezePeriod', name, document: document(name), revision: 1 },
  ...{ madeBy: 'ana', madeAt: 1 },
  ...more,
})
const { fleet, declaredGates } = load({
  source: 'platform',
  trust: { kind: 'all' },
  files: [{ path: 'freeze.json', text: JSON.stringify(document('year-end')) }],
})

const inForce = (stored: Partial<StoredGates> = {}) =>
  rulesInForce({ fleet, declared: declaredGates, stored: { ...NOTHING_STORED, ...stored }, settings: {}, now: 0 })

describe('the rules in force', () => {
  test('are those of config sources and those made through the API', () => {
    const { freezes } = inForce({ freezes: [made('stop')] })
    expect(freezes.map(({ name }) => name)).toEqual(['FreezePeriod/year-end', 'FreezePeriod/stop'])
  })

  test('leave out what has ended', () => {
    const ended = { by: 'ana', at: 2, reason: 'over' }
    expect(inForce({ freezes: [made('stop', { ended })] }).freezes).toHaveLength(1)
  })

  test('have one name each, and both hold where two claim one', () => {
    const { freezes } = inForce({ freezes: [made('year-end')] })
    expect(freezes.map(({ name }) => name)).toEqual(['FreezePeriod/year-end', 'FreezePeriod/year-end (id-year-end)'])
  })

  test('close everything where what is stored cannot be read any more', () => {
    const broken = made('stop', { document: document('stop', { ...SPEC, scope: {} }) })
    const { freezes } = inForce({ freezes: [broken] })
    expect(freezes[1]).toMatchObject({ scope: { all: true }, unreadable: expect.stringContaining('has mistakes') })
  })

  test('know calendars by their last snapshot alone', () => {
    const hash = `sha256:${'0'.repeat(64)}` as const
    const loaded = { name: 'a', source: 'u', checkedAt: 1, snapshot: { text: 'X', hash, fetchedAt: 1, events: 0 } }
    const never = { name: 'b', source: 'u', checkedAt: 1 }
    expect(inForce({ calendars: [loaded, never] }).calendars).toEqual([{ name: 'a', text: 'X' }])
  })
})
