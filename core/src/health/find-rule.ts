import { groupOf, type KubernetesObject } from '../model/kubernetes-object.ts'
import { matchesWildcard } from '../text/wildcard.ts'

/** A kind as rules name it: `group/Kind`, or the kind alone for the core group. */
export function ruleKeyOf(object: KubernetesObject): string {
  const group = groupOf(object.apiVersion)
  return group === '' ? object.kind : `${group}/${object.kind}`
}

/**
 * Rules by kind. The exact key wins, then the pattern (`*.crossplane.io/*`, `*` for any text) whose text before its
 * first `*` is longest, then the one with more text, then the first by spelling: which one wins never depends on the
 * order in which they were written.
 */
export interface RuleTable<Rule> {
  readonly find: (key: string) => Rule | undefined
  /** Every key and pattern, sorted. */
  readonly keys: readonly string[]
}

/** The later of two entries with the same key wins. */
export function ruleTable<Rule>(entries: Iterable<readonly [key: string, rule: Rule]>): RuleTable<Rule> {
  const all = new Map(entries)
  const patterns: { readonly key: string; readonly literal: number; readonly rule: Rule }[] = []
  const exact = new Map<string, Rule>()
  for (const [key, rule] of all) {
    if (key.includes('*')) patterns.push({ key, literal: key.indexOf('*'), rule })
    else exact.set(key, rule)
  }
  patterns.sort(
    (a, b) => b.literal - a.literal || b.key.length - a.key.length || (a.key < b.key ? -1 : a.key > b.key ? 1 : 0),
  )
  return {
    keys: [...all.keys()].sort(),
    find: key => exact.get(key) ?? patterns.find(pattern => matchesWildcard(pattern.key, key))?.rule,
  }
}
