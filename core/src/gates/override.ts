import type { EpochMs } from '../time/epoch-ms.ts'
import type { CompiledBreakGlass } from './compile-rule.ts'
import { type CompiledScope, compileScope, inScope } from './compile-scope.ts'
import type { GateAction, GateTarget, OverrideRule } from './rules.ts'

export interface CompiledOverride {
  readonly rule: OverrideRule
  readonly scope: CompiledScope
  /** How many other people have approved it. */
  readonly approvals: number
}

export type OverrideState = 'Pending' | 'Active' | 'Used' | 'Expired' | 'Revoked'

/** Undefined when its scope cannot be read: what opens must be understood, or it opens nothing. */
export function compileOverride(rule: OverrideRule): CompiledOverride | undefined {
  const scope = compileScope(rule.scope)
  if (scope.kind === 'mistakes') return undefined
  return { rule, scope: scope.scope, approvals: approversOf(rule).size }
}

/** Whoever has asked for it is never among them, and nobody counts twice. */
function approversOf({ approvals, requestedBy }: OverrideRule): ReadonlySet<string> {
  return new Set(approvals.map(({ by }) => by).filter(by => by !== requestedBy))
}

/** @param needed Approvals that it takes; what it covers may take more (see {@link mayCover}). */
export function overrideState(rule: OverrideRule, now: EpochMs, needed = 1): OverrideState {
  if (rule.revoked) return 'Revoked'
  if (now >= rule.until) return 'Expired'
  if (rule.maxUses !== undefined && rule.uses >= rule.maxUses) return 'Used'
  return approversOf(rule).size >= needed && now >= rule.from ? 'Active' : 'Pending'
}

export interface OverrideQuestion {
  readonly action: GateAction
  readonly automated: boolean
  /** Digest of what is to be synced. */
  readonly bundle?: string
}

/** Whether it is meant for this at all, whatever the time. */
export function concerns(override: CompiledOverride, target: GateTarget, question: OverrideQuestion): boolean {
  const { rule, scope } = override
  if (rule.revoked || rule.from >= rule.until || (rule.maxUses !== undefined && rule.uses >= rule.maxUses)) return false
  if (question.automated && rule.includeAutomated !== true) return false
  if (rule.bundle !== undefined && rule.bundle !== question.bundle) return false
  return rule.actions.includes(question.action) && inScope(scope, target)
}

/** Whether the freeze lets itself be opened by it: also one that became active after the approval. */
export function mayCover({ rule, approvals }: CompiledOverride, breakGlass: CompiledBreakGlass): boolean {
  if (!rule.covers.includes('freeze') || !breakGlass.allowed) return false
  return approvals >= Math.max(1, breakGlass.approvals) && rule.until - rule.from <= breakGlass.maxDurationMs
}

/** A window asks for nothing but one approval. */
export function mayCoverWindows({ rule, approvals }: CompiledOverride): boolean {
  return rule.covers.includes('window') && approvals >= 1
}
