import { describe, expect, it } from 'vitest'
import type { Application, SyncPolicy } from '../model/application.ts'
import { isAutomated, readSyncOptions } from './sync-options.ts'

function application(syncPolicy?: SyncPolicy): Application {
  return {
    apiVersion: 'flotilla.dev/v1alpha1',
    kind: 'Application',
    metadata: { name: 'web' },
    spec: { project: 'shop', destination: { name: 'eu-1' }, syncPolicy },
    provenance: { source: '', file: 'a.yaml', line: 1, column: 1 },
  }
}

describe('readSyncOptions', () => {
  it('has safe defaults: nothing is pruned or healed unless the document says so', () => {
    expect(readSyncOptions(application()).options).toMatchObject({
      prune: false,
      selfHeal: false,
      allowEmpty: false,
      createNamespace: false,
      respectIgnoreDifferences: true,
      adopt: 'IfUnowned',
    })
  })

  it('reads prune and selfHeal from the automated block', () => {
    expect(readSyncOptions(application({ automated: { prune: true, selfHeal: true } })).options).toMatchObject({
      prune: true,
      selfHeal: true,
    })
  })

  it('takes nothing from an automated block that is not enabled', () => {
    expect(readSyncOptions(application({ automated: { prune: true, enabled: false } })).options.prune).toBe(false)
  })

  it('splits comma lists and trims white space', () => {
    const { options, problems } = readSyncOptions(
      application({ syncOptions: ['CreateNamespace=true, PruneLast=true'] }),
    )
    expect(problems).toEqual([])
    expect(options).toMatchObject({ createNamespace: true, pruneLast: true })
  })

  it('reads what becomes of objects that do not say themselves', () => {
    const read = (...syncOptions: string[]) => {
      const { options, deletion, problems } = readSyncOptions(application({ automated: { prune: true }, syncOptions }))
      expect([options.prune, problems]).toEqual([true, []])
      return [options.pruneDefault, deletion]
    }
    expect(read()).toEqual([undefined, undefined])
    expect(read('Prune=false', 'Delete=false')).toEqual(['no', 'no'])
    expect(read('Prune=confirm', 'Delete=confirm')).toEqual(['confirm', 'confirm'])
    expect(read('Prune=true', 'Delete=true')).toEqual([undefined, undefined])
    // As everywhere, the last word counts.
    expect(read('Prune=confirm,Prune=true', 'Delete=false,Delete=confirm')).toEqual([undefined, 'confirm'])
  })

  it('reads how an operation is run, and says nothing of what is as usual', () => {
    expect(readSyncOptions(application({})).run).toEqual({})
    const syncOptions = ['Timeout=1h', 'WaveTimeout=10m', 'DegradedGrace=30s', 'StallAfter=2m', 'WaitForHealth=final']
    const more = [
      'Supersede=never,FailFast=false',
      'HealHooks=true,IngressHealth=ignoreAddress',
      'OnFailure=retry(30m)',
    ]
    const retry = { limit: 2, backoff: { duration: '1s', factor: 3, maxDuration: '1m' } }
    const read = readSyncOptions(application({ syncOptions: [...syncOptions, ...more], retry } as SyncPolicy))
    expect(read.problems).toEqual([])
    expect(read.onFailure).toEqual({ kind: 'retry', intervalMs: 1_800_000 })
    expect(read.run).toEqual({
      timeoutMs: 3_600_000,
      waveTimeoutMs: 600_000,
      degradedGraceMs: 30_000,
      stallAfterMs: 120_000,
      waitForHealth: 'final',
      supersede: 'never',
      failFast: false,
      healHooks: true,
      ignoreIngressAddress: true,
      retry: { limit: 2, firstDelayMs: 1_000, factor: 3, longestDelayMs: 60_000 },
    })
  })

  const refused: readonly [option: string, says: RegExp][] = [
    ['WaveTimeout=soon', /WaveTimeout may not be "soon"/],
    ['Supersede=perhaps', /Supersede may not be "perhaps"/],
    ['OnFailure=retry(now)', /OnFailure may not be/],
    ['WaveTimout=1m', /unknown sync option "WaveTimout"/],
    ['CreateNamespac=true', /unknown sync option "CreateNamespac"/],
    ['Prune=perhaps', /Prune may not be "perhaps"/],
    ['Delete=perhaps', /Delete may not be "perhaps"/],
    ['CreateNamespace=yes', /neither true nor false/],
    ['PrunePropagationPolicy=sideways', /may not be "sideways"/],
    ['Conflicts=maybe', /may not be "maybe"/],
    ['__proto__=true', /unknown sync option/],
  ]
  it.each(refused)('holds on %s', (option, says) => {
    const { problems } = readSyncOptions(application({ syncOptions: [option] }))
    expect(problems).toHaveLength(1)
    expect(problems[0]).toMatchObject({ kind: 'hold', message: expect.stringMatching(says) })
  })

  it('names the nearest known option', () => {
    expect(readSyncOptions(application({ syncOptions: ['CreateNamespac=true'] })).problems[0]?.hint).toContain(
      'CreateNamespace',
    )
  })
})

describe('isAutomated', () => {
  it.each([
    [undefined, false],
    [{}, false],
    [{ automated: {} }, true],
    [{ automated: { enabled: true } }, true],
    [{ automated: { enabled: false } }, false],
  ] as [SyncPolicy | undefined, boolean][])('%j is %s', (policy, expected) => {
    expect(isAutomated(application(policy))).toBe(expected)
  })
})
