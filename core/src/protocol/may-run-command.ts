import type { EpochMs } from '../time/epoch-ms.ts'
import type { CommandPayload } from './documents.ts'

/** What this agent remembers of a command's id. */
export type CommandMemory =
  /** Never taken. */
  | 'new'
  /** Its id was kept before it was begun, and nothing after: what became of it, nobody can say. */
  | 'begun'
  /** It was answered. */
  | 'answered'

export interface CommandQuestion {
  readonly command: Pick<CommandPayload, 'expires' | 'action'>
  readonly memory: CommandMemory
  /** Hub time; undefined while no pulse was heard since this process started. */
  readonly now: EpochMs | undefined
  /** Whether a document of its Application is held: without one, nothing here is that Application's. */
  readonly held: boolean
}

export type CommandVerdict =
  /** Keep the id, then do it. */
  | { readonly kind: 'run' }
  /** Ask again after the next pulse. */
  | { readonly kind: 'wait'; readonly message: string }
  /** Do nothing, and say this. */
  | { readonly kind: 'answer'; readonly outcome: 'refused' | 'lapsed' | 'unknown'; readonly message: string }
  /** It was answered; the hub is told again what was said. */
  | { readonly kind: 'repeat' }

/**
 * May this command be done now? (protocol.md 5.) Once, by its id: what was begun and not ended is reported as unknown and
 * never begun again, because a second scale or deletion may come after somebody's later one.
 */
export function mayRunCommand({ command, memory, now, held }: CommandQuestion): CommandVerdict {
  if (memory === 'answered') return { kind: 'repeat' }
  if (memory === 'begun') {
    return {
      kind: 'answer',
      outcome: 'unknown',
      message: 'the agent ended while it was doing this; it may have been done, and is not done again',
    }
  }
  if (now === undefined) return { kind: 'wait', message: 'no pulse of the hub was heard since this agent started' }
  if (now >= command.expires) return { kind: 'answer', outcome: 'lapsed', message: 'it came after its time' }
  if (!held) {
    return { kind: 'answer', outcome: 'refused', message: 'this agent holds no document of that Application' }
  }
  return { kind: 'run' }
}
