import type { KubernetesObject } from '@flotilla/core/model/kubernetes-object'
import { describe, expect, it } from 'vitest'
import { ObjectStore } from './object-store.ts'
import { parseLabelSelector } from './selectors.ts'

function object(namespace: string, name: string, labels: Record<string, string> = {}): KubernetesObject {
  return { apiVersion: 'v1', kind: 'ConfigMap', metadata: { namespace, name, labels } }
}

const names = (objects: readonly KubernetesObject[] | undefined) =>
  objects?.map(each => `${each.metadata.namespace}/${each.metadata.name}`)

describe('the store', () => {
  it('lists in order, and of one namespace only its own', () => {
    const store = new ObjectStore()
    for (const [namespace, name] of [
      ['b', 'x'],
      ['a-b', 'y'],
      ['a', 'z'],
      ['a', 'c'],
    ] as const)
      store.put('k', object(namespace, name))
    expect(names(store.list('k'))).toEqual(['a-b/y', 'a/c', 'a/z', 'b/x'])
    expect(names(store.list('k', 'a'))).toEqual(['a/c', 'a/z'])
    store.remove('k', 'a', 'c')
    expect(names(store.list('k', 'a'))).toEqual(['a/z'])
  })

  it('knows what a list was at an earlier revision', () => {
    const store = new ObjectStore()
    store.put('k', object('a', 'one', { v: '1' }))
    store.put('k', object('a', 'two'))
    const { revision } = store
    store.put('k', object('a', 'one', { v: '2' }))
    store.remove('k', 'a', 'two')
    store.put('k', object('a', 'three'))
    expect(store.listAt('k', revision)?.map(each => each.metadata.labels?.['v'])).toEqual(['1', undefined])
    expect(names(store.listAt('k', revision, 'a'))).toEqual(['a/one', 'a/two'])
  })

  it('forgets what is compacted, by order or by age', () => {
    const store = new ObjectStore()
    store.put('k', object('a', 'one'))
    const { revision } = store
    store.put('k', object('a', 'two'))
    expect(store.since(revision)).toHaveLength(1)
    store.compact()
    expect(store.since(revision)).toBeUndefined()
    expect(store.listAt('k', revision)).toBeUndefined()
    expect(store.since(store.revision)).toEqual([])
    for (let index = 0; index < 2_000; index++) store.put('k', object('a', 'one', { v: String(index) }))
    expect(store.since(store.revision - 2_000)).toBeUndefined()
    expect(store.since(store.revision - 400)).toHaveLength(400)
  })
})

describe('label selectors', () => {
  const labels = { env: 'prod', tier: 'web', n: '5' }
  it.each([
    ['env=prod', true],
    ['env==dev', false],
    ['env!=dev', true],
    ['missing!=x', true],
    ['env in (dev, prod),tier', true],
    ['env notin (prod)', false],
    ['missing notin (a)', true],
    ['!missing', true],
    ['!env', false],
    ['n>4', true],
    ['n<4', false],
    ['', true],
  ])('%s', (selector, matches) => expect(parseLabelSelector(selector)(object('a', 'b', labels))).toBe(matches))

  it('refuses a text that is none', () => {
    expect(() => parseLabelSelector('a in b')).toThrow(/selector/)
  })
})
