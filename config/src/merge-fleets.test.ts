import { formatDiagnostic } from '@flotilla/core/model/diagnostic'
import type { Trust } from '@flotilla/core/model/fleet'
import { describe, expect, test } from 'vitest'
import { clusterFacts } from './cluster-facts.ts'
import { narrowerPaths } from './config-path.ts'
import { gateRules } from './gate-rules.ts'
import { type ConfigLoad, load } from './load.ts'
import { incumbentsOf, mergeFleets } from './merge-fleets.ts'

const ALL: Trust = { kind: 'all' }

function source(name: string, documents: string): ConfigLoad {
  return load({ source: name, trust: ALL, files: [{ path: `${name}.yaml`, text: documents }] })
}

function application(name: string, destination = 'name: eu-1'): string {
  return `---
apiVersion: flotilla.dev/v1alpha1
kind: Application
metadata: {name: ${name}}
spec:
  project: shop
  source: {repoURL: https://git.example.com/a.git, path: x}
  destination:
    ${destination}
`
}

const BASE = `---
apiVersion: flotilla.dev/v1alpha1
kind: Project
metadata: {name: shop}
spec: {}
---
apiVersion: flotilla.dev/v1alpha1
kind: Cluster
metadata: {name: eu-1}
spec: {servers: ['https://eu-1.example.com'], local: true}
`

test('sources become one fleet, sorted by source, file and document', () => {
  const merged = mergeFleets([
    source('shop', application('b') + application('a')),
    source('base', BASE + application('c')),
  ])
  expect(merged.diagnostics).toEqual([])
  expect(merged.fleet.applications.map(one => one.name)).toEqual(['c', 'b', 'a'])
})

test('on a cold start the lowest source has a name, later whoever had it', () => {
  const a = source('a', application('web'))
  const b = source('b', application('web'))
  const base = source('base', BASE)
  const cold = mergeFleets([b, a, base])
  expect(cold.fleet.applications.map(one => one.source)).toEqual(['a'])
  expect(cold.diagnostics.map(formatDiagnostic)).toEqual([
    expect.stringContaining(
      'b.yaml:4:18 DUPLICATE_NAME Application "web" is declared already at a.yaml:2 of config source "a"',
    ),
  ])
  const incumbents = incumbentsOf(mergeFleets([b, base]).fleet)
  expect(mergeFleets([a, b, base], incumbents).fleet.applications.map(one => one.source)).toEqual(['b'])
})

test('an Application bound for nowhere is a warning, by name, by server and by project', () => {
  const texts = [
    application('ok'),
    application('by-server', 'server: https://eu-1.example.com/'),
    application('by-alias', 'server: https://kubernetes.default.svc'),
    application('nowhere', 'name: eu-2'),
    application('nowhere-else', 'server: https://eu-2.example.com'),
    application('no-project').replace('project: shop', 'project: web'),
  ]
  const { diagnostics } = mergeFleets([source('a', BASE + texts.join(''))])
  expect(diagnostics.map(one => `${one.severity} ${one.code} ${one.message}`)).toEqual([
    'warning DESTINATION_UNKNOWN no Cluster is named "eu-2"; the Application will be held',
    'warning DESTINATION_UNKNOWN no Cluster declares the server https://eu-2.example.com; the Application will be held',
    'warning PROJECT_UNKNOWN no document declares project "web"; the Application will be held',
  ])
})

test('a server belongs to one Cluster, and one Cluster is local', () => {
  const second = BASE.slice(BASE.lastIndexOf('---')).replace('eu-1}', 'eu-2}')
  const { diagnostics } = mergeFleets([source('a', BASE + second)])
  expect(diagnostics.map(formatDiagnostic)).toEqual([
    'a.yaml:15:18 DUPLICATE_SERVER Cluster "eu-1" has https://eu-1.example.com already, and keeps it',
    'a.yaml:15:54 DUPLICATE_SERVER Cluster "eu-1" has https://kubernetes.default.svc already, and keeps it\n  hint: only one Cluster is local',
  ])
})

test('what is refused is told at its own place, and not again at all that name it', () => {
  const broken = BASE.replace('kind: Cluster\n', 'kind: Cluster\nsurprise: 1\n').replace(
    'spec: {}',
    'spec: {sourceRepo: []}',
  )
  const { diagnostics } = mergeFleets([source('a', broken + application('web') + application('web-2'))])
  expect(diagnostics.map(one => one.code).sort()).toEqual(['UNKNOWN_FIELD', 'UNKNOWN_FIELD'])
})

test('what documents say about each other is shown with the config source of the one that is to be mended', () => {
  const nowhere = application('nowhere', 'name: eu-2')
  const { diagnostics } = mergeFleets([source('a', BASE), source('b', nowhere)])
  expect(diagnostics.map(one => `${one.source} ${one.code}`)).toEqual(['b DESTINATION_UNKNOWN'])
  const offline = load({ source: '', trust: ALL, files: [{ path: 'a.yaml', text: BASE + nowhere }] })
  expect(mergeFleets([offline]).diagnostics[0]).not.toHaveProperty('source')
})

test('clusters as generators see them are sorted, and carry the label that Argo CD selects by', () => {
  const texts = ['b', 'a'].map(
    name => `---\napiVersion: flotilla.dev/v1alpha1\nkind: Cluster\nmetadata: {name: ${name}, labels: {env: dev}}\n`,
  )
  const { fleet } = source('a', texts.join(''))
  expect(clusterFacts(fleet.clusters).map(({ name, server, labels }) => ({ name, server, labels }))).toEqual([
    {
      name: 'a',
      server: 'https://a.clusters.flotilla.invalid',
      labels: { 'argocd.argoproj.io/secret-type': 'cluster', env: 'dev' },
    },
    {
      name: 'b',
      server: 'https://b.clusters.flotilla.invalid',
      labels: { 'argocd.argoproj.io/secret-type': 'cluster', env: 'dev' },
    },
  ])
})

test('the narrower path takes its folder out of the wider one', () => {
  const at = (path: string, repository = 'r') => ({ repository, revision: 'main', path })
  const all = [at('fleet'), at('fleet/shop/'), at('./fleet/shop/eu'), at('fleets'), at('fleet/web', 'other')]
  expect(narrowerPaths(all[0]!, all)).toEqual(['fleet/shop', 'fleet/shop/eu'])
  expect(narrowerPaths(at(''), all)).toEqual(['fleet', 'fleet/shop', 'fleet/shop/eu', 'fleets'])
  expect(narrowerPaths(all[2]!, all)).toEqual([])
})

describe('a gate of which there are two', () => {
  const freeze = (project: string): string => `
apiVersion: flotilla.dev/v1alpha1
kind: FreezePeriod
metadata: {name: year-end}
spec: {level: hard, reason: closing, scope: {projects: ["${project}"]}, when: [{from: "2026-12-18", through: "2027-01-03"}]}
`
  const declared = (name: string, trust: Trust, text: string) =>
    load({ source: name, trust, files: [{ path: 'freeze.yaml', text }] })
  const team = declared('a-team', { kind: 'projects', projects: ['shop'] }, freeze('shop'))
  const platform = declared('platform', { kind: 'all' }, freeze('*'))

  test('is that of the fleet, whoever came first; the other one closes what it may concern', () => {
    const first = incumbentsOf(mergeFleets([team]).fleet)
    for (const merged of [mergeFleets([team, platform]), mergeFleets([team, platform], first)]) {
      expect(merged.fleet.freezePeriods?.map(({ source: from }) => from)).toEqual(['platform'])
      expect(merged.diagnostics.map(({ code }) => code)).toEqual(['DUPLICATE_NAME'])
      const { freezes } = gateRules(merged.fleet, { declared: merged.declaredGates })
      expect(freezes.map(({ within, unreadable }) => [within, unreadable !== undefined])).toEqual([
        [undefined, false],
        [['shop'], true],
      ])
    }
  })

  test('of one source closes too: nobody knows which of them was meant', () => {
    const files = ['a.yaml', 'b.yaml'].map(path => ({ path, text: freeze('shop') }))
    const twice = load({ source: 'platform', trust: { kind: 'all' }, files })
    const merged = mergeFleets([twice])
    const { freezes } = gateRules(merged.fleet, { declared: merged.declaredGates })
    expect(freezes.map(({ name }) => name)).toEqual(['FreezePeriod/year-end', 'FreezePeriod "year-end" at b.yaml:3'])
  })
})
