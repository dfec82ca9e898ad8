import { expect, it } from 'vitest'
import { parseJson } from '../json/parse-json.ts'
import { stringifyJson } from '../json/stringify-json.ts'
import type { KubernetesObject } from '../model/kubernetes-object.ts'
import { withSecretData } from './secret-data.ts'

function read(text: string): KubernetesObject {
  return { apiVersion: 'v1', kind: 'Secret', metadata: { name: 'a' }, ...(parseJson(text) as object) }
}

it.each([
  ['stringData becomes data', '{"stringData":{"a":"é"}}', '{"data":{"a":"w6k="}}'],
  [
    'it goes before data of the same name',
    '{"data":{"a":"eA==","b":"eQ=="},"stringData":{"a":"é"}}',
    '{"data":{"a":"w6k=","b":"eQ=="}}',
  ],
  ['no data is no obstacle', '{"data":null,"stringData":{"a":""}}', '{"data":{"a":""}}'],
  ['odd names are names', '{"stringData":{"__proto__":"é"}}', '{"data":{"__proto__":"w6k="}}'],
  ['without stringData nothing changes', '{"data":{"a":"eA=="}}', '{"data":{"a":"eA=="}}'],
  ['what is no text is the server’s to refuse', '{"stringData":{"a":1}}', '{"stringData":{"a":1}}'],
  ['what is no map is the server’s to refuse', '{"stringData":["a"]}', '{"stringData":["a"]}'],
  ['data that is no map is the server’s to refuse', '{"data":"x","stringData":{}}', '{"data":"x","stringData":{}}'],
])('%s', (_, given, expected) => {
  expect(stringifyJson(withSecretData(read(given)))).toBe(stringifyJson(read(expected)))
})

it('another kind’s stringData is its own', () => {
  const object = { ...read('{"stringData":{"a":"x"}}'), apiVersion: 'example.org/v1' }
  expect(withSecretData(object)).toBe(object)
})
