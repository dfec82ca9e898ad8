import { expect } from 'vitest'
import { at } from '../api.ts'
import { configMap, deployment, podTemplate } from '../documents.ts'
import { causes, ok, ownership, refused } from '../expectations.ts'
import type { Row } from '../row.ts'

const deployments = 'apps/v1/deployments'
const dryRun = { dryRun: 'All' }

export const applyOptions: readonly Row[] = [
  {
    sentence: 'a dry run of a creation answers with the defaulted object and leaves nothing',
    async run({ api }) {
      const predicted = ok(await api.apply(deployments, deployment('a', { paused: true }), { query: dryRun }), 201)
      expect(at(predicted, 'spec', 'replicas')).toBe(1)
      expect(at(predicted, 'metadata', 'uid')).toMatch(/^[0-9a-f-]{36}$/)
      expect(at(predicted, 'metadata', 'resourceVersion')).toBeUndefined()
      refused(await api.get(deployments, 'a'), 404, 'NotFound')
    },
  },
  {
    sentence: 'a dry run of a change answers with the changed object, at the old resource version',
    async run({ api }) {
      const first = ok(await api.apply('configmaps', configMap('a', { k: '1' })), 201)
      const predicted = ok(await api.apply('configmaps', configMap('a', { k: '2' }), { query: dryRun }))
      expect(predicted['data']).toEqual({ k: '2' })
      expect(at(predicted, 'metadata', 'resourceVersion')).toBe(at(first, 'metadata', 'resourceVersion'))
      expect(ok(await api.get('configmaps', 'a'))).toEqual(first)
    },
  },
  {
    sentence: 'a dry run of no change answers with the live object as it is',
    async run({ api }) {
      const first = ok(await api.apply('configmaps', configMap('a', { k: '1' })), 201)
      expect(ok(await api.apply('configmaps', configMap('a', { k: '1' }), { query: dryRun }))).toEqual(first)
    },
  },
  {
    sentence: 'a forced dry run tells what an apply would heal',
    async run({ api }) {
      ok(await api.apply('configmaps', configMap('a', { k: '1' })), 201)
      ok(await api.patch('merge', 'configmaps', 'a', { data: { k: 'drifted' } }, { fieldManager: 'kubectl-edit' }))
      const predicted = ok(await api.apply('configmaps', configMap('a', { k: '1' }), { query: dryRun, force: true }))
      expect(predicted['data']).toEqual({ k: '1' })
      expect(ok(await api.get('configmaps', 'a'))['data']).toEqual({ k: 'drifted' })
    },
  },
  {
    sentence: 'a dry run without force tells conflicts as an apply does',
    async run({ api }) {
      ok(await api.apply('configmaps', configMap('a', { k: '1' }), { manager: 'one' }), 201)
      const answer = await api.apply('configmaps', configMap('a', { k: '2' }), { query: dryRun })
      expect(causes(refused(answer, 409, 'Conflict'))).toEqual(['FieldManagerConflict .data.k'])
    },
  },
  {
    sentence: 'a dry run of an invalid document is refused as the apply would be',
    async run({ api }) {
      refused(await api.apply(deployments, deployment('a', { replicas: -1 }), { query: dryRun }), 422, 'Invalid')
    },
  },
  {
    sentence: 'dry run works for POST, PUT, patch and DELETE as well',
    async run({ api }) {
      ok(await api.create('configmaps', configMap('b'), dryRun), 201)
      refused(await api.get('configmaps', 'b'), 404, 'NotFound')
      const made = ok(await api.create('configmaps', configMap('a', { k: '1' })), 201)
      expect(ok(await api.replace('configmaps', 'a', configMap('a', { k: '2' }), dryRun))['data']).toEqual({ k: '2' })
      expect(ok(await api.patch('merge', 'configmaps', 'a', { data: { k: '3' } }, dryRun))['data']).toEqual({ k: '3' })
      ok(await api.delete('configmaps', 'a', undefined, dryRun))
      expect(ok(await api.get('configmaps', 'a'))).toEqual(made)
    },
  },
  {
    sentence: 'a dry run has only one value',
    async run({ api }) {
      const answer = await api.apply('configmaps', configMap('a'), { query: { dryRun: 'Some' } })
      refused(answer, 422, 'Invalid')
    },
  },
  {
    sentence: 'an unknown field is dropped with a warning when nothing else was asked for',
    async run({ api }) {
      const answer = await api.create('configmaps', { ...configMap('a'), colour: 'red' })
      expect(ok(answer, 201)).not.toHaveProperty('colour')
      expect(answer.headers['warning']).toContain('unknown field \\"colour\\"')
    },
  },
  {
    sentence: 'fieldValidation=Ignore drops an unknown field in silence',
    async run({ api }) {
      const answer = await api.create('configmaps', { ...configMap('a'), colour: 'red' }, { fieldValidation: 'Ignore' })
      expect(ok(answer, 201)).not.toHaveProperty('colour')
      expect(answer.headers['warning']).toBeUndefined()
    },
  },
  {
    sentence: 'fieldValidation=Strict refuses unknown fields and names them all',
    async run({ api }) {
      const document = { ...configMap('a'), colour: 'red', shape: 'round' }
      const status = refused(await api.create('configmaps', document, { fieldValidation: 'Strict' }), 400, 'BadRequest')
      expect(status['message']).toContain('unknown field "colour"')
      expect(status['message']).toContain('unknown field "shape"')
    },
  },
  {
    sentence: 'fieldValidation=Strict refuses a key that is there twice',
    async run({ api }) {
      const body = '{"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"a"},"data":{"k":"1"},"data":{"k":"2"}}'
      const status = refused(await api.create('configmaps', body, { fieldValidation: 'Strict' }), 400, 'BadRequest')
      expect(status['message']).toContain('duplicate field "data"')
    },
  },
  {
    sentence: 'an apply with an unknown field is refused without strict validation too',
    async run({ api }) {
      const containers = [{ name: 'main', image: 'i', imagine: 'x' }]
      const answer = await api.apply(deployments, deployment('a', { template: podTemplate('a', { containers }) }))
      expect(answer.status).toBe(500)
      expect(answer.text).toContain('field not declared in schema')
    },
  },
  {
    sentence: 'a strict apply with an unknown field is refused as well',
    async run({ api }) {
      const document = { ...configMap('a'), colour: 'red' }
      const answer = await api.apply('configmaps', document, { query: { fieldValidation: 'Strict' } })
      expect([400, 500]).toContain(answer.status)
      expect(answer.text).toContain('colour')
    },
  },
  {
    sentence: 'an unknown value of fieldValidation is refused',
    async run({ api }) {
      refused(await api.create('configmaps', configMap('a'), { fieldValidation: 'Severe' }), 422, 'Invalid')
    },
  },
  {
    sentence: 'the creation timestamp null of generated documents is accepted',
    async run({ api }) {
      const applied = ok(await api.apply('configmaps', configMap('a', { k: '1' }, { creationTimestamp: null })), 201)
      expect(at(applied, 'metadata', 'creationTimestamp')).toMatch(/^\d{4}-/)
      expect(ownership(applied)['flotilla Apply']).toEqual({ 'f:data': { 'f:k': {} } })
    },
  },
  {
    sentence: 'an apply to an object that is being deleted still works, and does not bring it back',
    async run({ api }) {
      ok(await api.apply('configmaps', configMap('a', { k: '1' }, { finalizers: ['t.test/hold'] })), 201)
      ok(await api.delete('configmaps', 'a'))
      const applied = ok(await api.apply('configmaps', configMap('a', { k: '2' }, { finalizers: ['t.test/hold'] })))
      expect(at(applied, 'metadata', 'deletionTimestamp')).toMatch(/^\d{4}-/)
      ok(await api.apply('configmaps', configMap('a', { k: '2' })))
      refused(await api.get('configmaps', 'a'), 404, 'NotFound')
    },
  },
]
