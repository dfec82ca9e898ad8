import { MAX_TEXT } from './compile-pattern.ts'
import { projectOfRequest } from './object.ts'
import type { CompiledPolicy } from './policy.ts'
import type { PermissionRow, RowPlace } from './policy-row.ts'
import { isNobody, type Principal } from './principal.ts'
import type { RoleGraph } from './row-layer.ts'
import type { SubjectRows } from './subject-rows.ts'

/** What decided: a row of a policy, a binding, a team, or a rule of the product. */
export interface Reason {
  readonly row: string
  readonly place?: RowPlace
}

export interface Verdict {
  readonly allowed: boolean
  /** The row that allows, or the one that denies; empty where nothing gives the right. */
  readonly because: readonly Reason[]
}

export const NOTHING: Verdict = { allowed: false, because: [] }

export function isTooLong(...texts: readonly string[]): boolean {
  return texts.some(text => text.length > MAX_TEXT)
}

/**
 * Argo CD's answer to the letter: the default role, the user, and each group are asked one after the other, and one yes
 * is enough. A deny counts only against the subject that it was found for.
 */
export function decideStrict(
  policy: CompiledPolicy,
  principal: Principal,
  resource: string,
  action: string,
  object: string,
): Verdict {
  if (policy.everythingAllowed) return { allowed: true, because: [{ row: 'everything is allowed' }] }
  if (principal.kind === 'agent' || principal.kind === 'team') return NOTHING
  if (isTooLong(resource, action, object)) return NOTHING
  const base = policy.graph
  let denied: Verdict | undefined
  const ask = (graph: RoleGraph, subject: string): Verdict | undefined => {
    if (isNobody(subject)) return undefined
    const verdict = ofOne(graph.reach(subject), resource, action, object)
    if (verdict.allowed) return verdict
    if (verdict !== NOTHING) denied ??= verdict
    return undefined
  }
  const byDefault = policy.defaultRole === '' ? undefined : ask(base, policy.defaultRole)
  if (byDefault !== undefined) return byDefault
  const project = principal.kind === 'subject' ? undefined : projectOfRequest(resource, object)
  const own = project === undefined ? undefined : policy.projectGraph(project)
  if (principal.kind === 'project-token') {
    // Of another project's objects its own rows say nothing.
    if (own !== undefined && principal.project !== project) return denied ?? NOTHING
  }
  const graph = own?.graph ?? base
  const name = principal.kind === 'project-token' ? tokenSubject(principal) : principal.subject
  const byName = (own === undefined ? undefined : ask(graph, policy.defaultRole)) ?? ask(graph, name)
  if (byName !== undefined) return byName
  if (principal.kind === 'person') {
    for (const group of principal.groups) {
      const byGroup = graph.isMember(group) ? ask(graph, group) : undefined
      if (byGroup !== undefined) return byGroup
    }
  }
  return denied ?? NOTHING
}

/** One subject's answer: something gives the right, and nothing takes it away. */
export function ofOne(rows: readonly SubjectRows[], resource: string, action: string, object: string): Verdict {
  const denied = denyingRow(rows, resource, action, object)
  if (denied !== undefined) return { allowed: false, because: [reasonOf(denied)] }
  const allowed = allowingRow(rows, resource, action, object)
  return allowed === undefined ? NOTHING : { allowed: true, because: [reasonOf(allowed)] }
}

export function denyingRow(
  rows: readonly SubjectRows[],
  resource: string,
  action: string,
  object: string,
): PermissionRow | undefined {
  for (const one of rows) {
    const found = one.denying(resource, action, object)
    if (found !== undefined) return found
  }
  return undefined
}

export function allowingRow(
  rows: readonly SubjectRows[],
  resource: string,
  action: string,
  object: string,
): PermissionRow | undefined {
  for (const one of rows) {
    const found = one.allowing(resource, action, object)
    if (found !== undefined) return found
  }
  return undefined
}

export function reasonOf({ text, place }: { readonly text: string; readonly place: RowPlace }): Reason {
  return { row: text, place }
}

export function tokenSubject({ project, role }: { readonly project: string; readonly role: string }): string {
  return `proj:${project}:${role}`
}
