import type { GateDecision, GateQuestion } from '@flotilla/core/gates/decide'
import { passesFor } from '@flotilla/core/gates/passes'
import type { ApplicationRow, AuditNote } from '@flotilla/core/ports/store'
import { noteDenial } from '../audit/audited-store.ts'
import { useOverrides } from '../gate-desk/use-overrides.ts'
import type { GateForPeople } from '../operations/operation-desk.ts'
import { gateHold } from './gate-hold.ts'
import type { Gates } from './gates.ts'

/** Further than any calendar reaches. */
const CALENDAR_MS = 15 * 86_400_000

/**
 * What gates say to people: the same evaluator as for what the hub does by itself. A dry run writes nothing, so nothing
 * closes it; a soft freeze asks why; an override that is needed is used, and counted with the Grant.
 *
 * @param used Overrides were used: the rules have to be made anew.
 */
export function gateForPeople(
  gates: Gates,
  now: () => number,
  used: (names: readonly string[]) => void,
): GateForPeople {
  return async (writer, row, wish) => {
    if (wish.dryRun) return { kind: 'open', trigger: 'manual', passes: [] }
    const at = Math.floor(now())
    const question: GateQuestion = { trigger: 'manual', action: 'sync', ...(row.digest && { bundle: row.digest }) }
    const decision = gates.decide(row, at, question)
    const note = decisionNote(decision, gates.current.version, row, wish)
    // A refusal undoes its transaction: what was decided is told to the request, and written down after it.
    if (decision.allowed) await writer.appendAudit(note)
    else noteDenial(note)
    if (!decision.allowed) return { kind: 'closed', hold: gateHold(decision, 'a manual sync') }
    if (decision.reasonRequired && wish.reason.trim() === '') {
      const rules = decision.layers.flatMap(({ blockers }) => blockers.map(({ rule }) => rule))
      const which = rules.length === 0 ? 'a soft freeze' : rules.join(', ')
      return { kind: 'reason-required', message: `${which} asks for a reason: say why it has to be now` }
    }
    const { rules, version: rulesVersion } = gates.current
    const passes = passesFor(rules, gates.target(row), at, at + CALENDAR_MS, question, decision)
    if (decision.override === undefined) return { kind: 'open', trigger: 'manual', passes, rulesVersion }
    const { names } = decision.override
    return {
      kind: 'open',
      trigger: 'override',
      passes,
      rulesVersion,
      use: async grant => {
        const start = { operation: grant.id, application: row.name, at: grant.iat, by: wish.by }
        const passed = decision.layers.flatMap(({ blockers }) => blockers.map(({ rule }) => rule))
        if ((await useOverrides(writer, names, { ...start, rules: passed })) === 'gone') return false
        used(names)
        return true
      },
    }
  }
}

/** What was decided, by which rules, for whom: also when it was no. */
function decisionNote(
  { allowed, layers, override, evaluatedAt }: GateDecision,
  version: number,
  { name, project }: ApplicationRow,
  { by, reason }: { readonly by: string; readonly reason: string },
): AuditNote {
  const blockers = layers.flatMap(layer => layer.blockers.map(({ rule, code }) => ({ rule, code })))
  return {
    ...{ at: evaluatedAt, actor: by, action: 'gate.decide', subject: `Application/${name}` },
    ...(!allowed && { outcome: 'refused' as const }),
    detail: {
      ...{ project, trigger: 'manual', action: 'sync', blockers },
      ...(reason !== '' && { reason }),
      ...(override !== undefined && { overrides: [...override.names] }),
    },
    policyVersion: `rules-${version}`,
  }
}
