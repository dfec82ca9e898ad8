import type { MatchMode, PermissionRow, PolicyRow } from './policy-row.ts'
import { PATH_RESOURCES } from './vocabulary.ts'

/** A row that is right as it stands, and often means more than somebody wanted. */
export interface DoubtfulRow {
  readonly row: PermissionRow
  readonly kind: 'wide-project' | 'unanchored'
  readonly message: string
  readonly hint: string
}

/** Rows that give more than they look: a wildcard over Projects, a regular expression that matches anywhere. */
export function doubtfulRows(rows: readonly PolicyRow[], mode: MatchMode): readonly DoubtfulRow[] {
  return rows.flatMap((row): DoubtfulRow[] => {
    if (row.kind !== 'permission' || row.effect !== 'allow') return []
    return mode === 'regex' ? unanchored(row) : wideProject(row)
  })
}

function unanchored(row: PermissionRow): DoubtfulRow[] {
  const fields = (['resource', 'action', 'object'] as const).filter(field => {
    const text = row[field]
    return !(text.startsWith('^') && text.endsWith('$')) && !/^\.[*+]$/.test(text)
  })
  if (fields.length === 0) return []
  const message = `${fields.join(', ')} matches anywhere in a text: "get" also matches "widget"`
  return [{ row, kind: 'unanchored', message, hint: 'begin with ^ and end with $' }]
}

function wideProject(row: PermissionRow): DoubtfulRow[] {
  const named = /[*?[{\\]/.test(row.resource) || PATH_RESOURCES.has(row.resource)
  const project = row.object.split('/')[0] ?? ''
  if (!named || !/[*?[{]/.test(project)) return []
  const message = `"${project}" stands for Projects that there may be one day, too`
  return [{ row, kind: 'wide-project', message, hint: 'name the Projects, if it is not meant for all of them' }]
}
