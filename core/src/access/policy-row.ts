/** Where a row of a policy stands; lines and columns count from 1. */
export interface RowPlace {
  /** Name of the config source, where there are several. */
  readonly source?: string
  readonly file: string
  readonly line: number
  readonly column: number
}

/** `deny` beats `allow`; any other word is kept, has no effect in Argo CD, and is a mistake that `lintPolicy` names. */
export type RowEffect = 'allow' | 'deny' | 'none'

interface Row {
  /** As written, without blanks around it. */
  readonly text: string
  readonly place: RowPlace
  /** One of the rows that come with the product: `*` in it means everything, in every mode of reading. */
  readonly builtIn?: true
}

/** `p, subject, resource, action, object, effect`. */
export interface PermissionRow extends Row {
  readonly kind: 'permission'
  readonly subject: string
  readonly resource: string
  readonly action: string
  readonly object: string
  readonly effect: RowEffect
}

/** `g, member, role`: who has the role, or which role includes another. */
export interface GrantRow extends Row {
  readonly kind: 'grant'
  readonly member: string
  readonly role: string
}

export type PolicyRow = PermissionRow | GrantRow

/** How patterns of rows are meant: globs, or RE2 regular expressions that match anywhere in the text. */
export type MatchMode = 'glob' | 'regex'
