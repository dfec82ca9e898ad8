import type { HubResponse } from '@flotilla/core/ports/hub-transport'
import type { Caller } from './authenticate.ts'
import { changeAgentKey } from './change-agent-key.ts'
import type { Connections } from './connections.ts'
import type { GatewayOptions } from './gateway-options.ts'
import type { GatewayRequest } from './gateway-request.ts'
import { linksFrom } from './hub-keys.ts'
import type { GatewayLimits } from './limits.ts'
import { notFound, refuse, respond } from './respond.ts'
import type { Route } from './routes.ts'
import { serveBundle } from './serve-bundle.ts'
import { serveDocuments } from './serve-documents.ts'
import { takeReports } from './take-reports.ts'
import { documentsForUpgrade } from './upgrade-only.ts'

/** What agents are answered with. */
export interface AgentDesk {
  readonly hub: GatewayOptions
  readonly limits: GatewayLimits
  readonly connections: Pick<Connections, 'poll' | 'forget' | 'askReports'>
  /** So many entries of a Report were about Applications that are not the reporter's. */
  foreign(entries: number): void
}

/** Answers one request of an admitted agent. @throws StoreError, BundleStoreError */
export async function answerAgent(
  route: Route,
  request: GatewayRequest,
  caller: Caller,
  desk: AgentDesk,
): Promise<HubResponse> {
  const { hub, limits, connections } = desk
  const { store, bundles, clock, keys } = hub
  const { cluster } = caller
  switch (route.name) {
    case 'documents': {
      const behind = hub.proofs?.behind
      const fresh = (jws: string): string => keys.fresh(jws)
      const all = await serveDocuments(store, cluster.id, route.query, limits, behind, fresh)
      return caller.service.kind === 'upgrade' ? await documentsForUpgrade(store, all) : all
    }
    case 'bundle':
      return await serveBundle(store, bundles, cluster.id, route.digest, digest => hub.events.bundleMissing?.(digest))
    case 'reports': {
      const { response, changed, foreign } = await takeReports(store, clock, cluster, request.body)
      desk.foreign(foreign)
      if (changed.length > 0) {
        connections.forget(cluster.id)
        hub.events.reported(cluster.id, changed)
      }
      return response
    }
    case 'poll':
      return await connections.poll(request, caller)
    case 'key': {
      const { changed, response } = await changeAgentKey(request.body, caller, hub)
      if (changed) hub.events.identified?.(cluster.id)
      return response
    }
    case 'keys':
      return respond(200, { links: linksFrom(keys.links, route.query.get('from')) })
    case 'connect':
      return refuse(426, 'UPGRADE_REQUIRED', 'this is for WebSockets', { upgrade: 'websocket' })
    case 'proofs': {
      const response = (await hub.proofs?.take(cluster, request.body)) ?? notFound()
      connections.askReports(cluster.id)
      return response
    }
    case 'enrol':
    case 'return':
    case 'upload':
      return notFound()
  }
}
