import type { HubSetPolicy } from '@flotilla/core/decide/set-policy'
import type { BundleStore } from '@flotilla/core/ports/bundle-store'
import type { Clock } from '@flotilla/core/ports/clock'
import type { GitRepository, ObjectId } from '@flotilla/core/ports/git'
import type { Log } from '@flotilla/core/ports/log'
import type { Random } from '@flotilla/core/ports/random'
import type { Renderer } from '@flotilla/core/ports/renderer'
import type { Store } from '@flotilla/core/ports/store'
import type { HostPolicy } from '@flotilla/generators/host-policy'
import type { GitRequest, HostedRequest, InputAnswer } from '@flotilla/generators/inputs'
import type { AccessKeeper } from '../access/access-keeper.ts'
import type { Expand } from '../expand/expand-in-worker.ts'
import type { GateNews } from '../gates/gate-news.ts'
import type { GateSettings } from '../gates/rules-in-force.ts'
import type { HubKeys } from '../gateway/hub-keys.ts'
import type { Recovery } from '../recovery/recovery.ts'
import type { SourceIntegrity } from '../signature/source-integrity.ts'
import type { Stages } from '../telemetry/stages.ts'
import type { SourceFiles } from './config-sources.ts'

/** The mirrors of all repositories, as the loop uses them. */
export interface Repositories {
  /** The mirror as of its last successful fetch; undefined when it was never reached. */
  open(url: string): Promise<GitRepository | undefined>
  /** Fetches now; resolves when it has been tried, whatever came of it. */
  refresh(url: string): Promise<void>
  /** Why the last fetch failed, while that is so. */
  failure(url: string): { readonly code: string; readonly message: string; readonly since: number } | undefined
  /** The config files below `path`, less what lies below `narrower`. */
  readConfig(
    repository: GitRepository,
    commit: ObjectId,
    path: string,
    narrower: readonly string[],
  ): Promise<SourceFiles>
  /** Answers what a generator asks, from the mirrors. */
  answer(request: GitRequest): Promise<InputAnswer>
}

/** What services over the network say: Git hosts, plugins, resources that decide on clusters. */
export interface HostedInputs {
  /** Which Git hosts documents may name; every one without it. */
  readonly policy?: HostPolicy
  /**
   * The newest answer; never throws for what the world says.
   *
   * @param reader Key of the loop's queue that is added when the answer is another one.
   */
  answer(request: HostedRequest, reader?: string): Promise<InputAnswer>
  /**
   * From now on `reader` reads these and nothing else, and wants them looked at every `refreshMs` (0: only when a
   * webhook says so). Absent where answers never change.
   */
  reads?(reader: string, requests: readonly HostedRequest[], refreshMs: number): void
}

/** What the loop tells others after a commit of its own; none of it may fail. */
export interface Announcements {
  /** Applications of the store were written or removed. */
  applications(ids: readonly string[]): void
  sets(keys: readonly string[]): void
  sources(names: readonly string[]): void
  clusters(names: readonly string[]): void
  /** Documents or Grants for these clusters are new. */
  documents(clusterIds: readonly string[]): void
}

export interface LoopServices {
  readonly store: Store
  readonly bundles: BundleStore
  readonly renderer: Renderer
  readonly repositories: Repositories
  readonly hosted: HostedInputs
  /** Expands one set; here and now by default, in a thread with limits where the hub is a process. */
  readonly expand?: Expand
  readonly keys: HubKeys
  readonly clock: Clock
  readonly random: Random
  readonly log: Log
  readonly announce: Announcements
  /** Told of what is declared, before it is in force. @throws StoreError: then it is not, and is told again. */
  readonly access?: Pick<AccessKeeper, 'take' | 'restore'>
  /** Continuous absence after which a withdrawn Application may be removed from its cluster. */
  readonly removalGraceMs: number
  /** Of the hub's settings: what they say of gates. */
  readonly gates?: GateSettings
  /** Why the hub must suspect its own clock, while it must: then it starts nothing by itself. */
  readonly clockDoubt?: () => string | undefined
  /** Who is told what gates do; nothing of it may fail. */
  readonly gateNews?: GateNews
  /** What sets may do with what they generated, by the hub's settings; absent: what each says itself. */
  readonly setPolicy?: HubSetPolicy
  /** Checks signatures of commits; without it, what a policy wants signed is held. */
  readonly signatures?: Pick<SourceIntegrity, 'problemOf'>
  /** Who watches what the loop does, and how long it takes. */
  readonly stages?: Stages
  /** Whether the store may be trusted; it is, without it. */
  readonly recovery?: Pick<Recovery, 'behind' | 'unacknowledged'>
}
