import { describe, expect, it } from 'vitest'
import { readHook } from './read-hook.ts'

const read = (annotations: { readonly [name: string]: string }) =>
  readHook({ apiVersion: 'batch/v1', kind: 'Job', metadata: { name: 'a', annotations } })

describe('readHook', () => {
  it.each<[string, { readonly [name: string]: string }, object | undefined]>([
    ['an object without annotations is none', {}, undefined],
    [
      'phases come in their order',
      { 'argocd.argoproj.io/hook': 'PostSync, PreSync' },
      { phases: ['PreSync', 'PostSync'] },
    ],
    [
      'our word wins',
      { 'flotilla.dev/hook': 'SyncFail', 'argocd.argoproj.io/hook': 'PreSync' },
      { phases: ['SyncFail'] },
    ],
    ['Skip alone is a hook of no phase', { 'argocd.argoproj.io/hook': 'Skip' }, { phases: [] }],
    ['Skip beside others counts for nothing', { 'argocd.argoproj.io/hook': 'Skip,Sync' }, { phases: ['Sync'] }],
    [
      'Helm’s words are mapped',
      { 'helm.sh/hook': 'pre-install,post-upgrade,pre-delete' },
      { phases: ['PreSync', 'PostSync', 'PreDelete'] },
    ],
    ['Helm’s tests never run', { 'helm.sh/hook': 'test' }, { phases: [] }],
    ['a definition of Helm 2 is an ordinary object', { 'helm.sh/hook': 'crd-install' }, undefined],
    [
      'Argo CD’s word wins over Helm’s',
      { 'argocd.argoproj.io/hook': 'Sync', 'helm.sh/hook': 'pre-install' },
      { phases: ['Sync'] },
    ],
    [
      'without a policy it goes before it is made again',
      { 'argocd.argoproj.io/hook': 'Sync' },
      { deletePolicies: ['BeforeHookCreation'] },
    ],
    [
      'policies of both are read',
      { 'argocd.argoproj.io/hook': 'Sync', 'helm.sh/hook-delete-policy': 'hook-failed,hook-succeeded' },
      { deletePolicies: ['HookSucceeded', 'HookFailed'] },
    ],
    [
      'time, runs and reruns are read',
      {
        'argocd.argoproj.io/hook': 'Sync',
        'flotilla.dev/hook-timeout': '5m',
        'flotilla.dev/hook-retries': '3',
        'flotilla.dev/hook-delete-at': 'phase',
        'flotilla.dev/hook-rerun-on-retry': 'true',
      },
      { timeoutMs: 300_000, retries: 3, deleteAt: 'phase', rerunOnRetry: true },
    ],
  ])('%s', (_sentence, annotations, hook) => {
    const found = read(annotations)
    expect(found.problems).toEqual([])
    if (hook) expect(found.hook).toMatchObject(hook)
    else expect(found.hook).toBeUndefined()
  })

  it.each<[string, { readonly [name: string]: string }, string]>([
    [
      'an unknown phase',
      { 'argocd.argoproj.io/hook': 'PreSinc' },
      'hook "PreSinc" is not known; did you mean "PreSync"?',
    ],
    ['no phase', { 'argocd.argoproj.io/hook': ' , ' }, 'hook names no phase'],
    [
      'an unknown word of Helm',
      { 'helm.sh/hook': 'pre-instal' },
      'helm.sh/hook "pre-instal" is not known; did you mean "pre-install"?',
    ],
    [
      'an unknown policy',
      { 'argocd.argoproj.io/hook': 'Sync', 'argocd.argoproj.io/hook-delete-policy': 'Always' },
      'hook-delete-policy "Always" is not known',
    ],
    ['a name of every object', { 'helm.sh/hook': 'constructor' }, 'helm.sh/hook "constructor" is not known'],
    [
      'no duration',
      { 'argocd.argoproj.io/hook': 'Sync', 'flotilla.dev/hook-timeout': '5 min' },
      'hook-timeout "5 min" is no duration such as 5m',
    ],
    [
      'no number',
      { 'argocd.argoproj.io/hook': 'Sync', 'flotilla.dev/hook-retries': '-1' },
      'hook-retries "-1" is no number from 0 to 100',
    ],
  ])('tells of %s', (_sentence, annotations, problem) => {
    expect(read(annotations).problems).toEqual([problem])
  })
})
