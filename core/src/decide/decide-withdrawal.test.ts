import { describe, expect, it } from 'vitest'
import type { Application } from '../model/application.ts'
import { finalizersForRemoval, setPolicy, withdrawalPolicy } from './decide-withdrawal.ts'

describe('withdrawalPolicy', () => {
  const application = (apiVersion: string, finalizers?: string[], deletion?: 'prune' | 'detach'): Application => ({
    apiVersion,
    kind: 'Application',
    metadata: { name: 'web', finalizers },
    spec: { project: 'shop', destination: {}, deletion },
    provenance: { source: '', file: '', line: 1, column: 1 },
  })
  it.each([
    [
      "Argo's finalizer prunes",
      application('argoproj.io/v1alpha1', ['resources-finalizer.argocd.argoproj.io']),
      'prune',
    ],
    [
      'so does its background form',
      application('argoproj.io/v1alpha1', ['resources-finalizer.argocd.argoproj.io/background']),
      'prune',
    ],
    ["Argo's Application without one leaves everything", application('argoproj.io/v1alpha1'), 'detach'],
    [
      'a finalizer that only begins alike is another',
      application('argoproj.io/v1alpha1', ['resources-finalizer.argocd.argoproj.io.example']),
      'detach',
    ],
    ['ours prunes', application('flotilla.dev/v1alpha1'), 'prune'],
    ['unless it says detach', application('flotilla.dev/v1alpha1', [], 'detach'), 'detach'],
  ] as const)('%s', (_sentence, given, expected) => {
    expect(withdrawalPolicy(given)).toBe(expected)
  })
})

describe('finalizersForRemoval', () => {
  const both = ['resources-finalizer.argocd.argoproj.io', 'other']
  it('keeps all of them while somebody can finish what they ask for', () => {
    expect(finalizersForRemoval(both, true)).toEqual(both)
  })
  it('drops the one for resources, and no other, when the destination is not known', () => {
    expect(finalizersForRemoval(both, false)).toEqual(['other'])
  })
})

describe('setPolicy', () => {
  it.each([
    [undefined, true, true],
    ['sync', true, true],
    ['create-only', false, false],
    ['create-update', true, false],
    ['create-delete', false, true],
  ] as const)('%s', (policy, update, remove) => {
    expect(setPolicy(policy)).toEqual({ update, remove })
  })
})
