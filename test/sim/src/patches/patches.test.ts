import type { Json, JsonObject } from '@flotilla/core/json/json'
import { describe, expect, it } from 'vitest'
import { kubernetesTypes } from '../schema/kubernetes-types.ts'
import { JsonPatchError, jsonPatch } from './json-patch.ts'
import { mergePatch } from './merge-patch.ts'
import { strategicMerge } from './strategic-merge.ts'

describe('JSON patch', () => {
  const cases: readonly (readonly [string, Json, Json, Json | undefined])[] = [
    ['adds a member', { a: 1 }, [{ op: 'add', path: '/b', value: 2 }], { a: 1, b: 2 }],
    ['adds an item at the end', { a: [1] }, [{ op: 'add', path: '/a/-', value: 2 }], { a: [1, 2] }],
    ['puts an item in', { a: [1, 3] }, [{ op: 'add', path: '/a/1', value: 2 }], { a: [1, 2, 3] }],
    ['reads escaped keys', { 'a/b': 1 }, [{ op: 'remove', path: '/a~1b' }], {}],
    ['moves', { a: 1 }, [{ op: 'move', from: '/a', path: '/b' }], { b: 1 }],
    ['copies', { a: [1] }, [{ op: 'copy', from: '/a', path: '/b' }], { a: [1], b: [1] }],
    ['keeps __proto__ a key', {}, [{ op: 'add', path: '/__proto__', value: 1 }], JSON.parse('{"__proto__":1}') as Json],
    ['fails a test that does not hold', { a: 1 }, [{ op: 'test', path: '/a', value: 2 }], undefined],
    ['does not remove what is not there', {}, [{ op: 'remove', path: '/a' }], undefined],
    ['does not write below what is not there', {}, [{ op: 'add', path: '/a/b', value: 1 }], undefined],
    ['does not write past the end of a list', { a: [] }, [{ op: 'add', path: '/a/1', value: 1 }], undefined],
  ]
  it.each(cases)('%s', (_, target, patch, expected) => {
    if (expected === undefined) expect(() => jsonPatch(target, patch)).toThrow(JsonPatchError)
    else expect(jsonPatch(target, patch)).toEqual(expected)
  })

  it('leaves the target as it was, failed or not', () => {
    const target = { a: { b: 1 } }
    jsonPatch(target, [{ op: 'replace', path: '/a/b', value: 2 }])
    expect(target).toEqual({ a: { b: 1 } })
  })
})

describe('merge patch', () => {
  it('merges objects, replaces lists, removes by null', () => {
    expect(mergePatch({ a: { x: 1, y: 2 }, l: [1, 2] }, { a: { y: null, z: 3 }, l: [3] })).toEqual({
      a: { x: 1, z: 3 },
      l: [3],
    })
  })
})

describe('strategic merge patch', () => {
  const podSpec = kubernetesTypes().structs.get('core.v1.PodSpec')!
  const live: JsonObject = {
    containers: [
      { name: 'a', image: 'i:1', env: [{ name: 'X', value: '1' }] },
      { name: 'b', image: 'j:1' },
    ],
  }
  const patched = (patch: JsonObject) => strategicMerge(podSpec, live, patch)['containers']
  const names = (patch: JsonObject) => (patched(patch) as readonly JsonObject[]).map(container => container['name'])

  it('merges an item by its key, nested lists too', () => {
    expect(patched({ containers: [{ name: 'a', env: [{ name: 'Y', value: '2' }] }] })).toEqual([
      {
        name: 'a',
        image: 'i:1',
        env: [
          { name: 'Y', value: '2' },
          { name: 'X', value: '1' },
        ],
      },
      { name: 'b', image: 'j:1' },
    ])
  })
  it('removes an item by directive', () => {
    expect(names({ containers: [{ name: 'a', $patch: 'delete' }] })).toEqual(['b'])
  })
  it('replaces a list by directive', () => {
    expect(names({ containers: [{ $patch: 'replace' }, { name: 'c', image: 'k' }] })).toEqual(['c'])
  })
  it('puts new items where the patch has them, the others where the live list had them', () => {
    expect(names({ containers: [{ name: 'a' }, { name: 'c', image: 'k' }] })).toEqual(['a', 'c', 'b'])
    expect(names({ containers: [{ name: 'b' }] })).toEqual(['a', 'b'])
  })
  it('orders by $setElementOrder', () => {
    expect(
      names({ '$setElementOrder/containers': [{ name: 'b' }, { name: 'a' }], containers: [{ name: 'a' }] }),
    ).toEqual(['b', 'a'])
  })
})
