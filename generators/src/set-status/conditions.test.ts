import { describe, expect, it } from 'vitest'
import { healthOfSet, type SetCondition, setConditions, writeConditions } from './conditions.ts'

const BEFORE = '2030-01-01T00:00:00.000Z'
const NOW = '2030-01-01T01:00:00.000Z'

function condition(type: string, status: SetCondition['status'], message = 'm', time?: string): SetCondition {
  return { type, status, reason: 'r', message, ...(time !== undefined && { lastTransitionTime: time }) }
}

describe('setConditions', () => {
  it('keeps the time of what is the same, and takes away what is no longer said', () => {
    const before = [condition('A', 'True', 'm', BEFORE), condition('B', 'True', 'm', BEFORE)]
    expect(setConditions(before, [condition('A', 'True')], new Set(['A', 'B']), NOW)).toEqual([
      condition('A', 'True', 'm', BEFORE),
    ])
  })

  it('begins anew with another status, reason or message, and leaves what was not looked at', () => {
    const before = [condition('A', 'True', 'm', BEFORE), condition('Z', 'True', 'm', BEFORE)]
    expect(setConditions(before, [condition('A', 'True', 'other')], new Set(['A']), NOW)).toEqual([
      condition('A', 'True', 'other', NOW),
      condition('Z', 'True', 'm', BEFORE),
    ])
  })

  it('sorts by type', () => {
    const sorted = setConditions([], [condition('B', 'True'), condition('A', 'False')], new Set(), NOW)
    expect(sorted.map(({ type }) => type)).toEqual(['A', 'B'])
  })
})

describe('writeConditions', () => {
  const write = (conditions: readonly SetCondition[], parametersGenerated: boolean, rollingSync = false) =>
    Object.fromEntries(
      writeConditions([condition('RolloutProgressing', 'True', 'm', BEFORE)], {
        conditions,
        parametersGenerated,
        rollingSync,
        now: NOW,
      }).map(({ type, status, reason, message }) => [type, [status, reason, message]]),
    )

  it('an error means that nothing is up to date', () => {
    expect(write([condition('ErrorOccurred', 'True', 'no')], false)).toEqual({
      ErrorOccurred: ['True', 'r', 'no'],
      ResourcesUpToDate: ['False', 'ErrorOccurred', 'no'],
      ParametersGenerated: ['False', 'ErrorOccurred', 'no'],
    })
  })

  it('what is up to date has no error', () => {
    expect(write([condition('ResourcesUpToDate', 'True', 'yes')], true)).toEqual({
      ErrorOccurred: ['False', 'r', 'yes'],
      ResourcesUpToDate: ['True', 'r', 'yes'],
      ParametersGenerated: ['True', 'ParametersGenerated', 'Successfully generated parameters for all Applications'],
    })
  })

  it('conditions of a rollout are for sets that roll out in steps', () => {
    expect(Object.keys(write([condition('InvalidRolloutConfig', 'True')], true))).toEqual(['ParametersGenerated'])
    expect(Object.keys(write([condition('InvalidRolloutConfig', 'True')], true, true))).toEqual([
      'InvalidRolloutConfig',
      'ParametersGenerated',
      'RolloutProgressing',
    ])
  })
})

describe('healthOfSet', () => {
  it.each([
    ['nothing said', [], 'Unknown', 'No status conditions found for ApplicationSet'],
    [
      'an error before all',
      [condition('ResourcesUpToDate', 'True', 'ok'), condition('ErrorOccurred', 'True', 'no')],
      'Degraded',
      'no',
    ],
    [
      'a rollout before being up to date',
      [condition('ResourcesUpToDate', 'True', 'ok'), condition('RolloutProgressing', 'True', 'step 1')],
      'Progressing',
      'step 1',
    ],
    [
      'up to date',
      [condition('ResourcesUpToDate', 'True', 'ok'), condition('ErrorOccurred', 'False')],
      'Healthy',
      'ok',
    ],
    ['none of them', [condition('ErrorOccurred', 'False')], 'Unknown', 'Waiting for health status to be determined'],
  ] as const)('%s', (_sentence, conditions, status, message) => {
    expect(healthOfSet(conditions)).toEqual({ status, message })
  })
})
