import type { KubernetesObject } from '@flotilla/core/model/kubernetes-object'
import type { Clock, Timer } from '@flotilla/core/ports/clock'
import type { Log } from '@flotilla/core/ports/log'
import type { OperationReport, ReportEntry } from '@flotilla/core/protocol/report'
import type { KubernetesClient } from './kubernetes/client.ts'
import { isKubernetesError } from './kubernetes/kubernetes-error.ts'
import { RECORD_LABEL, RECORD_MANAGER } from './records.ts'

const WRITE_EVERY_MS = 10_000
const MOST_LINES = 1_000

/**
 * One ConfigMap, `flotilla-agent-status`, and an Event for each operation that did something or failed: what the local administrator
 * sees with `kubectl get`, without asking the hub. Failing to write it never stops anything else.
 */
export class StatusObject {
  readonly #client: KubernetesClient
  readonly #namespace: string
  readonly #clock: Clock
  readonly #log: Log
  readonly #lines = new Map<string, string>()
  readonly #announced = new Set<string>()
  #agent: { readonly [key: string]: string } = {}
  #timer: Timer | undefined
  #written = ''
  #stopped = false

  constructor(client: KubernetesClient, namespace: string, clock: Clock, log: Log) {
    this.#client = client
    this.#namespace = namespace
    this.#clock = clock
    this.#log = log
  }

  /** Facts of the agent itself: connected or not, its version. */
  agent(facts: { readonly [key: string]: string }): void {
    this.#agent = facts
    this.#schedule()
  }

  application(name: string, entry: ReportEntry): void {
    const operation = entry.operation ? `  ${entry.operation.phase}: ${entry.operation.message}` : ''
    this.#lines.set(name, `${entry.sync.status}  ${entry.health.status}${operation}`)
    this.#schedule()
    const { operation: ended } = entry
    if (ended?.finishedAt !== undefined && !this.#announced.has(ended.id)) {
      this.#announced.add(ended.id)
      if (didNothing(ended)) return
      const failed = ended.phase !== 'Succeeded'
      const reason = `Operation${ended.phase}`
      this.#emit(failed ? 'Warning' : 'Normal', reason, `${name}: ${ended.message}`.slice(0, 1000))
    }
  }

  forget(name: string): void {
    this.#lines.delete(name)
    this.#schedule()
  }

  stop(): void {
    this.#stopped = true
    this.#timer?.cancel()
  }

  #schedule(): void {
    if (this.#stopped || this.#timer) return
    this.#timer = this.#clock.setTimer(WRITE_EVERY_MS, () => {
      this.#timer = undefined
      this.#quietly(this.#write())
    })
  }

  async #write(): Promise<void> {
    const sorted = [...this.#lines].sort(([a], [b]) => (a < b ? -1 : 1))
    const shown = sorted.slice(0, MOST_LINES).map(([name, line]) => `${name}  ${line}`)
    if (sorted.length > MOST_LINES) shown.push(`and ${sorted.length - MOST_LINES} more`)
    const data = { ...this.#agent, applications: shown.join('\n') }
    const text = JSON.stringify(data)
    if (text === this.#written) return
    const metadata = {
      name: 'flotilla-agent-status',
      namespace: this.#namespace,
      labels: { [RECORD_LABEL]: 'status' },
    }
    const object: KubernetesObject = { apiVersion: 'v1', kind: 'ConfigMap', metadata, data }
    await this.#client.apply(object, { fieldManager: RECORD_MANAGER })
    this.#written = text
  }

  #emit(type: 'Normal' | 'Warning', reason: string, message: string): void {
    const now = new Date(this.#clock.now()).toISOString()
    const name = `flotilla-agent.${this.#clock.now().toString(16)}${this.#announced.size.toString(16)}`
    const subject = { apiVersion: 'v1', kind: 'ConfigMap', name: 'flotilla-agent-status', namespace: this.#namespace }
    this.#quietly(
      this.#client.create({
        apiVersion: 'v1',
        kind: 'Event',
        metadata: { name, namespace: this.#namespace },
        involvedObject: subject,
        reason,
        message,
        type,
        source: { component: 'flotilla-agent' },
        firstTimestamp: now,
        lastTimestamp: now,
        count: 1,
      }),
    )
  }

  #quietly(work: Promise<unknown>): void {
    work.catch((error: unknown) => {
      const reason = isKubernetesError(error) ? error.message : String(error)
      this.#log.debug('the status object could not be written', { error: reason })
    })
  }
}

/** Of many results those that changed nothing are cut first. */
function didNothing({ phase, results }: OperationReport): boolean {
  return phase === 'Succeeded' && results.every(({ outcome }) => outcome === 'unchanged')
}
