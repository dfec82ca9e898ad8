import { describe, expect, it } from 'vitest'
import type { OperationReport, ReportEntry } from '../protocol/report.ts'
import { consecutiveFailures, decideGrant, GRANT_LIFETIME_MS, type GrantSubject } from './decide-grant.ts'
import { readRetryPolicy, retryDelayMs } from './retry-delay.ts'

const DIGEST = `sha256:${'a'.repeat(64)}` as const
const OTHER = `sha256:${'b'.repeat(64)}` as const
const NOW = 1_800_000_000_000

function operation(
  phase: OperationReport['phase'],
  finishedAt?: number,
  digest = DIGEST as OperationReport['digest'],
): OperationReport {
  return {
    id: 'g',
    trigger: 'automated',
    by: 'flotilla',
    phase,
    message: '',
    digest,
    revision: 'r',
    startedAt: NOW - 60_000,
    finishedAt,
    results: [],
    resultsCut: 0,
  }
}

function report(lastSucceeded?: ReportEntry['lastSucceeded']): ReportEntry {
  return {
    application: 'id',
    inc: 1,
    n: 1,
    gone: false,
    held: DIGEST,
    lastSucceeded,
    sync: { status: 'OutOfSync' },
    health: { status: 'Missing', since: NOW },
    objects: [],
    objectsCut: 0,
    objectCount: 0,
    images: [],
    observedAt: NOW,
  }
}

function subject(change: Partial<GrantSubject> = {}): GrantSubject {
  return {
    automated: true,
    digest: DIGEST,
    offer: { epoch: 1, n: 7 },
    open: [],
    operations: [],
    retry: readRetryPolicy(undefined),
    jitter: 0,
    ...change,
  }
}

describe('decideGrant', () => {
  const cases: readonly [sentence: string, change: Partial<GrantSubject>, expected: object][] = [
    ['a digest never tried is granted', {}, { kind: 'grant', startBefore: NOW + GRANT_LIFETIME_MS }],
    ['a digest that succeeded is not granted again', { report: report(DIGEST) }, { kind: 'none' }],
    ['a digest that another one succeeded is granted', { report: report(OTHER) }, { kind: 'grant' }],
    [
      'an Application without automation is held',
      { automated: false },
      { kind: 'hold', hold: { code: 'SYNC_NOT_AUTOMATED' } },
    ],
    [
      'an Application without automation that is in sync is not held',
      { automated: false, report: report(DIGEST) },
      { kind: 'none' },
    ],
    [
      'an open Grant for this Offer is enough until it lapses',
      { open: [{ document: { epoch: 1, n: 7 }, startBefore: NOW + 5 }] },
      { kind: 'none', at: NOW + 5 },
    ],
    [
      'an open Grant for an older Offer is void',
      { open: [{ document: { epoch: 1, n: 6 }, startBefore: NOW + 5 }] },
      { kind: 'grant' },
    ],
    [
      'a lapsed Grant is given again',
      { open: [{ document: { epoch: 1, n: 7 }, startBefore: NOW }] },
      { kind: 'grant' },
    ],
    ['a running operation is left alone', { operations: [operation('Running')] }, { kind: 'none' }],
    [
      'an operation whose end was never told is over once another one has begun',
      { operations: [operation('Failed', NOW, OTHER), operation('Running')] },
      { kind: 'grant' },
    ],
    [
      'a removal under way says nothing about syncs',
      { operations: [{ ...operation('Running'), trigger: 'delete' }] },
      { kind: 'grant' },
    ],
    [
      'a failed attempt is tried again after its delay',
      { operations: [operation('Failed', NOW - 1_000)] },
      { kind: 'none', at: NOW + 4_000 },
    ],
    ['a delay that has passed', { operations: [operation('Failed', NOW - 5_000)] }, { kind: 'grant' }],
    [
      'six failures are the end of it',
      { operations: Array.from({ length: 6 }, () => operation('Failed', NOW - 1_000_000)) },
      { kind: 'none' },
    ],
    [
      'one operation that its agent tried six times is the end of it',
      { operations: [{ ...operation('Failed', NOW - 1_000_000), attempts: 6 }] },
      { kind: 'none' },
    ],
    [
      'what was terminated is not begun again',
      { operations: [{ ...operation('Failed', NOW - 1_000_000), terminatedBy: 'ana' }] },
      { kind: 'none' },
    ],
    [
      'what worked before and fails is tried again every ten minutes',
      {
        operations: [{ ...operation('Failed', NOW - 60_000), attempts: 6 }, operation('Succeeded', NOW - 90_000)],
      },
      { kind: 'none', at: NOW + 9 * 60_000 },
    ],
    [
      'what asks for it is tried again at its own interval',
      {
        onFailure: { kind: 'retry', intervalMs: 120_000 },
        operations: [{ ...operation('Failed', NOW - 60_000), attempts: 6 }],
      },
      { kind: 'none', at: NOW + 60_000 },
    ],
    [
      'what asks to stop stays failed, though it worked before',
      {
        onFailure: { kind: 'stop' },
        operations: [{ ...operation('Failed', NOW - 9_000_000), attempts: 6 }, operation('Succeeded', NOW - 9_900_000)],
      },
      { kind: 'none' },
    ],
    [
      'a success that an attempt at another digest came after is granted again: it may have stopped half-way',
      { report: report(DIGEST), operations: [operation('Failed', NOW, OTHER), operation('Succeeded', NOW)] },
      { kind: 'grant' },
    ],
    [
      'a success after which a removal began is granted again',
      { report: report(DIGEST), operations: [{ ...operation('Failed', NOW), trigger: 'delete' }] },
      { kind: 'grant' },
    ],
    [
      'a success of before the options changed is granted again',
      {
        report: report(DIGEST),
        syncFrom: { epoch: 1, n: 7 },
        operations: [{ ...operation('Succeeded', NOW), document: { epoch: 1, n: 6 } }],
      },
      { kind: 'grant' },
    ],
    [
      'a success since the options changed is not',
      {
        report: report(DIGEST),
        syncFrom: { epoch: 1, n: 5 },
        operations: [{ ...operation('Succeeded', NOW), document: { epoch: 1, n: 6 } }],
      },
      { kind: 'none' },
    ],
    [
      'what failed for good is tried again under another Offer',
      {
        operations: Array.from({ length: 6 }, () => ({
          ...operation('Failed', NOW - 1_000),
          document: { epoch: 1, n: 6 },
        })),
      },
      { kind: 'grant' },
    ],
    [
      'an operation that someone started by hand is left alone',
      { automated: false, operations: [operation('Running')] },
      { kind: 'none' },
    ],
    ['failures of another digest do not count', { operations: [operation('Failed', NOW, OTHER)] }, { kind: 'grant' }],
  ]
  it.each(cases)('%s', (_sentence, change, expected) => {
    expect(decideGrant(subject(change), NOW)).toMatchObject(expected)
  })
})

describe('consecutiveFailures', () => {
  it('counts back to the last success and skips heals', () => {
    const heal = { ...operation('Failed', NOW), trigger: 'heal' as const }
    const operations = [
      operation('Failed', NOW),
      heal,
      operation('Error', NOW),
      operation('Succeeded', NOW),
      operation('Failed', NOW),
    ]
    expect(consecutiveFailures(operations, DIGEST)).toBe(2)
  })
})

describe('retryDelayMs', () => {
  it('waits 5, 10, 20, 40, 80 seconds and then no more', () => {
    const policy = readRetryPolicy(undefined)
    expect([1, 2, 3, 4, 5, 6].map(failures => retryDelayMs(policy, failures, 0))).toEqual([
      5_000,
      10_000,
      20_000,
      40_000,
      80_000,
      undefined,
    ])
  })

  it("reads Argo CD's retry block, bare numbers as seconds", () => {
    const policy = readRetryPolicy({ limit: -1, backoff: { duration: '1m30s', factor: 3, maxDuration: '600' } })
    expect(policy).toEqual({ limit: -1, firstDelayMs: 90_000, factor: 3, longestDelayMs: 600_000 })
    expect(retryDelayMs(policy, 50, 0)).toBe(600_000)
  })

  it('draws at most a fifth more', () => {
    expect(retryDelayMs(readRetryPolicy(undefined), 1, 1)).toBe(6_000)
  })
})
