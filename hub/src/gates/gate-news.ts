import type { Hold } from '@flotilla/core/model/hold'
import type { ApplicationRow } from '@flotilla/core/ports/store'
import type { RulesChange } from './gates.ts'

/** What the loop tells of gates: for events and metrics. */
export interface GateNews {
  rulesChanged(change: RulesChange): void
  /** A start is held up, by other rules or until another time than before. */
  blocked(row: ApplicationRow, hold: Hold): void
  /** What waited was let go so long after its time had come. */
  opened(row: ApplicationRow, lateMs: number): void
  /** An opening came and went while nobody looked. */
  missed(row: ApplicationRow): void
  overridesUsed(names: readonly string[]): void
}
