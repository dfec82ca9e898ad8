import { type Authentication, authenticate, type RequestHead } from './authenticate.ts'
import type { GatewayOptions } from './gateway-options.ts'
import type { Refusals } from './refusals.ts'

/** Finds out whose a request is, and keeps what was found out about agents by that: who is refused, and why. */
export class Callers {
  readonly #hub: GatewayOptions
  readonly #refusals: Refusals
  /** Clusters whose agents spoke no common version when they last asked. */
  readonly #versionRefused = new Set<string>()

  constructor(hub: GatewayOptions, refusals: Refusals) {
    this.#hub = hub
    this.#refusals = refusals
  }

  /** Whether a cluster's agent has no protocol version in common: turned away, or served for its upgrade alone. */
  isVersionRefused(clusterId: string): boolean {
    return this.#versionRefused.has(clusterId)
  }

  /** @throws StoreError */
  async find(head: RequestHead): Promise<Authentication> {
    const { store, keys, clock, log, events, revocations } = this.#hub
    const authentication = await authenticate(head, {
      store,
      hubId: keys.hubId,
      now: clock.now(),
      ...(revocations && { revocations }),
      served: this.#hub.served,
      cloned: cluster => {
        log.error('two agents speak for one cluster; it gets no Grants until one of them is admitted anew', {
          cluster: cluster.id,
        })
        events.identified?.(cluster.id)
      },
    })
    if (authentication.kind === 'refused') {
      const { code, cluster } = authentication
      if (code === 'PROTOCOL' && cluster !== undefined) this.#versionRefused.add(cluster)
      this.#refusals.note(code, 'a request of an agent was refused', { cluster })
    } else if (authentication.caller.service.kind === 'upgrade')
      this.#versionRefused.add(authentication.caller.cluster.id)
    else this.#versionRefused.delete(authentication.caller.cluster.id)
    return authentication
  }
}
