import { compileGlob } from '../glob/glob.ts'
import type { CustomRuleSource } from '../health/custom/custom-rules.ts'
import { ruleTable } from '../health/find-rule.ts'
import type { JsonObject } from '../json/json.ts'

/** What an installation says of kinds: its own health rules, and differences that count nowhere (Argo CD's `argocd-cm`). */
export interface ResourceCustomizations {
  readonly health: readonly CustomRuleSource[]
  /** As an Application writes them. */
  readonly ignoreDifferences: readonly JsonObject[]
}

export const NO_CUSTOMIZATIONS: ResourceCustomizations = { health: [], ignoreDifferences: [] }

interface GroupKind {
  readonly group: string
  readonly kind: string
}

/** Those that concern one of these kinds: an Offer carries no rule that its agent would not use. */
export function customizationsFor(
  { health, ignoreDifferences }: ResourceCustomizations,
  kinds: Iterable<GroupKind>,
): ResourceCustomizations {
  const table = ruleTable(health.map(source => [source.kind, source] as const))
  const used = new Set<CustomRuleSource>()
  const concerning = new Set<JsonObject>()
  for (const kind of kinds) {
    const rule = table.find(kind.group === '' ? kind.kind : `${kind.group}/${kind.kind}`)
    if (rule) used.add(rule)
    for (const rule of ignoreDifferences) if (concerns(rule, kind)) concerning.add(rule)
  }
  return {
    health: health.filter(source => used.has(source)),
    ignoreDifferences: ignoreDifferences.filter(rule => concerning.has(rule)),
  }
}

function concerns(rule: JsonObject, { group, kind }: GroupKind): boolean {
  return matches(rule['group'], group) && matches(rule['kind'], kind)
}

function matches(pattern: unknown, text: string): boolean {
  if (typeof pattern !== 'string') return text === ''
  try {
    return compileGlob(pattern, '')(text)
  } catch {
    return pattern === text
  }
}
