import type { Bundle } from '@flotilla/core/model/bundle'
import type { PlanChoices } from '@flotilla/core/plan/plan-sync'
import type { Clock } from '@flotilla/core/ports/clock'
import type { Log } from '@flotilla/core/ports/log'
import type { Random } from '@flotilla/core/ports/random'
import type { OfferPayload } from '@flotilla/core/protocol/documents'
import type { ApplicationState } from './application-state.ts'
import type { DriftWatch } from './drift-watch.ts'
import type { InventoryStore } from './inventory-store.ts'
import type { KubernetesClient } from './kubernetes/client.ts'
import type { HubLink } from './link/hub-link.ts'
import { type Look, look } from './look.ts'
import type { OperationStore } from './operations.ts'
import type { OrphanSurveys } from './orphan-surveys.ts'
import type { RemovalHooks } from './removal-hooks.ts'
import type { Findings, Reporter } from './report.ts'
import type { SelfHealBackOff } from './self-heal.ts'
import type { CommandStreams } from './streams/command-streams.ts'

/** What every look at an Application works with. */
export interface Engine {
  readonly client: KubernetesClient
  readonly clock: Clock
  readonly random: Random
  readonly log: Log
  readonly link: HubLink
  readonly inventories: InventoryStore
  readonly operations: OperationStore
  readonly removalHooks: RemovalHooks
  readonly watch: DriftWatch
  readonly reporter: Reporter
  readonly healing: SelfHealBackOff
  readonly streams: CommandStreams
  readonly orphans: OrphanSurveys
  /** Has the watches follow every kind that is in use; before writing, so that no change is missed. */
  readonly followKinds: () => void
  readonly mayWrite: () => boolean
  readonly signal: AbortSignal
}

/** Plans without doing anything: what `agent plan` prints. */
export async function lookAt(
  engine: Engine,
  state: ApplicationState,
  offer: OfferPayload,
  bundle: Bundle,
  choices: PlanChoices = {},
): Promise<Look> {
  const inventory = await engine.inventories.read(offer.application.id)
  const { client, watch, log } = engine
  const mistakes = await state.assessor.use(offer.healthRules, offer.run)
  // What was kept for other rules may lack what these ones read.
  if (mistakes) state.observed.clear()
  for (const mistake of mistakes ?? []) {
    log.warn('a health rule cannot be read; its kind keeps the rule that it has without it', { ...mistake })
  }
  const formerIds = engine.operations.formerIds(offer)
  const unproved = engine.inventories.unproved(offer.application.id)
  const settled = engine.inventories.settled(offer.application.id)
  const applySet = engine.inventories.applySetOf(offer.application.id)
  return look({ applySet, client, watch, state, offer, bundle, inventory, unproved, settled, choices, formerIds })
}

/** What can be said of an Application that was not looked at. */
export function emptyFindings({ operations, orphans }: Engine, offer: OfferPayload): Findings {
  const [operation] = operations.of(offer.application.id)
  const { lastSucceeded } = operations.lastOutcome(offer.application.id)
  const found = orphans.of(offer)
  return {
    application: offer.application.id,
    gone: false,
    held: offer.digest,
    ...(lastSucceeded === undefined ? {} : { lastSucceeded }),
    sync: { status: 'Unknown' },
    health: { status: 'Unknown' },
    ...(operation ? { operation: operation.report } : {}),
    ...(found && { orphans: found }),
    objects: [],
    objectCount: 0,
    images: [],
  }
}
