import { compilePattern, matcherOf, type Reading } from './compile-pattern.ts'
import { lazyIndex, type ObjectIndex } from './object-index.ts'
import type { MatchMode, PermissionRow } from './policy-row.ts'
import { PATH_RESOURCES } from './vocabulary.ts'

/** How a policy is read as a whole. */
export interface RowReading {
  readonly matchMode: MatchMode
  /** Argo CD's meaning to the letter; without it a deny beats every allow and `*` in an object is one segment. */
  readonly strictArgo: boolean
}

/** The rows of one resource and action, as both are written. */
interface Cell {
  readonly deny: () => ObjectIndex<PermissionRow>
  readonly allowPaths: () => ObjectIndex<PermissionRow>
  readonly allowNames: () => ObjectIndex<PermissionRow>
}

interface PatternCell extends Cell {
  readonly resource: (text: string) => boolean
  readonly action: (text: string) => boolean
}

/** The rows of one subject, found by resource, action and object. */
export class SubjectRows {
  readonly #exact = new Map<string, Map<string, Cell>>()
  readonly #patterns: PatternCell[] = []

  constructor(rows: readonly PermissionRow[], reading: RowReading) {
    const groups = new Map<string, PermissionRow[]>()
    for (const row of rows) {
      const key = `${row.builtIn === true ? 'b' : 'o'}\n${row.resource}\n${row.action}`
      const group = groups.get(key)
      if (group === undefined) groups.set(key, [row])
      else group.push(row)
    }
    for (const group of groups.values()) this.#add(group, reading)
  }

  #add(rows: readonly PermissionRow[], reading: RowReading): void {
    const { resource, action, builtIn } = rows[0]!
    const names: Reading = reading.matchMode === 'regex' && !(builtIn && !reading.strictArgo) ? 'regex' : 'wide'
    const [byResource, byAction] = [compilePattern(resource, names), compilePattern(action, names)]
    // In Argo CD, a regular expression that is none makes the whole question an error, which is a no.
    const failing = names === 'regex'
    if (byResource.kind === 'broken' && !failing) return
    if (byAction.kind === 'broken' && !failing) return
    const cell = failing ? regexCell(rows, byResource, byAction) : globCell(rows, reading)
    if (byResource.kind === 'text' && byAction.kind === 'text') {
      const actions = this.#exact.get(resource)
      if (actions === undefined) this.#exact.set(resource, new Map([[action, cell]]))
      else if (!actions.has(action)) actions.set(action, cell)
      else this.#patterns.push({ ...cell, resource: matcherOf(byResource), action: matcherOf(byAction) })
      return
    }
    const always = (): boolean => true
    this.#patterns.push({
      ...cell,
      resource: byResource.kind === 'broken' ? always : matcherOf(byResource),
      action: byResource.kind === 'broken' || byAction.kind === 'broken' ? always : matcherOf(byAction),
    })
  }

  /** A row that takes the right away, or undefined. */
  denying(resource: string, action: string, object: string): PermissionRow | undefined {
    const denied = this.#exact.get(resource)?.get(action)?.deny().find(object)
    if (denied !== undefined) return denied
    for (const cell of this.#patterns) {
      if (!cell.resource(resource) || !cell.action(action)) continue
      const found = cell.deny().find(object)
      if (found !== undefined) return found
    }
    return undefined
  }

  /** Whether any row may deny this of anything at all. */
  deniesAnything(resource: string, action: string): boolean {
    const exact = this.#exact.get(resource)?.get(action)
    if (exact !== undefined && !exact.deny().isEmpty) return true
    return this.#patterns.some(cell => cell.resource(resource) && cell.action(action) && !cell.deny().isEmpty)
  }

  /** Whether any row gives this of anything at all. */
  allowsAnything(resource: string, action: string): boolean {
    const exact = this.#exact.get(resource)?.get(action)
    if (exact !== undefined && !allowsOf(exact, resource).isEmpty) return true
    return this.#patterns.some(
      cell => cell.resource(resource) && cell.action(action) && !allowsOf(cell, resource).isEmpty,
    )
  }

  /** The same questions about all objects `folder/NAME` at once. */
  below(resource: string, action: string, folder: string): FolderRows {
    const exact = this.#exact.get(resource)?.get(action)
    const patterns = this.#patterns.filter(cell => cell.resource(resource) && cell.action(action))
    let allowed: FolderRows['allowed'] = 'none'
    let denied = false
    for (const cell of exact === undefined ? patterns : [exact, ...patterns]) {
      const found = allowsOf(cell, resource).below(folder)
      if (allowed !== 'all' && found !== 'none') allowed = found
      denied ||= cell.deny().below(folder) !== 'none'
    }
    return { allowed, denied }
  }

  /** A row that gives the right, whatever denies there are. */
  allowing(resource: string, action: string, object: string): PermissionRow | undefined {
    const exact = this.#exact.get(resource)?.get(action)
    const allowed = exact === undefined ? undefined : allowsOf(exact, resource).find(object)
    if (allowed !== undefined) return allowed
    for (const cell of this.#patterns) {
      if (!cell.resource(resource) || !cell.action(action)) continue
      const found = allowsOf(cell, resource).find(object)
      if (found !== undefined) return found
    }
    return undefined
  }
}

/** How much of a folder of objects rows allow, and whether any of them may deny something of it. */
export interface FolderRows {
  readonly allowed: 'all' | 'some' | 'none'
  readonly denied: boolean
}

function allowsOf(cell: Cell, resource: string): ObjectIndex<PermissionRow> {
  return PATH_RESOURCES.has(resource) ? cell.allowPaths() : cell.allowNames()
}

/**
 * Allows read `*` as one segment of a path, unless Argo CD's meaning is asked for. Denies keep the wide reading: what is
 * taken away must not shrink because a policy is read by somebody else.
 */
function globCell(rows: readonly PermissionRow[], reading: RowReading): Cell {
  const allows = rows.filter(row => row.effect === 'allow')
  const denies = rows.filter(row => row.effect === 'deny')
  const allowNames = lazyIndex(allows, () => 'wide', 'nothing')
  const segments = lazyIndex(allows, row => (row.builtIn ? 'wide' : 'segments'), 'nothing')
  return {
    deny: lazyIndex(denies, () => 'wide', reading.strictArgo ? 'nothing' : 'everything'),
    allowNames,
    allowPaths: reading.strictArgo ? allowNames : segments,
  }
}

function regexCell(
  rows: readonly PermissionRow[],
  resource: { readonly kind: string },
  action: { readonly kind: string },
): Cell {
  const namesBroken = resource.kind === 'broken' || action.kind === 'broken'
  const isBroken = (row: PermissionRow): boolean => compilePattern(row.object, 'regex').kind === 'broken'
  const refusing = namesBroken ? rows : rows.filter(row => row.effect === 'deny' || isBroken(row))
  const allows = lazyIndex(namesBroken ? [] : rows.filter(row => row.effect === 'allow'), () => 'regex', 'nothing')
  const deny = lazyIndex(
    namesBroken ? rows.map(row => ({ ...row, object: '[' })) : refusing,
    () => 'regex',
    'everything',
  )
  return { deny, allowNames: allows, allowPaths: allows }
}
