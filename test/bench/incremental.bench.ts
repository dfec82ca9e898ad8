import type { ApplicationSetSpec, Declared } from '@flotilla/core/model/fleet'
import { expand } from '@flotilla/generators'
import type { Expansion } from '@flotilla/generators/expansion'
import { ExpansionMemory } from '@flotilla/generators/expansion-memory'
import type { ClusterFacts, GeneratorInputs } from '@flotilla/generators/inputs'
import type { Benchmark, Figure } from './figure.ts'

const CLUSTERS = 100
const ROUNDS = 9
const SETS = 1_000
const APPLICATIONS_EACH = 100
const REPOSITORY = 'https://git.example.com/apps.git'

/**
 * What a set costs that was expanded before: one more folder in a matrix of Clusters and folders, which is a hundred
 * more Applications among ten thousand, or among nearly as many as one set may have. Sets that do not read what changed
 * are not looked at, so a larger fleet of more sets costs the same. And what a fleet of many sets costs at once.
 */
export const run: Benchmark = async () => [...oneMoreFolder(100), ...oneMoreFolder(480), ...manySets()]

function oneMoreFolder(directories: number): Figure[] {
  const set = setOf('matrix', [{ matrix: { generators: [{ clusters: {} }, { git: gitOf() }] } }])
  const clusters = clusterFacts()
  const memory = new ExpansionMemory()
  const paths = Array.from({ length: directories }, (_, index) => `apps/app-${index}`)
  const look = (): Expansion => expand(set, inputsOf(clusters, [...paths], memory))
  const first = measure(look)
  const applications = first.result.applications.length
  const unchanged = Array.from({ length: ROUNDS }, () => measure(look).ms)
  const more = Array.from({ length: ROUNDS }, (_, round) => {
    paths.splice((round * 37) % paths.length, 0, `apps/new-${round}`)
    return measure(look).ms
  })
  const fleet = `${applications} Applications`
  return [
    figure(`${fleet}: expanded from scratch`, 'ms', first.ms),
    figure(`${fleet}: nothing new`, 'ms', median(unchanged), '< 20'),
    figure(`${fleet}: one more folder, ${CLUSTERS} more Applications`, 'ms', median(more), '< 20'),
  ]
}

function manySets(): Figure[] {
  const paths = Array.from({ length: APPLICATIONS_EACH }, (_, index) => `apps/app-${index}`)
  const kept: Expansion[] = []
  const made = measure(() => {
    for (let index = 0; index < SETS; index++) {
      kept.push(expand(setOf(`set-${index}`, [{ git: gitOf() }]), inputsOf([], paths, new ExpansionMemory())))
    }
  })
  const applications = kept.reduce((sum, expansion) => sum + expansion.applications.length, 0)
  if (applications !== SETS * APPLICATIONS_EACH) throw new Error(`${applications} Applications`)
  return [
    figure(`${applications} Applications from ${SETS} sets`, 'ms', made.ms, '< 10000'),
    figure('the process then (RSS)', 'MB', process.memoryUsage.rss() / 1e6, '< 1000'),
  ]
}

function gitOf() {
  return { repoURL: REPOSITORY, revision: 'main', directories: [{ path: 'apps/*' }] }
}

function clusterFacts(): readonly ClusterFacts[] {
  return Array.from({ length: CLUSTERS }, (_, index) => {
    const name = `cluster-${index}`
    const server = `https://${name}.example.com`
    const labels = { env: index % 3 === 0 ? 'prod' : 'dev' }
    return { name, server, servers: [server], local: false, project: '', labels, annotations: {} }
  })
}

function inputsOf(
  clusters: readonly ClusterFacts[],
  directories: readonly string[],
  memory: ExpansionMemory,
): GeneratorInputs {
  const answer = { kind: 'git-directories', commit: 'c0ffee', directories } as const
  return { clusters, projects: ['default'], answer: () => answer, memory }
}

function setOf(name: string, generators: ApplicationSetSpec['generators']): Declared<ApplicationSetSpec> {
  const position = { file: 'set.yaml', line: 1, column: 1 }
  const spec: ApplicationSetSpec = {
    generators,
    template: {
      metadata: { name: `{{path.basename}}-{{name}}-${name}`, labels: { app: '{{path.basename}}' } },
      spec: {
        project: 'default',
        source: { repoURL: REPOSITORY, targetRevision: 'main', path: '{{path}}' },
        destination: { name: '{{name}}', namespace: '{{path.basename}}' },
        syncPolicy: { automated: { prune: true, selfHeal: true }, syncOptions: ['CreateNamespace=true'] },
      },
    },
  }
  return {
    group: 'argoproj.io',
    apiVersion: 'argoproj.io/v1alpha1',
    kind: 'ApplicationSet',
    name,
    labels: {},
    annotations: {},
    finalizers: [],
    spec: name === 'matrix' ? spec : withoutCluster(spec),
    document: {},
    source: 'platform',
    trust: { kind: 'all' },
    index: 0,
    contentDigest: '',
    position,
    positionOf: () => position,
  }
}

/** The same for a set without a clusters generator. */
function withoutCluster(spec: ApplicationSetSpec): ApplicationSetSpec {
  return JSON.parse(JSON.stringify(spec).replaceAll('{{name}}', 'eu-1')) as ApplicationSetSpec
}

function measure<Result>(work: () => Result): { readonly ms: number; readonly result: Result } {
  const start = performance.now()
  const result = work()
  return { ms: performance.now() - start, result }
}

function median(values: readonly number[]): number {
  return [...values].sort((a, b) => a - b)[values.length >> 1] ?? 0
}

function figure(name: string, unit: string, value: number, target?: string): Figure {
  return { figure: name, unit, value: Math.round(value * 10) / 10, ...(target !== undefined && { target }) }
}
