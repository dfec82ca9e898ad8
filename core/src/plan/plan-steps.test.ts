import { describe, expect, it } from 'vitest'
import { objectKeyText } from '../model/kubernetes-object.ts'
import { OPTIONS, object, observation, ours, plan } from './plan-fixture.ts'
import { planRemoval } from './plan-removal.ts'
import { stepsOf } from './plan-steps.ts'
import { printPlan } from './print-plan.ts'

const WAVE = 'argocd.argoproj.io/sync-wave'

describe('stepsOf', () => {
  it('cuts a wave into steps of one kind, prunes apart, with a barrier after definitions', () => {
    const desired = [object('Namespace', 'x'), object('ConfigMap', 'a'), object('ConfigMap', 'b')]
    const live = observation([ours(object('ConfigMap', 'gone')), ours(object('ConfigMap', 'went'))])
    const steps = stepsOf(plan(desired, live).actions).map(({ actions, barrier }) => {
      return `${actions.map(({ kind, key }) => `${kind} ${key.name}`).join(', ')}${barrier ? ' barrier' : ''}`
    })
    expect(steps).toEqual(['prune went, prune gone', 'create x barrier', 'create a, create b'])
  })
})

describe('planRemoval', () => {
  it('goes from the highest wave down, kinds backwards, and keeps what asks to be kept', () => {
    const live = observation([
      ours(object('ConfigMap', 'a')),
      ours(object('Deployment', 'w')),
      ours(object('ConfigMap', 'late', { [WAVE]: '3' })),
      ours(object('Secret', 'kept', { 'argocd.argoproj.io/sync-options': 'Delete=false' })),
      ours(object('ConfigMap', 'taken'), 'app-2'),
      ours(object('CustomResourceDefinition', 'foos.acme.example')),
    ])
    const removal = planRemoval({
      application: { id: 'app-1', name: 'shop' },
      digest: 'sha256:00',
      inventory: live.inventory,
      live: live.live,
      approved: false,
    })
    expect(removal.actions.map(({ kind, key }) => `${kind} ${objectKeyText(key)}`)).toEqual([
      'prune ConfigMap shop/late',
      'prune apps/Deployment shop/w',
      'skip apiextensions.k8s.io/CustomResourceDefinition foos.acme.example',
      'skip ConfigMap shop/taken',
      'prune ConfigMap shop/a',
      'skip Secret shop/kept',
    ])
  })
})

describe('printPlan', () => {
  it('says what happens in one line an action, and shows no value', () => {
    const desired = [
      object('Secret', 'a', {}, { stringData: { password: 'hunter2' } }),
      object('ConfigMap', 'b'),
      object('Job', 'h', { 'helm.sh/hook': 'pre-install' }),
    ]
    const live = observation([ours(object('Secret', 'a')), ours(object('Service', 'old'))], {
      predictions: { 'Secret shop/a': { kind: 'changed', changes: ['.data.password'] } },
    })
    const printed = printPlan(plan(desired, live, { options: { ...OPTIONS, prune: false } }))
    expect(printed).toBe(
      [
        'shop: 1 to create, 1 to update, 0 to prune, 0 kept, 1 hooks, 1 left alone',
        '  hook    PreSync/0  batch/Job shop/h',
        '  skip    Sync/0  Service shop/old: PRUNE_OFF ignored (requires pruning)',
        '  update  Sync/0  Secret shop/a: .data.password',
        '  create  Sync/0  ConfigMap shop/b',
      ].join('\n'),
    )
  })
})
