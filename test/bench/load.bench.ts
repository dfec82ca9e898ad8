import { LoadCache, load, mergeFleets } from '@flotilla/config'
import type { Trust } from '@flotilla/core/model/fleet'
import { loadAll } from 'js-yaml'
import type { Benchmark, Figure } from './figure.ts'

const DOCUMENTS = 10_000
const TRUST: Trust = { kind: 'all' }

/** Reading a config source of 10,000 Applications: all of it, and again after one file has changed. */
export const run: Benchmark = async () => {
  const files = [
    { path: 'fleet.yaml', text: surroundings() },
    ...Array.from({ length: DOCUMENTS }, (_, index) => ({ path: `apps/${index}.yaml`, text: document(index) })),
  ]
  const bytes = files.reduce((sum, file) => sum + Buffer.byteLength(file.text), 0)

  // The first pass is what a hub pays at its start, before the engine has compiled anything.
  const parse = measure(() => files.map(file => loadAll(file.text)))
  const cache = new LoadCache()
  const cold = measure(() => load({ source: 'a', trust: TRUST, files, cache }))
  const { lastGood } = cold.result
  const changed = files.map((file, index) => (index === 77 ? { ...file, text: `${file.text}\n` } : file))
  const before = cache.reads
  const warm = measure(() => load({ source: 'a', trust: TRUST, files: changed, cache, lastGood }))
  const restarted = measure(() =>
    load({ source: 'a', trust: TRUST, files, lastGood: JSON.parse(JSON.stringify(lastGood)) }),
  )
  const merged = measure(() => mergeFleets([warm.result]))
  return [
    figure(`load ${DOCUMENTS} documents, cold`, 'ms', cold.ms, {
      baseline: parse.ms,
      baselineOf: 'js-yaml alone',
      target: '< 2000',
    }),
    figure('load again after one changed', 'ms', warm.ms, { target: 'follows the change' }),
    figure('files read again for it', 'files', cache.reads - before, { target: '1' }),
    figure('load after a restart', 'ms', restarted.ms, {}),
    figure('merge into a fleet', 'ms', merged.ms, {}),
    figure('documents on disk', 'KiB', bytes / 1024, {}),
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

function document(index: number): string {
  return `apiVersion: argoproj.io/v1alpha1
kind: Application
metadata:
  name: app-${index}
  namespace: argocd
  labels: {env: prod, team: team-${index % 50}}
spec:
  project: shop
  source:
    repoURL: https://git.example.com/shop/deploy.git
    targetRevision: main
    path: apps/app-${index}/overlays/prod
  destination: {name: eu-${index % 40}, namespace: shop}
  syncPolicy:
    automated: {prune: true, selfHeal: true}
    syncOptions: [CreateNamespace=true]
`
}

/** What the Applications refer to: without it every one of them would be a warning. */
function surroundings(): string {
  const clusters = Array.from(
    { length: 40 },
    (_, index) => `---
apiVersion: flotilla.dev/v1alpha1
kind: Cluster
metadata: {name: eu-${index}}
`,
  )
  return `apiVersion: argoproj.io/v1alpha1
kind: AppProject
metadata: {name: shop}
spec: {sourceRepos: ['*'], destinations: [{name: '*', namespace: '*'}]}
${clusters.join('')}`
}
