import { readFileSync } from 'node:fs'
import { parseYamlDocuments } from '@flotilla/core/yaml/parse-yaml'
import { Ajv2020 } from 'ajv/dist/2020.js'
import { describe, expect, test } from 'vitest'
import { DIAGNOSTIC_CODES } from './diagnostic-codes.ts'
import { schemaKinds, schemaOf } from './json-schema.ts'
import { load } from './load.ts'
import { mergeFleets } from './merge-fleets.ts'

function docs(name: string): string {
  return readFileSync(new URL(`../../docs/${name}`, import.meta.url), 'utf8')
}

describe('docs/diagnostics.md', () => {
  const text = docs('diagnostics.md')
  const listed = [...text.matchAll(/^\| `([A-Z_]+)` \| (error|warning|either) \| (.*) \| (.*) \|$/gm)]

  test("lists every code, with the catalogue's severity, meaning and remedy", () => {
    const rows = listed.map(([, code, severity, meaning, remedy]) => [code, { severity, meaning, remedy }])
    expect(Object.fromEntries(rows.filter(([code]) => String(code) in DIAGNOSTIC_CODES))).toEqual(DIAGNOSTIC_CODES)
  })

  test('names no code of this package twice', () => {
    const codes = listed.map(([, code]) => code)
    expect(codes).toEqual([...new Set(codes)])
  })

  test('the section of configuration codes has none that is gone', () => {
    const section = text.split(/^## /m).find(part => part.startsWith('Reading the config repository')) ?? ''
    const codes = [...section.matchAll(/^\| `([A-Z_]+)` \|/gm)].map(([, code]) => code)
    expect(codes.sort()).toEqual(Object.keys(DIAGNOSTIC_CODES).sort())
  })
})

describe('docs/deletion.md', () => {
  test('its examples are sound, but for what they do not declare', () => {
    const examples = [...docs('deletion.md').matchAll(/```yaml\n([\s\S]*?)```/g)].map(([, text]) => text!)
    expect(examples.length).toBeGreaterThan(0)
    const files = examples.map((text, index) => ({ path: `example-${index}.yaml`, text }))
    expect(load({ source: '', trust: { kind: 'all' }, files }).diagnostics).toEqual([])
  })
})

describe('docs/config.md', () => {
  const examples = [...docs('config.md').matchAll(/```yaml\n([\s\S]*?)```/g)].map(([, text]) => text!)

  test('has an example of every kind', () => {
    const kinds = examples.flatMap(text =>
      parseYamlDocuments(text, { file: 'config.md' }).documents.map(({ value }) => (value as { kind: string }).kind),
    )
    expect(new Set(kinds)).toEqual(
      new Set([
        'ApplicationSet',
        'Application',
        'Project',
        'SigningKeys',
        'Cluster',
        'Repository',
        'AppProject',
        'Secret',
      ]),
    )
  })

  test('its examples are one sound fleet', () => {
    const files = examples.map((text, index) => ({ path: `example-${index}.yaml`, text }))
    const result = mergeFleets([load({ source: '', trust: { kind: 'all' }, files })])
    expect(result.diagnostics.filter(one => one.severity === 'error')).toEqual([])
  })

  // Compiling a dozen schemas takes seconds on a busy machine.
  test('its examples are what the JSON Schemas accept', { timeout: 60_000 }, () => {
    const ajv = new Ajv2020({ strict: false })
    for (const text of examples) {
      for (const { value } of parseYamlDocuments(text, { file: 'config.md' }).documents) {
        const { apiVersion, kind } = value as { apiVersion: string; kind: string }
        const schema = schemaOf(`${apiVersion}/${kind}`)
        if (kind === 'Secret') continue
        const validate = ajv.compile(schema!)
        expect(validate(value), JSON.stringify(validate.errors)).toBe(true)
        expect(validate({ ...(value as object), surprise: 1 })).toBe(false)
      }
    }
  })
})

test('every kind has a JSON Schema', () => {
  expect(schemaKinds()).toContain('flotilla.dev/v1alpha1/ApplicationSet')
  for (const kind of schemaKinds()) expect(schemaOf(kind)).toMatchObject({ type: 'object' })
  expect(schemaOf('Nonsense')).toBeUndefined()
})
