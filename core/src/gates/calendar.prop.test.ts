import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { GrantTrigger } from '../protocol/documents.ts'
import { mayHeal } from '../protocol/may-heal.ts'
import { mayContinue, mayStart } from '../protocol/may-start.ts'
import { SAMPLE_DIGEST, sampleCalendar, sampleGrant, sampleOffer, sampleTombstone } from '../protocol/samples.ts'
import { calendarContent } from './calendar.ts'
import { DAY_MS, HOUR_MS } from './civil-time.ts'
import { type CompiledRules, compileRules } from './compile-rules.ts'
import { decide, type GateQuestion } from './decide.ts'
import { passesFor } from './passes.ts'
import type { GateRules } from './rules.ts'
import { judgeRunning } from './running-operation.ts'
import { DAYS, instant, rulesArbitrary, START, target } from './testing/arbitrary-rules.ts'

const END = START + DAYS * DAY_MS
const other = { ...target, name: 'status-page', project: 'bank' }

function calendarOf(rules: CompiledRules, from = START) {
  const subjects = [
    { id: 'app-1', target },
    { id: 'app-2', target: other },
  ]
  return sampleCalendar(1, { from, until: END, ...calendarContent(rules, subjects, from, END) })
}

const without = (rules: GateRules): GateRules => ({ ...rules, overrides: [] })
const grantOf = (trigger: GrantTrigger, now: number, passes: ReturnType<typeof passesFor> = []) =>
  sampleGrant({ trigger, passes, startBefore: now + 60_000 })
const asked: Record<string, { readonly question: GateQuestion; readonly trigger: GrantTrigger }> = {
  'an automated sync': { question: { trigger: 'automated' }, trigger: 'automated' },
  'a manual sync': { question: { trigger: 'manual' }, trigger: 'manual' },
  'a removal': { question: { trigger: 'automated', action: 'delete-app' }, trigger: 'delete' },
}

describe('an agent that knows the calendar alone decides as the hub does', () => {
  test.each(Object.keys(asked))('%s', sentence => {
    const { question, trigger } = asked[sentence]!
    const held = trigger === 'delete' ? sampleTombstone(2) : sampleOffer(2)
    fc.assert(
      fc.property(rulesArbitrary.map(without), fc.array(instant, { minLength: 1, maxLength: 12 }), (given, times) => {
        const rules = compileRules(given)
        const calendar = calendarOf(rules)
        for (const now of times) {
          const answer = mayStart({ grant: grantOf(trigger, now), held, calendar, now, operationExists: false })
          const decision = decide(rules, target, now, question)
          expect([now, answer.kind === 'start']).toEqual([now, decision.allowed])
        }
      }),
      { numRuns: 200 },
    )
  })

  test('a heal', () => {
    const bundle = SAMPLE_DIGEST
    fc.assert(
      fc.property(rulesArbitrary.map(without), fc.array(instant, { minLength: 1, maxLength: 12 }), (given, times) => {
        const rules = compileRules(given)
        const calendar = calendarOf(rules)
        for (const now of times) {
          const answer = mayHeal({ held: sampleOffer(2), lastSucceeded: bundle, laterFailed: false, calendar, now })
          const decision = decide(rules, target, now, { trigger: 'self-heal', bundle, syncedBundle: bundle })
          expect([now, answer.kind === 'heal']).toEqual([now, decision.allowed])
        }
      }),
      { numRuns: 200 },
    )
  })

  test('an operation that goes on', () => {
    const hours = fc.integer({ min: 0, max: 30 })
    fc.assert(
      fc.property(rulesArbitrary.map(without), instant, hours, fc.boolean(), (given, start, later, manual) => {
        const rules = compileRules(given)
        const question: GateQuestion = { trigger: manual ? 'manual' : 'automated' }
        if (!decide(rules, target, start, question).allowed) return
        const now = start + later * HOUR_MS
        if (now >= END) return
        const grant = grantOf(manual ? 'manual' : 'automated', start)
        const answer = mayContinue({ grant, held: sampleOffer(2), calendar: calendarOf(rules), now })
        const verdict = judgeRunning(rules, target, now, { ...question, operationStart: start })
        const expected = { 'go-on': 'continue', finish: 'continue', pauseAtWave: 'pause', pauseNow: 'pause' } as const
        expect(answer.kind).toBe(verdict.kind === 'terminate' ? 'abort' : expected[verdict.kind])
      }),
      { numRuns: 500 },
    )
  })

  test('a Grant under an override passes what that opens, and nothing else', () => {
    fc.assert(
      fc.property(rulesArbitrary, instant, fc.boolean(), (given, now, manual) => {
        const rules = compileRules(given)
        const question: GateQuestion = { trigger: manual ? 'manual' : 'automated' }
        const decision = decide(rules, target, now, question)
        const trigger = manual ? (decision.override === undefined ? 'manual' : 'override') : 'automated'
        const passes = passesFor(rules, target, now, END, question, decision)
        const grant = grantOf(trigger, now, passes)
        const calendar = calendarOf(rules)
        const answer = mayStart({ grant, held: sampleOffer(2), calendar, now, operationExists: false })
        expect(answer.kind === 'start').toBe(decision.allowed)
        if (decision.override === undefined) expect(passes).toEqual([])
      }),
      { numRuns: 500 },
    )
  })
})

describe('a calendar', () => {
  test('says the same of a moment wherever it begins', () => {
    fc.assert(
      fc.property(rulesArbitrary.map(without), instant, instant, (given, from, now) => {
        if (now < from) return
        const rules = compileRules(given)
        const grant = grantOf('automated', now)
        const ask = (calendar: ReturnType<typeof calendarOf>) => [
          mayStart({ grant, held: sampleOffer(2), calendar, now, operationExists: false }).kind,
          mayContinue({ grant, held: sampleOffer(2), calendar, now }).kind,
        ]
        expect(ask(calendarOf(rules, from))).toEqual(ask(calendarOf(rules)))
      }),
      { numRuns: 300 },
    )
  })

  test('is the same whatever the order in which Applications are known', () => {
    fc.assert(
      fc.property(rulesArbitrary.map(without), given => {
        const rules = compileRules(given)
        const subjects = [
          { id: 'app-1', target },
          { id: 'app-2', target: other },
        ]
        expect(calendarContent(rules, subjects.toReversed(), START, END)).toEqual(
          calendarContent(rules, subjects, START, END),
        )
      }),
    )
  })

  test('holds at once for an agent whose hub time is behind, and lasts no longer for running operations', () => {
    const when = [{ from: new Date(START).toISOString(), until: new Date(START + HOUR_MS).toISOString() }]
    const common = { level: 'organisation', freeze: 'hard', reason: 'stop', scope: { all: true }, when } as const
    const rules = (inFlight: 'finish' | 'pauseAtWave') =>
      compileRules({ windows: [], freezes: [{ ...common, name: 'FreezePeriod/stop', inFlight, gracePeriod: '15m' }] })
    const ask = (now: number, inFlight: 'finish' | 'pauseAtWave' = 'pauseAtWave') => {
      const question = {
        grant: grantOf('manual', now),
        held: sampleOffer(2),
        calendar: calendarOf(rules(inFlight)),
        now,
      }
      return [mayStart({ ...question, operationExists: false }).kind, mayContinue(question).kind]
    }
    expect(ask(START - 10_000)).toEqual(['wait', 'pause'])
    expect(ask(START + 15 * 60_000 - 1, 'finish')).toEqual(['wait', 'continue'])
    expect(ask(START + 15 * 60_000, 'finish')).toEqual(['wait', 'pause'])
  })
})
