import { describe, expect, it } from 'vitest'
import type { KubernetesObject } from '../model/kubernetes-object.ts'
import { maskSecret, SecretMarkers } from './mask-secret.ts'

describe('maskSecret', () => {
  it('replaces every value, gives equal ones equal markers, and leaves names', () => {
    const secret: KubernetesObject = {
      apiVersion: 'v1',
      kind: 'Secret',
      metadata: {
        name: 'a',
        annotations: {
          'kubectl.kubernetes.io/last-applied-configuration': '{"data":{"password":"aHVudGVyMg=="}}',
          team: 'web',
        },
        managedFields: [{ manager: 'kubectl', fieldsV1: { 'f:data': { 'f:password': {} } } }],
      },
      data: { password: 'aHVudGVyMg==', other: 'eA==' },
      stringData: { again: 'hunter2' },
      type: 'Opaque',
    }
    const markers = new SecretMarkers()
    const masked = maskSecret(secret, markers)
    expect(masked).toEqual({
      apiVersion: 'v1',
      kind: 'Secret',
      metadata: {
        name: 'a',
        annotations: { 'kubectl.kubernetes.io/last-applied-configuration': 'masked-1', team: 'web' },
      },
      data: { password: 'masked-2', other: 'masked-3' },
      stringData: { again: 'masked-2' },
      type: 'Opaque',
    })
    expect(JSON.stringify(masked)).not.toMatch(/hunter2|aHVudGVyMg/)
    const changed = maskSecret({ ...secret, data: { password: 'bmV3' } }, markers)
    expect(changed['data']).toEqual({ password: 'masked-4' })
  })

  it('leaves other kinds as they are', () => {
    const object: KubernetesObject = { apiVersion: 'acme.example/v1', kind: 'Secret', metadata: {}, data: { a: 'b' } }
    expect(maskSecret(object, new SecretMarkers())).toBe(object)
  })
})
