import type { AgentState } from '@flotilla/core/ports/agent-state'
import type { DocumentNumber } from '@flotilla/core/protocol/documents'
import { keptCount } from './kept-count.ts'

/** Which start of this agent speaks: `inc` rises with every start, `inst` is chance (protocol.md 1). */
export interface IncarnationNumber {
  readonly inc: number
  readonly inst: string
}

/** The right to speak and write as this agent. The form of a cluster is a Lease there. */
export interface Incarnation {
  /**
   * Raises the incarnation, above `above` where a refusal named a higher one, and resolves when it is ours. Waits
   * while another process holds it.
   */
  acquire(above?: number): Promise<IncarnationNumber>
  /** False once the right is, or may be, another's: then nothing more is written and nothing sent. */
  held(): boolean
  /** The highest number of a document that an agent of this cluster id has noted, if there is such a note. */
  notedNumber?(cluster: string): DocumentNumber | undefined
  /** Notes it where a lost folder does not take it along: soon, at the latest when the right is next renewed. */
  noteNumber?(cluster: string, number: DocumentNumber): void
}

const KEY = 'incarnation'

/**
 * An incarnation counted in the agent's own state: for an agent whose state nobody shares, and for tests. A lost
 * state starts again at 1; the hub's refusal then names the highest it knows, and the count goes on above it.
 */
export function folderIncarnation(state: AgentState, newInstance: () => string): Incarnation {
  let held = false
  let inst: string | undefined
  return {
    async acquire(above = 0) {
      const stored = keptCount(await state.get(KEY))
      const inc = Math.max(stored, above) + 1
      await state.put(KEY, Buffer.from(String(inc)))
      held = true
      inst ??= newInstance()
      return { inc, inst }
    },
    held: () => held,
  }
}
