import { expect, it } from 'vitest'
import { applySetId, applySetParent } from './apply-set.ts'

const PARENT = { group: '', kind: 'ConfigMap', namespace: 'flotilla-system', name: 'flotilla-inventory-1' }

it('names a set by its parent, as kubectl does', () => {
  // printf 'my-set.ns.Secret.' | sha256sum, as base64url without padding.
  expect(applySetId({ group: '', kind: 'Secret', namespace: 'ns', name: 'my-set' })).toBe(
    'applyset-AdIAM14ONLga45dklF83xy-BAHCBk38fdzv5PHJqEcs-v1',
  )
})

it('says which kinds and namespaces its members have', () => {
  const members = [
    { group: 'apps', kind: 'Deployment', namespace: 'shop', name: 'web' },
    { group: '', kind: 'ConfigMap', namespace: 'shop', name: 'a' },
    { group: '', kind: 'ConfigMap', namespace: 'flotilla-system', name: 'b' },
    { group: '', kind: 'Namespace', namespace: '', name: 'shop' },
  ]
  expect(applySetParent(PARENT, members, '1.2.3')).toEqual({
    labels: { 'applyset.kubernetes.io/id': applySetId(PARENT) },
    annotations: {
      'applyset.kubernetes.io/tooling': 'flotilla/v1.2.3',
      'applyset.kubernetes.io/contains-group-kinds': 'ConfigMap,Deployment.apps,Namespace',
      'applyset.kubernetes.io/additional-namespaces': 'shop',
    },
  })
})
