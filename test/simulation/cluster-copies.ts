import type { SimulatedAgent } from './simulated-agent.ts'

/** Each is a cluster more to simulate. */
const MOST_COPIES = 2

/** Whether a machine is the copy of another one. */
export function isCopy(name: string): boolean {
  return name.includes('~')
}

/** Copies of clusters with their agents, from images of their disks; a copy never joins by itself. */
export class ClusterCopies {
  readonly #copies = new Map<string, SimulatedAgent>()

  /** A name for one copy more; undefined when there are enough. */
  next(cluster: string): string | undefined {
    return this.#copies.size < MOST_COPIES ? `${cluster}~${this.#copies.size + 1}` : undefined
  }

  add(copy: SimulatedAgent): void {
    this.#copies.set(copy.name, copy)
  }

  /** Those that run of one cluster; they are switched off for good. */
  end(cluster: string, onEnd: (copy: string) => void): void {
    for (const [name, agent] of this.#copies) {
      if (!name.startsWith(`${cluster}~`) || !agent.running) continue
      onEnd(name)
      agent.kill()
      agent.cluster.stop()
    }
  }

  breakSockets(): void {
    for (const agent of this.#copies.values()) agent.breakSockets()
  }
}
