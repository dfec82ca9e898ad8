import { randomBytes } from 'node:crypto'
import { writeFile } from 'node:fs/promises'
import { createClock } from '@flotilla/core/ports/create-clock'
import { createRandom } from '@flotilla/core/ports/create-random'
import { ADMINISTRATOR, kubeconfigFor, SimulatedCluster, serveOverHttp } from '@flotilla/sim'

export interface ServedSimulation {
  readonly cluster: SimulatedCluster
  readonly kubeconfig: string
  /** Writes that would have changed something of an Application: not dry runs, not the agent's Lease and its records. */
  writes(): readonly string[]
  close(): Promise<void>
}

/** A simulated cluster on a socket, with a kubeconfig at `path`. */
export async function serveSimulation(name: string, path: string): Promise<ServedSimulation> {
  const cluster = new SimulatedCluster({ name, clock: createClock(globalThis), random: createRandom(randomBytes) })
  const token = randomBytes(12).toString('hex')
  const served = await serveOverHttp(cluster, { host: '127.0.0.1', port: 0, tokens: { [token]: ADMINISTRATOR } })
  await writeFile(path, JSON.stringify(kubeconfigFor(served)), { mode: 0o600 })
  return {
    cluster,
    kubeconfig: path,
    writes: () =>
      cluster.requests
        .filter(({ dryRun, path: at }) => !dryRun && !at.includes('/flotilla-system'))
        .map(({ verb, path: at }) => `${verb} ${at}`),
    close: async () => {
      await served.close()
      cluster.stop()
    },
  }
}
