import { describe, expect, it } from 'vitest'
import { compileRules } from './compile-rules.ts'
import { judgeOverride, namesTicket, type OverrideWish } from './override-request.ts'
import type { FreezeRule, GateRules, GateTarget, WindowRule } from './rules.ts'

const NOW = Date.UTC(2026, 11, 20, 12)
const HOUR = 3_600_000

const target = (name: string): GateTarget => ({
  name,
  project: 'shop',
  labels: {},
  destination: { name: 'eu-1', namespace: 'shop' },
})
const targets = [target('checkout'), target('web')]

const freeze = (over: Partial<FreezeRule> = {}): FreezeRule => ({
  name: 'FreezePeriod/year-end',
  level: 'team',
  owner: 'platform',
  freeze: 'hard',
  reason: 'closing',
  scope: { all: true },
  when: [{ from: '2026-12-18', through: '2027-01-03' }],
  ...over,
})
const deny: WindowRule = {
  name: 'SyncWindow/days',
  level: 'organisation',
  kind: 'deny',
  schedule: '0 8 * * *',
  duration: '10h',
  select: { kind: 'scope', scope: { all: true } },
}
const allow: WindowRule = { ...deny, name: 'SyncWindow/nights', kind: 'allow', schedule: '0 22 * * *', duration: '2h' }

const wish: OverrideWish = {
  scope: { applications: { names: ['checkout'] } },
  covers: ['freeze', 'window'],
  actions: ['sync'],
  from: NOW,
  until: NOW + 2 * HOUR,
  reason: 'INC-4711 payments fail',
}

function judge(over: Partial<OverrideWish>, written: Partial<GateRules>) {
  const rules: GateRules = { windows: [], freezes: [], ...written }
  return judgeOverride({ ...wish, ...over }, compileRules(rules), rules, targets, NOW)
}

const SOUND: Record<string, [Partial<OverrideWish>, Partial<GateRules>, [names: string[], approvals: number]]> = {
  'it names what would have blocked': [
    {},
    { freezes: [freeze()], windows: [deny] },
    [['SyncWindow/days', 'FreezePeriod/year-end'], 1],
  ],
  'what it does not cover is not named': [
    { covers: ['window'] },
    { freezes: [freeze()], windows: [deny] },
    [['SyncWindow/days'], 1],
  ],
  'a soft freeze blocks nobody who starts by hand': [{}, { freezes: [freeze({ freeze: 'soft' })] }, [[], 1]],
  'but it does block what the hub starts': [
    { includeAutomated: true },
    { freezes: [freeze({ freeze: 'soft' })] },
    [['FreezePeriod/year-end'], 1],
  ],
  'windows that let manual syncs pass are not in the way': [{}, { windows: [{ ...deny, manualSync: true }] }, [[], 1]],
  'allows that are closed are': [{}, { windows: [allow] }, [['SyncWindow/nights'], 1]],
  'the strictest says how many approve': [
    {},
    { freezes: [freeze({ breakGlass: { approvals: 3 } }), freeze({ name: 'FreezePeriod/b' })] },
    [['FreezePeriod/year-end', 'FreezePeriod/b'], 3],
  ],
  'a freeze that begins within its time counts': [
    {},
    { freezes: [freeze({ when: [{ from: '2026-12-20T13:30', through: '2026-12-21' }] })] },
    [['FreezePeriod/year-end'], 1],
  ],
  'one after it does not': [
    {},
    { freezes: [freeze({ when: [{ from: '2026-12-21', through: '2026-12-21' }] })] },
    [[], 1],
  ],
  'a ticket in the reason is found': [
    {},
    { freezes: [freeze({ breakGlass: { ticketPattern: '^INC-[0-9]+$' } })] },
    [['FreezePeriod/year-end'], 1],
  ],
}

const REFUSED: Record<string, [Partial<OverrideWish>, Partial<GateRules>, string[]]> = {
  'a freeze without break-glass is covered by none': [
    {},
    { freezes: [freeze({ breakGlass: { allowed: false } })] },
    ['covers FreezePeriod/year-end allows no break-glass: closing'],
  ],
  'it is no longer than the shortest of them allows': [
    { until: NOW + 3 * HOUR },
    { freezes: [freeze({ breakGlass: { maxDuration: '2h' } }), freeze({ name: 'FreezePeriod/b' })] },
    ['until FreezePeriod/year-end can be overridden for at most 2h'],
  ],
  'a reason without its ticket is none': [
    { reason: 'it burns' },
    { freezes: [freeze({ breakGlass: { ticketPattern: '^INC-[0-9]+$' } })] },
    ['reason FreezePeriod/year-end wants a ticket in the reason: a word that matches ^INC-[0-9]+$'],
  ],
  'everything that is wrong is told': [
    { from: NOW - 1, until: NOW - 2, reason: ' ', covers: [], actions: [], maxUses: 0 },
    {},
    [
      'covers is empty: name freeze, window or both',
      'actions is empty: name what is to be done',
      'reason must not be empty: whoever approves reads it',
      'maxUses is at least 1',
      'from is past: an override is not for what has been done already',
      'until is not after its beginning',
    ],
  ],
  'nobody is meant': [
    { scope: { applications: { names: ['none'] } } },
    {},
    ['scope names no Application that there is'],
  ],
  'its scope cannot be read': [{ scope: {} }, {}, ['scope is empty: name something, or write all: true']],
  'it would be open for weeks': [
    { until: NOW + 8 * 24 * HOUR },
    {},
    ['until is more than seven days after its beginning: change the rule instead'],
  ],
}

describe('asking for break-glass', () => {
  for (const [sentence, [over, rules, [names, approvals]]] of Object.entries(SOUND)) {
    it(sentence, () => {
      const judged = judge(over, rules)
      if (judged.kind !== 'sound') throw new Error(JSON.stringify(judged))
      expect([judged.rules.map(({ name }) => name).sort(), judged.approvalsNeeded]).toEqual([
        [...names].sort(),
        approvals,
      ])
      expect(judged.targets.map(({ name }) => name)).toEqual(['checkout'])
    })
  }
  for (const [sentence, [over, rules, expected]] of Object.entries(REFUSED)) {
    it(`is refused: ${sentence}`, () => {
      const judged = judge(over, rules)
      if (judged.kind !== 'mistakes') throw new Error('it was sound')
      expect(judged.mistakes.map(({ path, message }) => `${path.join('.')} ${message}`)).toEqual(expected)
    })
  }

  it('owners of what would have blocked are named, for they are told', () => {
    const judged = judge({}, { freezes: [freeze()] })
    expect(judged.kind === 'sound' && judged.rules).toMatchObject([
      { name: 'FreezePeriod/year-end', owner: 'platform' },
    ])
  })
})

describe('a ticket', () => {
  const CASES: [string, string, boolean][] = [
    ['^INC-[0-9]+$', 'INC-4711', true],
    ['^INC-[0-9]+$', 'payments fail (INC-4711).', true],
    ['^INC-[0-9]+$', 'INC-', false],
    ['^INC-[0-9]+$', 'see xINC-12y', false],
    ['^INC-[0-9]+ .{5,}$', 'INC-4711 payments', true],
    ['(((', 'whatever', true],
  ]
  for (const [pattern, reason, found] of CASES) {
    it(`${pattern} ${found ? 'is' : 'is not'} in "${reason}"`, () => expect(namesTicket(pattern, reason)).toBe(found))
  }
})
