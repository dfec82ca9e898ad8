import { describe, expect, it } from 'vitest'
import type { JsonObject } from '../../json/json.ts'
import type { Health } from '../../model/status.ts'
import { assessHealth } from '../assess-health.ts'
import { type CelExpressions, celHealthRule } from './cel-rule.ts'
import { loadCustomRules } from './custom-rules.ts'

const RULE: CelExpressions = {
  inProgress: 'status.phase == "Opening"',
  failed: 'status.conditions.exists(c, c.type == "Ready" && c.status == "False")',
  current: 'status.replicas == spec.replicas && has(status.constructor)',
}

const ROWS: { readonly [sentence: string]: { readonly rest: JsonObject; readonly expected: Health } } = {
  'without a status it is in progress': { rest: {}, expected: { status: 'Progressing' } },
  'the first that is true decides': {
    rest: { status: { phase: 'Opening', conditions: [{ type: 'Ready', status: 'False' }] } },
    expected: { status: 'Progressing' },
  },
  'failed, with what Ready says': {
    rest: { status: { phase: 'Open', conditions: [{ type: 'Ready', status: 'False', message: 'no quota' }] } },
    expected: { status: 'Degraded', message: 'no quota' },
  },
  'numbers are compared as numbers, and no key is special': {
    rest: { spec: { replicas: 3 }, status: { phase: 'Open', replicas: 3, constructor: 'x', conditions: [] } },
    expected: { status: 'Healthy' },
  },
  'an inherited key is not there': {
    rest: { spec: { replicas: 3 }, status: { phase: 'Open', replicas: 3, conditions: [] } },
    expected: { status: 'Progressing' },
  },
}

const MISTAKES: { readonly [sentence: string]: { readonly current: string; readonly because: string } } = {
  'an expression that is none': { current: 'status.', because: 'Expected' },
  'a pattern': { current: 'kind.matches("(a+)+")', because: 'may not call matches' },
  'a loop in a loop': { current: 'status.a.all(x, status.b.all(y, x == y))', because: 'inside another' },
  'a name that there is not': { current: 'nothing == 1', because: 'Unknown variable' },
  'a text': { current: 'kind', because: 'true or false, not string' },
}

describe('celHealthRule', () => {
  it.each(Object.entries(ROWS))('%s', (_sentence, { rest, expected }) => {
    const rule = celHealthRule(RULE)
    if (typeof rule === 'string') throw new Error(rule)
    expect(rule.assess({ apiVersion: 'example.com/v1', kind: 'Thing', metadata: {}, ...rest })).toEqual(expected)
  })

  it.each(Object.entries(MISTAKES))('refuses %s', (_sentence, { current, because }) => {
    expect(celHealthRule({ current })).toContain(because)
  })

  it('says what went wrong when an expression cannot be computed', () => {
    const rule = celHealthRule({ current: 'status.text < status.number' })
    if (typeof rule === 'string') throw new Error(rule)
    const object = { apiVersion: 'a/v1', kind: 'A', metadata: {}, status: { text: 'x', number: 1 } }
    expect(rule.assess(object)).toEqual({ status: 'Unknown', message: expect.stringMatching(/^CEL: /) })
  })

  it('is a rule of the chain beside scripts and rules of data', async () => {
    const { table, mistakes } = await loadCustomRules(
      [
        { kind: 'example.com/Thing', cel: { current: 'status.ok' } },
        { kind: 'example.com/Other', cel: { current: '(' } },
        { kind: 'example.com/*', lua: 'return { status = "Suspended" }' },
        {
          kind: 'example.com/Pool',
          data: {
            lines: [{ when: { kind: 'recent', at: 'status.made', seconds: 5 }, status: 'Missing' }],
            otherwise: { status: 'Degraded' },
          },
        },
        { kind: 'example.com/Broken', data: { lines: {} } },
        { kind: 'example.com/Log', none: true },
      ],
      () => 0,
    )
    const thing = { apiVersion: 'example.com/v1', kind: 'Thing', metadata: {}, status: { ok: true } }
    expect(assessHealth(thing, { custom: table })).toEqual({ status: 'Healthy' })
    expect(assessHealth({ ...thing, kind: 'Else' }, { custom: table })).toEqual({ status: 'Suspended' })
    const pool = { ...thing, kind: 'Pool', status: { made: '1969-12-31T23:59:58Z' } }
    expect(assessHealth(pool, { custom: table })).toEqual({ status: 'Missing' })
    // By convention it would be Progressing, and its status speaks of an earlier generation.
    const conditions = [{ type: 'Ready', status: 'False' }]
    const log = { ...thing, kind: 'Log', metadata: { generation: 2 }, status: { observedGeneration: 1, conditions } }
    expect(assessHealth(log, { custom: table })).toBeNull()
    expect(assessHealth(log)?.status).toBe('Progressing')
    expect(mistakes.map(({ kind }) => kind)).toEqual(['example.com/Other', 'example.com/Broken'])
    expect(mistakes[1]?.message).toBe(
      'lines is a list; otherwise is a mapping; otherwise.status is one of Healthy, Suspended, Progressing, Missing, Degraded, Unknown',
    )
  })
})
