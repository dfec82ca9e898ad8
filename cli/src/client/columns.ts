import { isJsonObject, type JsonObject } from '@flotilla/core/json/json'
import { valueAt } from '@flotilla/core/json/read-json'
import { type Column, column, wideColumn } from './print-rows.ts'

/** What the tables of each list show; `-o wide` has all of them. */

/** The most urgent state; what it means and what to do is said by `cluster get`. */
function firstState(cluster: JsonObject): string {
  const states = valueAt(cluster, 'states')
  return Array.isArray(states) ? String(valueAt(states[0], 'code') ?? '-') : '-'
}

/** As the hub's figures count agents; a cluster that never joined has none. */
function agentState(cluster: JsonObject): string {
  if (valueAt(cluster, 'joined') !== true) return '-'
  if (typeof valueAt(cluster, 'revokedAt') === 'string') return 'revoked'
  if (isJsonObject(valueAt(cluster, 'cloned'))) return 'CLONED'
  if (valueAt(cluster, 'agent', 'connected') === true) return 'connected'
  return valueAt(cluster, 'agent', 'silent') === true ? 'silent' : 'away'
}

export const APPLICATION_COLUMNS: readonly Column[] = [
  column('NAME', 'name'),
  column('PROJECT', 'project'),
  column('CLUSTER', 'cluster'),
  column('NAMESPACE', 'namespace'),
  column('SYNC', 'sync', 'status'),
  column('HEALTH', 'health', 'status'),
  column('HOLD', 'hold', 'code'),
  { heading: 'REVISION', text: row => String(valueAt(row, 'revision') ?? '-').slice(0, 8), wide: true },
  wideColumn('SET', 'set'),
  wideColumn('ENVIRONMENT', 'environment'),
  wideColumn('LABELS', 'labels'),
  wideColumn('IMAGES', 'images'),
]

export const CLUSTER_COLUMNS: readonly Column[] = [
  column('NAME', 'name'),
  column('ENVIRONMENT', 'environment'),
  column('JOINED', 'joined'),
  { heading: 'AGENT', text: agentState },
  { heading: 'STATE', text: firstState },
  column('APPLICATIONS', 'applications', 'total'),
  column('SYNCED', 'applications', 'sync', 'Synced'),
  column('HEALTHY', 'applications', 'health', 'Healthy'),
  column('HELD', 'applications', 'held'),
  wideColumn('LAST SEEN', 'agent', 'lastSeen'),
  wideColumn('TIME ZONE', 'timeZone'),
  wideColumn('LABELS', 'labels'),
  wideColumn('AGENT VERSION', 'agent', 'versions', 'agent'),
]

export const SOURCE_COLUMNS: readonly Column[] = [
  column('NAME', 'name'),
  column('REVISION', 'revision'),
  { heading: 'COMMIT', text: row => String(valueAt(row, 'commit') ?? '-').slice(0, 8) },
  column('STALE', 'stale'),
  {
    heading: 'DIAGNOSTICS',
    text: row => {
      const diagnostics = valueAt(row, 'diagnostics')
      return String(Array.isArray(diagnostics) ? diagnostics.length : 0)
    },
  },
  column('ERROR', 'error', 'code'),
  wideColumn('REPOSITORY', 'repository'),
  wideColumn('PATH', 'path'),
  wideColumn('LOADED', 'loadedAt'),
]
