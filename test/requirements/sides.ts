import { randomBytes } from 'node:crypto'
import { startControlPlane } from '@flotilla/controlplane'
import type { ClusterTransport } from '@flotilla/core/ports/cluster-transport'
import { createClock } from '@flotilla/core/ports/create-clock'
import { createRandom } from '@flotilla/core/ports/create-random'
import { ADMINISTRATOR, SimulatedCluster } from '@flotilla/sim/simulated-cluster'

export interface Side {
  readonly transport: ClusterTransport
  stop(): Promise<void>
}

/** On the machine's own clock, so that a requirement waits for it as for the real one. */
export async function startSimulatedSide(): Promise<Side> {
  const clock = createClock(globalThis)
  const cluster = new SimulatedCluster({ name: 'requirements', clock, random: createRandom(randomBytes) })
  return { transport: cluster.transport(ADMINISTRATOR), stop: async () => cluster.stop() }
}

/** kube-apiserver with its controllers, and kwok for the kubelets. */
export async function startRealSide(): Promise<Side> {
  const plane = await startControlPlane({ audit: 'none' })
  const transport = plane.transport()
  return {
    transport,
    async stop() {
      await transport.close()
      await plane.stop()
    },
  }
}
