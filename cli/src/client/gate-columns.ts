import { parseInstant } from '@flotilla/core/gates/civil-time'
import { TimeZone } from '@flotilla/core/gates/time-zone'
import { isJsonObject, type JsonObject } from '@flotilla/core/json/json'
import { listAt, textAt, valueAt } from '@flotilla/core/json/read-json'
import { localText } from '../output/gate-answers.ts'
import { type Column, column, wideColumn } from './print-rows.ts'

/** What the tables of gates show. Times are in the zone of the gate, or in UTC, with their distance from it. */

/** `2026-12-18 18:00 +01:00` of what the hub writes; a dash for nothing. */
export function zoned(text: string, zoneName = 'UTC'): string {
  const at = parseInstant(text)
  return at === undefined ? '-' : localText(at, TimeZone.find(zoneName) ?? TimeZone.utc)
}

/** What is in the time of the cluster is shown in UTC: no one of them has it. */
function zoneOf(gate: JsonObject): string {
  const zone = textAt(gate, 'timeZone')
  return zone === 'cluster' ? 'UTC' : zone
}

const next = (member: 'from' | 'until') => (gate: JsonObject) =>
  zoned(textAt(listAt(gate, 'intervals')[0], member), zoneOf(gate))

export const GATE_COLUMNS: readonly Column[] = [
  column('NAME', 'name'),
  column('STATE', 'state'),
  column('LEVEL', 'level'),
  { heading: 'FROM', text: next('from') },
  { heading: 'UNTIL', text: next('until') },
  column('ZONE', 'timeZone'),
  { heading: 'WHERE', text: originOf },
  column('REASON', 'reason'),
  wideColumn('OWNER', 'owner'),
  wideColumn('REVISION', 'revision'),
  wideColumn('MISTAKES', 'mistakes'),
]

function originOf(gate: JsonObject): string {
  const origin = valueAt(gate, 'origin')
  if (textAt(origin, 'kind') === 'api') return `made by ${textAt(origin, 'madeBy')}`
  const source = textAt(origin, 'source')
  return source === '' ? 'Git' : `${source} ${textAt(origin, 'file')}:${String(valueAt(origin, 'line'))}`
}

export const OVERRIDE_COLUMNS: readonly Column[] = [
  column('ID', 'id'),
  {
    heading: 'STATE',
    text: row => `${textAt(row, 'state')}${valueAt(row, 'needsReview') === true ? ', review' : ''}`,
  },
  { heading: 'FOR', text: whatFor },
  { heading: 'UNTIL', text: row => zoned(textAt(row, 'until')) },
  {
    heading: 'APPROVALS',
    text: row => `${listAt(row, 'approvals').length} of ${String(valueAt(row, 'approvalsNeeded'))}`,
  },
  {
    heading: 'USES',
    text: row => {
      const most = valueAt(row, 'maxUses')
      return `${String(valueAt(row, 'useCount'))}${most === null ? '' : ` of ${String(most)}`}`
    },
  },
  column('REQUESTED BY', 'requestedBy'),
  column('REASON', 'reason'),
  { heading: 'FROM', text: row => zoned(textAt(row, 'from')), wide: true },
  wideColumn('COVERS', 'covers'),
  wideColumn('ACTIONS', 'actions'),
  wideColumn('BUNDLE', 'bundle'),
]

function whatFor(row: JsonObject): string {
  const edit = valueAt(row, 'edit')
  if (textAt(edit, 'freeze') !== '') {
    const what = textAt(edit, 'kind') === 'SyncWindow' ? 'window' : 'freeze'
    return `${valueAt(edit, 'document') === null ? 'end of' : 'change of'} ${what} ${textAt(edit, 'freeze')}`
  }
  return scopeText(valueAt(row, 'scope') as JsonObject)
}

/** `applications checkout, clusters env=prod`. */
export function scopeText(scope: JsonObject): string {
  if (scope['all'] === true) return 'everything'
  return Object.entries(scope)
    .map(([key, value]) => {
      if (Array.isArray(value)) return `${key} ${value.join('|')}`
      const names = listAt(value, 'names').join('|')
      return `${key} ${[names, textAt(value, 'selector')].filter(Boolean).join(' ')}`
    })
    .join(', ')
}

export const AUDIT_COLUMNS: readonly Column[] = [
  column('NO', 'sequence'),
  { heading: 'AT', text: row => new Date(Number(valueAt(row, 'at'))).toISOString() },
  column('ACTOR', 'actor'),
  column('ACTION', 'action'),
  { heading: 'OUTCOME', text: row => textAt(row, 'outcome') || 'done' },
  column('SUBJECT', 'subject'),
  { heading: 'WHY', text: row => textAt(row, 'detail', 'reason') || textAt(row, 'detail', 'code') || '-' },
  wideColumn('FROM', 'from'),
  wideColumn('REQUEST', 'requestId'),
  wideColumn('RULES', 'policyVersion'),
  wideColumn('HASH', 'hash'),
]

export const CALENDAR_COLUMNS: readonly Column[] = [
  column('NAME', 'name'),
  column('EVENTS', 'events'),
  { heading: 'FETCHED', text: row => zoned(textAt(row, 'fetchedAt')) },
  { heading: 'CHECKED', text: row => zoned(textAt(row, 'checkedAt')) },
  column('ERROR', 'error', 'message'),
  wideColumn('SOURCE', 'source'),
  wideColumn('HASH', 'hash'),
]

export const TOKEN_COLUMNS: readonly Column[] = [
  column('ID', 'id'),
  column('NAME', 'name'),
  column('ROLE', 'role'),
  column('KIND', 'kind'),
  column('MADE BY', 'madeBy'),
  { heading: 'CREATED', text: row => zoned(textAt(row, 'createdAt')) },
  { heading: 'EXPIRES', text: row => zoned(textAt(row, 'expiresAt')) },
  { heading: 'LAST USED', text: row => zoned(textAt(row, 'lastUsedAt')) },
  { heading: 'FOR', text: row => tokenScope(row) },
]

/** `role deployer of shop`, `shop-*: get, sync`; nothing where nothing narrows it. */
function tokenScope(row: JsonObject): string {
  const project = valueAt(row, 'project')
  const scopes = listAt(row, 'scopes').map(scope => {
    const names = (field: string): string => (valueAt(scope, field) as readonly string[]).join(', ')
    return [names('projects'), names('actions')].filter(Boolean).join(': ')
  })
  const role = isJsonObject(project) ? [`role ${textAt(project, 'role')} of ${textAt(project, 'name')}`] : []
  return [...role, ...scopes].join('; ')
}
