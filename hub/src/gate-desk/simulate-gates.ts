import { readGateDocument } from '@flotilla/config/gate-document'
import { compileRules } from '@flotilla/core/gates/compile-rules'
import type { FreezeRule, GateRules, GateTarget, WindowRule } from '@flotilla/core/gates/rules'
import { type Simulation, simulate } from '@flotilla/core/gates/simulate'
import type { JsonObject } from '@flotilla/core/json/json'
import type { EpochMs } from '@flotilla/core/time/epoch-ms'
import { rhythmOf } from '../gates/rules-in-force.ts'
import type { DeskMistake } from './desk.ts'
import type { RulesNow } from './rule-keeper.ts'

/** A change of rules that nobody has made yet. */
export interface RuleChange {
  /** Whether `put` would be made through the API, where windows of a hub close besides those of Git. */
  readonly madeHere: boolean
  /** FreezePeriods and SyncWindows that would be there; one of a name that there is replaces it. */
  readonly put: readonly JsonObject[]
  /** Rules that would be gone, as blockers name them. */
  readonly remove: readonly string[]
}

export type SimulationAnswer =
  | { readonly kind: 'simulation'; readonly simulation: Simulation }
  | { readonly kind: 'mistakes'; readonly mistakes: readonly DeskMistake[] }

/** What a change of rules would close and open over [from, to), before anybody saves it. */
export function simulateChange(
  change: RuleChange,
  { written, compiled }: RulesNow,
  targets: readonly GateTarget[],
  from: EpochMs,
  to: EpochMs,
): SimulationAnswer {
  const mistakes: DeskMistake[] = []
  const freezes: FreezeRule[] = []
  const windows: WindowRule[] = []
  for (const [index, document] of change.put.entries()) {
    const read = readGateDocument(document)
    if (read.kind === 'mistakes') {
      mistakes.push(...read.mistakes.map(each => ({ ...each, path: ['put', index, ...each.path] })))
    } else if (read.kind === 'freeze') freezes.push(read.rule)
    else windows.push(change.madeHere ? { ...read.rule, rhythm: rhythmOf(read.rule) } : read.rule)
  }
  const known = new Set([...written.freezes, ...written.windows].map(({ name }) => name))
  for (const [index, name] of change.remove.entries()) {
    if (!known.has(name)) mistakes.push({ path: ['remove', index], message: `there is no rule "${name}"` })
  }
  if (mistakes.length > 0) return { kind: 'mistakes', mistakes }
  const gone = new Set([...change.remove, ...freezes.map(({ name }) => name), ...windows.map(({ name }) => name)])
  const after: GateRules = {
    ...written,
    windows: [...written.windows.filter(({ name }) => !gone.has(name)), ...windows],
    freezes: [...written.freezes.filter(({ name }) => !gone.has(name)), ...freezes],
  }
  return { kind: 'simulation', simulation: simulate(compiled, compileRules(after, compiled), targets, from, to) }
}
