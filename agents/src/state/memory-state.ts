import type { AgentState } from '@flotilla/core/ports/agent-state'

/** What an agent keeps, in memory: for simulation. Give it to the next agent and it is the same machine, restarted. */
export class MemoryState implements AgentState {
  readonly #values = new Map<string, Uint8Array>()

  async get(key: string): Promise<Uint8Array | undefined> {
    const value = this.#values.get(key)
    return value && Uint8Array.from(value)
  }

  async put(key: string, value: Uint8Array): Promise<void> {
    this.#values.set(key, Uint8Array.from(value))
  }

  async putIfAbsent(key: string, value: Uint8Array): Promise<Uint8Array> {
    const present = this.#values.get(key)
    if (!present) this.#values.set(key, Uint8Array.from(value))
    return Uint8Array.from(present ?? value)
  }

  async delete(key: string): Promise<void> {
    this.#values.delete(key)
  }

  async list(prefix: string): Promise<readonly string[]> {
    return [...this.#values.keys()].filter(key => key.startsWith(prefix)).sort()
  }

  /** What is kept, as an image of the disk: from here on each goes its own way. */
  copy(): MemoryState {
    const copy = new MemoryState()
    for (const [key, value] of this.#values) copy.#values.set(key, Uint8Array.from(value))
    return copy
  }

  async close(): Promise<void> {
    // Nothing is open.
  }
}
