import { describe, expect, test } from 'vitest'
import { MINUTE_MS } from './civil-time.ts'
import { compileRules } from './compile-rules.ts'
import type { FreezeRule, GateRules, GateTarget, OverrideRule, WindowRule } from './rules.ts'
import { judgeRunning, type RunningQuestion } from './running-operation.ts'

const NOON = Date.UTC(2026, 11, 18, 12)

const target: GateTarget = { name: 'checkout', project: 'shop', labels: {}, destination: {} }

const freeze = (change: Partial<FreezeRule> = {}): FreezeRule => ({
  name: 'FreezePeriod/noon',
  level: 'organisation',
  freeze: 'hard',
  reason: 'closing',
  scope: { all: true },
  when: [{ from: '2026-12-18T12:00', until: '2026-12-20' }],
  ...change,
})

const morning = (change: Partial<WindowRule> = {}): WindowRule => ({
  name: 'SyncWindow/morning',
  level: 'team',
  kind: 'allow',
  schedule: '0 8 * * *',
  duration: '4h',
  select: { kind: 'scope', scope: { all: true } },
  ...change,
})

const override: OverrideRule = {
  name: 'Override/one',
  scope: { all: true },
  covers: ['freeze', 'window'],
  actions: ['sync'],
  from: NOON - 60 * MINUTE_MS,
  until: NOON + 5 * MINUTE_MS,
  includeAutomated: true,
  reason: 'it burns',
  requestedBy: 'anna',
  approvals: [{ by: 'bela', at: 0 }],
  uses: 0,
}

function judge(rules: Partial<GateRules>, minutes: number, question: Partial<RunningQuestion> = {}) {
  const compiled = compileRules({ windows: [], freezes: [], ...rules })
  const asked = { trigger: 'automated' as const, operationStart: NOON - 10 * MINUTE_MS, ...question }
  return judgeRunning(compiled, target, NOON + minutes * MINUTE_MS, asked)
}

describe('an operation that is running when a boundary comes', () => {
  test.each<[string, Partial<GateRules>, number, Partial<RunningQuestion>, unknown]>([
    ['before it, it goes on', { freezes: [freeze()] }, -1, {}, { kind: 'go-on' }],
    [
      'a freeze lets it finish for the grace period',
      { freezes: [freeze()] },
      14,
      {},
      { kind: 'finish', until: NOON + 15 * MINUTE_MS },
    ],
    ['and no longer', { freezes: [freeze()] }, 15, {}, { kind: 'pauseAtWave' }],
    ['or for its own', { freezes: [freeze({ gracePeriod: '1m' })] }, 1, {}, { kind: 'pauseAtWave' }],
    ['a freeze that pauses', { freezes: [freeze({ inFlight: 'pauseAtWave' })] }, 0, {}, { kind: 'pauseAtWave' }],
    ['a freeze that ends it', { freezes: [freeze({ inFlight: 'terminate' })] }, 0, {}, { kind: 'terminate' }],
    [
      'the strictest counts',
      { freezes: [freeze(), freeze({ name: 'FreezePeriod/b', inFlight: 'terminate' })] },
      0,
      {},
      { kind: 'terminate' },
    ],
    [
      'a soft freeze does not hold what was started by hand',
      { freezes: [freeze({ freeze: 'soft' })] },
      0,
      { trigger: 'manual' },
      { kind: 'go-on' },
    ],
    ['a window that lets it finish', { windows: [morning({ syncOverrun: true })] }, 0, {}, { kind: 'go-on' }],
    ['one that does not', { windows: [morning()] }, 0, {}, { kind: 'pauseAtWave' }],
    [
      'one that does, but it was not allowed to start',
      { windows: [morning({ syncOverrun: true })] },
      0,
      { operationStart: NOON - 300 * MINUTE_MS },
      { kind: 'pauseAtWave' },
    ],
    ['as Argo CD has it', { windows: [morning()] }, 0, { strictArgo: true }, { kind: 'pauseNow' }],
    ['an override covers it', { freezes: [freeze()], overrides: [override] }, 4, {}, { kind: 'go-on' }],
    [
      'one that has ended is as a window that closes',
      { freezes: [freeze()], overrides: [override] },
      5,
      {},
      { kind: 'pauseAtWave' },
    ],
  ])('%s', (_, rules, minutes, question, expected) => {
    expect(judge(rules, minutes, question)).toEqual(expected)
  })
})
