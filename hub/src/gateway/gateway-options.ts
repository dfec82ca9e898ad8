import type { Digest } from '@flotilla/core/json/canonical-json'
import type { BundleStore } from '@flotilla/core/ports/bundle-store'
import type { Clock } from '@flotilla/core/ports/clock'
import type { Log } from '@flotilla/core/ports/log'
import type { Random } from '@flotilla/core/ports/random'
import type { Store } from '@flotilla/core/ports/store'
import type { ServedVersions } from '@flotilla/core/protocol/versions'
import type { ProofTaker } from '../recovery/take-proofs.ts'
import type { Returned } from '../recovery/take-return.ts'
import type { HubKeys } from './hub-keys.ts'
import type { GatewayLimits } from './limits.ts'
import type { Revocations } from './revocations.ts'

/** What the gateway tells the rest of the hub, after it was stored. */
export interface GatewayEvents {
  /** Reports or outcomes of Grants were stored for these Applications. */
  reported(clusterId: string, applicationIds: readonly string[]): void
  /** Answers to commands were stored for these Applications. */
  answered?(clusterId: string, applicationIds: readonly string[]): void
  connected(clusterId: string): void
  heartbeat(clusterId: string): void
  /** A cluster was admitted (again): its documents have to be issued under its admission. */
  joined?(clusterId: string): void
  /** Something about who the agent of a cluster is was stored: its key, or that there are two of it. */
  identified?(clusterId: string): void
  /** An agent names this as the newest hub key that it knows. */
  knowsKey?(clusterId: string, kid: string): void
  /** A Bundle that is offered could not be read for its agent: lost, or damaged. */
  bundleMissing?(digest: Digest): void
}

/** What the gateway stands on. */
export interface GatewayOptions {
  readonly store: Store
  readonly bundles: BundleStore
  readonly keys: HubKeys
  /** What is refused whatever the store says. */
  readonly revocations?: Revocations
  readonly clock: Clock
  readonly random: Random
  readonly log: Log
  readonly limits?: Partial<GatewayLimits>
  /** The protocol versions that are spoken here. Default: this program's. */
  readonly served?: ServedVersions | undefined
  /** How many clusters the fleet has: their agents share the hub's time. */
  readonly clusters: () => number
  readonly events: GatewayEvents
  /** What becomes of documents that agents show; without it, this hub never doubts its own store. */
  readonly proofs?: ProofTaker
  /** Hears an agent that shows an admission of before; without it, none is heard. */
  readonly returned?: (body: Uint8Array | undefined, remoteAddress: string) => Promise<Returned>
}
