import type { AuditEntry } from '@flotilla/core/audit/audit-entry'
import type { FleetView } from '../api/fleet-view.ts'
import { applicationObject, namedObject } from './objects.ts'
import type { Rights } from './rights.ts'

/** Whether nothing of the audit log is kept from somebody: only then its numbers and hashes are his, too. */
export function seesWholeLog(rights: Rights): boolean {
  const { because, kind } = rights.authorise('get', namedObject('audit', '*'))
  return kind === 'allow' && because.length > 0 && rights.seesAllOf('audit')
}

/**
 * Whether somebody sees one entry. What is about an Application belongs to its Project; what is about anything else
 * belongs to none, so that rights within one Project do not show it.
 *
 * Entries name others in their details: one about several Applications is for whoever sees all of them.
 */
export function seesEntry(entry: AuditEntry, rights: Rights, view: FleetView): boolean {
  const { subject, detail } = entry
  const named = Array.isArray(detail['applications']) ? detail['applications'].map(String) : []
  const names = [...new Set([applicationNameOf(subject), ...named])].filter(name => name !== undefined)
  const found = names.map(name => view.application(name, 0))
  if (found.length > 0 && found.every(each => each !== undefined)) {
    return found.every(each => rights.sees(applicationObject(each, 'audit')))
  }
  // What belongs to no Project is in no Team's view, but for the Team itself.
  if (rights.team !== undefined && subject !== `Team/${rights.team.team.name}`) return false
  return rights.sees(namedObject('audit', subject))
}

/** `web`, `Application/web`, and the path of a denied request about it. */
function applicationNameOf(subject: string): string | undefined {
  const path = /^\/api\/v1\/applications\/([^/?]+)/.exec(subject)?.[1]
  if (path !== undefined) return path
  return subject.startsWith('/') ? undefined : subject.replace(/^Application\//, '')
}
