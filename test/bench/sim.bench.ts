import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { SimulatedCluster } from '@flotilla/sim/simulated-cluster'
import { ManualClock, seededRandom } from '@flotilla/sim/testing'
import type { Benchmark, Figure } from './figure.ts'

const CLUSTERS = 1_000
const APPLIES = 2_000
const ROUNDS = 5

/** What a simulated cluster costs: heap and time of an empty one, of a thousand, and of a write. */
export const run: Benchmark = async () => {
  // The first cluster reads the types that all others share.
  const first = measure(() => start(0))
  const heapBefore = heapBytes()
  const many = measure(() => Array.from({ length: CLUSTERS }, (_, index) => start(index + 1)))
  const heapEach = (heapBytes() - heapBefore) / CLUSTERS
  const median = Array.from({ length: ROUNDS }, () => measure(() => start(1)).ms).sort((a, b) => a - b)[ROUNDS >> 1]!
  const applied = await applyMany(many.result[0]!)
  if (many.result.some(cluster => cluster.objects().length === 0)) throw new Error('a cluster started empty')
  return [
    figure('simulated cluster: heap of an empty one', 'KB', heapEach / 1024, { target: '< 2048' }),
    figure('simulated cluster: start of the first (reads the types)', 'ms', first.ms),
    figure('simulated cluster: start of one more', 'ms', median, { target: '< 10' }),
    figure(`simulated cluster: start of ${CLUSTERS} in one process`, 'ms', many.ms),
    figure('simulated cluster: create by server-side apply', 'µs', applied.createUs),
    figure('simulated cluster: apply without a change', 'µs', applied.againUs),
  ]
}

/** With its controllers run until nothing is left to do. */
function start(seed: number): SimulatedCluster {
  const clock = new ManualClock()
  const cluster = new SimulatedCluster({ name: `bench-${seed}`, clock, random: seededRandom(seed) })
  clock.advance(1_000)
  return cluster
}

async function applyMany(cluster: SimulatedCluster): Promise<{ createUs: number; againUs: number }> {
  const transport = cluster.transport()
  const round = async () => {
    const began = performance.now()
    for (let index = 0; index < APPLIES; index++) {
      const name = `c-${index}`
      const body = JSON.stringify({ apiVersion: 'v1', kind: 'ConfigMap', metadata: { name }, data: { key: 'value' } })
      const path = `/api/v1/namespaces/default/configmaps/${name}?fieldManager=bench`
      const headers = { 'content-type': 'application/apply-patch+yaml' }
      const response = await transport.request({ method: 'PATCH', path, headers, body })
      if (response.status > 201) throw new Error(`apply answered ${response.status}`)
    }
    return ((performance.now() - began) * 1000) / APPLIES
  }
  return { createUs: await round(), againUs: await round() }
}

function measure<Result>(work: () => Result): { readonly ms: number; readonly result: Result } {
  const began = performance.now()
  const result = work()
  return { ms: performance.now() - began, result }
}

function heapBytes(): number {
  setFlagsFromString('--expose-gc')
  const collect = runInNewContext('gc') as () => void
  collect()
  collect()
  return process.memoryUsage().heapUsed
}

function figure(name: string, unit: string, value: number, rest: Partial<Figure> = {}): Figure {
  return { figure: name, unit, value: Math.round(value * 10) / 10, ...rest }
}
