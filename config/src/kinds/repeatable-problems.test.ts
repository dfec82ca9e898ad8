import { describe, expect, test } from 'vitest'
import { load } from '../load.ts'

function warnings(spec: string): readonly string[] {
  const text = `apiVersion: argoproj.io/v1alpha1
kind: ApplicationSet
metadata: { name: web }
spec:
${spec}
  generators: [{ list: { elements: [{ a: '{{ now }}' }] } }]
  template:
    metadata: { name: 'a-{{ uuidv4 | upper }}-{{ randAlpha 3 }}' }
    spec: { project: default, destination: {} }
`
  const { diagnostics } = load({ source: '', trust: { kind: 'all' }, files: [{ path: 'a.yaml', text }] })
  return diagnostics.map(
    ({ line, column, code, severity, message }) => `${line}:${column} ${severity} ${code} ${message}`,
  )
}

describe('templates that are not repeatable', () => {
  test('are warned of where they stand, generators included', () => {
    expect(warnings('  goTemplate: true')).toEqual([
      '6:42 warning TEMPLATE_NOT_REPEATABLE now gives another result at every look',
      '8:23 warning TEMPLATE_NOT_REPEATABLE randAlpha, uuidv4 give another result at every look',
    ])
  })
  test('in the patch too', () => {
    expect(warnings("  goTemplate: true\n  templatePatch: 'x: {{ now }}'")[0]).toContain('TEMPLATE_NOT_REPEATABLE now')
  })
  test('are none in other engines', () => {
    expect(warnings('  goTemplate: false')).toEqual([])
  })
})
