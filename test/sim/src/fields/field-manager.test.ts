import type { JsonObject } from '@flotilla/core/json/json'
import type { KubernetesObject } from '@flotilla/core/model/kubernetes-object'
import { describe, expect, it } from 'vitest'
import { customSchema } from '../resources/custom-schema.ts'
import { ApplyConflict, apply, trackUpdate, type Writer } from './field-manager.ts'

const text = { type: 'string' }
const schema = customSchema({
  type: 'object',
  properties: {
    spec: {
      type: 'object',
      properties: {
        size: { type: 'integer' },
        note: text,
        labels: { type: 'object', additionalProperties: text },
        rules: {
          type: 'array',
          'x-kubernetes-list-type': 'map',
          'x-kubernetes-list-map-keys': ['name'],
          items: { type: 'object', properties: { name: text, value: text } },
        },
        tags: { type: 'array', 'x-kubernetes-list-type': 'set', items: text },
        steps: { type: 'array', items: text },
      },
    },
  },
})

function writer(manager: string, more: Partial<Writer> = {}): Writer {
  return {
    manager,
    apiVersion: 'x.test/v1',
    subresource: '',
    time: '2026-01-01T00:00:00Z',
    schema,
    resets: { members: new Set(), children: new Map() },
    empty: thing({}) as KubernetesObject,
    settle: merged => merged as KubernetesObject,
    ...more,
  }
}

function thing(spec: JsonObject): KubernetesObject {
  const bare = { apiVersion: 'x.test/v1', kind: 'Thing', metadata: {} }
  return Object.keys(spec).length === 0 ? bare : { ...bare, spec }
}

/** A live object as `managers` left it, applied one after the other. */
function appliedBy(...applies: readonly (readonly [string, JsonObject])[]): KubernetesObject {
  let live: KubernetesObject | undefined
  for (const [manager, spec] of applies) live = apply(live, thing(spec), true, writer(manager))
  return live!
}

function owners(object: KubernetesObject): Record<string, unknown> {
  return Object.fromEntries((object.metadata.managedFields ?? []).map(entry => [entry['manager'], entry['fieldsV1']]))
}

function conflictsOf(work: () => unknown): readonly string[] {
  try {
    work()
  } catch (error) {
    if (error instanceof ApplyConflict) return error.conflicts.map(({ entry, path }) => `${entry.manager} ${path}`)
    throw error
  }
  return []
}

describe('server-side apply', () => {
  const cases: readonly {
    readonly sentence: string
    readonly live: readonly (readonly [string, JsonObject])[]
    readonly config: readonly [string, JsonObject]
    readonly spec: JsonObject | undefined
    readonly conflicts?: readonly string[]
  }[] = [
    {
      sentence: 'a field no longer applied goes when no one else owns it',
      live: [['a', { size: 1, note: 'n' }]],
      config: ['a', { size: 1 }],
      spec: { size: 1 },
    },
    {
      sentence: 'a field no longer applied stays when another manager owns it too',
      live: [
        ['a', { size: 1, note: 'n' }],
        ['b', { note: 'n' }],
      ],
      config: ['a', { size: 1 }],
      spec: { size: 1, note: 'n' },
    },
    {
      sentence: 'another value for a field that another owns is a conflict, its own value is not',
      live: [['a', { size: 1, note: 'n' }]],
      config: ['b', { size: 2, note: 'n' }],
      spec: { size: 2, note: 'n' },
      conflicts: ['a .spec.size'],
    },
    {
      sentence: 'items of a list map are merged by key, the rest of the item kept',
      live: [['a', { rules: [{ name: 'x', value: '1' }, { name: 'y' }] }]],
      config: ['b', { rules: [{ name: 'z' }, { name: 'y', value: '2' }] }],
      spec: { rules: [{ name: 'x', value: '1' }, { name: 'z' }, { name: 'y', value: '2' }] },
    },
    {
      sentence: 'an atomic list is owned as a whole',
      live: [['a', { steps: ['1', '2'] }]],
      config: ['b', { steps: ['1'] }],
      spec: { steps: ['1'] },
      conflicts: ['a .spec.steps'],
    },
    {
      sentence: 'values of a set are owned one by one',
      live: [['a', { tags: ['x', 'y'] }]],
      config: ['b', { tags: ['y', 'z'] }],
      spec: { tags: ['x', 'y', 'z'] },
    },
    {
      sentence: 'keys of a map are owned one by one',
      live: [['a', { labels: { x: '1' } }]],
      config: ['b', { labels: { y: '2' } }],
      spec: { labels: { x: '1', y: '2' } },
    },
  ]
  it.each(cases)('$sentence', ({ live, config: [manager, spec], conflicts = [], ...expected }) => {
    const before = appliedBy(...live)
    expect(conflictsOf(() => apply(before, thing(spec), false, writer(manager)))).toEqual(conflicts)
    expect(apply(before, thing(spec), true, writer(manager))['spec']).toEqual(expected.spec)
  })

  it('force takes what is contested and leaves the rest with its owner', () => {
    const taken = apply(appliedBy(['a', { size: 1, note: 'n' }]), thing({ size: 2 }), true, writer('b'))
    expect(owners(taken)).toEqual({ a: { 'f:spec': { 'f:note': {} } }, b: { 'f:spec': { 'f:size': {} } } })
  })

  it('an update takes what it changes, and no one is asked', () => {
    const live = { ...appliedBy(['a', { size: 1, note: 'n' }]) }
    const next = trackUpdate(
      { ...live, metadata: { ...live.metadata, uid: 'u' } },
      { ...live, spec: { size: 9, note: 'n' } },
      writer('b'),
    )
    expect(owners(next)).toEqual({ a: { 'f:spec': { 'f:note': {} } }, b: { 'f:spec': { 'f:size': {} } } })
  })

  it('what was there before the first apply belongs to before-first-apply', () => {
    const live = thing({ size: 1 })
    expect(conflictsOf(() => apply(live, thing({ size: 2 }), false, writer('a')))).toEqual([
      'before-first-apply .spec.size',
    ])
  })

  it('a reset of managedFields leaves the object without owners', () => {
    const live = appliedBy(['a', { size: 1 }])
    const stored = { ...live, metadata: { ...live.metadata, uid: 'u' } }
    const next = { ...stored, metadata: { ...stored.metadata, managedFields: [{}] } }
    expect(trackUpdate(stored, next, writer('b')).metadata.managedFields).toBeUndefined()
  })

  it('an eleventh updater folds the two oldest into one', () => {
    let live: KubernetesObject = { ...thing({}), metadata: { uid: 'u' } }
    live = apply(live, thing({ size: 1 }), true, writer('applier'))
    for (let index = 0; index < 12; index++) {
      const time = `2026-01-01T00:00:${String(index).padStart(2, '0')}Z`
      const spec = {
        ...(live['spec'] as JsonObject),
        labels: { ...((live['spec'] as JsonObject)['labels'] as JsonObject), [`k${index}`]: '1' },
      }
      live = trackUpdate(
        { ...live, metadata: { ...live.metadata, uid: 'u' } },
        { ...live, spec },
        writer(`u${index}`, { time }),
      )
    }
    const managers = Object.keys(owners(live))
    expect(managers.filter(each => each !== 'applier')).toHaveLength(10)
    expect(owners(live)['ancient-changes']).toEqual({
      'f:spec': { 'f:labels': { '.': {}, 'f:k0': {}, 'f:k1': {}, 'f:k2': {} } },
    })
  })
})
