import { describe, expect, test } from 'vitest'
import { parseInstant } from './civil-time.ts'
import { compileRules } from './compile-rules.ts'
import { decide, type GateQuestion } from './decide.ts'
import type { FreezeRule, GateRules, GateTarget, OverrideRule, WindowRule } from './rules.ts'

/*
 * Every cell of the table in docs/gates.md, by the whole evaluator: rules as documents write them, an override as people
 * approve it, and the question as it is asked for a start.
 */

const NOON = parseInstant('2026-06-03T12:00:00Z')!
const HOUR_MS = 3_600_000

const target: GateTarget = { name: 'checkout', project: 'shop', labels: {}, destination: { name: 'eu-1' } }

function freeze(name: string, more: Partial<FreezeRule> = {}): FreezeRule {
  return {
    ...{ name: `FreezePeriod/${name}`, level: 'organisation', freeze: 'hard', reason: 'closing', scope: { all: true } },
    when: [{ from: '2026-06-01', through: '2026-06-05' }],
    ...more,
  }
}

function closed(manualSync: boolean): WindowRule {
  return {
    ...{ name: 'SyncWindow/day', level: 'team', kind: 'deny', schedule: '0 8 * * *', duration: '10h', manualSync },
    select: { kind: 'scope', scope: { all: true } },
  }
}

const FREEZES: { readonly [state: string]: readonly FreezeRule[] } = {
  none: [freeze('over', { when: [{ from: '2026-05-01', through: '2026-05-02' }] })],
  soft: [freeze('soft', { freeze: 'soft' })],
  hard: [freeze('hard'), freeze('soft', { freeze: 'soft' })],
  locked: [freeze('locked', { breakGlass: { allowed: false } })],
  'locked and others': [freeze('locked', { breakGlass: { allowed: false } }), freeze('hard')],
  unreadable: [freeze('unreadable', { freeze: 'soft', when: [{ calendar: 'never-loaded' }] })],
}
const WINDOWS: { readonly [state: string]: readonly WindowRule[] } = {
  open: [{ ...closed(false), schedule: '0 20 * * *', duration: '1h' }],
  manual: [closed(true)],
  closed: [closed(false), { ...closed(true), name: 'SyncWindow/too' }],
}

const COLUMNS: readonly (readonly [string, 'automated' | 'manual', boolean])[] = [
  ['automated', 'automated', false],
  ['manual', 'manual', false],
  ['manual, override', 'manual', true],
  ['automated, override', 'automated', true],
]

/** `+`: allowed; `!`: with a reason; `-`: refused; then what holds, or what the override is used for. */
const TABLE: readonly (readonly [string, string, string, readonly [string, string, string, string]])[] = [
  ['1', 'none', 'open', ['+', '+', '+', '+']],
  ['2', 'none', 'manual', ['- W', '+', '+', '+ W']],
  ['3', 'none', 'closed', ['- W', '- W', '+ W', '+ W']],
  ['4', 'soft', 'open', ['- F', '!', '+', '+ F']],
  ['5', 'soft', 'manual', ['- FW', '!', '+', '+ FW']],
  ['6', 'soft', 'closed', ['- FW', '- W', '+ W', '+ FW']],
  ['7', 'hard', 'open', ['- F', '- F', '+ F', '+ F']],
  ['8', 'hard', 'manual', ['- FW', '- F', '+ F', '+ FW']],
  ['9', 'hard', 'closed', ['- FW', '- FW', '+ FW', '+ FW']],
  ['10', 'locked', 'open', ['- F', '- F', '- F', '- F']],
  ['10', 'locked', 'manual', ['- FW', '- F', '- F', '- F']],
  ['10', 'locked', 'closed', ['- FW', '- FW', '- F', '- F']],
  ['10, with others', 'locked and others', 'open', ['- F', '- F', '- F', '- F']],
  ['11', 'unreadable', 'open', ['- F', '- F', '+ F', '+ F']],
  ['11', 'unreadable', 'manual', ['- FW', '- F', '+ F', '+ FW']],
  ['11', 'unreadable', 'closed', ['- FW', '- FW', '+ FW', '+ FW']],
]

const CELLS = TABLE.flatMap(([row, frozen, window, cells]) =>
  COLUMNS.map(([column, trigger, given], index) => {
    return { row, frozen, window, column, trigger, given, expected: cells[index]! }
  }),
)

function answer({ frozen, window, trigger, given }: (typeof CELLS)[number], more: Partial<GateQuestion> = {}): string {
  const override: OverrideRule = {
    ...{ name: 'Override/one', scope: { projects: ['shop'] }, covers: ['freeze', 'window'], actions: ['sync'] },
    ...{ from: NOON - HOUR_MS, until: NOON + HOUR_MS, reason: 'it burns', requestedBy: 'ana', uses: 0 },
    ...{ approvals: [{ by: 'ben', at: NOON }], includeAutomated: trigger === 'automated' },
  }
  const rules: GateRules = {
    freezes: FREEZES[frozen]!,
    windows: WINDOWS[window]!,
    overrides: given ? [override] : [],
  }
  const decision = decide(compileRules(rules), target, NOON, { trigger, ...more })
  const letter = (name: string): string => name.charAt(0).toUpperCase()
  if (!decision.allowed) {
    return `- ${decision.layers.flatMap(({ name, allowed }) => (allowed ? [] : letter(name))).join('')}`
  }
  if (decision.reasonRequired) return '!'
  return `+ ${(decision.override?.used ?? []).map(letter).join('')}`.trim()
}

describe('the table of freezes and windows', () => {
  test.each(CELLS)('row $row: $frozen, $window; $column: $expected', cell => {
    expect(answer(cell)).toBe(cell.expected)
  })

  test.each(CELLS)('row 0: nobody without the permission ($row: $frozen, $window; $column)', cell => {
    expect(answer(cell, { permitted: false })).toMatch(/^- P/)
  })
})

describe('everything that holds is named, with the time at which it lets go', () => {
  test('row 9, the freeze that allows no break-glass with others too', () => {
    const rules: GateRules = { freezes: FREEZES['locked and others']!, windows: WINDOWS['closed']! }
    const { layers } = decide(compileRules(rules), target, NOON, { trigger: 'automated' })
    expect(layers.map(({ name, blockers }) => [name, blockers.map(each => [each.rule, each.opensAt])])).toEqual([
      [
        'freeze',
        [
          ['FreezePeriod/locked', parseInstant('2026-06-06T00:00:00Z')],
          ['FreezePeriod/hard', parseInstant('2026-06-06T00:00:00Z')],
        ],
      ],
      [
        'window',
        [
          ['SyncWindow/day', NOON + 6 * HOUR_MS],
          ['SyncWindow/too', NOON + 6 * HOUR_MS],
        ],
      ],
    ])
  })
})
