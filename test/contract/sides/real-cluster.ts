import { type ControlPlane, startControlPlane } from '@flotilla/controlplane'
import type { ClusterTransport } from '@flotilla/core/ports/cluster-transport'
import { type Cluster, type Identity, userWithoutRights } from '../row.ts'

/** The real side: kube-apiserver with its controllers, and kwok for the kubelets. */
export async function startRealCluster(): Promise<Cluster> {
  const controlPlane = await startControlPlane({ audit: 'none', users: [{ name: userWithoutRights }] })
  const transports: ClusterTransport[] = []
  return {
    transport(identity) {
      const transport = controlPlane.transport(tokenOf(controlPlane, identity))
      transports.push(transport)
      return transport
    },
    async stop() {
      await Promise.all(transports.map(transport => transport.close()))
      await controlPlane.stop()
    },
  }
}

function tokenOf(controlPlane: ControlPlane, identity: Identity | 'admin'): string | null {
  switch (identity) {
    case 'admin':
      return controlPlane.adminToken
    case 'user-without-rights':
      return controlPlane.user(userWithoutRights).token
    case 'anonymous':
      return null
    case 'wrong-token':
      return 'not-a-token'
  }
}
