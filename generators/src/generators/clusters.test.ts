import { describe, expect, test } from 'vitest'
import { cluster } from '../../test/declared-set.ts'
import { contextOf, generate } from '../../test/generator-context.ts'

const CLUSTERS = [
  { ...cluster('us-1', { env: 'prod' }), project: 'shop', annotations: { 'a.b/c': 'd' } },
  cluster('EU_1', { env: 'dev' }),
]
const inputs = { clusters: CLUSTERS, projects: ['default'] }
const US = {
  name: 'us-1',
  nameNormalized: 'us-1',
  server: 'https://us-1.example.com',
  project: 'shop',
  'metadata.labels.env': 'prod',
  'metadata.labels.argocd.argoproj.io/secret-type': 'cluster',
  'metadata.annotations.a.b/c': 'd',
}

describe('clusters', () => {
  const names = (yaml: string, parts: Partial<Parameters<typeof contextOf>[0]> = {}) => {
    const sets = generate(yaml, contextOf({ inputs, ...parts }))
    return Array.isArray(sets) ? sets.map(({ name }) => name) : sets
  }
  test('a parameter set says all about its Cluster', () => {
    expect(generate('clusters: { selector: { matchLabels: { env: prod } } }', contextOf({ inputs }))).toEqual([US])
  })
  test('nested parameters hold metadata as an object', () => {
    const sets = generate('clusters: { selector: { matchLabels: { env: prod } } }', contextOf({ inputs, nested: true }))
    expect(sets).toEqual([
      {
        ...{ name: 'us-1', nameNormalized: 'us-1', server: 'https://us-1.example.com', project: 'shop' },
        metadata: {
          labels: { env: 'prod', 'argocd.argoproj.io/secret-type': 'cluster' },
          annotations: { 'a.b/c': 'd' },
        },
      },
    ])
  })

  const table: { [sentence: string]: [string, unknown] } = {
    'without a selector all Clusters, by name': ['clusters: {}', ['EU_1', 'us-1']],
    'the label of Argo CD cluster Secrets may be selected': [
      'clusters: { selector: { matchLabels: { argocd.argoproj.io/secret-type: cluster } } }',
      ['EU_1', 'us-1'],
    ],
    'a selector that takes none gives nothing': ['clusters: { selector: { matchLabels: { env: test } } }', []],
    'a selector beside the generator sees parameters': [
      '{ clusters: {}, selector: { matchLabels: { nameNormalized: eu-1 } } }',
      ['EU_1'],
    ],
    'a broken selector is an error': [
      'clusters: { selector: { matchExpressions: [{ key: a, operator: Is }] } }',
      'clusters.selector.matchExpressions.0.operator: error getting cluster secrets: error converting label selector: "Is" is not a valid label selector operator',
    ],
    'a broken selector beside it too': [
      '{ clusters: {}, selector: { matchLabels: { "path[0]": a } } }',
      expect.stringMatching(/^selector.matchLabels.path\[0\]: error parsing label selector: key: Invalid value/),
    ],
    'values that are no texts are an error': [
      'clusters: { values: { a: 1 } }',
      'clusters.values.a: values is an object of texts',
    ],
  }
  for (const [sentence, [yaml, expected]] of Object.entries(table)) {
    test(sentence, () => expect(names(yaml)).toEqual(expected))
  }

  test('values see the parameters of their Cluster and no other value', () => {
    const yaml =
      'clusters: { selector: { matchLabels: { env: prod } }, values: { a: "{{name}}-x", b: "{{values.a}}{{no}}" } }'
    expect(generate(yaml, contextOf({ inputs }))).toEqual([
      { ...US, 'values.a': 'us-1-x', 'values.b': '{{values.a}}{{no}}' },
    ])
  })
  test('nested values are an object', () => {
    const sets = generate('clusters: { values: { a: x } }', contextOf({ inputs, nested: true }))
    expect(sets).toEqual([
      expect.objectContaining({ values: { a: 'x' } }),
      expect.objectContaining({ values: { a: 'x' } }),
    ])
  })
  test('a flat list is one set, even of no Cluster', () => {
    const one = 'clusters: { flatList: true, selector: { matchLabels: { env: prod } } }'
    expect(generate(one, contextOf({ inputs }))).toEqual([{ clusters: [US] }])
    const none = 'clusters: { flatList: true, selector: { matchLabels: { env: test } } }'
    expect(generate(none, contextOf({ inputs }))).toEqual([{ clusters: null }])
  })

  test('a selector takes a flat list as one text', () => {
    const yaml = (key: string) =>
      `{ clusters: { flatList: true }, selector: { matchExpressions: [{ key: ${key}, operator: Exists }] } }`
    expect(generate(yaml('clusters'), contextOf({ inputs }))).toHaveLength(1)
    expect(generate(yaml('clusters.0.name'), contextOf({ inputs }))).toHaveLength(0)
  })

  describe("Argo CD's own cluster", () => {
    const argo = (clusters = CLUSTERS) => ({ inputs: { clusters, projects: [], implicitLocalCluster: true } })
    test('is not ours: the hub has none', () => expect(names('clusters: {}')).not.toContain('in-cluster'))
    test('comes last, without metadata, where it is asked for', () => {
      const sets = generate('clusters: {}', contextOf(argo()))
      expect(sets).toHaveLength(3)
      expect((sets as readonly unknown[]).at(-1)).toEqual({
        ...{ name: 'in-cluster', nameNormalized: 'in-cluster', project: '' },
        server: 'https://kubernetes.default.svc',
      })
    })
    test('is left out by any selector', () => {
      const yaml = 'clusters: { selector: { matchExpressions: [{ key: missing, operator: DoesNotExist }] } }'
      expect(names(yaml, argo())).toEqual(['EU_1', 'us-1'])
    })
    test('is left out when a Cluster has its server', () => {
      const local = { ...cluster('hub'), servers: ['https://kubernetes.default.svc'] }
      expect(names('clusters: {}', argo([...CLUSTERS, local]))).toEqual(['EU_1', 'hub', 'us-1'])
    })
  })
  test('our own kind has the environment and no label of Argo CD', () => {
    const set = { ...contextOf().set, group: 'flotilla.dev' as const }
    const eu = { ...cluster('eu-1'), environment: 'prod' }
    expect(generate('clusters: {}', contextOf({ set, inputs: { clusters: [eu], projects: [] } }))).toEqual([
      { name: 'eu-1', nameNormalized: 'eu-1', server: 'https://eu-1.example.com', project: '', environment: 'prod' },
    ])
  })
})
