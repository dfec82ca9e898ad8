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
  if (principal.kind === 'agent' || isTooLong(resource, action, object)) return NOTHING
  const ask = (graph: RoleGraph, subject: string): Verdict =>
    isNobody(subject) ? NOTHING : ofOne(graph.reach(subject), resource, action, object)
  const base = policy.graph
  const name = principal.kind === 'project-token' ? tokenSubject(principal) : principal.subject
  const groups = principal.kind === 'person' ? principal.groups : []
  const project = principal.kind === 'subject' ? undefined : projectOfRequest(resource, object)
  const projectGraph = project === undefined ? undefined : policy.projectGraph(project)
  const foreign = principal.kind === 'project-token' && projectGraph !== undefined && principal.project !== project
  const graph = projectGraph?.graph ?? base

  let denied: Verdict | undefined
  for (const verdict of answers()) {
    if (verdict.allowed) return verdict
    if (verdict.because.length > 0) denied ??= verdict
  }
  return denied ?? NOTHING

  function* answers(): Generator<Verdict> {
    yield ask(base, policy.defaultRole)
    if (foreign) return
    yield ask(graph, policy.defaultRole)
    yield ask(graph, name)
    for (const group of groups) if (graph.isMember(group)) yield ask(graph, group)
  }
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
