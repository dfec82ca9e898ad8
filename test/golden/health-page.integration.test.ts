import { execFileSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { load } from '@flotilla/config/load'
import { assessHealth } from '@flotilla/core/health/assess-health'
import type { CelExpressions } from '@flotilla/core/health/custom/cel-rule'
import { argoHealthScripts, loadCustomRules } from '@flotilla/core/health/custom/custom-rules'
import { TEST_FIELDS, VALUE_FIELDS } from '@flotilla/core/health/data/rule-fields'
import { ruleOf } from '@flotilla/core/health/data/rule-of'
import { HEALTH_RULES } from '@flotilla/core/health/registry'
import { compare, equals, goodWhenTrue } from '@flotilla/core/health/rules/parts'
import { SHIPPED_RULES } from '@flotilla/core/health/rules/shipped-rules'
import type { JsonObject } from '@flotilla/core/json/json'
import { parseYamlDocuments } from '@flotilla/core/yaml/parse-yaml'
import { expect, test } from 'vitest'

const ROOT = join(import.meta.dirname, '../..')
const page = readFileSync(join(ROOT, 'docs/health.md'), 'utf8')

function block(info: string): string {
  const found = new RegExp(`\`\`\`${info}\n([^]*?)\`\`\``).exec(page)?.[1]
  if (found === undefined) throw new Error(`docs/health.md has no block "${info}"`)
  return found
}

test('the objects of the page do as the page says', () => {
  const main = join(ROOT, 'cli/bin/flotilla.mjs')
  const answer = execFileSync(process.execPath, [main, 'health', 'assess', '-f', '-'], { input: block('yaml live') })
  expect(answer.toString()).toBe(block('text assessed'))
})

test('the page lists every kind that has a rule, and no other', () => {
  const kinds = page.slice(page.indexOf('## 3.'), page.indexOf('## 4.'))
  const listed = [...kinds.matchAll(/^\| `([^`]+)` \| (.+) \|$/gm)].flatMap(([, group, kinds]) =>
    kinds!.split(', ').map(kind => `${group}/${kind === 'every kind' ? '*' : kind}`),
  )
  const shipped = SHIPPED_RULES.flatMap(({ kinds }) => kinds)
  expect(listed.toSorted()).toEqual(shipped.toSorted())
  expect(new Set(shipped).size).toBe(shipped.length)
  expect(shipped.filter(kind => !HEALTH_RULES.keys.includes(kind))).toEqual([])
})

test('the example of a rule is one', () => {
  const lines = [
    [equals('spec.paused', true), 'Suspended', '{kind} {name} is paused'],
    [
      compare('status.readyReplicas', '<', 'spec.replicas'),
      'Progressing',
      '{status.readyReplicas} of {spec.replicas} are ready',
    ],
    ...goodWhenTrue('Ready'),
  ] as const
  const flat = (text: string) => text.replaceAll(/\s+/g, '').replaceAll(',]', ']').replaceAll(',)', ')')
  const source = flat(readFileSync(import.meta.filename, 'utf8'))
  for (const line of block('ts').split('\n').slice(3, -5)) expect(source).toContain(flat(line).replace(/,$/, ''))
  const assess = ruleOf({ lines, otherwise: ['Progressing', 'Waiting for the operator'] })
  const database = (rest: JsonObject) => {
    return assess({ apiVersion: 'example.com/v1', kind: 'Database', metadata: { name: 'orders' }, ...rest }, {})
  }
  expect(database({ spec: { paused: true } })).toEqual({ status: 'Suspended', message: 'Database orders is paused' })
  expect(database({ spec: { replicas: 3 }, status: { readyReplicas: 1 } }).message).toBe('1 of 3 are ready')
  expect(database({}).message).toBe('Waiting for the operator')
})

test('the script of the page gives a verdict', async () => {
  const { documents } = parseYamlDocuments(block('yaml scripts'), { file: 'argocd-cm' })
  const sources = argoHealthScripts(documents[0]!.value as JsonObject)
  const { table, mistakes } = await loadCustomRules(sources, () => 0)
  expect(mistakes).toEqual([])
  const database = { apiVersion: 'example.com/v1', kind: 'Database', metadata: { name: 'orders' } }
  const open = { ...database, status: { phase: 'Open', connections: 12 } }
  expect(assessHealth(open, { custom: table })).toEqual({ status: 'Healthy', message: '12 connections' })
  expect(assessHealth(database, { custom: table })?.message).toBe('Waiting for the operator')
})

test('the rule of the page is one, and is handed out by the ConfigMap', async () => {
  const data = parseYamlDocuments(block('yaml rules'), { file: 'argocd-cm' }).documents[0]!.value as JsonObject
  const { fleet, diagnostics } = load({
    files: [
      {
        path: 'cm.json',
        text: JSON.stringify({ apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'argocd-cm' }, data }),
      },
    ],
    source: '',
    trust: { kind: 'all' },
  })
  expect(diagnostics).toEqual([])
  const sources = fleet.resourceCustomizations?.[0]?.spec.health ?? []
  const { table, mistakes } = await loadCustomRules(sources, () => 0)
  expect(mistakes).toEqual([])
  const database = (rest: JsonObject) => {
    const object = {
      apiVersion: 'example.com/v1',
      kind: 'Database',
      metadata: { name: 'orders', generation: 1 },
      ...rest,
    }
    return assessHealth(object, { custom: table })
  }
  expect(database({ spec: { paused: true } })).toEqual({ status: 'Suspended', message: 'Database orders is paused' })
  const members = [{ name: 'a', state: 'Down' }, { state: 'Down' }, { name: 'c', state: 'Up' }]
  expect(database({ status: { members } })).toEqual({ status: 'Degraded', message: '2 members are down: a, ?' })
  expect(database({ spec: { replicas: 2 }, status: { readyReplicas: 2 } })?.status).toBe('Healthy')
  expect(database({ spec: { replicas: 2 } })?.message).toBe('Waiting for the operator')
})

test('the page says what each test and value of a rule means, with every field', () => {
  const section = page.slice(page.indexOf('## 6.'))
  for (const [kind, fields] of Object.entries({ ...TEST_FIELDS, ...VALUE_FIELDS })) {
    const row = section.split('\n').find(line => line.startsWith(`| \`${kind}\` |`)) ?? ''
    const unnamed = Object.keys(fields).filter(field => !row.includes(`\`${field}\``) && !['at', 'of'].includes(field))
    expect({ kind, row: row !== '', unnamed }).toEqual({ kind, row: true, unnamed: [] })
  }
})

test('the expressions of the page give a verdict', async () => {
  const { documents } = parseYamlDocuments(block('yaml expressions'), { file: 'expressions' })
  const cel = documents[0]!.value as unknown as CelExpressions
  const { table, mistakes } = await loadCustomRules([{ kind: 'example.com/Database', cel }], () => 0)
  expect(mistakes).toEqual([])
  const database = { apiVersion: 'example.com/v1', kind: 'Database', metadata: {}, status: { phase: 'Open' } }
  expect(assessHealth(database, { custom: table })).toEqual({ status: 'Healthy' })
})
