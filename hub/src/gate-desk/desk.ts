import { subjectsOf } from '@flotilla/core/access/second-person'
import type { OverrideActor } from '@flotilla/core/gates/override-steps'
import type { Fleet } from '@flotilla/core/model/fleet'
import type { Clock } from '@flotilla/core/ports/clock'
import type { Log } from '@flotilla/core/ports/log'
import type { Random } from '@flotilla/core/ports/random'
import type { OverrideRow, Store } from '@flotilla/core/ports/store'
import type { GateEvents } from './gate-events.ts'
import type { RuleKeeper } from './rule-keeper.ts'

/** Who asks: a person or a program, by the name of the token. */
export type Actor = OverrideActor

/** What the desk works with. */
export interface DeskServices {
  readonly store: Store
  readonly keeper: RuleKeeper
  /** What config sources declare now. */
  readonly fleet: () => Fleet
  readonly clock: Clock
  readonly random: Random
  readonly log: Log
  readonly events: GateEvents
}

export type RefusalCode =
  | 'GATE_INVALID'
  | 'GATE_EXISTS'
  | 'GATE_FROM_GIT'
  | 'GATE_CHANGED'
  | 'GATE_ENDED'
  | 'FREEZE_LOCKED'
  | 'OVERRIDE_REFUSED'
  | 'OVERRIDE_OWN'
  | 'OVERRIDE_NEEDS_PERSON'
  | 'OVERRIDE_NOT_PENDING'
  | 'OVERRIDE_NOT_ENDED'
  | 'OVERRIDE_NOT_ACTIVE'

/** Why something is not done; it is the asker's to mend. */
export interface Refusal {
  readonly kind: 'refused'
  readonly code: RefusalCode
  readonly detail?: string
  readonly mistakes?: readonly DeskMistake[]
}

export interface DeskMistake {
  readonly path: readonly (string | number)[]
  readonly message: string
  readonly hint?: string
}

export const UNKNOWN = { kind: 'unknown' } as const
export type Unknown = typeof UNKNOWN

/** Done, or written down as a request that others have to approve. */
export type EditAnswer<Done> =
  | { readonly kind: 'done'; readonly value: Done }
  | { readonly kind: 'waits'; readonly request: OverrideRow; readonly because: readonly string[] }
  | Refusal
  | Unknown

/** By what whoever asks is known not to be the second person. */
export function requesterOf({ madeBy, makers }: Actor): Pick<OverrideRow, 'requesterMadeBy' | 'requesterSubjects'> {
  const subjects = subjectsOf(makers)
  return {
    ...(madeBy !== undefined && { requesterMadeBy: madeBy }),
    ...(subjects.length > 0 && { requesterSubjects: subjects }),
  }
}

export function refused(code: RefusalCode, detail: string, mistakes?: readonly DeskMistake[]): Refusal {
  return { kind: 'refused', code, detail, ...(mistakes !== undefined && { mistakes }) }
}
