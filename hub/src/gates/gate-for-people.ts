import type { GateDecision, GateQuestion } from '@flotilla/core/gates/decide'
import { passesFor } from '@flotilla/core/gates/passes'
import type { GateAction } from '@flotilla/core/gates/rules'
import type { ApplicationRow, AuditNote } from '@flotilla/core/ports/store'
import { noteDenial } from '../audit/audited-store.ts'
import { useOverrides } from '../gate-desk/use-overrides.ts'
import type { GateForPeople } from '../operations/operation-desk.ts'
import { gateHold } from './gate-hold.ts'
import type { OverrideUseNews } from './gate-news.ts'
import type { Gates } from './gates.ts'

/** Further than any calendar reaches. */
const CALENDAR_MS = 15 * 86_400_000

/**
 * What gates say to people: the same evaluator as for what the hub does by itself. A dry run writes nothing, so nothing
 * closes it; a soft freeze asks why; an override that is needed is used, and counted with what is started.
 *
 * @param used Overrides were used: the rules have to be made anew.
 */
export function gateForPeople(
  gates: Gates,
  now: () => number,
  used: (names: readonly string[], use: OverrideUseNews) => void,
): GateForPeople {
  return async (writer, row, wish) => {
    if (wish.dryRun) return { kind: 'open', trigger: 'manual', passes: [] }
    const at = Math.floor(now())
    const asked = wish.actions.map((action): Asked => {
      const question: GateQuestion = { trigger: 'manual', action, ...(row.digest && { bundle: row.digest }) }
      return { question, action, decision: gates.decide(row, at, question) }
    })
    const closed = asked.find(({ decision }) => !decision.allowed)
    for (const each of closed === undefined ? asked : [closed]) {
      const note = decisionNote(each, gates.current.version, row, wish)
      // A refusal undoes its transaction: what was decided is told to the request, and written down after it.
      if (each.decision.allowed) await writer.appendAudit(note)
      else noteDenial(note)
    }
    if (closed !== undefined) return { kind: 'closed', hold: gateHold(closed.decision, wordOf(closed.action)) }
    const blockers = [...new Set(asked.flatMap(({ decision }) => rulesOf(decision)))]
    if (asked.some(({ decision }) => decision.reasonRequired) && wish.reason.trim() === '') {
      const which = blockers.length === 0 ? 'a soft freeze' : blockers.join(', ')
      return { kind: 'reason-required', message: `${which} asks for a reason: say why it has to be now` }
    }
    const { rules, version: rulesVersion } = gates.current
    // The calendar knows syncs alone; what else is asked for was decided here.
    const passes = asked
      .filter(({ action }) => action === 'sync')
      .flatMap(({ question, decision }) =>
        passesFor(rules, gates.target(row), at, at + CALENDAR_MS, question, decision),
      )
    const names = [...new Set(asked.flatMap(({ decision }) => decision.override?.names ?? []))]
    if (names.length === 0) return { kind: 'open', trigger: 'manual', passes, rulesVersion }
    return {
      kind: 'open',
      trigger: 'override',
      passes,
      rulesVersion,
      use: async ({ id, iat }) => {
        const start = { operation: id, application: row.name, at: iat, by: wish.by }
        if ((await useOverrides(writer, names, { ...start, rules: blockers })) === 'gone') return false
        used(names, { application: row.name, by: wish.by, rules: blockers })
        return true
      },
    }
  }
}

interface Asked {
  readonly action: GateAction
  readonly question: GateQuestion
  readonly decision: GateDecision
}

function rulesOf({ layers }: GateDecision): readonly string[] {
  return layers.flatMap(({ blockers }) => blockers.map(({ rule }) => rule))
}

function wordOf(action: GateAction): string {
  if (action === 'prune') return 'removing objects with a manual sync'
  return action === 'actions' ? 'an action on an object' : 'a manual sync'
}

/** What was decided, by which rules, for whom: also when it was no. */
function decisionNote(
  { action, decision: { allowed, layers, override, evaluatedAt } }: Asked,
  version: number,
  { name, project }: ApplicationRow,
  { by, reason }: { readonly by: string; readonly reason: string },
): AuditNote {
  const blockers = layers.flatMap(layer => layer.blockers.map(({ rule, code }) => ({ rule, code })))
  return {
    ...{ at: evaluatedAt, actor: by, action: 'gate.decide', subject: `Application/${name}` },
    ...(!allowed && { outcome: 'refused' as const }),
    detail: {
      ...{ project, trigger: 'manual', action, blockers },
      ...(reason !== '' && { reason }),
      ...(override !== undefined && { overrides: [...override.names] }),
    },
    policyVersion: `rules-${version}`,
  }
}
