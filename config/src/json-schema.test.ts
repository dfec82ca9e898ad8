import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { isJsonObject, type JsonObject } from '@flotilla/core/json/json'
import { parseYamlDocuments } from '@flotilla/core/yaml/parse-yaml'
import { Ajv2020, type ValidateFunction } from 'ajv/dist/2020.js'
import { beforeAll, describe, expect, test } from 'vitest'
import { documentSchema, schemaKinds, schemaOf } from './json-schema.ts'

/** Every document of ours or of Argo CD's in the examples and in the docs. */
const ROOT = fileURLToPath(new URL('../../', import.meta.url))
const DOCUMENTS = [...yamlFiles('examples'), ...fencedYaml('docs')].filter(
  ({ place, value }) =>
    !place.includes('examples/mistakes') && /^(flotilla\.dev|argoproj\.io)\//.test(String(value['apiVersion'])),
)

let ajv: Ajv2020
let whole: ValidateFunction
const compiled = new Map<string, ValidateFunction | undefined>()

beforeAll(() => {
  ajv = new Ajv2020({ strict: false })
  whole = ajv.compile(documentSchema())
}, 60_000)

function schemaFor({ apiVersion, kind }: JsonObject): ValidateFunction | undefined {
  const name = `${String(apiVersion)}/${String(kind)}`
  if (!compiled.has(name)) {
    const schema = schemaKinds().includes(name) ? schemaOf(name) : undefined
    compiled.set(name, schema && ajv.compile(schema))
  }
  return compiled.get(name)
}

describe('the JSON Schemas', () => {
  test('of every kind meet an example', () => {
    const seen = new Set(DOCUMENTS.map(({ value }) => `${String(value['apiVersion'])}/${String(value['kind'])}`))
    expect(schemaKinds().filter(kind => !seen.has(kind))).toEqual([])
  })

  test.each(DOCUMENTS)('accept $place', ({ value }) => {
    const validate = schemaFor(value)
    if (validate) expect(validate(value), JSON.stringify(validate.errors)).toBe(true)
    expect(whole(value), JSON.stringify(whole.errors)).toBe(true)
  })

  test.each(DOCUMENTS)('refuse $place once it is broken', ({ value }) => {
    const validate = schemaFor(value)
    if (!validate) return
    const broken: JsonObject[] = [
      { ...value, spec: 5 },
      { ...value, surprise: true },
      { ...value, metadata: { name: 7 } },
      { apiVersion: value['apiVersion'], kind: value['kind'] },
    ]
    for (const one of broken) {
      expect(validate(one)).toBe(false)
      expect(whole(one)).toBe(false)
    }
    expect(whole({ ...value, kind: 'Nonsense' })).toBe(false)
    expect(validate({ ...value, kind: 'Nonsense' })).toBe(false)
  })

  test('let through what is of another group', () => {
    expect(whole({ apiVersion: 'v1', kind: 'Secret', metadata: { name: 'a' } })).toBe(true)
    expect(whole({ kind: 'Secret' })).toBe(false)
  })
})

interface Found {
  readonly place: string
  readonly value: JsonObject
}

function yamlFiles(folder: string): readonly Found[] {
  return filesOf(folder, /\.ya?ml$/).flatMap(path => documentsOf(readFileSync(join(ROOT, path), 'utf8'), path))
}

function fencedYaml(folder: string): readonly Found[] {
  return filesOf(folder, /\.md$/).flatMap(path =>
    [...readFileSync(join(ROOT, path), 'utf8').matchAll(/```yaml\n([\s\S]*?)```/g)].flatMap(([, text], index) =>
      documentsOf(text!, `${path} ${index + 1}`),
    ),
  )
}

function filesOf(folder: string, pattern: RegExp): readonly string[] {
  const found = readdirSync(join(ROOT, folder), { recursive: true, encoding: 'utf8' })
  return found
    .filter(name => pattern.test(name))
    .map(name => `${folder}/${name}`)
    .sort()
}

function documentsOf(text: string, place: string): readonly Found[] {
  return parseYamlDocuments(text, { file: place }).documents.flatMap(({ value }) => {
    // An excerpt has no spec, or no name: it is no document to hold against a schema.
    if (!isJsonObject(value) || !isJsonObject(value['metadata']) || value['spec'] === undefined) return []
    return [{ place: `${place} ${String(value['kind'])} ${String(value['metadata']['name'])}`, value }]
  })
}
