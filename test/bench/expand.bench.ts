import type { ApplicationSetSpec, Declared } from '@flotilla/core/model/fleet'
import { expand } from '@flotilla/generators'
import type { GeneratorInputs } from '@flotilla/generators/inputs'
import type { Benchmark, Figure } from './figure.ts'

const CLUSTERS = 100
const DIRECTORIES = 100
const ROUNDS = 5

/**
 * One set of 10,000 Applications, from a matrix of Clusters and the folders of a repository: what a change of a
 * cluster label costs. (Argo CD's own code, on a machine of this size: 450 ms, fasttemplate.)
 */
export const run: Benchmark = async () => {
  const set = matrixSet()
  const inputs = clusterInputs()
  const cold = measure(() => expand(set, inputs))
  const rounds = Array.from({ length: ROUNDS }, () => measure(() => expand(set, inputs)))
  const { applications, errors } = cold.result
  if (applications.length !== CLUSTERS * DIRECTORIES || errors.length > 0) {
    throw new Error(
      `expected ${CLUSTERS * DIRECTORIES} Applications, got ${applications.length}: ${errors[0]?.message}`,
    )
  }
  // The least that any expansion must do: to make as many objects of the same content.
  const text = JSON.stringify(applications)
  const copy = measure(() => JSON.parse(text) as unknown)
  const median = rounds.map(({ ms }) => ms).sort((a, b) => a - b)[ROUNDS >> 1]!
  return [
    figure(`expand ${applications.length} Applications, first time`, 'ms', cold.ms, { target: '< 300' }),
    figure(`expand ${applications.length} Applications`, 'ms', median, {
      baseline: copy.ms,
      baselineOf: 'JSON.parse of the result',
      target: '< 200',
    }),
    figure('one Application', 'µs', (median * 1000) / applications.length, {}),
  ]
}

function measure<Result>(work: () => Result): { readonly ms: number; readonly result: Result } {
  const start = performance.now()
  const result = work()
  return { ms: performance.now() - start, result }
}

function figure(name: string, unit: string, value: number, rest: Partial<Figure>): Figure {
  return { figure: name, unit, value: Math.round(value * 10) / 10, ...rest }
}

function clusterInputs(): GeneratorInputs {
  const clusters = Array.from({ length: CLUSTERS }, (_, index) => {
    const name = `cluster-${index}`
    const server = `https://${name}.example.com`
    const labels = { env: index % 3 === 0 ? 'prod' : 'dev', region: `r${index % 12}` }
    return { name, server, servers: [server], local: false, project: '', labels, annotations: {} }
  })
  const directories = Array.from({ length: DIRECTORIES }, (_, index) => `apps/app-${index}`)
  return { clusters, projects: ['default'], answer: () => ({ kind: 'git-directories', commit: 'c0ffee', directories }) }
}

function matrixSet(): Declared<ApplicationSetSpec> {
  const repoURL = 'https://git.example.com/apps.git'
  const git = { repoURL, revision: 'main', directories: [{ path: 'apps/*' }] }
  const spec: ApplicationSetSpec = {
    generators: [{ matrix: { generators: [{ clusters: { values: { path: '{{name}}' } } }, { git }] } }],
    template: {
      metadata: {
        name: '{{path.basename}}-{{nameNormalized}}',
        labels: { env: '{{metadata.labels.env}}', app: '{{path.basename}}' },
      },
      spec: {
        project: 'default',
        source: {
          repoURL,
          targetRevision: 'main',
          path: '{{path}}/{{values.path}}',
        },
        destination: { name: '{{name}}', namespace: '{{path.basename}}' },
        syncPolicy: { automated: { prune: true, selfHeal: true }, syncOptions: ['CreateNamespace=true'] },
      },
    },
  }
  const position = { file: 'set.yaml', line: 1, column: 1 }
  return {
    group: 'argoproj.io',
    apiVersion: 'argoproj.io/v1alpha1',
    kind: 'ApplicationSet',
    name: 'bench',
    labels: {},
    annotations: {},
    finalizers: [],
    spec,
    document: {},
    source: 'platform',
    trust: { kind: 'all' },
    index: 0,
    contentDigest: '',
    position,
    positionOf: () => position,
  }
}
