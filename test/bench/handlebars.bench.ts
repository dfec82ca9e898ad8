import type { ApplicationSetSpec, Declared } from '@flotilla/core/model/fleet'
import { createClock } from '@flotilla/core/ports/create-clock'
import { expand } from '@flotilla/generators'
import { type GeneratorInputs, inputKey } from '@flotilla/generators/inputs'
import { createExpandInWorker } from '@flotilla/hub/expand/expand-in-worker'
import type { Benchmark, Figure } from './figure.ts'

const CLUSTERS = 100
const DIRECTORIES = 100
const ROUNDS = 5

/**
 * One set of 10,000 Applications in Handlebars, with helpers and one typed expression: here, and in the hub's thread for
 * sets that use it.
 */
export const run: Benchmark = async () => {
  const set = matrixSet()
  const inputs = clusterInputs()
  const cold = measure(() => expand(set, inputs))
  const rounds = Array.from({ length: ROUNDS }, () => measure(() => expand(set, inputs)).ms)
  const { applications, errors } = cold.result
  if (applications.length !== CLUSTERS * DIRECTORIES || errors.length > 0) {
    throw new Error(`${applications.length} Applications, ${errors.length} errors: ${errors[0]?.message}`)
  }
  const worker = createExpandInWorker({ clock: createClock(globalThis) })
  const request = { kind: 'git-directories' } as never
  const answers = new Map([[inputKey(gitRequest()), inputs.answer(request)!]])
  const there: number[] = []
  for (let round = 0; round <= ROUNDS; round++) {
    const start = performance.now()
    const { applications: sent } = await worker.expand(set, inputs, answers)
    if (sent.length !== applications.length) throw new Error(`the thread gave ${sent.length} Applications`)
    there.push(performance.now() - start)
  }
  await worker.close()
  return [
    figure('expand 10000 Applications, handlebars, first time', 'ms', cold.ms, { target: '< 1000' }),
    figure('expand 10000 Applications, handlebars', 'ms', median(rounds), {}),
    figure('expand 10000 Applications, handlebars, in a new thread', 'ms', there[0]!, {}),
    figure('expand 10000 Applications, handlebars, in the thread', 'ms', median(there.slice(1)), {
      baseline: median(rounds),
      baselineOf: 'the same without a thread',
    }),
  ]
}

function median(values: readonly number[]): number {
  return [...values].sort((a, b) => a - b)[values.length >> 1]!
}

function measure<Result>(work: () => Result): { readonly ms: number; readonly result: Result } {
  const start = performance.now()
  const result = work()
  return { ms: performance.now() - start, result }
}

function figure(name: string, unit: string, value: number, rest: Partial<Figure>): Figure {
  return { figure: name, unit, value: Math.round(value * 10) / 10, ...rest }
}

const repoURL = 'https://git.example.com/apps.git'

function gitRequest() {
  const rules = [{ path: 'apps/*', exclude: false }]
  return { kind: 'git-directories', repoURL, revision: 'main', rules } as const
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
  const git = { repoURL, revision: 'main', directories: [{ path: 'apps/*' }] }
  const open = '$'.concat('{{')
  const spec: ApplicationSetSpec = {
    generators: [
      { matrix: { generators: [{ clusters: { values: { tier: '{{upper metadata.labels.env}}' } } }, { git }] } },
    ],
    template: {
      engine: 'handlebars',
      metadata: {
        name: '{{path.basename}}-{{nameNormalized}}',
        labels: { env: '{{metadata.labels.env}}', app: '{{lower path.basename}}', tier: '{{values.tier}}' },
      },
      spec: {
        project: 'default',
        revisionHistoryLimit: `${open} metadata.labels.env == "prod" ? 10 : 3 }}`,
        source: { repoURL, targetRevision: 'main', path: '{{path.path}}/{{default nope values.tier}}' },
        destination: {
          name: '{{name}}',
          namespace: '{{path.basename}}{{#if (eq metadata.labels.env "prod")}}-prod{{/if}}',
        },
        syncPolicy: { automated: { prune: true, selfHeal: true }, syncOptions: ['CreateNamespace=true'] },
      },
    },
  }
  const position = { file: 'set.yaml', line: 1, column: 1 }
  return {
    group: 'flotilla.dev',
    apiVersion: 'flotilla.dev/v1alpha1',
    kind: 'ApplicationSet',
    name: 'bench',
    labels: {},
    annotations: {},
    finalizers: [],
    spec,
    document: { spec: spec as never },
    source: 'platform',
    trust: { kind: 'all' },
    index: 0,
    contentDigest: '',
    position,
    positionOf: () => position,
  }
}
