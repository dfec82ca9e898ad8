import { describe, expect, it } from 'vitest'
import { type RoundFacts, type SetStatus, statusOfRound } from './round-status.ts'

const FIRST = '2030-01-01T00:00:00.000Z'
const LATER = '2030-01-01T01:00:00.000Z'

function facts(change: Partial<RoundFacts> = {}): RoundFacts {
  return {
    generators: [{ generator: '0', status: 'ok', applications: 3 }],
    errors: [],
    rollingSync: false,
    expandedAt: change.now ?? FIRST,
    now: FIRST,
    ...change,
  }
}

const invalid = (message: string) => ({ reason: 'ApplicationValidationError', stage: 'validate', message }) as const
const broken = {
  reason: 'ApplicationGenerationFromParamsError',
  stage: 'generate',
  message: 'repository away',
} as const

function conditionsOf(status: SetStatus): { readonly [type: string]: readonly string[] } {
  return Object.fromEntries(
    status.conditions.map(({ type, status: is, reason, message }) => [type, [is, reason, message]]),
  )
}

describe('statusOfRound', () => {
  it('is ready when every generator gave its list and nothing waits', () => {
    const status = statusOfRound(undefined, facts())
    expect(status.generators).toEqual([{ generator: '0', status: 'ok', applications: 3, since: FIRST, okAt: FIRST }])
    expect(conditionsOf(status)).toMatchObject({
      Ready: ['True', 'UpToDate', expect.any(String)],
      ResourcesUpToDate: ['True', 'ApplicationSetUpToDate', 'All applications have been generated successfully'],
    })
    expect(status.health.status).toBe('Healthy')
  })

  it('tells since when a generator is stale, and when it last gave a list', () => {
    const stale = [{ generator: '0', status: 'stale', applications: 3 }] as const
    const first = statusOfRound(undefined, facts())
    const second = statusOfRound(first, facts({ generators: stale, errors: [broken], now: LATER }))
    const third = statusOfRound(second, facts({ generators: stale, errors: [broken], now: '2030-01-02T00:00:00.000Z' }))
    expect(third.generators).toEqual([{ generator: '0', status: 'stale', applications: 3, since: LATER, okAt: FIRST }])
    expect(third.conditions).toEqual(second.conditions)
    expect(conditionsOf(third)).toMatchObject({
      Ready: ['False', 'GeneratorStale', 'generators 0 failed; their last good result stays in force'],
      ErrorOccurred: ['True', 'ApplicationGenerationFromParamsError', 'repository away'],
      ResourcesUpToDate: ['False', 'ErrorOccurred', 'repository away'],
      ParametersGenerated: ['False', 'ErrorOccurred', 'repository away'],
    })
    expect(third.health).toEqual({ status: 'Degraded', message: 'repository away' })
  })

  it.each([
    [
      'the last of those that are not valid, and how many more',
      [invalid('b'), invalid('a'), invalid('c')],
      'c (and 2 more)',
    ],
    ['one alone', [invalid('a')], 'a'],
    ['an error of generating before them', [invalid('z'), broken], 'repository away'],
  ] as const)('Argo CD’s condition tells %s', (_sentence, errors, message) => {
    expect(conditionsOf(statusOfRound(undefined, facts({ errors })))['ErrorOccurred']?.[2]).toBe(message)
  })

  it.each([
    [
      'a generator that never gave a list',
      { generators: [{ generator: '1', status: 'failed', applications: 0 }] },
      'GeneratorFailed',
    ],
    [
      'one that has no answer yet',
      { generators: [{ generator: '1', status: 'waiting', applications: 0 }] },
      'GeneratorWaiting',
    ],
    ['an Application that is not valid', { errors: [invalid('a')] }, 'ApplicationsInvalid'],
    ['a removal that waits', { waiting: { reason: 'DeletionHeld', message: '12 of 12' } }, 'DeletionHeld'],
  ] as const)('is not ready with %s', (_sentence, change, reason) => {
    expect(conditionsOf(statusOfRound(undefined, facts(change)))['Ready']?.slice(0, 2)).toEqual(['False', reason])
  })

  it('a removal that begins or ends to wait changes readiness alone', () => {
    const before = statusOfRound(undefined, facts())
    const waiting = { reason: 'DeletionHeld', message: '12 of 12' } as const
    const held = statusOfRound(before, facts({ waiting, now: LATER, expandedAt: FIRST }))
    expect({ ...held, conditions: held.conditions.slice(0, -1) }).toEqual({
      ...before,
      conditions: before.conditions.slice(0, -1),
    })
    expect(held.conditions.at(-1)).toMatchObject({ type: 'Ready', status: 'False', lastTransitionTime: LATER })
    expect(statusOfRound(held, facts({ expandedAt: FIRST })).conditions.at(-1)).toMatchObject({ status: 'True' })
  })
})
