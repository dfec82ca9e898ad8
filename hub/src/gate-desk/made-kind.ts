import { readGateDocument } from '@flotilla/config/gate-document'
import { type CompiledBreakGlass, compileFreeze, DEFAULT_BREAK_GLASS } from '@flotilla/core/gates/compile-rule'
import { type FreezeEditContext, isFreezeActive, loosenings } from '@flotilla/core/gates/override-edit'
import type { FreezeRule, GateScope, WindowRule } from '@flotilla/core/gates/rules'
import { isWindowClosing, windowLoosenings } from '@flotilla/core/gates/window-edit'
import type { JsonObject } from '@flotilla/core/json/json'
import type { Declared, Fleet } from '@flotilla/core/model/fleet'
import type { MadeGateRow, StoreReader } from '@flotilla/core/ports/store'
import type { DeskMistake } from './desk.ts'
import { timeMistakes } from './freeze-checks.ts'
import type { GateEvent } from './gate-events.ts'
import { freezeRuleOf, windowRuleOf } from './made-rules.ts'

/** What a document of a gate is read as: its mistakes where it is no gate of this kind that could be in force. */
export type ReadMade<Rule> =
  | { readonly kind: 'read'; readonly name: string; readonly document: JsonObject; readonly rule: Rule }
  | { readonly kind: 'mistakes'; readonly mistakes: readonly DeskMistake[] }

/** In what freezes and windows that people make differ; the rest is one desk. */
export interface MadeKind<Rule extends FreezeRule | WindowRule> {
  readonly kind: MadeGateRow['kind']
  /** Begins the actions of the audit log: `freeze.create`. */
  readonly word: 'freeze' | 'window'
  readonly events: { readonly [Step in 'made' | 'edited' | 'ended']: GateEvent['kind'] }
  rows(reader: StoreReader): Promise<readonly MadeGateRow[]>
  declared(fleet: Fleet): readonly Declared<unknown>[]
  read(document: JsonObject): ReadMade<Rule>
  /** As an edit is judged. What was accepted once and cannot be read any more closes everything, and says so. */
  ruleOf(row: MadeGateRow): Rule
  /** Whom it concerns. */
  scopeOf(rule: Rule): GateScope
  /** What people read of why it is there. */
  reasonOf(rule: Rule): string
  /** What is wrong with it by the time and the calendars of now; `before` stood already. */
  mistakes(rule: Rule, context: FreezeEditContext, before?: Rule): readonly DeskMistake[]
  /** Whether it holds anybody now. */
  holds(rule: Rule, context: FreezeEditContext): boolean
  /** In what another one in its place would hold less, in words. */
  loosenings(before: Rule, next: Rule | undefined, context: FreezeEditContext): readonly string[]
  /** What it takes to make it hold less while it holds. */
  breakGlass(rule: Rule): CompiledBreakGlass & { readonly ticketPattern?: string | undefined }
}

export const FREEZES: MadeKind<FreezeRule> = {
  kind: 'FreezePeriod',
  word: 'freeze',
  events: { made: 'freeze.made', edited: 'freeze.edited', ended: 'freeze.ended' },
  rows: reader => reader.freezes(),
  declared: fleet => fleet.freezePeriods ?? [],
  read(document) {
    const read = readGateDocument(document)
    if (read.kind === 'freeze') return { ...read, kind: 'read' }
    return read.kind === 'mistakes' ? read : notOfKind('FreezePeriod')
  },
  ruleOf: freezeRuleOf,
  scopeOf: ({ scope }) => scope,
  reasonOf: ({ reason }) => reason,
  mistakes: (rule, context, before) => timeMistakes(rule, context, before?.when),
  holds: isFreezeActive,
  loosenings,
  breakGlass(rule) {
    const { effect } = compileFreeze(rule, undefined)
    const { ticketPattern } = rule.breakGlass ?? {}
    return { ...(effect.kind === 'freeze' ? effect.breakGlass : DEFAULT_BREAK_GLASS), ticketPattern }
  },
}

export const WINDOWS: MadeKind<WindowRule> = {
  kind: 'SyncWindow',
  word: 'window',
  events: { made: 'window.made', edited: 'window.edited', ended: 'window.removed' },
  rows: reader => reader.windows(),
  declared: fleet => fleet.syncWindows ?? [],
  read(document) {
    const read = readGateDocument(document)
    if (read.kind === 'window') return { ...read, kind: 'read' }
    return read.kind === 'mistakes' ? read : notOfKind('SyncWindow')
  },
  ruleOf: windowRuleOf,
  scopeOf: ({ select }) => (select.kind === 'scope' ? select.scope : { all: true }),
  reasonOf: ({ kind, schedule, duration, description }) => description ?? `${kind} ${schedule} for ${duration}`,
  mistakes: () => [],
  holds: isWindowClosing,
  loosenings: windowLoosenings,
  breakGlass: () => DEFAULT_BREAK_GLASS,
}

function notOfKind(kind: MadeGateRow['kind']): {
  readonly kind: 'mistakes'
  readonly mistakes: readonly DeskMistake[]
} {
  return { kind: 'mistakes', mistakes: [{ path: ['kind'], message: `is not ${kind}` }] }
}
