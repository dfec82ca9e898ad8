import { describe, expect, it } from 'vitest'
import type { JsonObject } from '../json/json.ts'
import type { KubernetesObject } from '../model/kubernetes-object.ts'
import { heldPrunes } from './held-prunes.ts'
import { intend, lines, OPTIONS, object, observation, ours, plan, request } from './plan-fixture.ts'
import type { Observation, SyncRequest } from './plan-sync.ts'
import { objectToSend } from './plan-target.ts'

const WAVE = 'argocd.argoproj.io/sync-wave'
const SYNC_OPTIONS = 'argocd.argoproj.io/sync-options'
const NOTHING = observation([])

interface Row {
  readonly desired: readonly KubernetesObject[]
  readonly observed?: Observation
  readonly changes?: Partial<SyncRequest>
  readonly confirmed?: boolean
  readonly actions: readonly string[]
  readonly problems?: readonly string[]
}

const ROWS: { readonly [sentence: string]: Row } = {
  'what is not there is created, in the destination’s namespace': {
    desired: [object('ConfigMap', 'a')],
    actions: ['create Sync/0 ConfigMap shop/a'],
  },
  'what is as it should be is kept': {
    desired: [object('ConfigMap', 'a')],
    observed: observation([ours(object('ConfigMap', 'a'))]),
    actions: ['keep Sync/0 ConfigMap shop/a'],
  },
  'what a dry run would change is updated': {
    desired: [object('ConfigMap', 'a')],
    observed: observation([ours(object('ConfigMap', 'a'))], {
      predictions: { 'ConfigMap shop/a': { kind: 'changed', changes: ['.data.x'] } },
    }),
    actions: ['update Sync/0 ConfigMap shop/a'],
  },
  'a manifest removed from Git is pruned': {
    desired: [object('ConfigMap', 'b')],
    observed: observation([ours(object('ConfigMap', 'a')), ours(object('ConfigMap', 'b'))]),
    actions: ['prune Sync/0 ConfigMap shop/a', 'keep Sync/0 ConfigMap shop/b'],
  },
  'what the Inventory does not name is never pruned': {
    desired: [object('ConfigMap', 'b')],
    observed: observation([ours(object('ConfigMap', 'a')), ours(object('ConfigMap', 'b'))], { inventory: [] }),
    actions: ['keep Sync/0 ConfigMap shop/b'],
  },
  'what another Application took over is not pruned': {
    desired: [object('ConfigMap', 'b')],
    observed: observation([ours(object('ConfigMap', 'a'), 'app-2'), ours(object('ConfigMap', 'b'))]),
    actions: ['skip Sync/0 ConfigMap shop/a OWNERSHIP_CHANGED', 'keep Sync/0 ConfigMap shop/b'],
  },
  'marks removed by hand do not hide an object of the Inventory that we manage': {
    desired: [object('ConfigMap', 'b')],
    observed: observation([unmarked(ours(object('ConfigMap', 'a'))), ours(object('ConfigMap', 'b'))]),
    actions: ['prune Sync/0 ConfigMap shop/a', 'keep Sync/0 ConfigMap shop/b'],
  },
  'Prune=false on the live object keeps it': {
    desired: [object('ConfigMap', 'b')],
    observed: observation([
      ours(object('ConfigMap', 'a', { [SYNC_OPTIONS]: 'Prune=false' })),
      ours(object('ConfigMap', 'b')),
    ]),
    actions: ['skip Sync/0 ConfigMap shop/a PRUNE_FORBIDDEN', 'keep Sync/0 ConfigMap shop/b'],
  },
  'without prune, what is extra is left alone': {
    desired: [object('ConfigMap', 'b')],
    observed: observation([ours(object('ConfigMap', 'a')), ours(object('ConfigMap', 'b'))]),
    changes: { options: { ...OPTIONS, prune: false } },
    actions: ['skip Sync/0 ConfigMap shop/a PRUNE_OFF', 'keep Sync/0 ConfigMap shop/b'],
  },
  'Prune=confirm waits for a person': {
    desired: [object('ConfigMap', 'b')],
    observed: observation([
      ours(object('ConfigMap', 'a', { [SYNC_OPTIONS]: 'Prune=confirm' })),
      ours(object('ConfigMap', 'b')),
    ]),
    actions: ['hold Sync/0 ConfigMap shop/a PRUNE_CONFIRMATION', 'keep Sync/0 ConfigMap shop/b'],
  },
  'an empty Bundle does not wipe an Application': {
    desired: [],
    observed: observation([ours(object('ConfigMap', 'a'))]),
    actions: ['hold Sync/0 ConfigMap shop/a PRUNE_GUARD'],
  },
  'an empty Bundle wipes it where allowEmpty says so': {
    desired: [],
    observed: observation([ours(object('ConfigMap', 'a'))]),
    changes: { options: { ...OPTIONS, allowEmpty: true } },
    actions: ['prune Sync/0 ConfigMap shop/a'],
  },
  'a person confirms a wipe': {
    desired: [],
    observed: observation([ours(object('ConfigMap', 'a'))]),
    confirmed: true,
    actions: ['prune Sync/0 ConfigMap shop/a'],
  },
  'more than half of a larger Application does not go at once': {
    desired: names(4).map(name => object('ConfigMap', name)),
    observed: observation(names(10).map(name => ours(object('ConfigMap', name)))),
    actions: [
      ...names(10)
        .slice(4)
        .reverse()
        .map(name => `hold Sync/0 ConfigMap shop/${name} PRUNE_GUARD`),
      ...names(4).map(name => `keep Sync/0 ConfigMap shop/${name}`),
    ],
  },
  'an object of another Application is refused': {
    desired: [object('ConfigMap', 'a')],
    observed: observation([ours(object('ConfigMap', 'a'), 'app-2')], { inventory: [] }),
    actions: ['hold Sync/0 ConfigMap shop/a OWNED_BY_OTHER'],
  },
  'a copied tracking annotation does not make an object another’s': {
    desired: [object('ConfigMap', 'a')],
    observed: observation([live('ConfigMap', 'a', { 'flotilla.dev/tracking-id': 'app-2:/ConfigMap:shop/parent' })]),
    actions: ['keep Sync/0 ConfigMap shop/a'],
  },
  'an object that Argo CD tracks is not taken unasked': {
    desired: [object('ConfigMap', 'a')],
    observed: observation([live('ConfigMap', 'a', { 'argocd.argoproj.io/tracking-id': 'old:/ConfigMap:shop/a' })]),
    actions: ['hold Sync/0 ConfigMap shop/a ADOPTION_UNAPPROVED'],
    problems: ['error ADOPTION_UNAPPROVED'],
  },
  'with somebody’s approval for that tool it is taken, and another tool’s is not': {
    desired: [object('ConfigMap', 'a'), object('ConfigMap', 'b')],
    observed: observation([
      live('ConfigMap', 'a', { 'argocd.argoproj.io/tracking-id': 'old:/ConfigMap:shop/a' }),
      live('ConfigMap', 'b', { 'meta.helm.sh/release-name': 'shop' }),
    ]),
    changes: { options: { ...OPTIONS, adoptFrom: ['argocd'] } },
    actions: ['keep Sync/0 ConfigMap shop/a', 'hold Sync/0 ConfigMap shop/b ADOPTION_UNAPPROVED'],
    problems: ['error ADOPTION_UNAPPROVED'],
  },
  'adopt: Force takes it': {
    desired: [object('ConfigMap', 'a')],
    observed: observation([live('ConfigMap', 'a', { 'argocd.argoproj.io/tracking-id': 'old:/ConfigMap:shop/a' })]),
    changes: { options: { ...OPTIONS, adopt: 'Force' } },
    actions: ['keep Sync/0 ConfigMap shop/a'],
  },
  'adopt: Never refuses what nobody marks': {
    desired: [object('ConfigMap', 'a')],
    observed: observation([live('ConfigMap', 'a')], { inventory: [] }),
    changes: { options: { ...OPTIONS, adopt: 'Never' } },
    actions: ['hold Sync/0 ConfigMap shop/a OWNED_BY_OTHER'],
  },
  'what kubectl made is taken over, even if nothing else changes': {
    desired: [object('ConfigMap', 'a')],
    observed: observation([managedBy(live('ConfigMap', 'a'), 'kubectl-client-side-apply')]),
    actions: ['update Sync/0 ConfigMap shop/a'],
  },
  'kubectl edit after our apply is drift, not a predecessor': {
    desired: [object('ConfigMap', 'a')],
    observed: observation([managedBy(ours(object('ConfigMap', 'a')), 'kubectl-edit')]),
    actions: ['keep Sync/0 ConfigMap shop/a'],
  },
  'what is being deleted is created again afterwards': {
    desired: [object('ConfigMap', 'a')],
    observed: observation([terminating(ours(object('ConfigMap', 'a')))]),
    actions: ['create Sync/0 ConfigMap shop/a'],
  },
  'waves come in order, prunes before applies and mirrored': {
    desired: [
      object('ConfigMap', 'late', { [WAVE]: '5' }),
      object('ConfigMap', 'early', { [WAVE]: '-1' }),
      object('Secret', 'mid'),
    ],
    observed: observation([
      ours(object('ConfigMap', 'late', { [WAVE]: '5' })),
      ours(object('ConfigMap', 'early', { [WAVE]: '-1' })),
      ours(object('Secret', 'mid')),
      ours(object('ConfigMap', 'gone-late', { [WAVE]: '5' })),
      ours(object('ConfigMap', 'gone-mid')),
      ours(object('ConfigMap', 'gone-early', { [WAVE]: '-1' })),
    ]),
    actions: [
      'prune Sync/-1 ConfigMap shop/gone-late',
      'keep Sync/-1 ConfigMap shop/early',
      'prune Sync/0 ConfigMap shop/gone-mid',
      'keep Sync/0 Secret shop/mid',
      'prune Sync/5 ConfigMap shop/gone-early',
      'keep Sync/5 ConfigMap shop/late',
    ],
  },
  'PruneLast comes after everything': {
    desired: [object('ConfigMap', 'late', { [WAVE]: '5' })],
    observed: observation([ours(object('ConfigMap', 'late', { [WAVE]: '5' })), ours(object('ConfigMap', 'gone'))]),
    changes: { options: { ...OPTIONS, pruneLast: true } },
    actions: ['keep Sync/5 ConfigMap shop/late', 'prune Sync/6 ConfigMap shop/gone'],
  },
  'kinds come in order, webhook configurations last': {
    desired: [
      'ValidatingWebhookConfiguration',
      'APIService',
      'Ingress',
      'Deployment',
      'Service',
      'ConfigMap',
      'Secret',
      'Namespace',
    ].map(kind => object(kind, 'x')),
    actions: [
      'create Sync/0 Namespace x',
      'create Sync/0 Secret shop/x',
      'create Sync/0 ConfigMap shop/x',
      'create Sync/0 Service shop/x',
      'create Sync/0 apps/Deployment shop/x',
      'create Sync/0 networking.k8s.io/Ingress shop/x',
      'create Sync/0 apiregistration.k8s.io/APIService x',
      'create Sync/0 admissionregistration.k8s.io/ValidatingWebhookConfiguration x',
    ],
  },
  'a custom resource named Ingress is no Ingress': {
    desired: [{ ...object('Ingress', 'a'), apiVersion: 'acme.example/v1' }, object('Ingress', 'b')],
    actions: ['create Sync/0 networking.k8s.io/Ingress shop/b', 'create Sync/0 acme.example/Ingress shop/a'],
  },
  'equal names in two namespaces have one order': {
    desired: [inNamespace(object('ConfigMap', 'a'), 'z'), inNamespace(object('ConfigMap', 'a'), 'b')],
    actions: ['create Sync/0 ConfigMap b/a', 'create Sync/0 ConfigMap z/a'],
  },
  'a definition and a namespace move before what needs them': {
    desired: [
      object('CustomResourceDefinition', 'foos.acme.example', { [WAVE]: '5' }, definition('Foo')),
      { ...object('Foo', 'f', { [WAVE]: '-1' }), apiVersion: 'acme.example/v1' },
      object('Namespace', 'x'),
      inNamespace(object('ConfigMap', 'c', { [WAVE]: '-2' }), 'x'),
    ],
    actions: [
      'create Sync/-2 from Sync/0 Namespace x',
      'create Sync/-2 ConfigMap x/c',
      'create Sync/-1 from Sync/5 apiextensions.k8s.io/CustomResourceDefinition foos.acme.example',
      'create Sync/-1 acme.example/Foo shop/f',
    ],
  },
  'the destination’s namespace is made first and never tracked': {
    desired: [object('ConfigMap', 'a', { [WAVE]: '-3' })],
    changes: { options: { ...OPTIONS, createNamespace: true } },
    actions: ['create PreSync/0 Namespace shop', 'create Sync/-3 ConfigMap shop/a'],
  },
  'a destination’s namespace that the Project does not permit is not made': {
    desired: [inNamespace(object('ConfigMap', 'a'), 'x')],
    changes: {
      options: { ...OPTIONS, createNamespace: true },
      ceiling: { clusterKindsAllowed: [], clusterKindsDenied: [], namespacedKindsDenied: [], namespaces: ['x'] },
    },
    actions: ['create Sync/0 ConfigMap x/a'],
  },
  'a namespace on a cluster-scoped object is dropped': {
    desired: [inNamespace(object('ClusterRole', 'a'), 'x')],
    actions: ['create Sync/0 rbac.authorization.k8s.io/ClusterRole a'],
  },
  'the last of two equal objects is taken, with a warning': {
    desired: [object('ConfigMap', 'a'), inNamespace(object('ConfigMap', 'a'), 'shop')],
    actions: ['create Sync/0 ConfigMap shop/a'],
    problems: ['warning REPEATED_OBJECT'],
  },
  'a hook comes once in each phase that it names': {
    desired: [
      object('Job', 'migrate', { 'argocd.argoproj.io/hook': 'PreSync, SyncFail', [WAVE]: '2' }),
      object('ConfigMap', 'a'),
      object('Job', 'notify', { 'helm.sh/hook': 'post-install,post-upgrade', 'helm.sh/hook-weight': '-5' }),
    ],
    actions: [
      'hook PreSync/2 batch/Job shop/migrate',
      'create Sync/0 ConfigMap shop/a',
      'hook PostSync/-5 batch/Job shop/notify',
      'hook SyncFail/2 batch/Job shop/migrate',
    ],
  },
  'hooks of a removal and of no phase are neither run nor pruned': {
    desired: [
      object('Job', 'test', { 'helm.sh/hook': 'test' }),
      object('Job', 'skipped', { 'argocd.argoproj.io/hook': 'Skip' }),
      object('Job', 'goodbye', { 'argocd.argoproj.io/hook': 'PreDelete' }),
      object('ConfigMap', 'a'),
    ],
    observed: observation([
      ours(object('Job', 'skipped')),
      ours(object('Job', 'goodbye')),
      ours(object('ConfigMap', 'a')),
    ]),
    actions: ['keep Sync/0 ConfigMap shop/a'],
  },
  'a hook with a word that nobody knows is a mistake': {
    desired: [
      object('Job', 'migrate', { 'argocd.argoproj.io/hook': 'PreSinc' }),
      object('Job', 'notify', {
        'argocd.argoproj.io/hook': 'PostSync',
        'argocd.argoproj.io/hook-delete-policy': 'Always',
      }),
      object('Job', 'upgrade', { 'helm.sh/hook': 'pre-upgarde' }),
    ],
    actions: ['hook PostSync/0 batch/Job shop/notify'],
    problems: ['error HOOK_INVALID', 'error HOOK_INVALID', 'error HOOK_INVALID'],
  },
  'a namespace and a definition move into the phase of the hook that needs them': {
    desired: [
      object('Deployment', 'web'),
      object('CustomResourceDefinition', 'foos.acme.example', { [WAVE]: '5' }, definition('Foo')),
      { ...object('Foo', 'f', { [WAVE]: '-1', 'argocd.argoproj.io/hook': 'PreSync' }), apiVersion: 'acme.example/v1' },
      inNamespace(object('Job', 'migrate', { 'argocd.argoproj.io/hook': 'PreSync' }), 'x'),
      object('Namespace', 'x'),
    ],
    actions: [
      'create PreSync/-1 from Sync/5 apiextensions.k8s.io/CustomResourceDefinition foos.acme.example',
      'hook PreSync/-1 acme.example/Foo shop/f',
      'create PreSync/0 from Sync/0 Namespace x',
      'hook PreSync/0 batch/Job x/migrate',
      'create Sync/0 apps/Deployment shop/web',
    ],
  },
  'the worked example of the documentation': {
    desired: [
      object('Deployment', 'web'),
      object('CustomResourceDefinition', 'foos.acme.example', {}, definition('Foo')),
      { ...object('Foo', 'a', { [WAVE]: '-1' }), apiVersion: 'acme.example/v1' },
      inNamespace(object('Job', 'migrate', { 'argocd.argoproj.io/hook': 'PreSync' }), 'x'),
      object('Namespace', 'x'),
      object('ConfigMap', 'c'),
    ],
    actions: [
      'create PreSync/0 from Sync/0 Namespace x',
      'hook PreSync/0 batch/Job x/migrate',
      'create Sync/-1 from Sync/0 apiextensions.k8s.io/CustomResourceDefinition foos.acme.example',
      'create Sync/-1 acme.example/Foo shop/a',
      'create Sync/0 ConfigMap shop/c',
      'create Sync/0 apps/Deployment shop/web',
    ],
  },
  'two definitions of one kind in different groups move each to its own': {
    desired: [
      object('CustomResourceDefinition', 'foos.acme.example', {}, definition('Foo')),
      object('CustomResourceDefinition', 'foos.other.example', {}, definition('Foo', 'other.example')),
      { ...object('Foo', 'a', { [WAVE]: '-1' }), apiVersion: 'other.example/v1' },
    ],
    actions: [
      'create Sync/-1 from Sync/0 apiextensions.k8s.io/CustomResourceDefinition foos.other.example',
      'create Sync/-1 other.example/Foo shop/a',
      'create Sync/0 apiextensions.k8s.io/CustomResourceDefinition foos.acme.example',
    ],
  },
  'kinds that the Project forbids are refused': {
    desired: [object('ClusterRole', 'a'), object('ConfigMap', 'b')],
    changes: {
      ceiling: { clusterKindsAllowed: [], clusterKindsDenied: [], namespacedKindsDenied: [], namespaces: ['*'] },
    },
    actions: ['create Sync/0 ConfigMap shop/b'],
    problems: ['error NOT_PERMITTED'],
  },
  'namespaces that the Project forbids are refused, and nothing there is pruned': {
    desired: [inNamespace(object('ConfigMap', 'b'), 'kube-system')],
    observed: observation([inNamespace(ours(inNamespace(object('ConfigMap', 'a'), 'kube-system')), 'kube-system')]),
    changes: {
      ceiling: { clusterKindsAllowed: [], clusterKindsDenied: [], namespacedKindsDenied: [], namespaces: ['shop*'] },
    },
    actions: ['skip Sync/0 ConfigMap kube-system/a NOT_PERMITTED'],
    problems: ['error NOT_PERMITTED'],
  },
  'kinds that nobody serves are refused': {
    desired: [{ ...object('Foo', 'f'), apiVersion: 'acme.example/v1' }],
    actions: [],
    problems: ['error KIND_UNKNOWN'],
  },
  'options and rules that nobody can follow are refused, unknown ones named': {
    desired: [
      object('ConfigMap', 'a', { [SYNC_OPTIONS]: 'Replace=perhaps' }),
      object('ConfigMap', 'b', { [SYNC_OPTIONS]: 'PrunLast=true' }),
      object('ConfigMap', 'c', { [WAVE]: 'first' }),
    ],
    changes: { ignoreDifferences: [{ kind: 'Deployment', jqPathExpressions: ['del(.spec)'] }] },
    actions: names(3).map(name => `create Sync/0 ConfigMap shop/${name}`),
    problems: ['error UNSUPPORTED_OPTION', 'error UNKNOWN_OPTION', 'warning UNKNOWN_OPTION', 'warning WAVE_INVALID'],
  },
  'hooks and the destination’s namespace alone are nothing: all the rest waits for a person': {
    desired: [object('Job', 'migrate', { 'argocd.argoproj.io/hook': 'PreSync' })],
    observed: observation([ours(object('ConfigMap', 'a'))]),
    changes: { options: { ...OPTIONS, createNamespace: true } },
    actions: [
      'create PreSync/0 Namespace shop',
      'hook PreSync/0 batch/Job shop/migrate',
      'hold Sync/0 ConfigMap shop/a PRUNE_GUARD',
    ],
  },
  'more than MaxPrune waits for a person, and up to it goes': {
    desired: names(8).map(name => object('ConfigMap', name)),
    observed: observation(names(10).map(name => ours(object('ConfigMap', name)))),
    changes: { options: { ...OPTIONS, maxPrune: { count: 1 } } },
    actions: [
      ...['j', 'i'].map(name => `hold Sync/0 ConfigMap shop/${name} PRUNE_GUARD`),
      ...names(8).map(name => `keep Sync/0 ConfigMap shop/${name}`),
    ],
  },
  'MaxPrune in percent': {
    desired: names(8).map(name => object('ConfigMap', name)),
    observed: observation(names(10).map(name => ours(object('ConfigMap', name)))),
    changes: { options: { ...OPTIONS, maxPrune: { percent: 20 } } },
    actions: [
      ...['j', 'i'].map(name => `prune Sync/0 ConfigMap shop/${name}`),
      ...names(8).map(name => `keep Sync/0 ConfigMap shop/${name}`),
    ],
  },
  'what the server would refuse is held with its words': {
    desired: [object('ConfigMap', 'a')],
    observed: observation([ours(object('ConfigMap', 'a'))], {
      predictions: { 'ConfigMap shop/a': { kind: 'refused', message: 'data is immutable' } },
    }),
    actions: ['hold Sync/0 ConfigMap shop/a PREDICTION_REFUSED'],
  },
  'with Force=true what cannot be changed is made anew': {
    desired: [object('ConfigMap', 'a', { [SYNC_OPTIONS]: 'Force=true' }), object('ConfigMap', 'b')],
    observed: observation([ours(object('ConfigMap', 'a')), ours(object('ConfigMap', 'b'))], {
      predictions: {
        'ConfigMap shop/a': { kind: 'refused', message: 'data is immutable', immutable: true },
        'ConfigMap shop/b': { kind: 'refused', message: 'data is immutable', immutable: true },
      },
    }),
    actions: ['update Sync/0 ConfigMap shop/a', 'hold Sync/0 ConfigMap shop/b PREDICTION_REFUSED'],
  },
  'what holds everything else is made anew only when it says so itself': {
    desired: [
      object('PersistentVolumeClaim', 'a', { [SYNC_OPTIONS]: 'Force=true' }),
      object('PersistentVolumeClaim', 'b', { [SYNC_OPTIONS]: 'Force=true,Recreate=allow' }),
    ],
    observed: observation([ours(object('PersistentVolumeClaim', 'a')), ours(object('PersistentVolumeClaim', 'b'))], {
      predictions: {
        'PersistentVolumeClaim shop/a': { kind: 'refused', message: 'immutable', immutable: true },
        'PersistentVolumeClaim shop/b': { kind: 'refused', message: 'immutable', immutable: true },
      },
    }),
    actions: [
      'hold Sync/0 PersistentVolumeClaim shop/a PREDICTION_REFUSED',
      'update Sync/0 PersistentVolumeClaim shop/b',
    ],
  },
  'what is to be made only once is kept as it is': {
    desired: [object('ConfigMap', 'a', { [SYNC_OPTIONS]: 'IfNotPresent=true' })],
    observed: observation([ours(object('ConfigMap', 'a'))], {
      predictions: { 'ConfigMap shop/a': { kind: 'changed', changes: ['.data.x'] } },
    }),
    actions: ['keep Sync/0 ConfigMap shop/a'],
  },
}

describe('planSync', () => {
  it.each(Object.entries(ROWS))('%s', (_sentence, { desired, observed, changes, confirmed, actions, problems }) => {
    const planned = plan(desired, observed ?? NOTHING, changes, confirmed)
    expect(lines(planned)).toEqual(actions)
    expect(planned.problems.map(({ severity, code }) => `${severity} ${code}`)).toEqual(problems ?? [])
  })

  it('prunes that wait are known by their list, so that a confirmation is of one and of no other', () => {
    const wanted = [object('ConfigMap', 'a')]
    const heldOf = (count: number) =>
      heldPrunes(plan(wanted, observation(names(count).map(name => ours(object('ConfigMap', name))))).actions)
    expect(heldOf(10)).toMatchObject({ count: 9, reason: expect.stringContaining('more than half') })
    expect(heldOf(10)?.digest).toBe(heldOf(10)?.digest)
    expect(heldOf(11)?.digest).not.toBe(heldOf(10)?.digest)
  })

  describe('where the Application says what becomes of what it lacks', () => {
    const prune = (pruneDefault: 'no' | 'confirm', own?: string) => {
      const live = ours(object('ConfigMap', 'b', own === undefined ? undefined : { [SYNC_OPTIONS]: own }))
      const kept = object('ConfigMap', 'a')
      const options = { ...OPTIONS, pruneDefault }
      return plan([kept], observation([ours(kept), live]), { options }).actions.find(({ key }) => key.name === 'b')
    }
    const table = {
      'Prune=false keeps it': [prune('no'), { kind: 'skip', code: 'PRUNE_FORBIDDEN' }],
      'Prune=confirm holds it': [prune('confirm'), { kind: 'hold', code: 'PRUNE_CONFIRMATION' }],
      'an object’s own Prune=true goes before Prune=false': [prune('no', 'Prune=true'), { kind: 'prune' }],
      'an object’s own Prune=true goes before Prune=confirm': [prune('confirm', 'Prune=true'), { kind: 'prune' }],
      'an object’s own Prune=false goes before Prune=confirm': [
        prune('confirm', 'Prune=false'),
        { kind: 'skip', code: 'PRUNE_FORBIDDEN' },
      ],
      'an object’s own Prune=confirm goes before Prune=false': [
        prune('no', 'Prune=confirm'),
        { kind: 'hold', code: 'PRUNE_CONFIRMATION' },
      ],
    } as const
    it.each(Object.entries(table))('%s', (_sentence, [action, expected]) => expect(action).toMatchObject(expected))
  })

  it('what waits does not go because other objects were added meanwhile', () => {
    const many = observation(names(12).map(name => ours(object('ConfigMap', name))))
    const few = names(12)
      .slice(6)
      .map(name => object('ConfigMap', name))
    expect(heldPrunes(plan(few, { ...many, settled: 11 }).actions)).toMatchObject({ count: 6 })
    expect(heldPrunes(plan(few, many).actions)).toBeUndefined()
  })

  it('marks what it creates and leaves the status out', () => {
    const planned = plan([object('ConfigMap', 'a', {}, { data: { x: '1' }, status: { odd: true } })], NOTHING)
    expect(planned.actions[0]).toEqual({
      kind: 'create',
      key: { group: '', kind: 'ConfigMap', namespace: 'shop', name: 'a' },
      phase: 'Sync',
      wave: 0,
      validate: true,
      object: {
        apiVersion: 'v1',
        kind: 'ConfigMap',
        metadata: {
          name: 'a',
          namespace: 'shop',
          labels: { 'flotilla.dev/application': 'app-1' },
          annotations: { 'flotilla.dev/tracking-id': 'app-1:/ConfigMap:shop/a' },
        },
        data: { x: '1' },
      },
    })
  })

  it('sends the live value of an ignored field that only we own', () => {
    const rules = [{ group: 'apps', kind: 'Deployment', jsonPointers: ['/spec/replicas'] }]
    const desired = object('Deployment', 'web', {}, { spec: { replicas: 1, paused: false } })
    const intent = intend([desired], { ignoreDifferences: rules })
    const scaled = { ...ours(desired), spec: { replicas: 7, paused: false } }
    const target = intent.prepared.targets[0]!
    const owned = withFields(scaled, { 'f:spec': { 'f:replicas': {}, 'f:paused': {} } })
    expect(objectToSend(intent, target, owned)['spec']).toEqual({ replicas: 7, paused: false })
    const another = withFields(scaled, { 'f:spec': { 'f:paused': {} } })
    expect(objectToSend(intent, target, another)['spec']).toEqual({ paused: false })
    const overwrite = intend([desired], {
      ignoreDifferences: rules,
      options: { ...OPTIONS, respectIgnoreDifferences: false },
    })
    expect(objectToSend(overwrite, target, owned)['spec']).toEqual({ replicas: 1, paused: false })
  })

  it('refuses a shared object for the whole plan where the options say so', () => {
    const options = { ...OPTIONS, failOnSharedResource: true }
    const observed = observation([ours(object('ConfigMap', 'a'), 'app-2')], { inventory: [] })
    expect(plan([object('ConfigMap', 'a')], observed, { options }).problems.map(({ code }) => code)).toEqual([
      'SHARED_OBJECT',
    ])
  })

  it('names a missing namespace', () => {
    const planned = plan([object('ConfigMap', 'a')], NOTHING, {
      ...request([]),
      desired: [object('ConfigMap', 'a')],
      namespace: '',
    })
    expect(planned.problems.map(({ code }) => code)).toEqual(['NAMESPACE_MISSING'])
  })
})

function names(count: number): readonly string[] {
  return [...'abcdefghijklmnop'].slice(0, count)
}

function inNamespace(source: KubernetesObject, namespace: string): KubernetesObject {
  return { ...source, metadata: { ...source.metadata, namespace } }
}

function live(kind: string, name: string, annotations = {}): KubernetesObject {
  return inNamespace(object(kind, name, annotations), 'shop')
}

function unmarked(source: KubernetesObject): KubernetesObject {
  const { annotations: _, labels: __, ...metadata } = source.metadata
  return { ...source, metadata }
}

function managedBy(source: KubernetesObject, manager: string): KubernetesObject {
  const entry = { manager, operation: 'Update', apiVersion: 'v1', fieldsV1: {} }
  return {
    ...source,
    metadata: { ...source.metadata, managedFields: [...(source.metadata.managedFields ?? []), entry] },
  }
}

function withFields(source: KubernetesObject, fieldsV1: JsonObject): KubernetesObject {
  const managedFields = [{ manager: 'flotilla', operation: 'Apply', apiVersion: 'apps/v1', fieldsV1 }]
  return { ...source, metadata: { ...source.metadata, managedFields } }
}

function terminating(source: KubernetesObject): KubernetesObject {
  return { ...source, metadata: { ...source.metadata, deletionTimestamp: '2026-01-01T00:00:00Z' } }
}

function definition(kind: string, group = 'acme.example') {
  return { spec: { group, names: { kind }, scope: 'Namespaced', versions: [{ name: 'v1' }] } }
}
