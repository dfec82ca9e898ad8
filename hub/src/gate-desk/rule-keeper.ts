import type { CompiledRules } from '@flotilla/core/gates/compile-rules'
import type { GateRules, GateTarget } from '@flotilla/core/gates/rules'
import type { EpochMs } from '@flotilla/core/time/epoch-ms'

/** Every rule that holds now, from config sources and from people, and whom they concern. */
export interface RulesNow {
  /** As they were written. */
  readonly written: GateRules
  readonly compiled: CompiledRules
  /** Every Application that is there, as gates see it; the same object while nothing of it changes. */
  readonly targets: readonly GateTarget[]
  /** Rises with every change: what an entry of the audit log was decided by. */
  readonly version: string
}

/** How far a rule has got: connected agents have it at once, the others when they come back. */
export interface RuleProgress {
  /** Clusters whose Applications it concerns. */
  readonly clusters: number
  /** Those whose agents have said that they have it. */
  readonly inForce: number
  /** After this nothing starts anywhere that it forbids: permissions given before it have run out. */
  readonly latestStart: EpochMs | undefined
}

/** Who keeps the rules in force: decides by them, signs calendars, wakes Applications at boundaries. */
export interface RuleKeeper {
  now(): RulesNow
  /** What people made is different. Resolves when it counts at the hub and was signed for the clusters concerned. */
  changed(): Promise<void>
  /** Undefined when there is no such rule. */
  progress(ruleName: string): Promise<RuleProgress | undefined>
}
