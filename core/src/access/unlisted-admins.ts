import type { Binding } from './bindings.ts'
import { BUILTIN_ROWS } from './builtin-policy.ts'
import { compilePattern, matcherOf } from './compile-pattern.ts'
import type { AccessSettings } from './policy.ts'
import type { MatchMode, PermissionRow, PolicyRow, RowPlace } from './policy-row.ts'
import { BUILTIN_ROLES, roleRows } from './role-catalogue.ts'
import { RESOURCE_ACTIONS } from './vocabulary.ts'

/** A right that documents would give, and do not give to whom nobody else has listed. */
export interface HeldRight {
  readonly subject: string
  /** The row or binding, in one line. */
  readonly text: string
  readonly place?: RowPlace
}

/** Whoever may write these decides what others may, or what the hub itself does. */
const DECIDING: ReadonlySet<string> = new Set([
  ...['accounts', 'hub', 'projects', 'agents', 'clusters', 'repositories', 'write-repositories'],
  ...['certificates', 'gpgkeys'],
])
/** Stands in the list for the default role. */
export const EVERYBODY = 'everybody'

/**
 * What documents declare, without what would make somebody an administrator who is not listed: two people have to agree
 * on that, who merges the documents and who keeps the list. A Team is never listed, for documents say who is in it.
 *
 * @param own Rows of whoever keeps the list; they stay.
 * @param listed Users and groups, as rows name them.
 */
export function withoutUnlistedAdmins(
  declared: AccessSettings,
  own: readonly PolicyRow[],
  listed: readonly string[],
): { readonly settings: AccessSettings; readonly held: readonly HeldRight[] } {
  const admins = new Set(listed)
  const mode = declared.matchMode ?? 'glob'
  const reaches = adminRoles([...BUILTIN_ROWS, ...own, ...declared.rows], mode)
  const held: HeldRight[] = []
  const rows = declared.rows.filter(row => {
    const [subject, gives] = row.kind === 'grant' ? [row.member, reaches(row.role)] : [row.subject, decides(row, mode)]
    // What a role has harms nobody: it is who is given it that counts.
    if (!gives || subject.startsWith('role:') || admins.has(subject)) return true
    held.push({ subject, text: row.text, place: row.place })
    return false
  })
  const bindings = (declared.bindings ?? []).flatMap(binding => {
    if (binding.effect === 'deny' || !bindingDecides(binding, declared.roles)) return [binding]
    const kept = { users: binding.users.filter(isListed), groups: binding.groups.filter(isListed), teams: [] }
    const gone = [...binding.users, ...binding.groups, ...binding.teams].filter(
      name => ![...kept.users, ...kept.groups].includes(name),
    )
    for (const subject of gone) held.push({ subject, text: binding.text, place: binding.place })
    return kept.users.length + kept.groups.length === 0 ? [] : [{ ...binding, ...kept }]
  })
  const { defaultRole = '' } = declared
  const openToAll = defaultRole !== '' && reaches(defaultRole) && !admins.has(EVERYBODY)
  if (openToAll) held.push({ subject: EVERYBODY, text: `the default role ${defaultRole}` })
  return { settings: { ...declared, rows, bindings, ...(openToAll && { defaultRole: '' }) }, held }

  function isListed(name: string): boolean {
    return admins.has(name)
  }
}

/** Whether a name has deciding rights, by its own rows or by those of roles that it has. */
function adminRoles(rows: readonly PolicyRow[], mode: MatchMode): (name: string) => boolean {
  const direct = new Set<string>()
  const roles = new Map<string, string[]>()
  for (const row of rows) {
    if (row.kind === 'permission') {
      if (decides(row, mode)) direct.add(row.subject)
    } else {
      const known = roles.get(row.member)
      if (known === undefined) roles.set(row.member, [row.role])
      else known.push(row.role)
    }
  }
  return name => {
    const seen = new Set([name])
    for (const one of seen) {
      if (direct.has(one)) return true
      for (const role of roles.get(one) ?? []) seen.add(role)
    }
    return false
  }
}

function decides({ effect, resource, action, builtIn }: PermissionRow, mode: MatchMode): boolean {
  if (effect !== 'allow' || action === 'get') return false
  const reading = mode === 'regex' && builtIn !== true ? 'regex' : 'wide'
  const [isResource, isAction] = [resource, action].map(text => matcherOf(compilePattern(text, reading)))
  return [...DECIDING].some(
    each => isResource!(each) && (RESOURCE_ACTIONS.get(each) ?? []).some(one => one !== 'get' && isAction!(one)),
  )
}

function bindingDecides({ role }: Binding, roles: AccessSettings['roles']): boolean {
  const permissions = roles?.get(role) ?? BUILTIN_ROLES.get(role) ?? []
  return roleRows(role, permissions).some(row => decides(row, 'glob'))
}
