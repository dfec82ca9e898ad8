import { isJsonObject, type Json, type JsonObject } from '@flotilla/core/json/json'
import { valueAt } from '@flotilla/core/json/read-json'
import { printable } from '../output/table.ts'
import { type Column, column, wideColumn } from './print-rows.ts'

/** What the lists of Teams and Projects show. */

export const TEAM_COLUMNS: readonly Column[] = [
  column('NAME', 'name'),
  column('MINE', 'mine'),
  { heading: 'OWNS', text: row => listOf(row, 'owns').join(',') || '-' },
  { heading: 'WATCHES', text: row => listOf(row, 'watches').join(',') || '-' },
  column('APPLICATIONS', 'applications', 'total'),
  column('DEGRADED', 'applications', 'health', 'Degraded'),
  wideColumn('FILE', 'at', 'file'),
  wideColumn('LINE', 'at', 'line'),
]

export const PROJECT_COLUMNS: readonly Column[] = [
  column('NAME', 'name'),
  column('STATE', 'state'),
  { heading: 'TEAMS', text: row => listOf(row, 'teams').join(',') || '-' },
  column('APPLICATIONS', 'applications', 'total'),
  column('DEGRADED', 'applications', 'health', 'Degraded'),
  column('HELD', 'applications', 'held'),
  wideColumn('FILE', 'at', 'file'),
  wideColumn('LINE', 'at', 'line'),
]

/** Below the table of one Team: who it is. */
export function teamDetails(team: JsonObject): string {
  const members = valueAt(team, 'members')
  const people = isJsonObject(members)
    ? line('groups', listOf(members, 'groups')) + line('users', listOf(members, 'users'))
    : ''
  return people + line('projects', listOf(team, 'projects'))
}

/** Below the table of one Project: what its Applications may use, and its roles. */
export function projectDetails(project: JsonObject): string {
  const destinations = objectsOf(project, 'destinations').map(each => {
    const where = textOf(each, 'name') || textOf(each, 'server') || '*'
    return `${where}/${textOf(each, 'namespace')}`
  })
  const roles = objectsOf(project, 'roles').flatMap(role => [
    line(`role ${textOf(role, 'name')}`, listOf(role, 'groups')),
    ...listOf(role, 'policies').map(policy => `    ${printable(policy)}\n`),
  ])
  return line('repositories', listOf(project, 'sourceRepos')) + line('destinations', destinations) + roles.join('')
}

/** Above the table of what asks for an eye. */
export function overviewText(overview: JsonObject): string {
  const count = (...path: string[]): string => String(valueAt(overview, 'applications', ...path) ?? 0)
  const name = String(valueAt(overview, 'team', 'name'))
  const states = ['Healthy', 'Progressing', 'Degraded', 'Missing', 'Suspended', 'Unknown']
  const health = states.map(state => `${state} ${count('health', state)}`).join(', ')
  const attention = String(valueAt(overview, 'attention', 'total') ?? 0)
  return `${printable(name)}: ${count('total')} Applications, ${count('held')} held; ${health}\n${attention} ask for an eye\n`
}

function line(what: string, values: readonly string[]): string {
  return values.length === 0 ? '' : `  ${printable(what)}: ${printable(values.join(', '))}\n`
}

function listOf(row: JsonObject, key: string): readonly string[] {
  const value = valueAt(row, key)
  return Array.isArray(value) ? (value as readonly Json[]).filter(each => typeof each === 'string') : []
}

function objectsOf(row: JsonObject, key: string): readonly JsonObject[] {
  const value = valueAt(row, key)
  return Array.isArray(value) ? (value as readonly Json[]).filter(isJsonObject) : []
}

function textOf(row: JsonObject, key: string): string {
  const value = valueAt(row, key)
  return typeof value === 'string' ? value : ''
}
