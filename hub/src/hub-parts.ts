import type { HubSetPolicy } from '@flotilla/core/decide/set-policy'
import type { BundleStore } from '@flotilla/core/ports/bundle-store'
import type { Clock } from '@flotilla/core/ports/clock'
import type { Log } from '@flotilla/core/ports/log'
import type { Random } from '@flotilla/core/ports/random'
import type { Renderer } from '@flotilla/core/ports/renderer'
import type { Store } from '@flotilla/core/ports/store'
import type { OwnPolicy } from './access/access-keeper.ts'
import type { Expand } from './expand/expand-in-worker.ts'
import type { GateDeskSettings } from './gate-desk/open-gate-desk.ts'
import type { GateSettings } from './gates/rules-in-force.ts'
import type { HubKeys } from './gateway/hub-keys.ts'
import type { GatewayLimits } from './gateway/limits.ts'
import type { Revocations } from './gateway/revocations.ts'
import type { HostsParts } from './hosts/hosts.ts'
import type { ConfigSource } from './loop/config-sources.ts'
import type { RepositoryMirrors } from './source/mirror.ts'
import type { Ticker } from './source/ticker.ts'
import type { Staged } from './telemetry/stages.ts'

/** What a hub stands on: every part of the outside world, so that a simulation can bring its own. */
export interface HubParts extends Staged {
  readonly store: Store
  readonly bundles: BundleStore
  readonly mirrors: RepositoryMirrors
  readonly ticker: Ticker
  readonly renderer: Renderer
  /** How sets are expanded; here and now without it. */
  readonly expand?: Expand
  readonly keys: HubKeys
  /** What is refused whatever the store says; remembered by this process alone without it. */
  readonly revocations?: Revocations
  /** The store is new and the keys are not: whatever they have signed is not remembered. */
  readonly lostStore?: boolean
  /** How services over the network are asked, and which; without it none is. */
  readonly hosts?: Pick<HostsParts, 'http' | 'settings' | 'others'>
  readonly clock: Clock
  readonly random: Random
  readonly log: Log
}

/** How a hub is to be. */
export interface HubSettings extends GateDeskSettings {
  readonly configSources: readonly ConfigSource[]
  /** Continuous absence after which a withdrawn Application may be removed; ten minutes by default. */
  readonly removalGraceMs?: number
  /** What the settings say of gates: the organisation's time zone, global Projects. */
  readonly gates?: GateSettings
  /** What sets may do with what they generated; absent: what each says itself. */
  readonly setPolicy?: HubSetPolicy
  readonly gatewayLimits?: Partial<GatewayLimits>
  /** Rights that do not depend on any document. */
  readonly access?: OwnPolicy
}
