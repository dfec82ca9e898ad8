import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { KubernetesObject, ObjectKey } from '../model/kubernetes-object.ts'
import { decodeInventory, encodeInventory, InventoryCorrupt } from './encode-inventory.ts'
import { inventoryDigest, inventoryEntries, widenInventory } from './inventory.ts'

const APPLICATION = { id: 'app-1', name: 'shop' }
const key: fc.Arbitrary<ObjectKey> = fc.record({
  group: fc.constantFrom('', 'apps', 'acme.example'),
  kind: fc.stringMatching(/^[A-Z][a-z]{1,5}$/),
  namespace: fc.constantFrom('', 'shop'),
  name: fc.stringMatching(/^[a-z][a-z:.-]{0,8}$/),
})

describe('an Inventory', () => {
  it('is read as it was written', () => {
    fc.assert(
      fc.property(fc.array(key), keys => {
        const entries = inventoryEntries(keys)
        const read = decodeInventory(stored(encodeInventory({ application: APPLICATION, entries })))
        expect(read).toEqual({ application: APPLICATION, entries })
      }),
    )
  })

  it('is one whatever the order, and each identity stands once', () => {
    fc.assert(
      fc.property(fc.array(key), keys => {
        const doubled = [...keys, ...keys].reverse()
        expect(inventoryEntries(doubled)).toEqual(inventoryEntries(keys))
        expect(inventoryDigest(doubled)).toBe(inventoryDigest(keys))
      }),
    )
  })

  it('forgets nothing when it is widened', () => {
    const a = { group: '', kind: 'ConfigMap', namespace: 'shop', name: 'a' }
    const b = { ...a, name: 'b' }
    expect(widenInventory([b], [a, b])).toEqual([a, b])
  })

  it('is compressed when it is large', () => {
    const entries = inventoryEntries(
      Array.from({ length: 5_000 }, (_, index) => ({
        group: '',
        kind: 'ConfigMap',
        namespace: 'shop',
        name: `c-${index}`,
      })),
    )
    const encoded = encodeInventory({ application: APPLICATION, entries })
    expect(JSON.stringify(encoded).length).toBeLessThan(60_000)
    expect(decodeInventory(stored(encoded)).entries).toHaveLength(5_000)
  })

  it.each<[string, Partial<KubernetesObject>]>([
    ['has no entries', { data: { format: '1', application: 'app-1' } }],
    ['has an unknown format', { data: { format: '2', application: 'app-1', entries: '' } }],
    ['has a broken entry', { data: { format: '1', application: 'app-1', entries: 'nonsense' } }],
    ['cannot be inflated', { data: { format: '1', application: 'app-1' }, binaryData: { entries: 'AAAA' } }],
  ])('that %s is an error, never an empty list', (_sentence, content) => {
    expect(() => decodeInventory(stored(content))).toThrow(InventoryCorrupt)
  })
})

function stored(content: Partial<KubernetesObject>): KubernetesObject {
  return { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'a', namespace: 'flotilla-system' }, ...content }
}
