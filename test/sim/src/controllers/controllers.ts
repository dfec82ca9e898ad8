import type { Timer } from '@flotilla/core/ports/clock'
import { ApiError } from '../api/api-error.ts'
import type { Core } from '../api/core.ts'
import type { StoreEvent } from '../store/object-store.ts'
import { apiServiceController } from './api-services.ts'
import { claimController } from './claims.ts'
import type { Controller } from './controller.ts'
import { ControllerApi } from './controller-api.ts'
import { customResourceController } from './custom-resources.ts'
import { daemonSetController } from './daemon-sets.ts'
import { deploymentController } from './deployments.ts'
import { disruptionBudgetController } from './disruption-budgets.ts'
import { endpointController } from './endpoints.ts'
import { garbageCollector } from './garbage-collector.ts'
import { jobController } from './jobs.ts'
import { kubelet } from './kubelet.ts'
import { namespaceController } from './namespaces.ts'
import { replicaSetController } from './replica-sets.ts'
import { statefulSetController } from './stateful-sets.ts'

/** How long after a change a controller looks, in milliseconds of the cluster's clock. */
const REACTION_MS = 2
/** When a controller was refused (its namespace terminates, say), it looks again. */
const RETRY_MS = 1_000

interface Due {
  readonly controller: Controller
  readonly key: string
  at: number
}

/**
 * Runs the controllers on the cluster's clock: changes put keys on a list, one timer works off what is due, in the
 * order it was put there. One timer a cluster, and none while nothing is due.
 */
export class Controllers {
  private readonly core: Core
  private readonly controllers: readonly Controller[]
  private readonly due = new Map<string, Due>()
  private readonly unsubscribe: () => void
  private timer: Timer | undefined
  private timerAt = Number.POSITIVE_INFINITY

  constructor(core: Core) {
    this.core = core
    const api = new ControllerApi(core)
    this.controllers = [
      customResourceController(core),
      namespaceController(core),
      garbageCollector(core, api),
      deploymentController(api),
      replicaSetController(api),
      statefulSetController(api),
      daemonSetController(api),
      jobController(api),
      kubelet(api),
      claimController(api),
      endpointController(api),
      disruptionBudgetController(api),
      apiServiceController(api),
    ]
    this.unsubscribe = core.store.subscribe(event => this.onEvent(event))
  }

  stop(): void {
    this.unsubscribe()
    this.timer?.cancel()
    this.due.clear()
  }

  private onEvent(event: StoreEvent): void {
    for (const controller of this.controllers) {
      for (const key of controller.keysOf(event)) this.schedule(controller, key, REACTION_MS)
    }
  }

  private schedule(controller: Controller, key: string, delayMs: number): void {
    const id = `${controller.name} ${key}`
    const at = this.core.clock.monotonicMs() + delayMs
    const known = this.due.get(id)
    if (known) known.at = Math.min(known.at, at)
    else this.due.set(id, { controller, key, at })
    this.arm(at)
  }

  private arm(at: number): void {
    if (at >= this.timerAt) return
    this.timer?.cancel()
    this.timerAt = at
    this.timer = this.core.clock.setTimer(Math.max(0, at - this.core.clock.monotonicMs()), () => this.work())
  }

  private work(): void {
    this.timerAt = Number.POSITIVE_INFINITY
    this.timer = undefined
    // A machine's timer may fire a fraction early; what is due within a millisecond is done now.
    const now = this.core.clock.monotonicMs() + 1
    const ready = [...this.due].filter(([, due]) => due.at <= now)
    for (const [id] of ready) this.due.delete(id)
    for (const [, { controller, key }] of ready) this.reconcile(controller, key)
    let next = Number.POSITIVE_INFINITY
    for (const due of this.due.values()) next = Math.min(next, due.at)
    if (next !== Number.POSITIVE_INFINITY) this.arm(next)
  }

  private reconcile(controller: Controller, key: string): void {
    try {
      const again = controller.reconcile(key)
      if (again !== undefined) this.schedule(controller, key, Math.max(again, REACTION_MS))
    } catch (error) {
      // A refusal by the API is a controller's daily life; anything else is a mistake of ours.
      if (!(error instanceof ApiError)) throw error
      this.schedule(controller, key, RETRY_MS)
    }
  }
}
