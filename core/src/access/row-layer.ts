import type { GrantRow, PermissionRow, PolicyRow } from './policy-row.ts'
import { type RowReading, SubjectRows } from './subject-rows.ts'

/** Rows found by whom they name: the policy of the installation, or what one project adds to it. */
export interface RowLayer {
  rowsOf(subject: string): SubjectRows | undefined
  grantsOf(member: string): readonly GrantRow[]
}

const NONE: readonly GrantRow[] = []

export function rowLayer(rows: readonly PolicyRow[], reading: RowReading): RowLayer {
  const permissions = new Map<string, PermissionRow[]>()
  const grants = new Map<string, GrantRow[]>()
  for (const row of rows) {
    if (row.kind === 'permission') put(permissions, row.subject, row)
    else put(grants, row.member, row)
  }
  const compiled = new Map<string, SubjectRows>()
  return {
    rowsOf: subject => {
      const known = compiled.get(subject)
      if (known !== undefined) return known
      const own = permissions.get(subject)
      if (own === undefined) return undefined
      const made = new SubjectRows(own, reading)
      compiled.set(subject, made)
      return made
    },
    grantsOf: member => grants.get(member) ?? NONE,
  }
}

function put<Row>(map: Map<string, Row[]>, key: string, row: Row): void {
  const list = map.get(key)
  if (list === undefined) map.set(key, [row])
  else list.push(row)
}

/** So many subjects' roles are remembered; identity providers make up new ones at will. */
const REMEMBERED = 10_000

/** Layers as one, with who reaches which rows through roles. */
export class RoleGraph {
  readonly #layers: readonly RowLayer[]
  readonly #reached = new Map<string, readonly SubjectRows[]>()

  constructor(layers: readonly RowLayer[]) {
    this.#layers = layers
  }

  isMember(subject: string): boolean {
    return this.#layers.some(layer => layer.grantsOf(subject).length > 0)
  }

  /**
   * The rows that a subject reaches: its own, and those of its roles and of theirs. A circle of roles is walked once.
   *
   * @param grantCounts Which of the subject's own `g` rows count.
   */
  reach(subject: string, grantCounts?: (grant: GrantRow) => boolean): readonly SubjectRows[] {
    const known = grantCounts === undefined ? this.#reached.get(subject) : undefined
    if (known !== undefined) return known
    const seen = new Set([subject])
    const rows: SubjectRows[] = []
    for (const one of seen) {
      for (const layer of this.#layers) {
        const own = layer.rowsOf(one)
        if (own !== undefined) rows.push(own)
        for (const grant of layer.grantsOf(one)) {
          if (one !== subject || grantCounts === undefined || grantCounts(grant)) seen.add(grant.role)
        }
      }
    }
    if (grantCounts === undefined) {
      if (this.#reached.size >= REMEMBERED) this.#reached.clear()
      this.#reached.set(subject, rows)
    }
    return rows
  }
}
