import type { JsonObject } from '@flotilla/core/json/json'
import { describe, expect, test } from 'vitest'
import { contextOf, generate } from '../../test/generator-context.ts'
import type { ClusterFacts, InputAnswer, InputRequest } from '../inputs.ts'
import { requeueAfterMs } from '../requeue.ts'

const ENTRY = 'clusterDecisionResource: { configMapRef: placement, name: quak }'

const clusters = ['eu-1', 'us-1'].map(
  (name): ClusterFacts => ({
    name,
    server: `https://${name}.example.com`,
    servers: [`https://${name}.example.com`],
    local: false,
    project: '',
    labels: {},
    annotations: {},
  }),
)

function decided(resources: readonly JsonObject[], parts: { matchKey?: string; statusListKey?: string } = {}) {
  const { matchKey = 'clusterName', statusListKey = 'decisions' } = parts
  const answer: InputAnswer = { kind: 'decision-resources', matchKey, statusListKey, resources }
  return contextOf({ inputs: { clusters, projects: [], implicitLocalCluster: true }, ask: () => answer })
}

const status = (...decisions: readonly JsonObject[]) => ({ status: { decisions } })
const eu = { name: 'eu-1', server: 'https://eu-1.example.com' }

describe('clusterDecisionResource', () => {
  test('asks for the resource by name, or for those with the labels', () => {
    const asked: InputRequest[] = []
    const ask = (request: InputRequest) => {
      asked.push(request)
      return undefined
    }
    expect(generate(ENTRY, contextOf({ ask }))).toBe('waiting')
    expect(
      generate(
        'clusterDecisionResource: { configMapRef: p, labelSelector: { matchLabels: { a: b } } }',
        contextOf({ ask }),
      ),
    ).toBe('waiting')
    expect(asked).toEqual([
      {
        kind: 'decision-resources',
        configMapRef: 'placement',
        project: 'default',
        trust: { kind: 'all' },
        name: 'quak',
      },
      {
        kind: 'decision-resources',
        configMapRef: 'p',
        project: 'default',
        trust: { kind: 'all' },
        labelSelector: { matchLabels: { a: 'b' } },
      },
    ])
  })

  const tables: { [sentence: string]: [ReturnType<typeof decided>, unknown] } = {
    'each decision on a known Cluster is a parameter set, in the order of the decisions': [
      decided([status({ clusterName: 'us-1' }, { clusterName: 'eu-1' })]),
      [
        { name: 'us-1', server: 'https://us-1.example.com', clusterName: 'us-1' },
        { ...eu, clusterName: 'eu-1' },
      ],
    ],
    'several resources are one list': [
      decided([status({ clusterName: 'eu-1' }), status({ clusterName: 'us-1' })]),
      [{ ...eu, clusterName: 'eu-1' }, expect.objectContaining({ name: 'us-1' })],
    ],
    'a Cluster is meant by its name and never by its server (29)': [
      decided([status({ clusterName: 'https://eu-1.example.com' })]),
      [],
    ],
    'the hub’s own cluster of Argo CD has a name too': [
      decided([status({ clusterName: 'in-cluster' })]),
      [{ name: 'in-cluster', server: 'https://kubernetes.default.svc', clusterName: 'in-cluster' }],
    ],
    'other values become texts, whole numbers whole': [
      decided([status({ clusterName: 'eu-1', score: 1_234_567, reason: '', ok: true, list: [1, 'a'] })]),
      [{ ...eu, clusterName: 'eu-1', score: '1234567', reason: '', ok: 'true', list: '[1 a]' }],
    ],
    'a decision may say name and server otherwise': [
      decided([status({ clusterName: 'eu-1', server: 'https://elsewhere' })]),
      [{ name: 'eu-1', server: 'https://elsewhere', clusterName: 'eu-1' }],
    ],
    'a match key that is no text is compared as text': [
      decided([status({ clusterName: 7 }, { clusterName: ['eu-1'] })]),
      [],
    ],
    'a decision without the match key means no Cluster': [decided([status({ cluster: 'eu-1' })]), []],
    'no status yet, an empty one and one of another shape decide nothing': [
      decided([{}, { status: {} }, { status: { decisions: { a: 1 } } }, { status: 'x' }, status()]),
      [],
    ],
    'without a match key nothing is meant': [decided([status({ '': 'eu-1' })], { matchKey: '' }), []],
    'names of JavaScript’s own are no keys of a decision': [
      decided([status({ clusterName: 'eu-1' })], { matchKey: 'constructor' }),
      [],
    ],
    'no resource at all is an error: an empty answer would take every Application away': [
      decided([]),
      'clusterDecisionResource: no clusterDecisionResources found',
    ],
  }
  for (const [sentence, [context, expected]] of Object.entries(tables)) {
    test(sentence, () => expect(generate(ENTRY, context)).toEqual(expected))
  }

  test('values are taken as they are written, in both shapes of parameters (29)', () => {
    const yaml = 'clusterDecisionResource: { configMapRef: p, name: q, values: { a: "{{name}}" } }'
    const context = decided([status({ clusterName: 'eu-1' })])
    expect(generate(yaml, context)).toEqual([{ ...eu, clusterName: 'eu-1', 'values.a': '{{name}}' }])
    const nested = contextOf({ nested: true, inputs: context.inputs, ask: context.ask })
    expect(generate(yaml, nested)).toEqual([{ ...eu, clusterName: 'eu-1', values: { a: '{{name}}' } }])
  })

  const definition = 'there is a problem with the definition of the ClusterDecisionResource generator'
  const mistakes: { [sentence: string]: [string, string] } = {
    'name and labelSelector together are too much': [
      '{ configMapRef: p, name: q, labelSelector: { matchLabels: { a: b } } }',
      `clusterDecisionResource: ${definition}`,
    ],
    'neither is too little': ['{ configMapRef: p }', `clusterDecisionResource: ${definition}`],
    'an empty selector is none': ['{ configMapRef: p, labelSelector: {} }', `clusterDecisionResource: ${definition}`],
    'its reference is a text, other than that of plugins': [
      '{ configMapRef: { name: p }, name: q }',
      'clusterDecisionResource.configMapRef: configMapRef is needed: the name of a ConfigMap',
    ],
    'a selector is one of Kubernetes': [
      '{ configMapRef: p, labelSelector: { matchExpressions: [{ key: a, operator: Like, values: [b] }] } }',
      'clusterDecisionResource.labelSelector.matchExpressions.0.operator: "Like" is not a valid label selector operator',
    ],
  }
  for (const [sentence, [body, expected]] of Object.entries(mistakes)) {
    test(sentence, () => expect(generate(`clusterDecisionResource: ${body}`)).toBe(expected))
  }

  test('a world that says no is the error of the generator', () => {
    const answer: InputAnswer = { kind: 'failed', code: 'X', message: 'error reading configMapRef: none', retry: true }
    expect(generate(ENTRY, contextOf({ ask: () => answer }))).toBe(
      'clusterDecisionResource: error reading configMapRef: none',
    )
  })

  test('it is asked again every three minutes, or as the hub or the set says', () => {
    const body = { configMapRef: 'a', name: 'b' }
    const after = (more: object) => requeueAfterMs({ generators: [{ clusterDecisionResource: { ...body, ...more } }] })
    expect([after({}), after({ requeueAfterSeconds: 60 })]).toEqual([180_000, 60_000])
  })
})
