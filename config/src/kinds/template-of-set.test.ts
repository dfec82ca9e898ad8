import { formatDiagnostic } from '@flotilla/core/model/diagnostic'
import { parseYamlDocuments } from '@flotilla/core/yaml/parse-yaml'
import { Ajv2020 } from 'ajv/dist/2020.js'
import { describe, expect, test } from 'vitest'
import { schemaOf } from '../json-schema.ts'
import { load } from '../load.ts'

function setOf(group: string, lines: string): string {
  return `apiVersion: ${group}/v1alpha1
kind: ApplicationSet
metadata: {name: web}
spec:
${lines}`
}

function said(group: string, lines: string): string[] {
  const files = [{ path: 'a.yaml', text: setOf(group, lines) }]
  return load({ source: '', trust: { kind: 'all' }, files }).diagnostics.map(formatDiagnostic)
}

const TYPED = `  when: enabled
  generators:
  - list: {elements: [{a: b}], template: {spec: {revisionHistoryLimit: "\${{ 3 }}"}}}
    when: true
  template:
    engine: handlebars
    metadata: {name: x}
    spec:
      project: shop
      sources: "\${{ sources }}"
      destination: {name: eu-1}
      syncPolicy:
        automated: {prune: "\${{ prune }}"}
        retry: {limit: "\${{ 3 }}", backoff: "\${{ backoff }}"}
`

const PRUNE = /\$\{\{ prune \}\}/

describe('the template of our set', () => {
  test('takes an expression for a value of any type, an engine, and conditions', () => {
    expect(said('flotilla.dev', TYPED)).toEqual([])
  })
  test('as its JSON Schema does', { timeout: 60_000 }, () => {
    const validate = new Ajv2020({ strict: false }).compile(schemaOf('flotilla.dev/v1alpha1/ApplicationSet')!)
    const holds = (text: string): boolean => validate(parseYamlDocuments(text, { file: 'a.yaml' }).documents[0]!.value)
    expect(holds(setOf('flotilla.dev', TYPED)), JSON.stringify(validate.errors)).toBe(true)
    expect(holds(setOf('flotilla.dev', TYPED.replace(PRUNE, 'some')))).toBe(false)
  })
  test('takes no other text for them', () => {
    expect(said('flotilla.dev', TYPED.replace(PRUNE, 'a $&'))).toEqual([
      expect.stringMatching(/WRONG_TYPE .*automated\.prune must be true or false, not text/),
    ])
  })
  test('names an engine that there is, and one only', () => {
    expect(said('flotilla.dev', TYPED.replace('handlebars', 'mustache'))).toEqual([
      expect.stringMatching(/INVALID_VALUE spec\.template\.engine is "mustache"; it must be one of/),
    ])
    expect(said('flotilla.dev', `  goTemplate: true\n${TYPED}`)).toEqual([
      'a.yaml:11:13 INVALID_VALUE goTemplate is true, and the template says engine: handlebars\n  hint: leave one of them out',
    ])
  })
  test('under argoproj.io each of them is refused by name', () => {
    const refused = said('argoproj.io', TYPED)
    for (const field of ['when', 'engine']) {
      expect(refused).toContainEqual(expect.stringMatching(new RegExp(`"${field}" needs apiVersion: flotilla.dev`)))
    }
    expect(refused).toContainEqual(expect.stringMatching(/automated\.prune must be true or false/))
  })
})
