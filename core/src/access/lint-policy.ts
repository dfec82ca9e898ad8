import { compilePattern } from './compile-pattern.ts'
import type { MatchMode, PermissionRow, PolicyRow } from './policy-row.ts'
import { rowNameMistake } from './vocabulary.ts'

export interface PolicyFinding {
  readonly row: PolicyRow
  /** `wrong` rows mean nothing or not what was meant; `unreachable` and `shadowed` ones change no answer. */
  readonly kind: 'wrong' | 'unknown-name' | 'unreachable' | 'shadowed'
  readonly message: string
  readonly hint?: string
}

export interface LintSettings {
  readonly matchMode: MatchMode
  readonly defaultRole?: string
  /** Roles that are defined elsewhere: the built-in ones. */
  readonly knownRoles?: readonly string[]
}

/** So many rows that may cover others are looked at for one subject: a policy of 10,000 rows is read in a moment. */
const MOST_COVERING = 100

/** What is wrong with rows that can be read, and which of them change no answer. */
export function lintPolicy(rows: readonly PolicyRow[], settings: LintSettings): readonly PolicyFinding[] {
  const permissions = rows.filter(row => row.kind === 'permission')
  return [
    ...permissions.flatMap(row => wrongNames(row, settings.matchMode)),
    ...rows.flatMap(blankNames),
    ...unreachable(rows, settings),
    ...shadowed(permissions),
  ]
}

function wrongNames(row: PermissionRow, mode: MatchMode): PolicyFinding[] {
  const found: PolicyFinding[] = []
  if (row.effect === 'none') {
    found.push({ row, kind: 'wrong', message: 'the effect must be allow or deny', hint: 'Argo CD ignores such a row' })
  }
  for (const field of ['resource', 'action', 'object'] as const) {
    if (compilePattern(row[field], mode === 'regex' ? 'regex' : 'wide').kind !== 'broken') continue
    const what = mode === 'regex' ? 'regular expression' : 'glob'
    found.push({ row, kind: 'wrong', message: `${field} "${row[field]}" is no ${what}` })
  }
  const plainNames = mode === 'glob' || (/^[\w-]+$/.test(row.resource) && /^[\w-]+$/.test(row.action))
  const mistake = plainNames ? rowNameMistake(row.resource, row.action) : undefined
  if (mistake !== undefined) {
    const { message, hint } = mistake
    found.push({ row, kind: 'unknown-name', message, ...(hint === undefined ? {} : { hint }) })
  }
  return found
}

function blankNames(row: PolicyRow): PolicyFinding[] {
  const fields = row.kind === 'grant' ? [row.member, row.role] : [row.subject, row.resource, row.action, row.object]
  const name = fields.find(field => field !== field.trimEnd())
  if (name === undefined) return []
  const message = `"${name}" ends in a blank, which belongs to the name`
  return [{ row, kind: 'unreachable', message, hint: 'remove the blank before the comma' }]
}

function unreachable(rows: readonly PolicyRow[], settings: LintSettings): PolicyFinding[] {
  const { defaultRole = '', knownRoles = [] } = settings
  const withRows = new Set([...knownRoles, ...rows.map(row => (row.kind === 'grant' ? row.member : row.subject))])
  const roles = new Map<string, string[]>()
  for (const row of rows) {
    if (row.kind !== 'grant') continue
    const known = roles.get(row.member)
    if (known === undefined) roles.set(row.member, [row.role])
    else known.push(row.role)
  }
  const people = [...roles.keys()].filter(member => !member.startsWith('role:'))
  const reached = new Set([...people, defaultRole])
  for (const one of reached) for (const role of roles.get(one) ?? []) reached.add(role)
  return rows.flatMap((row): PolicyFinding[] => {
    const subject = row.kind === 'grant' ? row.member : row.subject
    if (subject.trim() === '') {
      return [{ row, kind: 'unreachable', message: 'nobody has an empty name: the row gives nothing to anybody' }]
    }
    if (subject.startsWith('role:') && !reached.has(subject) && !knownRoles.includes(subject)) {
      const message = `nobody has ${subject}: no g row leads to it, and it is not the default role`
      return [{ row, kind: 'unreachable', message, hint: `add "g, GROUP, ${subject}"` }]
    }
    if (row.kind !== 'grant' || withRows.has(row.role) || row.role.startsWith('proj:')) return []
    return [{ row, kind: 'unreachable', message: `${row.role} has no rows: being given it gives nothing` }]
  })
}

function shadowed(rows: readonly PermissionRow[]): PolicyFinding[] {
  const bySubject = Map.groupBy(rows, row => row.subject)
  return [...bySubject.values()].flatMap(own => {
    const covering = own.filter(row => row.effect !== 'none' && isWide(row)).slice(0, MOST_COVERING)
    const seen = new Map<string, PermissionRow>()
    return own.flatMap((row): PolicyFinding[] => {
      const key = JSON.stringify([row.resource, row.action, row.object])
      const first = seen.get(`${row.effect} ${key}`)
      if (first !== undefined) return [shadow(row, first, 'says the same')]
      seen.set(`${row.effect} ${key}`, row)
      const cover = covering.find(wide => wide !== row && wide.effect !== 'none' && covers(wide, row))
      if (cover?.effect === 'deny' && row.effect === 'allow') return [shadow(row, cover, 'denies all of it')]
      return cover !== undefined && cover.effect === row.effect && !covers(row, cover)
        ? [shadow(row, cover, 'says it already')]
        : []
    })
  })
}

function shadow(row: PermissionRow, by: PermissionRow, why: string): PolicyFinding {
  return { row, kind: 'shadowed', message: `the row changes nothing: "${by.text}" ${why}` }
}

function isWide(row: PermissionRow): boolean {
  return row.effect === 'deny' || [row.resource, row.action, row.object].some(pattern => pattern.endsWith('*'))
}

function covers(wide: PermissionRow, narrow: PermissionRow): boolean {
  return (['resource', 'action', 'object'] as const).every(field => patternCovers(wide[field], narrow[field]))
}

/** Only what is certain: the same text, everything, or a text before one `*` that the other begins with. */
function patternCovers(wide: string, narrow: string): boolean {
  if (wide === narrow || wide === '*') return true
  const head = wide.endsWith('*') && !/[*?[{\\]/.test(wide.slice(0, -1)) ? wide.slice(0, -1) : undefined
  return head !== undefined && narrow.startsWith(head) && !narrow.slice(head.length).includes('/')
}
