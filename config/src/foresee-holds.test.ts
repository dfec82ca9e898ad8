import { formatDiagnostic } from '@flotilla/core/model/diagnostic'
import { expand } from '@flotilla/generators'
import { describe, expect, test } from 'vitest'
import { clusterFacts } from './cluster-facts.ts'
import { foreseeHolds } from './foresee-holds.ts'
import { load } from './load.ts'
import { mergeFleets } from './merge-fleets.ts'

const GROUP = 'apiVersion: flotilla.dev/v1alpha1'
const BASE = `---
${GROUP}
kind: Project
metadata: {name: shop}
spec:
  sourceRepos: ["https://git.example.com/shop/*"]
  destinations: [{name: "eu-*", namespace: shop}]
---
${GROUP}
kind: Cluster
metadata: {name: eu-1}
---
${GROUP}
kind: Cluster
metadata: {name: us-1}
---
${GROUP}
kind: Cluster
metadata: {name: us-2}
`

/** A set of one Application a cluster, its spec on lines of its own. */
function set(change: Record<string, string> = {}): string {
  const {
    project = 'shop',
    url = 'https://git.example.com/shop/web.git',
    destination = 'name',
    namespace = 'shop',
  } = change
  return `---
${GROUP}
kind: ApplicationSet
metadata: {name: web}
spec:
  generators:
  - clusters: {}
  template:
    metadata: {name: 'web-{{name}}'}
    spec:
      project: ${project}
      source: {repoURL: '${url}', path: web}
      destination: {${destination}: '{{${destination}}}', namespace: ${namespace}}
`
}

function application(destination: string): string {
  return `---
${GROUP}
kind: Application
metadata: {name: alone}
spec:
  project: shop
  source: {repoURL: 'https://git.example.com/shop/web.git', path: web}
  destination: ${destination}
`
}

function foreseen(text: string): string[] {
  const files = [{ path: 'f.yaml', text: BASE + text }]
  const merged = mergeFleets([load({ source: '', trust: { kind: 'all' }, files })])
  const inputs = {
    clusters: clusterFacts(merged.fleet.clusters),
    projects: merged.fleet.projects.map(({ name }) => name),
    answer: () => undefined,
  }
  const generated = merged.fleet.applicationSets.flatMap(one => expand(one, inputs).applications)
  const written = merged.fleet.applications.map(({ apiVersion, name, spec, source, position }) => ({
    apiVersion,
    kind: 'Application' as const,
    metadata: { name },
    spec,
    provenance: { source, ...position },
  }))
  return foreseeHolds(merged, [...generated, ...written]).map(one => `${one.severity} ${formatDiagnostic(one)}`)
}

describe('what a hub would hold is told before it is merged', () => {
  const cases: Record<string, [string, string[]]> = {
    'a set inside its Project: nothing': [set().replace('- clusters: {}', '- list: {elements: [{name: eu-1}]}'), []],
    'clusters outside the Project, once for the set, at the template': [
      set(),
      [
        'warning f.yaml:32:20 DESTINATION_FORBIDDEN project "shop" may not deploy to cluster "us-1", namespace "shop"; Application "web-us-1" will be held (and 1 more of the set)\n' +
          '  hint: add cluster "us-1" with namespace "shop" to destinations of project "shop"',
      ],
    ],
    'the same by server, with the alias of a Cluster without one': [
      set({ destination: 'server' }),
      [expect.stringContaining('DESTINATION_FORBIDDEN project "shop" may not deploy to cluster "us-1"') as never],
    ],
    'a namespace outside the Project, at the line of the document': [
      application('{name: eu-1, namespace: kube-system}'),
      [
        expect.stringContaining(
          'f.yaml:27:16 DESTINATION_FORBIDDEN project "shop" may not deploy to cluster "eu-1", namespace "kube-system"',
        ) as never,
      ],
    ],
    'a repository outside the Project': [
      set({ url: 'https://git.example.com/other.git' }),
      [
        expect.stringContaining(
          'f.yaml:31:25 SOURCE_FORBIDDEN project "shop" may not use repository https://git.example.com/other.git',
        ) as never,
      ],
    ],
    'a Project of a template that nobody declares': [
      set({ project: 'shpo' }),
      [
        'warning f.yaml:30:16 PROJECT_UNKNOWN no document declares project "shpo"; the Application will be held (and 2 more of the set)\n  hint: declare the Project',
      ],
    ],
    'a cluster of a template that nobody declares': [
      set().replace('- clusters: {}', '- list: {elements: [{name: eu-9}]}'),
      [expect.stringContaining('f.yaml:32:27 DESTINATION_UNKNOWN no Cluster is named "eu-9"') as never],
    ],
    'an unknown cluster of a document is told by the document alone': [
      application('{name: eu-9, namespace: shop}'),
      [],
    ],
  }
  test.each(Object.entries(cases))('%s', (_, [text, expected]) => expect(foreseen(text)).toEqual(expected))

  test('a Project that is broken is told where it is broken, not at every set', () => {
    const broken = `---\n${GROUP}\nkind: Project\nmetadata: {name: other}\nspec: {surprise: 1}\n`
    expect(foreseen(set({ project: 'other' }) + broken)).toEqual([])
  })
})
