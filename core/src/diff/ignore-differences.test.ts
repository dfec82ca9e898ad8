import { describe, expect, it } from 'vitest'
import type { JsonObject } from '../json/json.ts'
import type { KubernetesObject } from '../model/kubernetes-object.ts'
import { ignoredPointers, readIgnoreRules, respectIgnored, withoutIgnored } from './ignore-differences.ts'

const DEPLOYMENT = { group: 'apps', kind: 'Deployment', namespace: 'shop', name: 'web' }

describe('readIgnoreRules', () => {
  it.each<[string, JsonObject, boolean]>([
    ['group and kind exactly', { group: 'apps', kind: 'Deployment' }, true],
    ['globs', { group: '*', kind: 'Dep*' }, true],
    ['no group is the core group', { kind: 'Deployment' }, false],
    ['another name', { group: 'apps', kind: 'Deployment', name: 'api' }, false],
    ['another namespace', { group: 'apps', kind: 'Deployment', namespace: 'x' }, false],
  ])('matches by %s', (_sentence, rule, matches) => {
    const { rules } = readIgnoreRules([{ ...rule, jsonPointers: ['/spec/replicas'] }])
    expect(ignoredPointers(rules, DEPLOYMENT)).toEqual(matches ? [['spec', 'replicas']] : [])
  })

  it('names what is not built', () => {
    const documents = [
      { kind: '*', jqPathExpressions: ['.spec'] },
      { kind: '*', managedFieldsManagers: ['hpa'] },
    ]
    expect(readIgnoreRules(documents).unsupported).toEqual([
      'ignoreDifferences with jqPathExpressions is not built yet',
      'ignoreDifferences with managedFieldsManagers is not built yet',
    ])
  })
})

describe('withoutIgnored', () => {
  it('removes members and items, unescapes, and passes over what is not there', () => {
    const object = thing({ metadata: { annotations: { 'a/b~c': '1', kept: '2' } }, spec: { list: ['x', 'y'] } })
    const { rules } = readIgnoreRules([
      { kind: '*', jsonPointers: ['/metadata/annotations/a~1b~0c', '/spec/list/0', '/spec/missing/deep', 'odd'] },
    ])
    const pointers = rules[0]!.pointers
    expect(withoutIgnored(object, pointers)).toEqual(
      thing({ metadata: { annotations: { kept: '2' } }, spec: { list: ['y'] } }),
    )
    expect(object['spec']).toEqual({ list: ['x', 'y'] })
  })
})

describe('respectIgnored', () => {
  const target = thing({ spec: { containers: [{ name: 'web', image: 'web:2', cpu: 1 }] } })
  const image = [['spec', 'containers', '0', 'image']]

  it('sends the live value inside a list item that is ours', () => {
    const live = thing(
      { spec: { containers: [{ name: 'web', image: 'web:1', cpu: 1 }] } },
      {
        'f:spec': { 'f:containers': { 'k:{"name":"web"}': { 'f:image': {}, 'f:cpu': {} } } },
      },
    )
    expect(respectIgnored(target, live, image, 'flotilla')['spec']).toEqual({
      containers: [{ name: 'web', image: 'web:1', cpu: 1 }],
    })
  })

  it('leaves it out once somebody else owns it', () => {
    const live = thing(
      { spec: { containers: [{ name: 'web', image: 'web:1', cpu: 1 }] } },
      {
        'f:spec': { 'f:containers': { 'k:{"name":"web"}': { 'f:cpu': {} } } },
      },
    )
    expect(respectIgnored(target, live, image, 'flotilla')['spec']).toEqual({ containers: [{ name: 'web', cpu: 1 }] })
  })

  it('sends the manifest’s value where nothing is live', () => {
    expect(respectIgnored(target, thing({}), image, 'flotilla')).toEqual(target)
  })
})

function thing(content: JsonObject, fieldsV1?: JsonObject): KubernetesObject {
  const metadata = (content['metadata'] ?? {}) as JsonObject
  const managedFields = fieldsV1 ? { managedFields: [{ manager: 'flotilla', operation: 'Apply', fieldsV1 }] } : {}
  return { ...content, apiVersion: 'v1', kind: 'Thing', metadata: { ...metadata, ...managedFields } }
}
