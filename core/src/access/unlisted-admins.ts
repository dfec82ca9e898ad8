import { canonicalJson, sha256 } from '../json/canonical-json.ts'
import type { Json } from '../json/json.ts'
import type { Binding } from './bindings.ts'
import { BUILTIN_ROWS } from './builtin-policy.ts'
import { compilePattern, matcherOf } from './compile-pattern.ts'
import type { AccessSettings } from './policy.ts'
import type { MatchMode, PermissionRow, PolicyRow, RowPlace } from './policy-row.ts'
import { BUILTIN_ROLES, roleRows } from './role-catalogue.ts'
import { RESOURCE_ACTIONS } from './vocabulary.ts'

/** A right that documents would give, and do not give to whom nobody else has listed. */
export interface HeldRight {
  /** Of whom gets what by which row: another one as soon as any of that is another. */
  readonly id: string
  readonly subject: string
  /** The row or binding, in one line. */
  readonly text: string
  /** The rows that decide about others, which the subject would have by it. */
  readonly gives: readonly string[]
  /** Of a Team, whose people documents choose, and of everybody, nobody agrees on it: the list alone says so. */
  readonly listOnly?: true
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
 * @param approved Ids of rights that two people have agreed on at the hub: these are in force.
 */
export function withoutUnlistedAdmins(
  declared: AccessSettings,
  own: readonly PolicyRow[],
  listed: readonly string[],
  approved: ReadonlySet<string> = new Set(),
): { readonly settings: AccessSettings; readonly held: readonly HeldRight[]; readonly agreed: readonly HeldRight[] } {
  const admins = new Set(listed)
  const mode = declared.matchMode ?? 'glob'
  const reaches = adminRoles([...BUILTIN_ROWS, ...own, ...declared.rows], mode)
  const held: HeldRight[] = []
  const agreed: HeldRight[] = []
  /** Whether it is in force all the same. */
  const isAgreed = (
    given: Omit<HeldRight, 'id'>,
    kind: 'row' | 'user' | 'group' | 'team' = 'row',
    on = '',
  ): boolean => {
    const id = sha256(canonicalJson([kind, given.subject, given.text, on, [...given.gives]])).slice(7, 31)
    const right = { id, ...given }
    const isIn = approved.has(id) && given.listOnly !== true
    ;(isIn ? agreed : held).push(right)
    return isIn
  }
  const rows = declared.rows.filter(row => {
    const [subject, gives] =
      row.kind === 'grant' ? [row.member, reaches(row.role)] : [row.subject, decides(row, mode) ? [row.text] : []]
    // What a role has harms nobody: it is who is given it that counts.
    if (gives.length === 0 || subject.startsWith('role:') || admins.has(subject)) return true
    return isAgreed({ subject, text: row.text, gives, place: row.place })
  })
  const bindings = (declared.bindings ?? []).flatMap(binding => {
    const gives = binding.effect === 'deny' ? [] : decidedBy(binding, declared.roles)
    if (gives.length === 0) return [binding]
    // Whom it is for is part of what was agreed on: the same row for others is another one.
    const on = canonicalJson({ ...binding.scope } as unknown as Json)
    const { text, place } = binding
    // What a condition says is not known here: two people cannot have agreed on it.
    const listOnly = binding.conditions.length > 0 ? { listOnly: true as const } : {}
    const stays = (kind: 'user' | 'group') => (subject: string) =>
      isListed(subject) || isAgreed({ subject, text, gives, place, ...listOnly }, kind, on)
    const [users, groups] = [binding.users.filter(stays('user')), binding.groups.filter(stays('group'))]
    // Documents say who is in a Team: nobody agrees on whom they will put into it.
    for (const subject of binding.teams) isAgreed({ subject, text, gives, place, listOnly: true }, 'team', on)
    return users.length + groups.length === 0 ? [] : [{ ...binding, users, groups, teams: [] }]
  })
  const { defaultRole = '' } = declared
  const given = defaultRole === '' ? [] : reaches(defaultRole)
  const isShut =
    given.length > 0 &&
    !admins.has(EVERYBODY) &&
    !isAgreed({ subject: EVERYBODY, text: `the default role ${defaultRole}`, gives: given, listOnly: true })
  return { settings: { ...declared, rows, bindings, ...(isShut && { defaultRole: '' }) }, held, agreed }

  function isListed(name: string): boolean {
    return admins.has(name)
  }
}

/** The rows that decide about others, which a name has by itself or by roles that it has. */
function adminRoles(rows: readonly PolicyRow[], mode: MatchMode): (name: string) => readonly string[] {
  const direct = new Map<string, string[]>()
  const roles = new Map<string, string[]>()
  for (const row of rows) {
    if (row.kind === 'permission') {
      if (decides(row, mode)) direct.set(row.subject, [...(direct.get(row.subject) ?? []), row.text])
    } else {
      const known = roles.get(row.member)
      if (known === undefined) roles.set(row.member, [row.role])
      else known.push(row.role)
    }
  }
  return name => {
    const seen = new Set([name])
    const texts = new Set<string>()
    for (const one of seen) {
      for (const text of direct.get(one) ?? []) texts.add(text)
      for (const role of roles.get(one) ?? []) seen.add(role)
    }
    return [...texts].sort()
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

function decidedBy({ role }: Binding, roles: AccessSettings['roles']): readonly string[] {
  const permissions = roles?.get(role) ?? BUILTIN_ROLES.get(role) ?? []
  return roleRows(role, permissions)
    .filter(row => decides(row, 'glob'))
    .map(({ text }) => text)
    .sort()
}
