import type { ApplicationSetSpec, Declared } from '@flotilla/core/model/fleet'
import { expand } from '@flotilla/generators'
import type { GeneratorInputs } from '@flotilla/generators/inputs'
import type { Benchmark, Figure } from './figure.ts'

const CLUSTERS = 100
const DIRECTORIES = 100
const ROUNDS = 5

/**
 * One set of 10,000 Applications in Go templates: 15 templated fields with the functions that people use. (Argo CD's
 * own code, on a machine of this size: 14.4 s.)
 */
export const run: Benchmark = async () => {
  const set = matrixSet()
  const inputs = clusterInputs()
  const cold = measure(() => expand(set, inputs))
  const rounds = Array.from({ length: ROUNDS }, () => measure(() => expand(set, inputs)))
  const { applications, errors } = cold.result
  if (applications.length !== CLUSTERS * DIRECTORIES || errors.length > 0) {
    throw new Error(`${applications.length} Applications, ${errors.length} errors: ${errors[0]?.message}`)
  }
  const median = rounds.map(({ ms }) => ms).sort((a, b) => a - b)[ROUNDS >> 1]!
  return [
    figure(`expand ${applications.length} Applications, goTemplate, first time`, 'ms', cold.ms, { target: '< 1000' }),
    figure(`expand ${applications.length} Applications, goTemplate`, 'ms', median, {}),
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
    goTemplate: true,
    goTemplateOptions: ['missingkey=error'],
    generators: [
      { matrix: { generators: [{ clusters: { values: { tier: '{{ .metadata.labels.env }}' } } }, { git }] } },
    ],
    template: {
      metadata: {
        name: '{{ .path.basename }}-{{ .nameNormalized }}',
        labels: {
          env: '{{ .metadata.labels.env }}',
          app: '{{ .path.basename }}',
          region: '{{ index .metadata.labels "region" | upper }}',
          tier: '{{ .values.tier | quote }}',
        },
        annotations: {
          'example.com/where': '{{ printf "%s/%s" .name .path.path }}',
          'example.com/priority': '{{ if eq .metadata.labels.env "prod" }}high{{ else }}low{{ end }}',
        },
      },
      spec: {
        project: '{{ .metadata.labels.env | default "dev" }}',
        source: {
          repoURL,
          targetRevision: '{{ ternary "main" "next" (eq .values.tier "prod") }}',
          path: '{{ .path.path }}/{{ .metadata.labels.region }}',
          helm: {
            releaseName: '{{ .path.basename | trunc 53 | trimSuffix "-" }}',
            valueFiles: ['values.yaml', 'values-{{ .metadata.labels.env }}.yaml'],
            parameters: [{ name: 'cluster', value: '{{ .name | lower | replace "_" "-" }}' }],
            values: '{{ range $key, $value := .metadata.labels }}{{ $key }}: {{ $value }}\n{{ end }}',
          },
        },
        destination: { name: '{{ .name }}', namespace: '{{ .path.basename }}' },
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
