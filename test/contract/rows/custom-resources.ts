import type { Json, JsonObject } from '@flotilla/core/json/json'
import { expect } from 'vitest'
import { at } from '../api.ts'
import { customResourceDefinition, customResourceDefinitions, widget } from '../documents.ts'
import { establish } from '../establish.ts'
import { causes, eventually, names, ok, ownership, refused } from '../expectations.ts'
import type { Row } from '../row.ts'

const anything = { type: 'object', 'x-kubernetes-preserve-unknown-fields': true }

export const customResources: readonly Row[] = [
  {
    sentence: 'a CRD is accepted, established and served',
    async run({ api, unique }) {
      const group = `${unique('life')}.test`
      const definition = customResourceDefinition(group, 'Gadget', anything)
      await establish(api, definition)
      const live = ok(await api.inCluster().get(customResourceDefinitions, `gadgets.${group}`))
      expect(live).toMatchObject({
        spec: { conversion: { strategy: 'None' } },
        status: { acceptedNames: { kind: 'Gadget', plural: 'gadgets' }, storedVersions: ['v1'] },
      })
      const conditions = at(live, 'status', 'conditions') as readonly JsonObject[]
      expect(conditions.map(one => `${one['type']}=${one['status']}`).sort()).toEqual([
        'Established=True',
        'NamesAccepted=True',
      ])
    },
  },
  {
    sentence: 'an established CRD is in discovery, legacy and aggregated',
    async run({ api, widgets }) {
      await widgets()
      await eventually(async () => {
        const resources = ok(await api.send('GET', '/apis/contract.flotilla.test/v1'))[
          'resources'
        ] as readonly JsonObject[]
        expect(resources.find(one => one['name'] === 'widgets')).toMatchObject({ kind: 'Widget', namespaced: true })
        expect(resources.map(one => one['name'])).toEqual(expect.arrayContaining(['widgets/scale', 'widgets/status']))
        const accept = 'application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList'
        const groups = names(ok(await api.send('GET', '/apis', { accept })))
        expect(groups).toContain('contract.flotilla.test')
      })
    },
  },
  {
    sentence: 'the schema of an established CRD is in OpenAPI v3',
    async run({ api, widgets }) {
      await widgets()
      await eventually(async () => {
        const document = ok(await api.send('GET', '/openapi/v3/apis/contract.flotilla.test/v1'))
        const schema = at(document, 'components', 'schemas', 'test.flotilla.contract.v1.Widget')
        expect(at(schema, 'x-kubernetes-group-version-kind')).toEqual([
          { group: 'contract.flotilla.test', version: 'v1', kind: 'Widget' },
        ])
        expect(at(schema, 'properties', 'spec', 'properties', 'rules')).toMatchObject({
          'x-kubernetes-list-type': 'map',
          'x-kubernetes-list-map-keys': ['name'],
        })
      })
    },
  },
  {
    sentence: 'a CRD whose name is not plural and group is invalid',
    async run({ api, unique }) {
      const definition = customResourceDefinition(`${unique('name')}.test`, 'Gadget', anything)
      const answer = await api
        .inCluster()
        .create(customResourceDefinitions, { ...definition, metadata: { name: 'other.test' } })
      expect(causes(refused(answer, 422, 'Invalid'))).toContain('FieldValueInvalid metadata.name')
    },
  },
  {
    sentence: 'a CRD whose schema is not structural is invalid',
    async run({ api, unique }) {
      const definition = customResourceDefinition(`${unique('schema')}.test`, 'Gadget', {
        type: 'object',
        properties: { spec: { properties: { size: { type: 'integer' } } } },
      })
      refused(await api.inCluster().create(customResourceDefinitions, definition), 422, 'Invalid')
    },
  },
  {
    sentence: 'deleting a CRD deletes its objects and ends the resource',
    async run({ api, unique }) {
      const group = `${unique('end')}.test`
      await establish(api, customResourceDefinition(group, 'Gadget', anything))
      ok(
        await api.create(`${group}/v1/gadgets`, { apiVersion: `${group}/v1`, kind: 'Gadget', metadata: { name: 'a' } }),
        201,
      )
      ok(await api.inCluster().delete(customResourceDefinitions, `gadgets.${group}`))
      await eventually(async () => {
        refused(await api.inCluster().get(customResourceDefinitions, `gadgets.${group}`), 404, 'NotFound')
        expect((await api.list(`${group}/v1/gadgets`)).status).toBe(404)
      })
      await establish(api, customResourceDefinition(group, 'Gadget', anything))
      expect(names(ok(await api.list(`${group}/v1/gadgets`)))).toEqual([])
    },
  },
  {
    sentence: 'items of a list of custom resources carry kind and apiVersion',
    async run({ api, widgets }) {
      const resource = await widgets()
      ok(await api.create(resource, widget('a')), 201)
      expect(at(ok(await api.list(resource)), 'items', 0)).toMatchObject({ kind: 'Widget', metadata: { name: 'a' } })
    },
  },
  {
    sentence: 'defaults of the schema are filled in, in nested objects that default to {} too',
    async run({ api, widgets }) {
      expect(ok(await api.create(await widgets(), widget('a')), 201)['spec']).toEqual({
        size: 1,
        colour: 'red',
        nested: { deep: 'sea' },
      })
    },
  },
  {
    sentence: 'defaults reach into list items',
    async run({ api, widgets }) {
      const created = ok(await api.create(await widgets(), widget('a', { rules: [{ name: 'r' }] })), 201)
      expect(at(created, 'spec', 'rules')).toEqual([{ name: 'r', weight: 1 }])
    },
  },
  {
    sentence: 'null for a field with a default is the default; null for one that is nullable stays',
    async run({ api, widgets }) {
      const created = ok(await api.create(await widgets(), widget('a', { colour: null, note: null })), 201)
      expect(created['spec']).toMatchObject({ colour: 'red', note: null })
    },
  },
  {
    sentence: 'null for a field that is neither is dropped',
    async run({ api, widgets }) {
      const answer = await api.create(await widgets(), widget('a', { pattern: null }))
      expect(answer.status, answer.text).toBe(201)
      expect(at(ok(answer, 201), 'spec')).not.toHaveProperty('pattern')
    },
  },
  {
    sentence: 'fields that the schema does not have are pruned',
    async run({ api, widgets }) {
      const created = ok(
        await api.create(
          await widgets(),
          widget('a', { unknown: 1, nested: { deep: 'lake', unknown: 2 } }, { extra: 3 }),
        ),
        201,
      )
      expect(created).not.toHaveProperty('extra')
      expect(created['spec']).toEqual({ size: 1, colour: 'red', nested: { deep: 'lake' } })
    },
  },
  {
    sentence: 'fields below preserve-unknown-fields are kept, whatever they are',
    async run({ api, widgets }) {
      const free = { a: [1, { b: null }], 'x/y': { z: 1.5 }, empty: {}, none: [] }
      expect(at(ok(await api.create(await widgets(), widget('a', { free })), 201), 'spec', 'free')).toEqual(free)
    },
  },
  {
    sentence: 'a pruned field is a refusal under fieldValidation=Strict',
    async run({ api, widgets }) {
      const answer = await api.create(await widgets(), widget('a', { unknown: 1 }), { fieldValidation: 'Strict' })
      expect(refused(answer, 400, 'BadRequest')['message']).toContain('unknown field "spec.unknown"')
    },
  },
  {
    sentence: 'an apply with a field that the schema does not have is refused',
    async run({ api, widgets }) {
      const answer = await api.apply(await widgets(), widget('a', { unknown: 1 }))
      expect(answer.status).toBe(500)
      expect(answer.text).toContain('.spec.unknown: field not declared in schema')
    },
  },
  {
    sentence: 'values outside the schema are invalid, and all of them are told',
    async run({ api, widgets }) {
      const answer = await api.create(await widgets(), widget('a', { size: 101, colour: 'blue', pattern: 'ABCDEF' }))
      // A text that is too long is not matched with its pattern as well.
      expect(causes(refused(answer, 422, 'Invalid'))).toEqual([
        'FieldValueInvalid spec.size',
        'FieldValueNotSupported spec.colour',
        'FieldValueTooLong spec.pattern',
      ])
    },
  },
  {
    sentence: 'a required field that is missing, and a value of the wrong type, are invalid',
    async run({ api, widgets }) {
      const resource = await widgets()
      const { size: _size, ...spec } = widget('a')['spec'] as JsonObject
      const missing = refused(await api.create(resource, { ...widget('a'), spec }), 422, 'Invalid')
      expect(causes(missing)).toEqual(['FieldValueRequired spec.size'])
      const wrong = refused(await api.create(resource, widget('a', { size: 'big' })), 422, 'Invalid')
      expect(causes(wrong)).toContain('FieldValueTypeInvalid spec.size')
    },
  },
  {
    sentence: 'an integer beyond 2^53 survives, in the schema and where anything goes',
    async run({ api, widgets }) {
      const resource = await widgets()
      const text = JSON.stringify(widget('a', { long: 1, free: { id: 2 } }))
      const body = text.replace('"long":1', '"long":9223372036854775807').replace('"id":2', '"id":9007199254740993')
      ok(await api.create(resource, body), 201)
      const live = ok(await api.get(resource, 'a'))
      expect(at(live, 'spec', 'long')).toBe(9223372036854775807n)
      expect(at(live, 'spec', 'free', 'id')).toBe(9007199254740993n)
    },
  },
  {
    sentence: 'an integer beyond 2^53 survives an apply, and applying it again is no change',
    async run({ api, widgets }) {
      const resource = await widgets()
      const body = JSON.stringify(widget('a', { long: 1 })).replace('"long":1', '"long":9007199254740993')
      const send = () => api.patch('apply', resource, 'a', body, { fieldManager: 'flotilla' })
      const first = ok(await send(), 201)
      expect(at(first, 'spec', 'long')).toBe(9007199254740993n)
      expect(ok(await send())).toEqual(first)
    },
  },
  {
    sentence: 'a list of type map is merged by its key, with ownership by key',
    async run({ api, widgets }) {
      const resource = await widgets()
      ok(await api.apply(resource, widget('a', { rules: [{ name: 'one', value: '1' }] }), { manager: 'one' }), 201)
      const second = { ...widget('a'), spec: { rules: [{ name: 'two', value: '2' }] } }
      const both = ok(await api.apply(resource, second, { manager: 'two' }))
      expect((at(both, 'spec', 'rules') as Json[]).map(rule => at(rule, 'name'))).toEqual(['one', 'two'])
      expect(ownership(both)['two Apply']).toEqual({
        'f:spec': { 'f:rules': { 'k:{"name":"two"}': { '.': {}, 'f:name': {}, 'f:value': {} } } },
      })
      const left = ok(await api.apply(resource, widget('a'), { manager: 'one' }))
      expect(at(left, 'spec', 'rules')).toMatchObject([{ name: 'two' }])
    },
  },
  {
    sentence: 'two items with one key are invalid in a list of type map, two equal values in a set',
    async run({ api, widgets }) {
      const resource = await widgets()
      const map = await api.create(resource, widget('a', { rules: [{ name: 'r' }, { name: 'r' }] }))
      expect(causes(refused(map, 422, 'Invalid'))).toEqual(['FieldValueDuplicate spec.rules[1]'])
      const set = await api.create(resource, widget('a', { tags: ['t', 't'] }))
      expect(causes(refused(set, 422, 'Invalid'))).toEqual(['FieldValueDuplicate spec.tags[1]'])
    },
  },
  {
    sentence: 'a list of type set is merged by value',
    async run({ api, widgets }) {
      const resource = await widgets()
      ok(await api.apply(resource, widget('a', { tags: ['one', 'both'] }), { manager: 'one' }), 201)
      const second = { ...widget('a'), spec: { tags: ['two', 'both'] } }
      const both = ok(await api.apply(resource, second, { manager: 'two' }))
      expect([...(at(both, 'spec', 'tags') as string[])].sort()).toEqual(['both', 'one', 'two'])
      const left = ok(await api.apply(resource, widget('a'), { manager: 'one' }))
      expect([...(at(left, 'spec', 'tags') as string[])].sort()).toEqual(['both', 'two'])
    },
  },
  {
    sentence: 'a list without a type is atomic in a custom resource',
    async run({ api, widgets }) {
      const resource = await widgets()
      ok(await api.apply(resource, widget('a', { steps: ['one'] }), { manager: 'one' }), 201)
      const answer = await api.apply(resource, { ...widget('a'), spec: { steps: ['two'] } }, { manager: 'two' })
      expect(causes(refused(answer, 409, 'Conflict'))).toEqual(['FieldManagerConflict .spec.steps'])
    },
  },
  {
    sentence: 'a map of type atomic is owned as a whole',
    async run({ api, widgets }) {
      const resource = await widgets()
      const first = ok(await api.apply(resource, widget('a', { whole: { a: '1' } }), { manager: 'one' }), 201)
      expect(at(ownership(first)['one Apply'], 'f:spec', 'f:whole')).toEqual({})
      const answer = await api.apply(resource, { ...widget('a'), spec: { whole: { b: '2' } } }, { manager: 'two' })
      expect(causes(refused(answer, 409, 'Conflict'))).toEqual(['FieldManagerConflict .spec.whole'])
    },
  },
  {
    sentence: 'where anything goes, maps are merged key by key and lists are atomic',
    async run({ api, widgets }) {
      const resource = await widgets()
      ok(await api.apply(resource, widget('a', { free: { one: { x: 1 }, list: [1] } }), { manager: 'one' }), 201)
      const more = { ...widget('a'), spec: { free: { one: { y: 2 } } } }
      const both = ok(await api.apply(resource, more, { manager: 'two' }))
      expect(at(both, 'spec', 'free')).toEqual({ one: { x: 1, y: 2 }, list: [1] })
      const other = { ...widget('a'), spec: { free: { list: [2] } } }
      const answer = await api.apply(resource, other, { manager: 'two' })
      expect(causes(refused(answer, 409, 'Conflict'))).toEqual(['FieldManagerConflict .spec.free.list'])
    },
  },
  {
    sentence: 'a value that equals its default is owned, and stays as the default when it is let go',
    async run({ api, widgets }) {
      const resource = await widgets()
      const first = ok(await api.apply(resource, widget('a', { colour: 'green' })), 201)
      expect(at(ownership(first)['flotilla Apply'], 'f:spec', 'f:colour')).toEqual({})
      expect(at(ok(await api.apply(resource, widget('a'))), 'spec', 'colour')).toBe('red')
    },
  },
  {
    sentence: 'status is a subresource: a write to the main resource drops it, one to status drops the rest',
    async run({ api, widgets }) {
      const resource = await widgets()
      expect(ok(await api.create(resource, widget('a', {}, { status: { phase: 'x' } })), 201)).not.toHaveProperty(
        'status',
      )
      const body = { spec: { size: 9 }, status: { phase: 'up', count: 3 } }
      const told = ok(await api.patch('merge', resource, 'a', body, {}, 'status'))
      expect(told).toMatchObject({ spec: { size: 1 }, status: { phase: 'up', count: 3 } })
      const put = ok(await api.replace(resource, 'a', { ...told, spec: { size: 2 }, status: {} }))
      expect(put).toMatchObject({ spec: { size: 2 }, status: { phase: 'up', count: 3 } })
    },
  },
  {
    sentence: 'the generation rises with anything but metadata and status',
    async run({ api, widgets }) {
      const resource = await widgets()
      expect(at(ok(await api.create(resource, widget('a')), 201), 'metadata', 'generation')).toBe(1)
      ok(await api.patch('merge', resource, 'a', { status: { phase: 'up' } }, {}, 'status'))
      const labelled = ok(await api.patch('merge', resource, 'a', { metadata: { labels: { l: 'x' } } }))
      expect(at(labelled, 'metadata', 'generation')).toBe(1)
      expect(at(ok(await api.patch('merge', resource, 'a', { spec: { size: 2 } })), 'metadata', 'generation')).toBe(2)
    },
  },
  {
    sentence: 'the scale of a custom resource follows its paths',
    async run({ api, widgets }) {
      const resource = await widgets()
      ok(await api.create(resource, widget('a', { size: 3 })), 201)
      ok(await api.patch('merge', resource, 'a', { status: { count: 2 } }, {}, 'status'))
      const scale = ok(await api.get(resource, 'a', { subresource: 'scale' }))
      expect(scale).toMatchObject({ kind: 'Scale', spec: { replicas: 3 }, status: { replicas: 2 } })
      ok(await api.patch('merge', resource, 'a', { spec: { replicas: 7 } }, {}, 'scale'))
      expect(at(ok(await api.get(resource, 'a')), 'spec', 'size')).toBe(7)
    },
  },
  {
    sentence: 'a watch of custom resources tells what any watch tells',
    async run({ api, widgets }) {
      const resource = await widgets()
      const resourceVersion = String(at(ok(await api.list(resource)), 'metadata', 'resourceVersion'))
      const events = await api.watch(resource, { resourceVersion })
      try {
        ok(await api.create(resource, widget('a')), 201)
        ok(await api.delete(resource, 'a'))
        expect(await events.take(2)).toEqual(['ADDED a', 'DELETED a'])
      } finally {
        events.close()
      }
    },
  },
  {
    sentence: 'a dry run of a custom resource predicts defaults and pruning',
    async run({ api, widgets }) {
      const resource = await widgets()
      const predicted = ok(await api.apply(resource, widget('a'), { query: { dryRun: 'All' } }), 201)
      expect(at(predicted, 'spec', 'colour')).toBe('red')
      refused(await api.get(resource, 'a'), 404, 'NotFound')
    },
  },
]
