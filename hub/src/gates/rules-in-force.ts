import type { DeclaredGate } from '@flotilla/config/declared-gate'
import { readGateDocument } from '@flotilla/config/gate-document'
import { type GlobalProject, gateRules } from '@flotilla/config/gate-rules'
import { overrideRuleOf } from '@flotilla/core/gates/override-steps'
import type { FreezeRule, GateRules, WindowRule } from '@flotilla/core/gates/rules'
import type { Fleet } from '@flotilla/core/model/fleet'
import type { CalendarRow, MadeGateRow, OverrideRow, StoreReader } from '@flotilla/core/ports/store'
import type { EpochMs } from '@flotilla/core/time/epoch-ms'

/** What the hub's settings say of gates. */
export interface GateSettings {
  /** For `timeZone: cluster` where the Cluster names none; UTC when absent. */
  readonly defaultTimeZone?: string
  readonly globalProjects?: readonly GlobalProject[]
}

/** What was made through the API, as it is stored. */
export interface StoredGates {
  readonly windows: readonly MadeGateRow[]
  readonly freezes: readonly MadeGateRow[]
  readonly overrides: readonly OverrideRow[]
  readonly calendars: readonly CalendarRow[]
}

export interface RulesInput {
  readonly fleet: Fleet
  /** What the config sources declare, what cannot be read too. */
  readonly declared: readonly DeclaredGate[]
  readonly stored: StoredGates
  readonly settings: GateSettings
  readonly now: EpochMs
}

export const NOTHING_STORED: StoredGates = { windows: [], freezes: [], overrides: [], calendars: [] }

/** An override that is over matters for what was started under it and still runs. */
const REMEMBERED_MS = 24 * 3_600_000

export async function readStoredGates(rows: StoreReader): Promise<StoredGates> {
  const [windows, freezes] = [await rows.windows(), await rows.freezes()]
  return { windows, freezes, overrides: await rows.overrides(), calendars: await rows.calendars() }
}

/**
 * Every rule that counts, wherever it comes from: the windows of Projects (and of global ones), the SyncWindows and
 * FreezePeriods of every config source within what that source may declare for, and what was made through the API.
 * What cannot be read closes all that it may concern.
 */
export function rulesInForce({ fleet, declared, stored, settings, now }: RulesInput): GateRules {
  const fromConfig = gateRules(fleet, { declared, globalProjects: settings.globalProjects })
  const taken = new Set([...fromConfig.windows, ...fromConfig.freezes].map(({ name }) => name))
  const made = [...stored.windows, ...stored.freezes].filter(({ ended }) => ended === undefined)
  const read = made.map(row => madeRule(row, taken))
  return {
    windows: [...fromConfig.windows, ...read.flatMap(rule => ('freeze' in rule ? [] : rule))],
    freezes: [...fromConfig.freezes, ...read.flatMap(rule => ('freeze' in rule ? rule : []))],
    overrides: stored.overrides
      .filter(({ until }) => until + REMEMBERED_MS > now)
      .flatMap(row => overrideRuleOf(row) ?? []),
    calendars: stored.calendars.flatMap(({ name, snapshot }) => (snapshot ? { name, text: snapshot.text } : [])),
    ...(settings.defaultTimeZone !== undefined && { defaultTimeZone: settings.defaultTimeZone }),
  }
}

/**
 * Windows that were made here with the same owner and for the same Projects are judged together; every other rhythm, and
 * that of the config sources, has to be open as well. Whoever may make a window for some Projects so opens nothing that
 * others have closed there, and least of all what is closed for more than these Projects.
 */
export function rhythmOf({ owner, select }: WindowRule): string {
  const projects = select.kind === 'scope' ? (select.scope.projects ?? []) : []
  return `made ${JSON.stringify([owner ?? null, [...new Set(projects)].sort()])}`
}

/** Names are unique among the rules; one from a config source has it, whoever came first. */
function madeRule(row: MadeGateRow, taken: Set<string>): WindowRule | FreezeRule {
  const read = readGateDocument(row.document)
  const written = `${row.kind}/${row.name}`
  const name = taken.has(written) ? `${written} (${row.id})` : written
  taken.add(name)
  if (read.kind === 'window') return { ...read.rule, name, rhythm: rhythmOf(read.rule) }
  if (read.kind !== 'mistakes') return { ...read.rule, name }
  return {
    name,
    level: 'organisation',
    freeze: 'hard',
    reason: '',
    scope: { all: true },
    when: [{ from: '1970-01-01', through: '1970-01-01' }],
    unreadable: `${written} as it is stored has mistakes: ${read.mistakes.map(({ message }) => message).join('; ')}`,
  }
}
