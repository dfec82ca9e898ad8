import { randomBytes } from 'node:crypto'
import { createClock } from '@flotilla/core/ports/create-clock'
import { createRandom } from '@flotilla/core/ports/create-random'
import { ADMINISTRATOR, SimulatedCluster } from '@flotilla/sim/simulated-cluster'
import { type Cluster, type Identity, userWithoutRights } from '../row.ts'

/** The simulated side, in process and on the machine's own clock, so that rows wait for it as for the real one. */
export async function startSimulatedCluster(): Promise<Cluster> {
  const cluster = new SimulatedCluster({
    name: 'contract',
    clock: createClock(globalThis),
    random: createRandom(randomBytes),
  })
  return {
    transport: identity => cluster.transport(userOf(identity)),
    stop: async () => cluster.stop(),
  }
}

function userOf(identity: Identity | 'admin'): Parameters<SimulatedCluster['transport']>[0] {
  switch (identity) {
    case 'admin':
      return ADMINISTRATOR
    case 'user-without-rights':
      return { name: userWithoutRights, groups: ['system:authenticated'] }
    case 'anonymous':
      return { name: 'system:anonymous', groups: ['system:unauthenticated'] }
    case 'wrong-token':
      throw new Error('the simulation is told who asks: it reads no tokens')
  }
}
