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
  overridesUsed(names: readonly string[], use: OverrideUseNews): void
}

/** What break-glass was used for. */
export interface OverrideUseNews {
  readonly application: string
  /** `hub` for what it starts by itself. */
  readonly by: string
  /** The rules that were passed with it: whose they are is told. */
  readonly rules: readonly string[]
}
